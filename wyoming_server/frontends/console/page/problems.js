// What goes wrong between the page and the server, and how a person is told.

import { knows, language, say } from "./words.js";

export class Problem extends Error {
  // `status`: HTTP's, 0 where nothing answered. `code`: one of Herald's, or one of the page's own.
  constructor(status, code, message = "") {
    super(message);
    this.status = status;
    this.code = code;
  }

  // The server is older than this page, and has nothing at that address.
  get isMissing() {
    return this.status === 405 || (this.status === 404 && this.code === "bad_request");
  }
}

// What a code means, in a few words.
export function meaning(code) {
  const word = `code_${code}`;
  return knows(word) ? say(word) : code;
}

// The server's own sentence says most; it is English, so that others get the code's words before it.
export function explain({ code, message }) {
  if (!message) return meaning(code);
  return language === "en" || !code ? message : say("explained", { meaning: meaning(code), message });
}
