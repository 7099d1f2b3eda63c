// Engines and converters: one card each, with its state in words and its credentials.

import { segment } from "./api.js";
import { Credentials } from "./credentials.js";
import { $, make, tell } from "./dom.js";
import { explain } from "./problems.js";
import { Resting } from "./resting.js";
import { Spent } from "./spent.js";
import { locale, number, put, say } from "./words.js";

const PATHS = { engine: "engines", converter: "converters" };

export class Services {
  #api;
  #cards = new Map(); // kind/name → {service, card, …}
  #spent;

  constructor(api) {
    this.#api = api;
    this.#spent = new Spent(api, () => this.#showAll());
  }

  async read() {
    const asked = performance.now();
    const [engines, converters] = await Promise.allSettled([
      this.#api.get("engines"),
      this.#api.get("converters"),
      this.#spent.read(),
    ]);
    const told = [...this.#told(engines, "engine"), ...this.#told(converters, "converter")];
    for (const [key, { card }] of this.#cards) {
      if (told.some((service) => keyOf(service) === key)) continue;
      card.remove();
      this.#cards.delete(key);
    }
    told.forEach((service) => this.update(service, asked));
    const problem = engines.reason;
    tell($("services-problem"), problem ? (problem.isMissing ? say("missingPart") : explain(problem)) : "");
  }

  // The server told a state: by itself, or when it was asked, at `asked`.
  update(told, asked = performance.now()) {
    const key = keyOf(told);
    const known = this.#cards.get(key);
    if (known?.since > asked) return; // it has told a newer one meanwhile
    if (!told.credentials && !known) return; // not all of it, and not asked for yet
    const service = { ...known?.service, ...told };
    if (!known) this.#cards.set(key, this.#build(service));
    const entry = this.#cards.get(key);
    Object.assign(entry, { service, since: asked });
    if (told.breaker !== undefined) entry.resting.update(told.breaker);
    this.#show(entry);
    const place = $(service.configured ? "services" : "more-services");
    if (entry.card.parentElement !== place) this.#insert(place, entry.card);
    $("more-services-card").hidden = !$("more-services").children.length;
  }

  // A reply has ended, and may have cost something.
  ended() {
    this.#spent.ended();
  }

  // In another language.
  translate() {
    for (const entry of this.#cards.values()) entry.form?.update(entry.service);
    this.#showAll();
  }

  #showAll() {
    for (const entry of this.#cards.values()) this.#show(entry);
  }

  #told(result, kind) {
    return (result.value?.[PATHS[kind]] ?? []).map((service) => ({ ...service, kind: service.kind ?? kind }));
  }

  #insert(place, card) {
    const after = [...place.children].find((other) => other.dataset.name.localeCompare(card.dataset.name) > 0);
    place.insertBefore(card, after ?? null);
  }

  #build(service) {
    const path = `${PATHS[service.kind]}/${segment(service.name)}`;
    const entry = {
      state: make("p", { className: "service-state" }),
      message: make("p", { className: "note" }),
      breaker: make("p", { className: "note breaker" }),
      spent: make("div", { className: "spents" }),
      usage: make("p", { className: "note" }),
      resting: new Resting(() => this.#show(entry)),
    };
    const heading = make("h3", {}, service.title, " ", make("span", { className: "chip" }, service.name));
    if (service.kind === "converter") heading.append(" ", make("span", { className: "chip", word: "converter" }));
    const parts = [make("div", { className: "service-head" }, heading, entry.state), entry.message, entry.breaker, entry.spent, entry.usage];
    if (service.credentials.length) {
      entry.form = new Credentials(this.#api, path, service, (told) => this.update({ kind: service.kind, ...told }));
      parts.push(make("details", {}, make("summary", { word: "credentials" }), entry.form.element));
    } else {
      parts.push(make("p", { className: "note", word: "noCredentials" }));
    }
    entry.card = make("article", { className: "service" }, ...parts);
    entry.card.dataset.name = service.name;
    return entry;
  }

  #show({ service, state, message, breaker, resting, spent, usage, form }) {
    state.dataset.state = service.state;
    put(state, service.configured ? `state_${service.state}` : "absent");
    const since = service.since ? say("since", { time: new Date(service.since).toLocaleString(locale(), { dateStyle: "short", timeStyle: "short" }) }) : "";
    const reason = service.code || service.message ? explain(service) : "";
    const isGood = ["ready", "untried"].includes(service.state);
    tell(message, isGood || !reason ? "" : [reason, since].filter(Boolean).join(" "));
    breaker.dataset.state = resting.state;
    tell(breaker, resting.words());
    const isEngine = service.kind === "engine";
    spent.replaceChildren(...(isEngine ? this.#spent.lines(service.name) : []));
    const used = isEngine ? this.#spent.of(service.name) : null;
    tell(usage, used?.requests ? say("used", { requests: number(used.requests), characters: number(used.characters), minutes: number(used.audio_seconds / 60, 1) }) : "");
    form?.update(service);
  }
}

function keyOf({ kind, name }) {
  return `${kind}/${name}`;
}
