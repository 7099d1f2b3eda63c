// Who is being spoken to at this moment, by any client and protocol, each with a button to stop it; and how the last ones ended.

import { $, make, tell, write } from "./dom.js";
import { milliseconds } from "./measures.js";
import { explain } from "./problems.js";
import { number, put, say } from "./words.js";

const ENDED_MAX = 8;
const SECOND = 1000;

export class Live {
  #api;
  #own;
  #titles;
  #rows = new Map(); // id + started → {session, row, since, …}
  #ended = []; // rows
  #told = new Map(); // id + started → when an event told of it
  #isReading = false;

  // `own`: the id of this tab's session. `titles(name)`: what a person calls that voice.
  constructor(api, own, titles) {
    this.#api = api;
    this.#own = own;
    this.#titles = titles;
    $("stop-all").onclick = () => this.#stopAll();
    setInterval(() => this.#tick(), SECOND);
  }

  async read() {
    const asked = performance.now();
    try {
      const { sessions } = await this.#api.get("sessions");
      tell($("live-problem"), "");
      const isOld = (key) => !(this.#told.get(key) >= asked); // else an event knows better than this answer
      const running = new Map(sessions.map((session) => [keyOf(session), session]));
      for (const key of this.#rows.keys()) if (!running.has(key) && isOld(key)) this.#remove(key);
      for (const [key, session] of running) if (isOld(key)) this.#update(session);
      for (const [key, time] of this.#told) if (time < asked) this.#told.delete(key);
    } catch (problem) {
      tell($("live-problem"), problem.isMissing ? say("missingPart") : explain(problem));
    }
    this.#count();
  }

  happened(name, session) {
    this.#told.set(keyOf(session), performance.now());
    if (name === "session_ended") this.#end(session);
    else this.#update(session);
    this.#count();
  }

  // In another language.
  translate() {
    for (const entry of this.#rows.values()) this.#show(entry);
    for (const { state, session } of this.#ended) state.textContent = outcome(session);
  }

  #update(session) {
    const key = keyOf(session);
    if (!this.#rows.has(key)) {
      const entry = this.#build(session);
      this.#rows.set(key, entry);
      $("sessions").prepend(entry.row);
    }
    const entry = this.#rows.get(key);
    entry.session = session;
    this.#show(entry);
  }

  #build(session) {
    const entry = { session, state: make("p", { className: "session-state" }), about: make("p", { className: "note" }), arrived: Date.now() };
    entry.stop = make("button", { type: "button", className: "stop quiet", word: "stop", onclick: () => this.#stop(entry) });
    entry.title = make("span");
    const name = make("p", { className: "take-voice" }, entry.title);
    if (session.id === this.#own) name.append(" ", make("span", { className: "chip accent", word: "thisTab" }));
    entry.row = make("li", {}, make("div", { className: "session-about" }, name, entry.about, entry.state), entry.stop);
    return entry;
  }

  #show(entry) {
    const { session, state, about, title } = entry;
    write(title, this.#title(session));
    title.title = session.voice ?? "";
    const word = session.state === "waiting" && session.position ? "inLine" : `session_${session.state ?? "thinking"}`;
    entry.stop.setAttribute("aria-label", say("stopThat", { voice: this.#title(session) }));
    put(state, word, { position: number(session.position ?? 0) });
    state.dataset.state = session.state;
    const first = session.first_audio == null ? null : say("firstAudioIn", { time: milliseconds(session.first_audio * SECOND) });
    const seconds = Math.max(0, (Date.now() - Math.min(entry.arrived, Date.parse(session.started) || entry.arrived)) / SECOND);
    const parts = [session.front_end, session.client, say("characters", { count: number(session.characters ?? 0) }), first, `${number(seconds)} s`];
    write(about, parts.filter(Boolean).join(" · "));
  }

  #title({ voice }) {
    return voice ? this.#titles(voice) : "–";
  }

  #tick() {
    const entries = [...this.#rows.values()];
    for (const entry of entries) this.#show(entry);
    if (entries.some(({ session }) => session.state !== "speaking")) this.#readPlaces();
  }

  // No event tells of a place in line, which changes with everybody who leaves it.
  async #readPlaces() {
    if (this.#isReading || document.hidden) return;
    this.#isReading = true;
    await this.read();
    this.#isReading = false;
  }

  #end(session) {
    const key = keyOf(session);
    this.#remove(key);
    const name = make("p", { className: "take-voice", title: session.voice ?? "" }, this.#title(session));
    const state = make("p", { className: "session-state" }, outcome(session));
    state.dataset.state = session.outcome;
    const about = make("p", { className: "note" }, [session.front_end, session.client].filter(Boolean).join(" · "));
    const row = make("li", {}, make("div", { className: "session-about" }, name, about, state));
    this.#ended.unshift({ row, state, session });
    $("ended").prepend(row);
    while (this.#ended.length > ENDED_MAX) this.#ended.pop().row.remove();
  }

  // A button that goes takes the keyboard with it, unless the keyboard is told where to.
  #remove(key) {
    const entry = this.#rows.get(key);
    if (entry?.row.contains(document.activeElement)) $("view-live").focus();
    entry?.row.remove();
    this.#rows.delete(key);
  }

  async #stop(entry) {
    entry.stop.disabled = true;
    try {
      await this.#api.send("DELETE", `sessions/${encodeURIComponent(entry.session.id)}`);
      tell($("live-problem"), "");
    } catch (problem) {
      entry.stop.disabled = false;
      if (problem.code === "unknown_session") await this.read();
      else tell($("live-problem"), explain(problem));
    }
  }

  async #stopAll() {
    try {
      const { interrupted } = await this.#api.send("DELETE", "sessions");
      put($("live-said"), "interruptedAll", { count: number(interrupted) });
    } catch (problem) {
      tell($("live-problem"), explain(problem));
    }
  }

  #count() {
    const count = this.#rows.size;
    $("stop-all").disabled = !count;
    $("no-sessions").hidden = count > 0;
    $("ended-part").hidden = !this.#ended.length;
    write($("live-count"), count ? number(count) : "");
    $("live-count").hidden = !count;
  }
}

function keyOf({ id, started }) {
  return `${id} ${started}`;
}

function outcome({ outcome: how, code, message, interrupt_seconds: seconds }) {
  if (how === "failed") return explain({ code: code ?? "internal", message });
  if (how === "interrupted" && seconds != null) return say("interruptedAfter", { time: milliseconds(seconds * SECOND) });
  return say(`outcome_${how}`);
}
