// Elements, made and found: the only file that knows how markup comes about. Text is always text, never markup.

import { put, say } from "./words.js";

export const $ = (id) => document.getElementById(id);

const WORDS = {
  word: (element, word, { values }) => put(element, word, values),
  values: () => {},
  hint: (element, word) => {
    element.dataset.hint = word;
    element.title = say(word);
  },
  label: (element, word) => {
    element.dataset.label = word;
    element.setAttribute("aria-label", say(word));
  },
  placeholder: (element, word) => {
    element.dataset.placeholder = word;
    element.placeholder = say(word);
  },
};

// `given`: properties, attributes with a dash, and words by their names: `word` (with `values`), `hint`, `label`, `placeholder`.
export function make(name, given = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    if (key in WORDS) WORDS[key](element, value, given);
    else if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Only what changed: a text that is written again cannot be marked and copied.
export function write(element, text) {
  delete element.dataset.word;
  if (element.textContent !== text) element.textContent = text;
}

// A sentence, or nothing and no room for it.
export function tell(element, sentence) {
  write(element, sentence ?? "");
  element.hidden = !sentence;
}
