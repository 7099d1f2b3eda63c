// The voices as the server tells them: read once, read again when they change, and each one's settings when somebody wants them.

import { segment } from "./api.js";

const TITLE_MAX = 40; // characters

export class Catalogue {
  voices = [];
  standard = null; // name of the voice that is taken where none is asked for
  #api;
  #reading = 0;
  #details = new Map(); // name → promise of its schema

  constructor(api) {
    this.#api = api;
  }

  async read() {
    const reading = (this.#reading += 1);
    const { voices, default: standard } = await this.#api.get("voices");
    if (reading !== this.#reading) return; // it has been asked again meanwhile
    this.voices = voices;
    this.standard = standard ?? null;
    this.#details.clear();
  }

  find(name) {
    return this.voices.find((voice) => voice.name === name) ?? null;
  }

  // What a person calls the voice of that name.
  title(name) {
    const voice = this.find(name);
    return voice ? titleOf(voice) : name;
  }

  // What a call may set, as JSON Schema. Raises Problem.
  settings(name) {
    if (!this.#details.has(name)) {
      const asked = this.#api.get(`voices/${segment(name)}`).then(({ settings }) => settings ?? {});
      this.#details.set(name, asked);
      asked.catch(() => this.#details.delete(name));
    }
    return this.#details.get(name);
  }

  get languages() {
    return [...new Set(this.voices.flatMap((voice) => spoken(voice).map(base)))];
  }

  get engines() {
    return [...new Set(this.voices.map(({ engine }) => engine))].sort();
  }

  // All voices that fit: a language's first part, an engine's name, and words that must all stand in what is told of the voice.
  filtered({ language, engine, search }) {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return this.voices.filter((voice) => {
      if (language && !spoken(voice).map(base).includes(language)) return false;
      if (engine && voice.engine !== engine) return false;
      const told = [voice.name, voice.description, voice.scene, voice.engine, voice.engine_voice, voice.gender, ...spoken(voice)];
      const whole = told.filter(Boolean).join(" ").toLowerCase();
      return words.every((word) => whole.includes(word));
    });
  }
}

export function spoken(voice) {
  return [...new Set([voice.language, ...(voice.languages ?? [])].filter(Boolean))];
}

export function base(tag) {
  return tag.split("-")[0].toLowerCase();
}

// What a person calls it: the name that its owner gave, else what the engine calls it where that is short, else the id.
export function titleOf(voice) {
  const isShort = voice.description && voice.description.length <= TITLE_MAX;
  return !voice.configured && isShort ? voice.description : voice.name;
}

// Whether the server would refuse it, until its owner says that the speaker agreed.
export function lacksConsent(voice) {
  return Boolean(voice?.needs_consent && !voice.consent);
}
