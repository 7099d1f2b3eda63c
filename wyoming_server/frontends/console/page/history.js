// What was made in this tab: to hear again without the server, and to save. It is gone with the tab.

import { save } from "../static/saving.js";
import { titleOf } from "./catalogue.js";
import { $, make, write } from "./dom.js";
import { milliseconds } from "./measures.js";
import { explain } from "./problems.js";
import { locale, number, say } from "./words.js";

const TAKES_MAX = 50;
const BYTES_MAX = 256 * 1024 * 1024;

export class History {
  #takes = []; // {take, line, about, buttons}, the newest first
  #replay;

  // `replay(take)`: play it again.
  constructor(replay) {
    this.#replay = replay;
    $("clear").onclick = () => {
      this.#takes.splice(0).forEach(({ line }) => line.remove());
      this.#showFrame();
      $("history").focus();
    };
  }

  add(take) {
    const about = make("p", { className: "note" });
    const replay = make("button", { type: "button", className: "quiet", word: "replay", onclick: () => this.#replay(take) });
    const download = make("button", { type: "button", className: "quiet", word: "download", onclick: () => this.#save(take) });
    const head = make("p", { className: "take-voice" }, take.slot ? make("span", { className: "chip accent" }, take.slot.toUpperCase()) : null, take.voice ? titleOf(take.voice) : "");
    const text = make("p", { className: "take-text", title: take.text }, take.text);
    const line = make("li", {}, head, text, about, make("div", { className: "actions" }, replay, download));
    this.#takes.unshift({ take, line, about, buttons: [replay, download] });
    $("takes").prepend(line);
    while (this.#takes.length > TAKES_MAX || (this.#takes.length > 1 && this.#bytes > BYTES_MAX)) this.#takes.pop().line.remove();
    this.show(take);
  }

  show(take) {
    const entry = this.#takes.find((each) => each.take === take);
    if (!entry) return;
    write(entry.about, describe(take));
    for (const button of entry.buttons) button.disabled = !take.pieces.length || (!take.isOver && take.state !== "playing");
    this.#showFrame();
  }

  // In another language.
  translate() {
    this.#takes.forEach(({ take }) => this.show(take));
  }

  get #bytes() {
    return this.#takes.reduce((sum, { take }) => sum + take.bytes, 0);
  }

  #save(take) {
    const { ending, file } = take.file();
    save(file, ending);
  }

  #showFrame() {
    $("no-history").hidden = this.#takes.length > 0;
    $("clear").hidden = !this.#takes.length;
  }
}

function describe(take) {
  const parts = [
    take.time.toLocaleTimeString(locale(), { timeStyle: "medium" }),
    take.seconds ? `${number(take.seconds, 1)} s` : null,
    take.firstAudio === null ? null : say("firstAudioIn", { time: milliseconds(take.firstAudio) }),
    take.state === "stopped" ? say("wasStopped") : null,
    take.state === "failed" ? explain(take.problem) : null,
  ];
  return parts.filter(Boolean).join(" · ");
}
