// The audio cache: how much is kept, and how often it was heard in an engine's place. Read again when a reply has ended.

import { $, tell } from "./dom.js";
import { number, say } from "./words.js";

const SOON = 500; // ms after a reply's end: it is written by then, and several that end at once are one reading
const MEBIBYTE = 2 ** 20;

export class Cache {
  #api;
  #told = null;
  #soon = null;

  constructor(api) {
    this.#api = api;
  }

  async read() {
    clearTimeout(this.#soon);
    this.#soon = null;
    try {
      this.#told = await this.#api.get("cache");
    } catch {
      this.#told = null; // an older server, or one that is gone: the cards of the engines say that
    }
    this.show();
  }

  // A reply has ended.
  ended() {
    this.#soon ??= setTimeout(() => this.read(), SOON);
  }

  show() {
    $("cache-card").hidden = !this.#told;
    if (!this.#told) return;
    const { enabled, entries, bytes, limit, hits, shared, misses, failures } = this.#told;
    const asked = hits + shared + misses;
    const size = { count: number(entries), size: number(bytes / MEBIBYTE, 1), limit: number(limit / MEBIBYTE) };
    tell($("cache-size"), enabled ? say("cacheSize", size) : say("cacheOff"));
    tell($("cache-heard"), asked ? say("cacheHeard", { count: number(hits + shared), asked: number(asked) }) : "");
    tell($("cache-problem"), failures ? say("cacheFailed", { count: number(failures) }) : "");
  }
}
