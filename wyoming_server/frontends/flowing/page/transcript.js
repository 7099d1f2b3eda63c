// What was sent, as it was written, and where in it the voice is. The server tells sentences and words; they are found again in the
// text, which may differ from what is spoken (markdown, blanks). Times are the player's frames.

const LETTER = /[\p{L}\p{N}]/u;
const END = /[.!?。！？…；;\n]+["”’」』）)\]]*/u;
const NEAR = 60; // characters that may stand between two spoken letters

export class Transcript {
  #place;
  #marks = []; // {element, begin, end}: what the voice has not left behind

  constructor(place) {
    this.#place = place;
  }

  // The text of one session.
  open() {
    this.#place.querySelector("#empty")?.remove();
    const paragraph = document.createElement("p");
    this.#place.append(paragraph);
    return new Saying(paragraph, this);
  }

  // The voice is here.
  show(frames) {
    for (const { element, begin, end } of this.#marks) {
      element.classList.toggle("now", begin <= frames && frames < end);
      element.classList.toggle("past", end <= frames);
    }
    this.#marks = this.#marks.filter(({ end }) => frames < end);
  }

  // The voice is silent, and what it has not begun to say will not be heard.
  rest() {
    for (const { element } of this.#marks) if (element.classList.contains("now")) element.classList.replace("now", "past");
    this.#marks = [];
  }

  mark(element, begin, end) {
    const mark = { element, begin, end };
    this.#marks.push(mark);
    return mark;
  }

  unmark(mark) {
    this.#marks = this.#marks.filter((other) => other !== mark);
  }

  scroll() {
    this.#place.scrollTop = this.#place.scrollHeight;
  }
}

class Saying {
  #transcript;
  #rest = document.createTextNode(""); // text whose sentences are not known yet
  #current = null; // the mark of the sentence that is being made

  constructor(paragraph, transcript) {
    paragraph.append(this.#rest);
    this.#transcript = transcript;
  }

  remove() {
    this.#rest.parentElement.remove();
  }

  add(fragment) {
    this.#rest.data += fragment;
    this.#transcript.scroll();
  }

  // A sentence of which nothing is known but its begin reaches, as it seems, to where one ends.
  begin(frames) {
    const text = this.#rest.data;
    const start = text.search(LETTER);
    if (start < 0) return;
    const end = END.exec(text.slice(start));
    const stop = end ? start + end.index + end[0].length : text.length;
    this.#current = this.#mark(start, text.slice(0, stop).trimEnd().length, "sentence", frames, Infinity);
  }

  // The sentence is whole. `words`: {text, begin, end, sentence}, as far as the server tells them.
  end(frames, words) {
    const current = this.#current;
    this.#current = null;
    if (!words.length) {
      if (current) current.end = frames;
      return;
    }
    if (current) this.#unmark(current);
    const found = find(this.#rest.data, words.map(({ text }) => text).join(" "));
    if (!found) return;
    const { element } = this.#mark(...found, "sentence", current?.begin ?? words[0].begin, frames);
    if (!words[0].sentence) this.#markWords(element, words);
  }

  // The text from `start` to `stop` of the rest gets an element; what is before it, none.
  #mark(start, stop, name, begin, end) {
    const element = document.createElement("span");
    element.className = name;
    const text = this.#rest.data;
    element.textContent = text.slice(start, stop);
    this.#rest.before(text.slice(0, start), element);
    this.#rest.data = text.slice(stop);
    return this.#transcript.mark(element, begin, end);
  }

  #unmark(mark) {
    this.#transcript.unmark(mark);
    this.#rest.data = mark.element.textContent + this.#rest.data;
    mark.element.remove();
  }

  #markWords(sentence, words) {
    const whole = this.#rest;
    this.#rest = document.createTextNode(sentence.textContent);
    sentence.replaceChildren(this.#rest);
    for (const { text, begin, end } of words) {
      const found = find(this.#rest.data, text);
      if (found) this.#mark(...found, "word", begin, end);
    }
    this.#rest = whole;
  }
}

// Where the letters of `wanted` stand in `text`, with the punctuation behind them: [start, stop], or null.
export function find(text, wanted) {
  let start = -1;
  let stop = 0;
  for (const letter of wanted) {
    if (!LETTER.test(letter)) continue;
    const found = text.indexOf(letter, stop);
    if (found < 0 || found - stop > NEAR) continue;
    if (start < 0) start = found;
    stop = found + letter.length;
  }
  if (start < 0) return null;
  while (stop < text.length && /[^\s\p{L}\p{N}]/u.test(text[stop])) stop += 1;
  return [start, stop];
}
