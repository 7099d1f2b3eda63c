// The numbers of one or two takes, as a list of names and values.

import { titleOf } from "./catalogue.js";
import { make, write } from "./dom.js";
import { number } from "./words.js";

const ROWS = {
  firstAudio: (take) => milliseconds(take.firstAudio),
  factor: (take) => (take.factor === null ? null : number(take.factor, take.factor < 0.1 ? 3 : 2)),
  audio: (take) => (take.seconds ? `${number(take.seconds, 2)} s` : null),
  silence: (take) => milliseconds(take.silence),
  cancelled: (take) => milliseconds(take.cancelled ?? take.known),
};

export function milliseconds(value) {
  return value === null || value === undefined ? null : `${number(value, value < 10 ? 1 : 0)} ms`;
}

export class Measures {
  #place;
  #lists = new Map(); // slot → {list, title, values}

  constructor(place) {
    this.#place = place;
  }

  // `shown`: slot → take, or null where there is none yet.
  show(shown) {
    const slots = Object.keys(shown);
    if ([...this.#lists.keys()].join() !== slots.join()) this.#build(slots);
    for (const [slot, { title, values }] of this.#lists) {
      write(title, shown[slot]?.voice ? `${slot.toUpperCase()} · ${titleOf(shown[slot].voice)}` : slot.toUpperCase());
      for (const [name, value] of Object.entries(values)) write(value, (shown[slot] && ROWS[name](shown[slot])) ?? "–");
    }
  }

  #build(slots) {
    this.#lists.clear();
    this.#place.replaceChildren(
      ...slots.map((slot) => {
        const values = Object.fromEntries(Object.keys(ROWS).map((name) => [name, make("dd", { id: `${slot}-${name}` })]));
        const rows = Object.entries(values).map(([name, value]) =>
          make("div", { hint: `${name}Hint` }, make("dt", { word: name }), value),
        );
        const title = make("h3", { hidden: slots.length === 1 });
        const list = make("dl", {}, ...rows);
        this.#lists.set(slot, { list, title, values });
        return make("div", { className: "measured" }, title, list);
      }),
    );
  }
}
