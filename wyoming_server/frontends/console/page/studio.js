// What is heard: one take after the other, the loudspeaker, and Stop. It knows no element of the page; it tells `changed(take)`.

import { newId } from "../static/ids.js";
import { floats } from "../static/pcm.js";
import { Player } from "../static/player.js";
import { Problem } from "./problems.js";
import { Take } from "./take.js";

const RATE = 24000; // Hz, for a voice that nobody heard yet
const LATE = 1500; // milliseconds that the server's own words about a failure may take

export class Studio {
  take = null; // the newest that was made or played again
  isReplay = false;
  #api;
  #listener;
  #player = new Player();
  #session = `console-${newId().slice(0, 12)}`; // of this tab: the server never lets it speak twice at once
  #rates = new Map(); // voice → Hz
  #base = 0; // the player's frames before this take
  #expected = []; // takes of which the server has not told that they began
  #interrupting = null;
  #told = new Map(); // a failed take → whoever waits for the server's words

  // `listener`: changed(take, isNew).
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
  }

  get session() {
    return this.#session;
  }

  get isPlaying() {
    return this.#player.isPlaying;
  }

  get isBusy() {
    return this.isPlaying || (this.take !== null && !this.isReplay && !this.take.isOver);
  }

  get isHeldBack() {
    return this.isPlaying && this.#player.isHeldBack;
  }

  // Frames of this take that have been heard.
  get heard() {
    return Math.max(0, this.#player.heard - this.#base);
  }

  // Resolves when it was heard to its end, or stopped. `wanted`: voice, text, format, settings, slot.
  async play(wanted) {
    this.#silence(performance.now())?.leave(); // the same session again: the server ends the one before
    this.#player.prepare(this.#rates.get(wanted.voice?.name) ?? RATE);
    const take = new Take({ ...wanted, session: this.#session });
    this.#begin(take, false);
    await this.#interrupting; // else it could be meant for this one
    if (take.isOver) return;
    this.#expected.push(take);
    try {
      await take.receive(this.#api, {
        opened: () => this.#opened(take),
        audio: (buffer) => this.#audio(take, buffer),
      });
      if (take.format !== "pcm") await this.#decode(take);
      if (!take.isOver) take.state = "playing";
    } catch (error) {
      await this.#failed(take, error);
    }
    this.#expected = this.#expected.filter((other) => other !== take);
    this.#tell(take);
    await this.#heardOut(take);
  }

  // Once more, without the server.
  async replay(take) {
    if (take.state === "playing") take.state = "done"; // all of it has come: nothing is cut off
    this.stop();
    this.#player.prepare(take.rate);
    this.#begin(take, true);
    if (take.format === "pcm") for (const piece of take.audible()) this.#player.push(floats(piece), false);
    else if (take.sound) this.#player.push(take.sound, true);
    this.#tell(take);
    await this.#heardOut(take);
  }

  // Silence first, then the server. `clicked`: when, on the page's clock.
  stop(clicked = performance.now()) {
    const take = this.#silence(clicked);
    if (take && !take.isMade) this.#interrupting = this.#interrupt(take);
  }

  // The server's events about this tab's sessions; others are not looked at.
  happened(name, session) {
    if (session.id !== this.#session) return;
    if (name === "session_started") {
      const take = this.#expected.shift();
      if (take) take.started = session.started;
    } else if (name === "session_ended") {
      this.#ended(session);
    }
  }

  // The take that was cut short by it, if any.
  #silence(clicked) {
    const { take } = this;
    const heard = Math.floor(this.heard);
    const silent = this.#player.silence();
    if (!take || this.isReplay || take.isOver) {
      this.#tell(take);
      return null;
    }
    Object.assign(take, { heard, clicked, isMade: take.state === "playing", state: "stopped" });
    if (silent !== null) this.#player.reached(silent).then((at) => this.#measured(take, { silence: Math.max(0, at - clicked) }));
    this.#tell(take);
    return take;
  }

  #begin(take, isReplay) {
    this.#base = this.#player.frames;
    this.take = take;
    this.isReplay = isReplay;
    this.#listener.changed(take, !isReplay);
  }

  #tell(take) {
    if (take) this.#listener.changed(take, false);
  }

  #opened(take) {
    this.#rates.set(take.voice?.name, take.rate);
    if (take.isOver || take !== this.take) return;
    this.#player.prepare(take.rate);
    this.#base = this.#player.frames;
    take.state = "streaming";
    this.#tell(take);
  }

  #audio(take, buffer) {
    if (take.format === "pcm" && !take.isOver) this.#player.push(floats(buffer), take.frames * 2 === buffer.byteLength);
    this.#tell(take);
  }

  // Formats other than PCM are heard when they are whole.
  async #decode(take) {
    if (take.isOver || !take.pieces.length) return;
    let sound;
    try {
      sound = await this.#player.decode(await take.file().file.arrayBuffer());
    } catch {
      throw new Problem(0, "unplayable");
    }
    take.rate = this.#player.rate;
    take.sound = sound.getChannelData(0);
    take.measured(sound.length);
    if (!take.isOver) this.#player.push(take.sound, true);
  }

  async #failed(take, error) {
    if (take.isOver) return; // stopped: what breaks afterwards concerns nobody
    if (!(error instanceof Problem)) throw error;
    take.state = "failed";
    take.problem ??= error;
    if (take.problem.code !== "broken") return; // or the server has told already
    this.#tell(take);
    await new Promise((resolve) => {
      this.#told.set(take, resolve);
      setTimeout(resolve, LATE);
    });
    this.#told.delete(take);
  }

  #ended({ started, outcome, code, message, interrupt_seconds: seconds }) {
    const waiting = this.#expected.findIndex((take) => take.started === started);
    if (waiting >= 0) this.#expected.splice(waiting, 1);
    const take = [this.take, ...this.#told.keys()].find((other) => other?.started === started);
    if (!take) return;
    if (outcome === "failed" && code) {
      if (take.problem?.code === "broken" || !take.problem) take.problem = new Problem(0, code, message ?? "");
      this.#told.get(take)?.();
    } else if (outcome !== "completed" && take.state === "stopped") {
      this.#measured(take, { cancelled: seconds == null ? null : seconds * 1000, known: performance.now() - take.clicked });
    } else if (outcome === "interrupted" && take === this.take && !take.isOver) {
      this.#byOthers(take);
    }
    this.#tell(take);
  }

  // Somebody else wanted silence: it is no less meant for what is here already.
  #byOthers(take) {
    take.heard = Math.floor(this.heard);
    take.state = "stopped";
    take.isByOthers = true;
    this.#player.silence();
  }

  async #interrupt(take) {
    try {
      await this.#api.send("POST", "tts/interrupt", { session_id: this.#session });
      if (take.started === null) this.#measured(take, { known: performance.now() - take.clicked }); // no event will tell
    } catch (problem) {
      if (problem.code !== "unknown_session") take.problem = problem;
      this.#tell(take);
    } finally {
      take.leave();
    }
  }

  #measured(take, values) {
    Object.assign(take, values);
    this.#tell(take);
  }

  async #heardOut(take) {
    while (take === this.take && this.#player.isPlaying) await new Promise((next) => setTimeout(next, 20));
    if (take.state === "playing") take.state = "done";
    this.#tell(take);
  }
}
