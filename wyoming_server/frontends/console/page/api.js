// The API as functions: the token goes with each request, a refusal asks for it and tries again, every failure is a Problem.

import { forget, keep, kept } from "../static/token.js";
import { Problem } from "./problems.js";

const BASE = new URL("api/", document.baseURI);
const UNAUTHORISED = 401;

export class Api {
  #token = kept();
  #ask;
  #asking = null;

  // `ask(problem)`: a promise of {token, remember}, or of null where the person gives none. `problem`: true after a wrong one.
  constructor(ask) {
    this.#ask = ask;
  }

  get hasToken() {
    return this.#token !== "";
  }

  forget() {
    this.#token = "";
    forget();
  }

  // What the server answers, as JSON.
  async get(path) {
    return (await this.fetch(path)).json();
  }

  async send(method, path, json) {
    return (await this.fetch(path, { method, json })).json();
  }

  // The response, once it is a good one. `json` is the body; the rest as for the browser's own fetch.
  async fetch(path, { json, ...rest } = {}) {
    for (;;) {
      const token = this.#token;
      const response = await this.#request(path, json, rest, token);
      if (response.ok) return response;
      const problem = await told(response);
      if (response.status !== UNAUTHORISED) throw problem;
      if (this.#token !== token) continue; // another request was told a new one meanwhile
      if (!(await this.#newToken(problem))) throw problem;
    }
  }

  async #request(path, json, rest, token) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (json !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await fetch(new URL(path, BASE), { ...rest, headers, body: json && JSON.stringify(json), cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "unreachable");
    }
  }

  // All requests that are refused meanwhile wait for the same answer. False: there is none.
  #newToken() {
    this.#asking ??= this.#ask(this.#token !== "").then((given) => {
      this.#asking = null;
      if (given) {
        this.#token = given.token;
        keep(given.token, given.remember);
      }
      return given !== null;
    });
    return this.#asking;
  }
}

async function told(response) {
  try {
    const { code, message } = await response.json();
    return new Problem(response.status, code ?? "internal", message);
  } catch {
    return new Problem(response.status, "no_herald"); // a proxy's page, perhaps
  }
}

// A name within a path. Voices may have a slash in theirs, and the server knows.
export function segment(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}
