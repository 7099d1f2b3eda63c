// The voice cards, their filter, and which of them is chosen. In a comparison two are, and the cards choose for one of them.

import { lacksConsent, spoken, titleOf } from "./catalogue.js";
import { $, make, tell } from "./dom.js";
import { languageName, number, put, say } from "./words.js";

const CARDS = matchMedia("(min-width: 60rem)").matches ? 60 : 12; // shown at once: on a phone other parts come below

export class Voices {
  chosen = { a: null, b: null }; // names
  slot = "a"; // for which the cards choose
  #catalogue;
  #changed;
  #cards = CARDS;

  // `changed`: something else is chosen.
  constructor(catalogue, changed) {
    this.#catalogue = catalogue;
    this.#changed = changed;
    for (const id of ["language-filter", "engine-filter", "search"]) {
      $(id).oninput = () => {
        this.#cards = CARDS;
        this.#showCards();
      };
    }
    $("more").onclick = () => this.#showMore();
    for (const slot of ["a", "b"]) $(`slot-${slot}`).onchange = () => this.choose(slot, this.chosen[slot]);
  }

  get filter() {
    return { language: $("language-filter").value, engine: $("engine-filter").value, search: $("search").value };
  }

  voice(slot) {
    return this.#catalogue.find(this.chosen[slot]);
  }

  // After the catalogue was read, or the page speaks another language.
  show() {
    const { voices, standard } = this.#catalogue;
    const first = this.#catalogue.find(standard) ?? voices[0];
    for (const slot of ["a", "b"]) if (!this.voice(slot)) this.chosen[slot] = first?.name ?? null;
    const languages = this.#catalogue.languages.map((tag) => [tag, languageName(tag)]).sort((one, other) => one[1].localeCompare(other[1]));
    fill($("language-filter"), "allLanguages", languages);
    fill($("engine-filter"), "allEngines", this.#catalogue.engines.map((name) => [name, name]));
    this.#showCards();
    this.choose(this.slot, this.chosen[this.slot]);
  }

  choose(slot, name) {
    this.slot = slot;
    this.chosen[slot] = name;
    $(`slot-${slot}`).checked = true;
    for (const each of ["a", "b"]) {
      const voice = this.voice(each);
      $(`slot-${each}-voice`).textContent = voice ? titleOf(voice) : "–";
      $(`slot-${each}-language`).textContent = voice ? [languageName(voice.language), ...unlessSaid(voice.name, voice)].join(" · ") : "";
    }
    for (const radio of document.querySelectorAll("[name=voice]")) radio.checked = radio.value === name;
    this.#changed();
  }

  #showCards() {
    const found = this.#catalogue.filtered(this.filter);
    $("cards").replaceChildren(...found.slice(0, this.#cards).map((voice) => this.#card(voice)));
    $("more").hidden = found.length <= this.#cards;
    put($("found"), "found", { shown: number(found.length), all: number(this.#catalogue.voices.length) });
    tell($("no-voices"), found.length || !this.#catalogue.voices.length ? "" : say("noneFound"));
  }

  // The keyboard goes on where the new cards begin.
  #showMore() {
    const before = $("cards").children.length;
    this.#cards += CARDS;
    this.#showCards();
    $("cards").children[before]?.querySelector("input").focus();
  }

  #card(voice) {
    const radio = make("input", { type: "radio", name: "voice", value: voice.name, checked: voice.name === this.chosen[this.slot] });
    radio.onchange = () => this.choose(this.slot, voice.name);
    const tags = [voice.engine, voice.gender && knownGender(voice.gender), voice.converter && say("converted", { name: voice.converter.speaker ?? "" })];
    const chips = tags.filter(Boolean).map((text) => make("span", { className: "chip" }, text));
    if (lacksConsent(voice)) chips.push(make("span", { className: "chip warn", word: "needsConsent" }));
    else if (voice.needs_consent) chips.push(make("span", { className: "chip", word: "cloned" }));
    if (voice.name === this.#catalogue.standard) chips.push(make("span", { className: "chip accent", word: "standard" }));
    return make(
      "label",
      { className: "voice" },
      radio,
      make("span", { className: "voice-name" }, titleOf(voice)),
      make("span", { className: "voice-languages" }, spoken(voice).slice(0, 4).map(languageName).join(", ")),
      ...unlessSaid(voice.name, voice).map((id) => make("span", { className: "voice-id" }, id)),
      ...unlessSaid(voice.description, voice).map((text) => make("span", { className: "voice-about", title: text }, text)),
      make("span", { className: "chips" }, ...chips),
    );
  }
}

// What its title does not say already.
function unlessSaid(text, voice) {
  return text && text !== titleOf(voice) ? [text] : [];
}

function knownGender(gender) {
  return ["female", "male", "neutral"].includes(gender) ? say(gender) : gender;
}

function fill(field, word, options) {
  const { value } = field;
  field.replaceChildren(make("option", { value: "", word }), ...options.map(([tag, text]) => new Option(text, tag)));
  if (options.some(([tag]) => tag === value)) field.value = value;
}
