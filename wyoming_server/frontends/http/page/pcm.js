// Samples of 16 bits, as the server sends them: made floats for the player, and a WAV file for whoever saves them.

const HEADER = 44;
const WIDTH = 2;

export function floats(buffer) {
  return Float32Array.from(new Int16Array(buffer), (sample) => sample / 32768);
}

export function wav(pieces, rate) {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const view = new DataView(new ArrayBuffer(HEADER));
  const write = (offset, text) => [...text].forEach((letter, index) => view.setUint8(offset + index, letter.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, HEADER - 8 + size, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * WIDTH, true);
  view.setUint16(32, WIDTH, true);
  view.setUint16(34, 8 * WIDTH, true);
  write(36, "data");
  view.setUint32(40, size, true);
  return new Blob([view, ...pieces], { type: "audio/wav" });
}
