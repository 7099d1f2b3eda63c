// What happens on the server, as it happens: /api/events, read with fetch, since an EventSource cannot send the token. A stream that
// breaks off, or is silent for too long, is opened again, after a pause that grows.

const SILENT = 40000; // milliseconds; the server says something every 15 s
const PAUSE = 1000; // milliseconds before the first new try
const PAUSE_MAX = 30000;

export class Events {
  state = "connecting"; // open | lost | missing | refused
  #api;
  #listener;
  #abort = null;
  #wake = null;
  #tries = 0;

  // `listener`: happened(name, data), changed(state, seconds until the next try).
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
  }

  // For as long as the page lives.
  async run() {
    for (;;) {
      this.#set("connecting");
      try {
        await this.#read();
        this.#tries += 1;
        this.#set("lost", this.#pause);
      } catch (problem) {
        this.#tries += 1;
        if (problem.isMissing) this.#set("missing");
        else if (problem.status === 401) this.#set("refused");
        else this.#set("lost", this.#pause);
      }
      await this.#rest(["missing", "refused"].includes(this.state) ? Infinity : this.#pause);
    }
  }

  // At once, whatever it is waiting for.
  again() {
    this.#wake?.();
  }

  get #pause() {
    return Math.min(PAUSE * 2 ** (this.#tries - 1), PAUSE_MAX);
  }

  #set(state, pause = 0) {
    this.state = state;
    this.#listener.changed(state, pause / 1000);
  }

  #rest(pause) {
    return new Promise((resolve) => {
      const timer = pause === Infinity ? 0 : setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        this.#tries = 0;
        resolve();
      };
    });
  }

  async #read() {
    this.#abort = new AbortController();
    const response = await this.#api.fetch("events", { signal: this.#abort.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let timer = this.#watch();
    let rest = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = this.#watch();
        const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
        rest = blocks.pop();
        blocks.forEach((block) => this.#take(block));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #watch() {
    const abort = this.#abort;
    return setTimeout(() => abort.abort(), SILENT);
  }

  #take(block) {
    const fields = block.split("\n").map((line) => /^(event|data): ?(.*)$/.exec(line)).filter(Boolean);
    const name = fields.findLast(([, field]) => field === "event")?.[2];
    if (!name) return; // a comment, to say that it is there
    if (this.state !== "open") {
      this.#tries = 0;
      this.#set("open");
    }
    const data = fields.filter(([, field]) => field === "data").map(([, , text]) => text);
    this.#listener.happened(name, data.length ? JSON.parse(data.join("\n")) : {});
  }
}
