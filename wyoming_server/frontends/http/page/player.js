// Sound: samples are queued as they come and play without a seam, each piece at the exact time at which the one before it ends.
//
// No AudioWorklet: browsers have it only in secure contexts, and this page mostly comes by plain HTTP from another machine.
// The context runs at the audio's own rate, so that a piece's end and the next one's begin fall on whole samples.

const LEAD = 0.06; // seconds between the first samples and their sound; more after each dropout
const LEAD_MAX = 0.5;
const AHEAD = 8; // seconds that are handed to the browser beforehand: it goes on playing while the page sleeps
const PIECE = 1; // seconds in one piece, at most
const FADE = 0.008;
const PATIENCE = 1000; // milliseconds that a loudspeaker may lag

export class Player {
  frames = 0; // of everything that was pushed
  dropouts = 0;
  rate = 0; // Hz
  #context = null;
  #out = null;
  #queue = [];
  #sources = new Set();
  #spans = []; // where frames and the context's clock were set against each other: {frame, at}, `at` in frames too
  #planned = 0; // frames that have their time
  #lead = LEAD;

  get isPlaying() {
    return this.heard < this.frames;
  }

  // Frames that have been heard.
  get heard() {
    const span = this.#spans.findLast(({ at }) => at <= this.#now) ?? this.#spans[0];
    if (!span) return this.frames;
    const next = this.#spans[this.#spans.indexOf(span) + 1]?.frame ?? this.#planned;
    return Math.min(Math.max(span.frame, span.frame + this.#now - span.at), next);
  }

  // What comes out of the loudspeaker, in frames of the context's clock.
  get #now() {
    const { currentTime, outputLatency = 0 } = this.#context;
    return (currentTime - outputLatency) * this.rate;
  }

  // In the handler of a click or a key: browsers allow sound only then.
  prepare(rate) {
    if (this.rate !== rate) {
      this.silence();
      this.#context?.close();
      if (navigator.audioSession) navigator.audioSession.type = "playback"; // an iPhone that is muted plays it all the same
      this.#context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      this.rate = rate;
      this.#connect();
    }
    if (this.#context.state !== "running") this.#context.resume();
  }

  // `samples`: Float32Array. `isFirst`: a pause before them is as it should be.
  push(samples, isFirst) {
    const next = this.#next;
    if (!isFirst && next !== null && next < this.#context.currentTime * this.rate) {
      this.dropouts += 1;
      this.#lead = Math.min(2 * this.#lead, LEAD_MAX);
    }
    this.#queue.push(samples);
    this.frames += samples.length;
    this.#plan();
  }

  decode(data) {
    return this.#context.decodeAudioData(data);
  }

  // At once, with a fade that is too short to be heard but for the click that it prevents. When it is over, on the context's clock;
  // null where nothing was ever heard.
  silence() {
    if (!this.#context) return null;
    const heard = Math.floor(this.heard);
    const now = this.#context.currentTime;
    this.#out.gain.setValueAtTime(1, now);
    this.#out.gain.linearRampToValueAtTime(0, now + FADE);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop(now + 2 * FADE);
    }
    this.#sources.clear();
    this.#queue = [];
    this.#spans = [];
    this.#planned = this.frames = heard;
    this.#connect();
    return now + FADE;
  }

  // When the loudspeaker comes to that time of the context's clock: milliseconds of the page's.
  async reached(time) {
    const context = this.#context;
    const end = performance.now() + PATIENCE;
    while (performance.now() < end) {
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      if (contextTime >= time) return performanceTime + (time - contextTime) * 1000;
      await new Promise((next) => setTimeout(next, 2));
    }
    return performance.now();
  }

  // A browser that wants a click first.
  get isHeldBack() {
    return this.#context?.state === "suspended";
  }

  #connect() {
    this.#out = new GainNode(this.#context);
    this.#out.connect(this.#context.destination);
  }

  // When the next piece would follow, in frames of the context's clock; null before the first.
  get #next() {
    const last = this.#spans.at(-1);
    return last ? last.at + this.#planned - last.frame : null;
  }

  #plan() {
    const now = this.#context.currentTime * this.rate;
    while (this.#queue.length) {
      let at = this.#next;
      if (at === null || at < now) {
        at = Math.ceil(now + this.#lead * this.rate);
        this.#spans.push({ frame: this.#planned, at });
      }
      if (at - now > AHEAD * this.rate) return; // the end of a piece brings the next
      const samples = this.#take(PIECE * this.rate);
      this.#start(samples, at / this.rate);
      this.#planned += samples.length;
    }
  }

  #start(samples, when) {
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: this.rate });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#out);
    source.onended = () => {
      this.#sources.delete(source);
      this.#plan();
    };
    source.start(when);
    this.#sources.add(source);
  }

  // The queue's first samples, as one array.
  #take(limit) {
    let size = 0;
    const taken = [];
    while (this.#queue.length && size < limit) {
      const samples = this.#queue.shift();
      const room = limit - size;
      taken.push(samples.subarray(0, room));
      if (samples.length > room) this.#queue.unshift(samples.subarray(room));
      size += Math.min(samples.length, room);
    }
    if (taken.length === 1) return taken[0];
    const whole = new Float32Array(size);
    taken.reduce((start, part) => (whole.set(part, start), start + part.length), 0);
    return whole;
  }
}
