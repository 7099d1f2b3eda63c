// What engines were used for, and took today and this month, beside what they may: read again when a reply ends, and when a day does.

import { make } from "./dom.js";
import { number, say } from "./words.js";

const SOON = 500; // ms after a reply's end: several that end at once are one reading
const AT_LEAST = 10_000; // ms to the next reading at a day's end, whatever the clocks of the two machines say
const WARN_AT = 0.8; // part of a limit, as the server has it
const PERIODS = { today: "spentDay", month: "spentMonth" };

export class Spent {
  #api;
  #changed;
  #told = {};
  #soon = null;
  #later = null;

  // `changed`: called when there are other numbers.
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  async read() {
    clearTimeout(this.#soon);
    this.#soon = null;
    try {
      this.#told = await this.#api.get("usage");
    } catch {
      this.#told = {}; // an older server, or one that is gone: the cards say that
    }
    clearTimeout(this.#later);
    const left = Date.parse(this.#told.today?.ends) - Date.now();
    if (left) this.#later = setTimeout(() => this.read(), Math.max(left, AT_LEAST));
    this.#changed();
  }

  // A reply has ended.
  ended() {
    this.#soon ??= setTimeout(() => this.read(), SOON);
  }

  // Since the server's start; undefined: it was not used.
  of(engine) {
    return this.#told.engines?.[engine];
  }

  // A paragraph for each period in which it took something, or has a limit.
  lines(engine) {
    return Object.entries(PERIODS)
      .filter(([period]) => this.#told[period]?.engines[engine])
      .map(([period, word]) => line(word, this.#told[period].engines[engine]));
  }
}

function line(word, { characters, limit }) {
  const state = limit === null || characters < WARN_AT * limit ? "good" : characters < limit ? "near" : "full";
  const values = { characters: number(characters), limit: limit === null ? "" : number(limit) };
  const text = make("p", { className: "note spent" }, say(limit === null ? word : `${word}Of`, values));
  text.dataset.state = state;
  if (state !== "good") text.append(" ", make("span", { className: "chip warn" }, say(`spent_${state}`)));
  return text;
}
