// What one session took and brought, in numbers.

export class Statistics {
  bytes = 0;
  seconds = 0; // of audio
  firstAudio = null; // milliseconds
  #firstText = null;
  #making = 0; // milliseconds in which sentences were made
  #sounding = 0; // seconds that those sentences last
  #sentence = null; // {since, seconds}

  text() {
    this.#firstText ??= performance.now();
  }

  audio(bytes, seconds) {
    this.firstAudio ??= performance.now() - this.#firstText;
    this.bytes += bytes;
    this.seconds += seconds;
  }

  begin() {
    this.#sentence = { since: performance.now(), seconds: this.seconds };
  }

  end() {
    if (!this.#sentence) return;
    this.#making += performance.now() - this.#sentence.since;
    this.#sounding += this.seconds - this.#sentence.seconds;
    this.#sentence = null;
  }

  // Time for each second of sound; null where nothing can be said yet.
  get factor() {
    return this.#sounding > 0 ? this.#making / 1000 / this.#sounding : null;
  }
}
