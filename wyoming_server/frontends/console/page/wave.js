// The waveform of one take, drawn while it comes; the part that was heard has the accent's colour.

const BUCKET = 0.02; // seconds whose loudest sample is one value
const BAR = 4; // pixels, the gap included
const LEAST = 6; // seconds that the width holds before the bars move together

export class Wave {
  #canvas;
  #peaks = new WeakMap(); // take → {values, pieces, frame, loudest}
  #shown = [null, 0];
  #drawn = "";

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#again()).observe(canvas);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.onchange = () => this.#again();
  }

  #again() {
    this.#drawn = "";
    this.draw(...this.#shown);
  }

  // `heard`: frames.
  draw(take, heard) {
    const isOther = take !== this.#shown[0];
    this.#shown = [take, heard];
    const peaks = take ? this.#measure(take) : [];
    const width = Math.round(this.#canvas.clientWidth);
    const bars = Math.max(1, Math.floor(width / BAR));
    const seconds = take ? Math.max(LEAST, take.seconds) : LEAST;
    const played = take ? heard / take.rate / seconds : 0;
    const state = [peaks.length, width, Math.round(played * bars), seconds, devicePixelRatio].join();
    if (!width || (state === this.#drawn && !isOther)) return;
    this.#drawn = state;
    this.#paint(peaks, { width, bars, played, perBar: seconds / BUCKET / bars });
  }

  #paint(peaks, { width, bars, played, perBar }) {
    const height = this.#canvas.clientHeight;
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    const brush = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#canvas);
    brush.scale(devicePixelRatio, devicePixelRatio);
    for (let bar = 0; bar < bars; bar += 1) {
      const values = peaks.slice(Math.floor(bar * perBar), Math.max(Math.floor((bar + 1) * perBar), Math.floor(bar * perBar) + 1));
      const size = values.length ? Math.max(3, Math.max(...values) ** 0.5 * height) : 2;
      const colour = !values.length ? "--line" : bar / bars < played ? "--accent" : "--field";
      brush.fillStyle = style.getPropertyValue(colour);
      brush.beginPath();
      brush.roundRect(bar * BAR, (height - size) / 2, BAR - 1.5, size, 1.25);
      brush.fill();
    }
  }

  #measure(take) {
    if (!this.#peaks.has(take)) this.#peaks.set(take, { values: [], pieces: 0, frame: 0 });
    const known = this.#peaks.get(take);
    if (take.format === "pcm") {
      for (; known.pieces < take.pieces.length; known.pieces += 1) add(known, new Int16Array(take.pieces[known.pieces]), 32768, take.rate);
    } else if (take.sound && !known.frame) {
      add(known, take.sound, 1, take.rate);
    }
    return known.values;
  }
}

function add(known, samples, full, rate) {
  const size = Math.round(BUCKET * rate);
  for (const sample of samples) {
    const bucket = Math.floor(known.frame / size);
    const level = Math.abs(sample) / full;
    known.values[bucket] = Math.max(known.values[bucket] ?? 0, level);
    known.frame += 1;
  }
}
