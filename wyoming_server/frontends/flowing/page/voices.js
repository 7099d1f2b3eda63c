// The list of voices: read once, shown by language.

import { languageName, say } from "./words.js";

const DEFAULT_RATE = 24000;
const RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000];

export class Voices {
  #voices = [];

  constructor(languageField, voiceField, rateField) {
    this.languageField = languageField;
    this.voiceField = voiceField;
    this.rateField = rateField;
    languageField.onchange = () => this.#showVoices();
    this.#showVoices();
    this.#showLanguages();
    rateField.append(new Option(say("voicesRate"), ""), ...RATES.map((rate) => new Option(`${rate} Hz`, rate)));
  }

  get chosen() {
    return this.voiceField.value;
  }

  // Hz to ask for: the person's choice, else what the voice has anyway.
  get rate() {
    if (this.rateField.value) return Number(this.rateField.value);
    const own = this.#voices.find(({ name }) => name === this.chosen)?.sample_rate;
    return RATES.includes(own) ? own : DEFAULT_RATE;
  }

  // The HTTP status; 0 where nothing answered.
  async read(url, token) {
    try {
      const answer = await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
      if (!answer.ok) return answer.status;
      this.#voices = Object.values((await answer.json()).voices);
    } catch {
      return 0;
    }
    this.#showLanguages();
    this.#showVoices();
    return 200;
  }

  #showLanguages() {
    const tags = new Set(this.#voices.flatMap(({ language, languages }) => [language, ...languages]).filter(Boolean).map(base));
    const options = [...tags].map((tag) => new Option(languageName(tag), tag)).sort((a, b) => a.text.localeCompare(b.text));
    this.languageField.replaceChildren(new Option(say("allLanguages"), ""), ...options);
  }

  #showVoices() {
    const wanted = this.languageField.value;
    const chosen = this.voiceField.value;
    const speaks = ({ language, languages }) => !wanted || [language, ...languages].filter(Boolean).map(base).includes(wanted);
    const options = this.#voices.filter(speaks).map((voice) => {
      const option = new Option(voice.name, voice.name);
      option.disabled = !voice.available;
      option.title = voice.description;
      return option;
    });
    if (!wanted) options.unshift(new Option(say("defaultVoice"), ""));
    this.voiceField.replaceChildren(...options);
    if (options.some(({ value }) => value === chosen)) this.voiceField.value = chosen;
  }
}

function base(tag) {
  return tag.split("-")[0].toLowerCase();
}
