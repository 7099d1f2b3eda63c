// How a page says things: which language a person gets, and the words of that language put where they belong. The words themselves
// are the page's own; it hands them over with `teach`.

const KEY = "herald-language"; // what a person chose, for this browser
const KNOWN = ["en", "zh-Hans", "zh-Hant"];
const TRADITIONAL = /^zh\b.*-(hant|tw|hk|mo)\b/i;
const SIMPLIFIED = /-hans\b/i;

let table = {};
let names = null;

export let language = chosen() ?? choose(navigator.languages);

// The first of a person's languages that pages know.
export function choose(languages) {
  for (const tag of languages) {
    if (/^zh\b/i.test(tag)) return TRADITIONAL.test(tag) && !SIMPLIFIED.test(tag) ? "zh-Hant" : "zh-Hans";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}

function chosen() {
  try {
    const tag = localStorage.getItem(KEY);
    return KNOWN.includes(tag) ? tag : null;
  } catch {
    return null; // a browser that stores nothing
  }
}

// For good: the next page speaks it too.
export function use(tag) {
  language = tag;
  names = null;
  try {
    localStorage.setItem(KEY, tag);
  } catch {
    // this page speaks it all the same
  }
}

// `words`: language → word → text, in which {name} is a value's place.
export function teach(words) {
  table = words;
}

export function knows(word) {
  return word in table[language];
}

export function say(word, values = {}) {
  return table[language][word].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Says it now, and again whenever the page is translated. Written only where it changed, so that it can be marked and copied.
export function put(element, word, values) {
  element.dataset.word = word;
  if (values) element.dataset.values = JSON.stringify(values);
  else delete element.dataset.values;
  const text = say(word, values);
  if (element.textContent !== text) element.textContent = text;
}

// Every element names its own: `data-word` is its text, the others are the attributes they sound like.
export function translate(page) {
  page.documentElement.lang = language;
  for (const element of page.querySelectorAll("[data-word]")) {
    element.textContent = say(element.dataset.word, JSON.parse(element.dataset.values ?? "{}"));
  }
  for (const element of page.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  for (const element of page.querySelectorAll("[data-hint]")) element.title = say(element.dataset.hint);
  for (const element of page.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
}

export function languageName(tag) {
  names ??= new Intl.DisplayNames([language], { type: "language" });
  try {
    return names.of(tag);
  } catch {
    return tag; // not a tag that the browser understands
  }
}

// For dates and times: the person's own kind of that language, 24 hours or 12.
export function locale() {
  return navigator.languages.find((tag) => choose([tag]) === language && /^(en|zh)/i.test(tag)) ?? language;
}

export function number(value, digits = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
