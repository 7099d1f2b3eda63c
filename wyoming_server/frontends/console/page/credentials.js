// The form of one service's credentials, drawn from what the server says that it needs. What is set is never shown and never filled in:
// an empty field keeps it. Whoever saves is told at once whether the service takes it.

import { make, tell } from "./dom.js";
import { explain } from "./problems.js";
import { number, say } from "./words.js";

const SOURCES = { environment: "inEnvironment", file: "inFile", stored: "isStored" };

export class Credentials {
  element;
  #api;
  #path;
  #changed;
  #fields = new Map(); // name → {input, note, field}
  #verdict = make("p", { role: "status" });
  #said = () => ""; // what stands there, in whatever language
  #enough = make("p", { className: "note" });
  #buttons;
  #delete;

  // `path`: engines/NAME or converters/NAME. `changed(service)`: the server told a new state.
  constructor(api, path, service, changed) {
    this.#api = api;
    this.#path = path;
    this.#changed = changed;
    const save = make("button", { type: "submit", className: "main", word: "save" });
    const verify = make("button", { type: "button", word: "verify", hint: "verifyHint", onclick: () => this.#work(() => this.#verify()) });
    this.#delete = make("button", { type: "button", className: "stop", word: "remove", onclick: () => this.#remove() });
    this.#buttons = [save, verify, this.#delete];
    const fields = service.credentials.map((field) => this.#field(field, service));
    this.element = make("form", { className: "credentials" }, ...fields, this.#enough, make("div", { className: "actions" }, ...this.#buttons), this.#verdict);
    this.element.onsubmit = (event) => {
      event.preventDefault();
      this.#work(() => this.#save());
    };
    this.update(service);
  }

  update(service) {
    for (const field of service.credentials) {
      const row = this.#fields.get(field.name);
      if (row) this.#showField(row, field);
    }
    const label = (name) => service.credentials.find((field) => field.name === name)?.label ?? name;
    const sets = (service.any_of ?? []).map((names) => names.map(label).join(" + "));
    tell(this.#enough, sets.length > 1 ? say("anyOf", { sets: sets.join(say("or")) }) : "");
    const isStored = service.credentials.some(({ source }) => source === "stored");
    const canChange = service.credentials.some((field) => !field.read_only);
    this.#buttons[0].hidden = !canChange;
    this.#delete.hidden = !isStored;
    this.#verdict.textContent = this.#said();
  }

  #field(field, service) {
    const id = `${this.#path.replace("/", "-")}-${field.name}`;
    const input = make("input", {
      id,
      type: field.secret || field.kind === "secret" ? "password" : field.kind === "url" ? "url" : "text",
      autocomplete: field.secret ? "new-password" : "off",
      autocapitalize: "none",
      spellcheck: false,
      "aria-describedby": `${id}-note`,
    });
    const note = make("p", { id: `${id}-note`, className: "note" });
    const remove = make("button", { type: "button", className: "quiet", word: "removeOne", onclick: () => this.#removeOne(field) });
    const row = { input, note, field, remove };
    this.#fields.set(field.name, row);
    const label = make("label", { htmlFor: id }, make("span", {}, field.label + (field.required ? " *" : "")));
    if (field.required) label.title = say("required");
    input.dataset.service = service.name;
    return make("div", { className: "credential" }, label, make("div", { className: "stored" }, input, remove), note);
  }

  #showField(row, field) {
    row.field = field;
    row.input.disabled = field.read_only;
    row.remove.hidden = field.source !== "stored";
    row.remove.setAttribute("aria-label", say("removeThat", { name: field.label }));
    row.input.placeholder = field.set && !field.read_only ? say("keepsWhatIsSet") : "";
    const where = field.set ? say(SOURCES[field.source] ?? "isSet") : say("isNotSet");
    row.note.textContent = [where, field.read_only ? say("readOnly") : "", field.help].filter(Boolean).join(" ");
  }

  // What was typed.
  get #typed() {
    return Object.fromEntries([...this.#fields].map(([name, { input }]) => [name, input.value.trim()]).filter(([, value]) => value));
  }

  async #save() {
    const credentials = this.#typed;
    if (!Object.keys(credentials).length) return this.#show(() => say("nothingTyped"), "problem");
    this.#changed(await this.#api.send("PUT", `${this.#path}/credentials`, { credentials }));
    for (const { input } of this.#fields.values()) input.value = "";
    await this.#verify("savedAnd");
  }

  // What was typed, without storing it; else what is set.
  async #verify(before) {
    const credentials = this.#typed;
    const body = Object.keys(credentials).length ? { credentials } : {};
    this.#show(() => say("verifying"), "note");
    const { ok, code, message, seconds } = await this.#api.send("POST", `${this.#path}/verify`, body);
    const saved = () => (before ? `${say(before)} ` : "");
    const verdict = () => (ok ? say("verified", { time: number(seconds ?? 0, 1) }) : explain({ code, message }));
    this.#show(() => saved() + verdict(), ok ? "good" : "problem");
  }

  async #remove() {
    if (confirm(say("removeReally"))) await this.#removed(() => this.#api.send("DELETE", `${this.#path}/credentials`));
  }

  async #removeOne({ name, label }) {
    if (!confirm(say("removeOneReally", { name: label }))) return;
    await this.#removed(() => this.#api.send("PUT", `${this.#path}/credentials`, { credentials: { [name]: null } }));
    this.#fields.get(name).input.focus(); // the button goes
  }

  #removed(remove) {
    return this.#work(async () => {
      this.#changed(await remove());
      this.#show(() => say("removed"), "good");
    });
  }

  async #work(act) {
    const buttons = this.element.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await act();
    } catch (problem) {
      this.#show(() => (problem.isMissing ? say("missingPart") : explain(problem)), "problem");
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  // `said`: makes the sentence.
  #show(said, kind) {
    this.#said = said;
    this.#verdict.className = kind;
    this.#verdict.textContent = said();
  }
}
