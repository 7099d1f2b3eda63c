// The text box and what belongs to it: play, stop, the comparison of two voices, and what is told about what is heard.

import { lacksConsent } from "./catalogue.js";
import { $, tell } from "./dom.js";
import { Measures, milliseconds } from "./measures.js";
import { explain } from "./problems.js";
import { Settings } from "./settings.js";
import { Wave } from "./wave.js";
import { number, put, say } from "./words.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const CALM_PAUSE = 250; // milliseconds between two pictures for whoever wants little motion

export class Composer {
  #studio;
  #voices;
  #catalogue;
  #wave = new Wave($("wave"));
  #measures = new Measures($("measures"));
  #settings = new Settings($("fields"), $("fields-note"), $("settings-count"));
  #takes = { a: null, b: null };
  #turn = 0; // of whoever pressed a button last
  #isFollowing = false;
  #isAsking = false; // for a text

  constructor(studio, voices, catalogue) {
    this.#studio = studio;
    this.#voices = voices;
    this.#catalogue = catalogue;
    $("composer").onsubmit = (event) => {
      event.preventDefault();
      this.play(this.isComparing ? ["a", "b"] : ["a"]);
    };
    $("play-a").onclick = () => this.play(["a"]);
    $("play-b").onclick = () => this.play(["b"]);
    $("stop").onclick = (event) => this.stop(event.timeStamp);
    $("compare").onchange = () => this.#compare();
    $("reset").onclick = () => this.#settings.reset();
    $("text").onkeydown = (event) => this.#key(event);
    $("text").oninput = () => {
      this.#isAsking = false;
      this.show();
    };
    this.#compare();
  }

  get isComparing() {
    return $("compare").checked;
  }

  // One slot after the other, with the same text.
  async play(slots) {
    const text = $("text").value.trim();
    if (!text) {
      $("text").focus();
      this.#isAsking = true;
      return this.show();
    }
    this.#isAsking = false;
    const turn = (this.#turn += 1);
    for (const slot of slots) {
      await this.#studio.play({
        voice: this.#voices.voice(slot),
        text,
        format: $("format").value,
        settings: this.#settings.of(slot),
        slot: this.isComparing ? slot : null,
      });
      const ended = this.#takes[slot];
      if (turn !== this.#turn || ended?.state !== "done") return;
    }
  }

  stop(clicked) {
    this.#turn += 1;
    this.#studio.stop(clicked);
  }

  replay(take) {
    this.#turn += 1;
    this.#studio.replay(take);
  }

  // Something about a take is new.
  changed(take, isNew) {
    if (isNew) this.#takes[take.slot ?? "a"] = take;
    this.show();
    this.#follow();
  }

  // Another voice is chosen, or the catalogue or the language is another one.
  async chosen() {
    const slots = this.isComparing ? ["a", "b"] : ["a"];
    this.#showConsent(slots.map((slot) => this.#voices.voice(slot)).filter(Boolean));
    this.show();
    const names = slots.map((slot) => this.#voices.chosen[slot]);
    if (names.includes(null)) return;
    try {
      const schemas = await Promise.all(names.map((name) => this.#catalogue.settings(name)));
      if (slots.some((slot, place) => this.#voices.chosen[slot] !== names[place])) return; // chosen anew meanwhile
      this.#settings.show(Object.fromEntries(slots.map((slot, place) => [slot, schemas[place]])));
    } catch (problem) {
      this.#settings.complain(problem.isMissing ? say("missingPart") : explain(problem));
    }
  }

  show() {
    const { take, isBusy } = this.#studio;
    const isEmpty = !$("text").value.trim();
    for (const id of ["play", "play-a", "play-b"]) $(id).classList.toggle("idle", isEmpty);
    $("stop").disabled = !isBusy;
    $("length").textContent = isEmpty ? "" : say("characters", { count: number([...$("text").value.trim()].length) });
    this.#measures.show(this.isComparing ? { a: this.#takes.a, b: this.#takes.b } : { a: this.#takes.a });
    this.#complain(this.#isAsking ? say("noText") : take?.problem && !this.#studio.isReplay ? explain(take.problem) : "");
    this.#showState(take);
    this.#wave.draw(take, this.#studio.heard);
  }

  // On a phone Play stays in sight, and this may not be.
  #complain(sentence) {
    const isNew = sentence && $("problem").textContent !== sentence;
    tell($("problem"), sentence);
    if (isNew) $("problem").scrollIntoView({ block: "nearest" });
  }

  #showState(take) {
    const state = $("playing");
    const isReplay = this.#studio.isReplay && this.#studio.isPlaying;
    state.dataset.state = this.#studio.isPlaying ? "speaking" : this.#studio.isBusy ? "open" : (take?.state ?? "idle");
    if (this.#studio.isHeldBack) return put(state, "heldBack");
    if (isReplay) return put(state, "replaying");
    if (this.#studio.isReplay || !take) return put(state, "idle");
    if (take.state === "stopped") return this.#showStop(state, take);
    const isNothing = take.state === "done" && take.isSilent;
    put(state, isNothing ? "take_silent" : `take_${this.#studio.isPlaying ? "playing" : take.state}`);
  }

  // How long it took until nothing was heard, and until nothing was made.
  #showStop(state, { silence, cancelled, known, isMade, isByOthers }) {
    if (isByOthers) return put(state, "stoppedByOthers");
    const made = milliseconds(cancelled ?? known);
    if (silence === null) return put(state, made ? "stoppedUnheard" : "take_stopped", { made });
    if (isMade) return put(state, "stoppedMade", { silence: milliseconds(silence) });
    put(state, made ? "stoppedBoth" : "stoppedSilent", { silence: milliseconds(silence), made });
  }

  #showConsent(voices) {
    const lacking = voices.filter(lacksConsent);
    const cloned = voices.filter((voice) => voice.needs_consent && voice.consent);
    const names = (list) => [...new Set(list.map(({ name }) => name))].join(", ");
    tell($("consent"), lacking.length ? say("consentMissing", { name: names(lacking) }) : "");
    tell($("cloned"), cloned.length ? say("consentGiven", { name: names(cloned) }) : "");
  }

  #compare() {
    for (const element of document.querySelectorAll("[data-compare]")) element.hidden = (element.dataset.compare === "yes") !== this.isComparing;
    this.#voices.choose(this.isComparing ? "b" : "a", this.#voices.chosen[this.isComparing ? "b" : "a"]);
  }

  #key(event) {
    // An Enter that ends the choice of a Chinese character is not meant for us; Safari tells that by the code only.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || isComposing) return;
    event.preventDefault();
    $("composer").requestSubmit();
  }

  // As long as there is something to follow.
  #follow() {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const next = () => {
      this.#isFollowing = false;
      this.show();
      if (this.#studio.isBusy) this.#follow();
    };
    if (CALM.matches) setTimeout(next, CALM_PAUSE);
    else requestAnimationFrame(next);
  }
}
