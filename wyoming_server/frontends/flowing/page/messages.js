// The list of messages, for whoever wants to see the protocol. A run of audio is one line.

import { number } from "./words.js";

const LINES_MAX = 500;

export class Messages {
  #place;
  #begin = null;
  #audio = null; // the line of a run: {detail, count, bytes}

  constructor(place) {
    this.#place = place;
  }

  up(name, detail = "") {
    this.#audio = null;
    this.#add("↑", name, detail);
  }

  down(name, detail = "") {
    this.#audio = null;
    this.#add("↓", name, detail);
  }

  audio(bytes) {
    this.#audio ??= { line: this.#add("↓", ""), count: 0, bytes: 0 };
    this.#audio.count += 1;
    this.#audio.bytes += bytes;
    this.#audio.line.textContent = `audio × ${number(this.#audio.count)}  ${number(this.#audio.bytes)} B`;
  }

  #add(arrow, name, detail = "") {
    this.#begin ??= performance.now();
    const seconds = number((performance.now() - this.#begin) / 1000, 3);
    const line = document.createElement("li");
    const cells = [`${seconds} s`, arrow, [name, detail].filter(Boolean).join("  ")].map((text) => {
      const cell = document.createElement("span");
      cell.textContent = text;
      return cell;
    });
    line.append(...cells);
    this.#place.append(line);
    while (this.#place.children.length > LINES_MAX) this.#place.firstElementChild.remove();
    this.#place.scrollTop = this.#place.scrollHeight;
    return cells[2];
  }
}
