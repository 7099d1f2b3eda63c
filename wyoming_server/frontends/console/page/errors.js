// What went wrong lately, on the server and for any client, in words and the newest first.

import { $, make, tell } from "./dom.js";
import { explain, meaning } from "./problems.js";
import { locale, number, say } from "./words.js";

export class Errors {
  #api;
  #errors = [];

  constructor(api) {
    this.#api = api;
  }

  async read() {
    try {
      this.#errors = (await this.#api.get("errors")).errors;
      tell($("errors-problem"), "");
    } catch (problem) {
      tell($("errors-problem"), problem.isMissing ? say("missingPart") : explain(problem));
    }
    this.show();
  }

  show() {
    $("errors").replaceChildren(...this.#errors.map(line));
    $("no-errors").hidden = this.#errors.length > 0 || !$("errors-problem").hidden;
    $("errors-count").textContent = this.#errors.length ? number(this.#errors.length) : "";
    $("errors-count").hidden = !this.#errors.length;
  }
}

function line({ time, code, message, voice, engine, client, front_end: frontEnd }) {
  const when = new Date(time).toLocaleString(locale(), { dateStyle: "short", timeStyle: "medium" });
  return make(
    "li",
    {},
    make("p", { className: "error-code" }, meaning(code)),
    message ? make("p", {}, message) : null,
    make("p", { className: "note" }, [when, voice ?? engine, frontEnd, client].filter(Boolean).join(" · ")),
  );
}
