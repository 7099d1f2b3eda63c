// An engine's circuit breaker, in words: whether it is spared because it fails again and again, and until when.

import { meaning } from "./problems.js";
import { locale, number, say } from "./words.js";

export class Resting {
  #breaker = null;
  #until = 0; // by this machine's clock
  #timer = null;
  #changed;

  // `changed`: called when it has rested long enough, of which nobody tells.
  constructor(changed) {
    this.#changed = changed;
  }

  // What the server told, just now.
  update(breaker) {
    clearTimeout(this.#timer);
    this.#breaker = breaker;
    if (breaker?.state !== "open") return;
    const left = breaker.retry_in * 1000;
    this.#until = Date.now() + left;
    this.#timer = setTimeout(() => {
      this.#breaker = { ...breaker, state: "half_open" };
      this.#changed();
    }, left);
  }

  get state() {
    return this.#breaker?.state ?? "closed";
  }

  // Nothing, where it is asked as ever.
  words() {
    if (this.state === "closed") return "";
    const { failures, code } = this.#breaker;
    const time = new Date(this.#until).toLocaleTimeString(locale(), { timeStyle: "medium" });
    return say(`breaker_${this.state}`, { time, failures: number(failures), reason: code ? meaning(code) : "–" });
  }
}
