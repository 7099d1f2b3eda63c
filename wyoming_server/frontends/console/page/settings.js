// The settings of the chosen voices, drawn from their JSON Schema. Only what a person set is sent; the rest stays the voice's own.

import { make, tell } from "./dom.js";
import { knows, number, put, say } from "./words.js";

const HIDDEN = new Set(["chime", "share", "cache"]); // for programs: a digest, and an id for several listeners
const SLIDER_STEPS = 200;
const SLIDER_SPAN = 100; // a wider range is typed
const USUAL = { speed: 1, pitch: 0, volume: 50 }; // the engine's own

export class Settings {
  #place;
  #note;
  #count;
  #values = new Map(); // name → what a person set
  #schemas = {}; // slot → schema
  #drawn = "";

  // `place`: for the fields; `note`: for why there are none; `count`: tells how many are set.
  constructor(place, note, count) {
    this.#place = place;
    this.#note = note;
    this.#count = count;
  }

  // `schemas`: slot → JSON Schema of an object.
  show(schemas) {
    this.#schemas = schemas;
    const merged = Object.assign({}, ...Object.values(schemas).map(({ properties = {} }) => properties));
    const fields = Object.entries(merged).filter(([name]) => !HIDDEN.has(name));
    const drawn = JSON.stringify([fields, document.documentElement.lang]);
    tell(this.#note, fields.length ? "" : say("noSettings"));
    if (drawn !== this.#drawn) this.#draw(fields);
    this.#drawn = drawn;
    this.#showCount();
  }

  // Why there is nothing to set.
  complain(sentence) {
    this.#schemas = {};
    this.#drawn = "";
    this.#place.replaceChildren();
    tell(this.#note, sentence);
  }

  // As far as that slot's voice takes them.
  of(slot) {
    const taken = this.#schemas[slot]?.properties ?? {};
    return Object.fromEntries([...this.#values].filter(([name]) => name in taken));
  }

  reset() {
    this.#values.clear();
    this.#drawn = "";
    this.show(this.#schemas);
  }

  // What every engine calls the same comes first; an engine's own, of which some have a dozen, are opened on wish.
  #draw(fields) {
    const isCommon = ([name]) => knows(`setting_${name}`);
    const drawn = (some) => some.map(([name, schema]) => this.#field(name, schema));
    const own = fields.filter((field) => !isCommon(field));
    const isSet = own.some(([name]) => this.#values.has(name));
    const isOpen = isSet || this.#place.querySelector("details")?.open;
    const more = make("details", { className: "wide", open: isOpen }, make("summary", { word: "settingsOfEngine" }), make("div", { className: "fields" }, ...drawn(own)));
    this.#place.replaceChildren(...drawn(fields.filter(isCommon)), ...(own.length ? [more] : []));
  }

  #set(name, value) {
    if (value === undefined || value === "" || Number.isNaN(value)) this.#values.delete(name);
    else this.#values.set(name, value);
    this.#showCount();
  }

  #showCount() {
    put(this.#count, "settingsSet", { count: number(this.#values.size) });
    this.#count.hidden = !this.#values.size;
  }

  #field(name, schema) {
    const plain = { ...simple(schema), name };
    const kind = KINDS.find(({ fits }) => fits(plain));
    const output = make("output", {});
    const input = kind.make(plain, this.#values.get(name), output, (value) => this.#set(name, value));
    input.id = `setting-${name}`;
    const isKnown = knows(`setting_${name}`);
    const text = isKnown ? make("span", { word: `setting_${name}` }) : make("span", {}, schema.title ?? readable(name));
    const label = make("label", { htmlFor: input.id, className: kind.isWide ? "wide" : "" }, make("span", {}, text, " ", output), input);
    if (schema.description) label.title = schema.description;
    return label;
  }
}

function readable(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

// Of `anyOf` and of several types, the first that is not null.
function simple(schema) {
  const some = (schema.anyOf ?? schema.oneOf ?? []).find(({ type }) => type !== "null");
  const whole = { ...schema, ...some };
  return { ...whole, type: Array.isArray(whole.type) ? whole.type.find((type) => type !== "null") : whole.type };
}

const isNumber = ({ type }) => type === "number" || type === "integer";

// The first that fits is drawn: make(schema, value, output, set).
const KINDS = [
  {
    fits: ({ enum: words }) => words,
    make: (schema, value, _, set) => choice(schema.enum.filter((word) => word !== null).map((word) => [JSON.stringify(word), String(word)]), value, set),
  },
  {
    fits: ({ type }) => type === "boolean",
    make: (_, value, __, set) => choice([["true", say("yes")], ["false", say("no")]], value, set),
  },
  {
    fits: (schema) => isNumber(schema) && schema.maximum - schema.minimum <= SLIDER_SPAN,
    make: slider,
  },
  {
    fits: isNumber,
    make: ({ type, minimum, maximum }, value, _, set) => {
      const input = make("input", { type: "number", step: type === "integer" ? 1 : "any", min: minimum, max: maximum, placeholder: "asVoice" });
      input.value = value ?? "";
      input.oninput = () => set(input.valueAsNumber);
      return input;
    },
  },
  {
    fits: ({ type }) => type === "object" || type === "array",
    isWide: true,
    make: (_, value, __, set) => {
      const input = make("input", { spellcheck: false, value: value ? JSON.stringify(value) : "", placeholder: "asVoice" });
      input.oninput = () => {
        const { isValid, parsed } = json(input.value);
        input.setCustomValidity(isValid ? "" : say("noJson"));
        set(isValid ? parsed : undefined);
      };
      return input;
    },
  },
  {
    fits: ({ name }) => name === "instructions", // a whole sentence
    isWide: true,
    make: written,
  },
  {
    fits: () => true,
    make: written,
  },
];

// A line to write in.
function written({ name, maxLength, examples }, value, _, set) {
  const input = make("input", { value: value ?? "", placeholder: "asVoice", autocomplete: "off" });
  if (examples?.length) {
    const list = make("datalist", { id: `examples-${name}` }, ...examples.map((example) => new Option(example, example)));
    input.setAttribute("list", list.id);
    queueMicrotask(() => input.after(list)); // when it stands in its label
  }
  if (maxLength) input.maxLength = maxLength;
  input.oninput = () => set(input.value.trim());
  return input;
}

function choice(options, value, set) {
  const input = make("select", {}, make("option", { value: "", word: "asVoice" }), ...options.map(([word, text]) => new Option(text, word)));
  if (value !== undefined) input.value = JSON.stringify(value);
  input.onchange = () => set(input.value ? JSON.parse(input.value) : undefined);
  return input;
}

// Its place before somebody moves it is where most voices are, which is not sent.
function slider({ name, type, minimum, maximum, default: standard }, value, output, set) {
  const step = type === "integer" || maximum - minimum > 40 ? 1 : Number(((maximum - minimum) / SLIDER_STEPS).toPrecision(1));
  const middle = standard ?? USUAL[name] ?? minimum;
  const input = make("input", { type: "range", min: minimum, max: maximum, step });
  input.value = value ?? middle;
  const show = (is) => (is === undefined ? put(output, "asVoice") : ((output.textContent = number(is, step < 1 ? 2 : 0)), delete output.dataset.word));
  show(value);
  input.oninput = () => {
    set(Number(input.value));
    show(Number(input.value));
  };
  return input;
}

function json(text) {
  try {
    return { isValid: true, parsed: text.trim() ? JSON.parse(text) : undefined };
  } catch {
    return { isValid: false };
  }
}
