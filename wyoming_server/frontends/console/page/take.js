// One synthesis, from the click to its end: what was asked for, what came, and how long things took. It knows neither the page nor the
// loudspeaker.

import { wav } from "../static/pcm.js";
import { Problem } from "./problems.js";

const RATE = 24000; // Hz, where the server says nothing
const WIDTH = 2;
const MOMENT = 0.5; // seconds
export const FORMATS = {
  pcm: { ending: "wav", type: "audio/wav" }, // saved as a WAV file, which is made here
  wav: { ending: "wav", type: "audio/wav" },
  mp3: { ending: "mp3", type: "audio/mpeg" },
  flac: { ending: "flac", type: "audio/flac" },
  ogg: { ending: "ogg", type: "audio/ogg" },
};

export class Take {
  state = "waiting"; // streaming | playing | done | stopped | failed
  pieces = []; // ArrayBuffers, as they came
  rate = RATE;
  frames = 0; // that came
  seconds = 0; // of audio that came
  heard = null; // frames that were heard, where it was stopped
  firstAudio = null; // milliseconds from the click
  making = 0; // milliseconds from the click to the last audio
  silence = null; // milliseconds from the click on Stop
  cancelled = null; // milliseconds that the server needed to cancel the engine
  known = null; // milliseconds from the click on Stop until that was known here
  started = null; // the server's time, by which its events are told apart
  problem = null;
  #begun = performance.now();
  #abort = new AbortController();

  // `slot`: a | b | null. `session`: an id.
  constructor({ voice, text, format, settings, session, slot }) {
    Object.assign(this, { voice, text, format, settings, session, slot, time: new Date() });
  }

  // Time for each second of sound; null where nothing can be said yet.
  get factor() {
    return this.seconds > 0 ? this.making / 1000 / this.seconds : null;
  }

  // Of a text with nothing to speak, such as an emoji, a moment of silence is left, or nothing at all.
  get isSilent() {
    if (this.frames > this.rate * MOMENT) return false;
    const sound = this.format === "pcm" ? this.pieces.map((piece) => new Int16Array(piece)) : [this.sound ?? []];
    return sound.every((samples) => samples.every((sample) => sample === 0));
  }

  get isOver() {
    return ["done", "stopped", "failed"].includes(this.state);
  }

  // `listener`: opened(take), audio(buffer of whole frames). Raises Problem.
  async receive(api, listener) {
    const json = { text: this.text, session_id: this.session, format: this.format };
    if (this.voice) json.voice = this.voice.name;
    if (Object.keys(this.settings).length) json.options = this.settings;
    const response = await api.fetch("tts/stream", { method: "POST", json, signal: this.#abort.signal });
    this.rate = Number(response.headers.get("X-Sample-Rate")) || RATE;
    listener.opened(this);
    const reader = response.body.getReader();
    let odd = new Uint8Array(0); // a half sample waits for its other half
    for (;;) {
      const { done, value } = await this.#next(reader);
      if (done) return;
      const data = new Uint8Array(odd.length + value.length);
      data.set(odd);
      data.set(value, odd.length);
      const whole = this.format === "pcm" ? data.length - (data.length % WIDTH) : data.length;
      odd = data.slice(whole);
      if (whole) this.#keep(data.buffer.slice(0, whole), listener);
    }
  }

  // Nobody wants the rest of it.
  leave() {
    this.#abort.abort();
  }

  // What can be saved: of a take that was stopped, what was heard.
  file() {
    const { ending, type } = FORMATS[this.format];
    if (this.format !== "pcm") return { ending, file: new Blob(this.pieces, { type }) };
    return { ending, file: wav(this.audible(), this.rate) };
  }

  audible() {
    if (this.heard === null) return this.pieces;
    let left = this.heard * WIDTH;
    return this.pieces.map((piece) => {
      const size = Math.max(0, Math.min(piece.byteLength, left));
      left -= size;
      return piece.slice(0, size);
    });
  }

  // That it holds, what was made of a compressed format included.
  get bytes() {
    return this.pieces.reduce((sum, piece) => sum + piece.byteLength, this.sound?.byteLength ?? 0);
  }

  async #next(reader) {
    try {
      return await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "broken");
    }
  }

  #keep(buffer, listener) {
    const now = performance.now();
    this.firstAudio ??= now - this.#begun;
    this.making = now - this.#begun;
    this.pieces.push(buffer);
    if (this.format === "pcm") this.measured(buffer.byteLength / WIDTH);
    listener.audio(buffer);
  }

  // So many frames more.
  measured(frames) {
    this.frames += frames;
    this.seconds = this.frames / this.rate;
  }
}
