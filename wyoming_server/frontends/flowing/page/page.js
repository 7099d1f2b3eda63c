// Ties the page together: what a person does becomes messages, and messages become what they see and hear.

import { newId } from "../../../../static/ids.js";
import { floats, wav } from "../../../../static/pcm.js";
import { Player } from "../../../../static/player.js";
import { save as saveFile } from "../../../../static/saving.js";
import { keep as keepToken, kept } from "../../../../static/token.js";
import { Line } from "./line.js";
import { Messages } from "./messages.js";
import { Statistics } from "./statistics.js";
import { Transcript } from "./transcript.js";
import { Voices } from "./voices.js";
import { number, say, translate } from "./words.js";

const SOCKET = new URL("../tts", location.href);
const VOICES = new URL("../../../stream/v1/tts/voices/info", location.href);
const UNAUTHORISED = 40100005;
const NOTHING_CAME = 40000004;
const HTTP_OK = 200;
const HTTP_UNAUTHORISED = 401;
const IDLE = 30000; // milliseconds without text after which a session is finished: the server would call it a failure
const FILES = {
  WAV: ["wav", "audio/wav"],
  MP3: ["mp3", "audio/mpeg"],
  FLAC: ["flac", "audio/flac"],
  OGG_OPUS: ["ogg", "audio/ogg"],
  WEBM_OPUS: ["webm", "audio/webm"],
};

const $ = (id) => document.getElementById(id);

translate(document);
const voices = new Voices($("language"), $("voice"), $("rate"));
const player = new Player();
const transcript = new Transcript($("said"));
const messages = new Messages($("messages"));
const line = new Line(SOCKET, { message: received, audio: receivedAudio, closed });

let token = kept();
let waiting = []; // fragments that could not be sent yet
let session = null; // from its StartSynthesis to its end
let last = null; // the newest session, ended or not: what is shown and saved
let connecting = null;
let idle = 0;
let isFollowing = false;

// Connection ---------------------------------------------------------------------------------------------------------

function connect() {
  if (line.isOpen) return true;
  connecting ??= line.open(token).then((isOpen) => {
    connecting = null;
    show();
    return isOpen;
  });
  show();
  return connecting;
}

function disconnect() {
  stop();
  session = null;
  line.close();
  show();
}

function closed(wasOpen) {
  if (!wasOpen) complain(say("unreachable"));
  else if (session) complain(say("lost"));
  end();
  giveBack();
  show();
}

// Whether it could be done.
async function readVoices() {
  const status = await voices.read(VOICES, token);
  if (status === HTTP_UNAUTHORISED) askForToken(token && say("wrongToken"));
  else if (status !== HTTP_OK) complain(say(status ? "noVoices" : "unreachable"));
  return status === HTTP_OK;
}

// A session ----------------------------------------------------------------------------------------------------------

async function send() {
  const text = $("text").value;
  if (!text.trim()) return;
  complain("");
  tune(session?.rate ?? voices.rate);
  waiting.push(/\s$/.test(text) ? text : `${text} `);
  $("text").value = "";
  if (await connect()) deliver();
}

// Sound of another rate cannot follow what is still playing.
function tune(rate) {
  if (rate !== player.rate) transcript.rest();
  player.prepare(rate);
}

function deliver() {
  if (!waiting.length || !line.isOpen || session?.isEnding) return; // after its end
  session ??= start();
  for (const text of waiting.splice(0)) {
    session.statistics.text();
    session.said.add(text);
    session.unheard?.push(text);
    tell("RunSynthesis", { text });
  }
  clearTimeout(idle);
  idle = setTimeout(finish, IDLE);
  show();
}

function start() {
  const format = $("format").value;
  tune(voices.rate); // chosen anew while the session before was ending
  player.dropouts = 0;
  session = {
    taskId: newId(),
    format,
    rate: player.rate,
    base: player.frames, // of the player: what comes before is an older session's
    unheard: [], // fragments that the server may never have looked at
    pieces: [],
    sentences: [], // subtitles of each, where they are heard later
    said: transcript.open(),
    statistics: new Statistics(),
    isEnding: false,
    isSilenced: false,
    isNew: true, // the next audio is a sentence's first
  };
  last = session;
  follow();
  tell("StartSynthesis", {
    voice: voices.chosen,
    format,
    sample_rate: session.rate,
    volume: Number($("volume").value),
    speech_rate: speechRate(Number($("speed").value)),
    enable_subtitle: true,
  });
  return session;
}

function finish() {
  if (!session || session.isEnding) return;
  session.isEnding = true;
  tell("StopSynthesis");
  show();
}

// Silence first, then the server.
function stop() {
  clearTimeout(idle);
  player.silence();
  transcript.rest();
  waiting = [];
  if (session && !session.isSilenced) {
    session.isEnding = session.isSilenced = true;
    tell("CancelSynthesis");
  }
  show();
}

function tell(name, payload) {
  messages.up(name, payload?.text ? JSON.stringify(payload.text) : "");
  line.send(name, session.taskId, payload);
}

// -500 to 500, as the document computes it.
function speechRate(speed) {
  return Math.round((1 - 1 / speed) / (speed < 1 ? 0.002 : 0.001));
}

// What comes down ----------------------------------------------------------------------------------------------------

function received(name, header, payload) {
  messages.down(name, header.status_text ?? [payload.index || "", payload.reason].filter(Boolean).join("  "));
  HANDLERS[name]?.(payload, header);
  show();
}

const HANDLERS = {
  SynthesisStarted() {
    if (session) session.unheard = null;
  },
  SentenceBegin() {
    if (!session) return;
    session.isNew = true;
    session.statistics.begin();
    if (session.format === "PCM" && !session.isSilenced) session.said.begin(player.frames);
  },
  SentenceEnd({ subtitles = [] }) {
    if (!session) return;
    session.statistics.end();
    if (session.format !== "PCM") session.sentences.push(subtitles);
    else if (!session.isSilenced) session.said.end(player.frames, timed(subtitles, session));
  },
  SynthesisCompleted() {
    end();
    deliver();
  },
  TaskFailed(_, { status, status_text: text }) {
    if (status === UNAUTHORISED) {
      line.close();
      takeBack();
      askForToken(token && text);
    } else if (session || waiting.length || status !== NOTHING_CAME) {
      complain(text);
    }
    end();
  },
};

// Subtitles on the player's clock.
function timed(subtitles, { base, rate }) {
  const frames = (milliseconds) => base + (milliseconds / 1000) * rate;
  return subtitles.map(({ text, sentence, begin_time: begin, end_time: end }) => ({ text, sentence, begin: frames(begin), end: frames(end) }));
}

function receivedAudio(buffer) {
  messages.audio(buffer.byteLength);
  if (!session) return;
  const isPcm = session.format === "PCM";
  session.statistics.audio(buffer.byteLength, isPcm ? buffer.byteLength / 2 / session.rate : 0);
  session.pieces.push(buffer);
  if (isPcm && !session.isSilenced) player.push(floats(buffer), session.isNew);
  session.isNew = false;
  show();
}

function end() {
  clearTimeout(idle);
  const ended = session;
  session = null;
  if (ended?.pieces.length && ended.format !== "PCM") playWhole(ended);
}

async function playWhole(ended) {
  try {
    const sound = await player.decode(await new Blob(ended.pieces).arrayBuffer());
    ended.statistics.seconds = sound.duration;
    if (ended.isSilenced) return;
    ended.base = player.frames;
    player.push(sound.getChannelData(0), true);
    for (const words of ended.sentences.map((subtitles) => timed(subtitles, ended))) ended.said.end(words.at(-1)?.end, words);
    follow();
  } catch {
    if ($("problem").hidden) complain(say("unplayable")); // what broke off says more
  }
  show();
}

// What a person sees -------------------------------------------------------------------------------------------------

// As long as there is something to follow, once a picture.
function follow() {
  if (isFollowing) return;
  isFollowing = true;
  requestAnimationFrame(() => {
    isFollowing = false;
    transcript.show(player.heard);
    if (session || player.isPlaying) follow();
    else transcript.rest();
    show();
  });
}

function show() {
  const state = player.isPlaying ? "speaking" : session ? "open" : line.isOpen ? "ready" : connecting ? "connecting" : "offline";
  if ($("state").dataset.state !== state) {
    $("state").dataset.state = state;
    $("state").textContent = say(state);
  }
  write("connect", say(line.isOpen ? "disconnect" : "connect"));
  $("finish").disabled = !session || session.isEnding;
  $("stop").disabled = !session && !player.isPlaying;
  if (last) showStatistics(last.statistics);
}

function showStatistics({ firstAudio, seconds, bytes, factor }) {
  write("first-audio", firstAudio === null ? "–" : `${number(firstAudio, firstAudio < 100 ? 1 : 0)} ms`);
  write("audio", seconds ? `${number(seconds, 2)} s` : "–");
  write("bytes", bytes < 100_000 ? `${number(bytes)} B` : `${number(bytes / 1000)} kB`);
  write("factor", factor === null ? "–" : number(factor, 3));
  write("dropouts", last.format === "PCM" ? number(player.dropouts) : "–");
  $("save").disabled = !bytes;
  showSave(last.format);
}

function showSave(format) {
  write("save", say("save", { format: format === "PCM" ? "WAV" : $("format").querySelector(`[value=${format}]`).text }));
}

// Only what changed: a text that is written again cannot be marked and copied.
function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function complain(sentence) {
  $("problem").textContent = sentence;
  $("problem").hidden = !sentence;
}

// A server that refused us read nothing of it.
function takeBack() {
  if (session?.unheard) {
    session.said.remove();
    waiting.unshift(...session.unheard);
  }
  giveBack();
}

// What was not sent is not lost.
function giveBack() {
  $("text").value = [...waiting.splice(0), $("text").value].join("");
}

function save() {
  const [ending, type] = FILES[last.format] ?? FILES.WAV;
  const file = last.format === "PCM" ? wav(last.pieces, last.rate) : new Blob(last.pieces, { type });
  saveFile(file, ending);
}

// The token ----------------------------------------------------------------------------------------------------------

function keep(given) {
  token = given;
  keepToken(given);
}

function askForToken(problem) {
  $("pairing-problem").textContent = problem;
  $("pairing-problem").hidden = !problem;
  if (!$("pairing").open) $("pairing").showModal();
}

async function useToken() {
  keep($("token").value.trim());
  $("token").value = "";
  $("pairing").close();
  if (await readVoices()) connect();
}

// What a person does -------------------------------------------------------------------------------------------------

$("composer").onsubmit = (event) => {
  event.preventDefault();
  send();
};
$("text").onkeydown = (event) => {
  // An Enter that ends the choice of a Chinese character is not meant for us; Safari tells that by the code only.
  const isComposing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || isComposing) return;
  event.preventDefault();
  send();
};
document.onkeydown = (event) => {
  if (event.key === "Escape" && !event.isComposing && !$("pairing").open) stop();
};
$("finish").onclick = finish;
$("stop").onclick = stop;
$("save").onclick = save;
$("connect").onclick = () => (line.isOpen ? disconnect() : (complain(""), connect()));
$("settings").onsubmit = (event) => event.preventDefault();
$("settings").oninput = () => {
  $("speed-value").textContent = `${number(Number($("speed").value), 2)}×`;
  $("volume-value").textContent = number(Number($("volume").value));
  $("format-note").hidden = $("format").value === "PCM";
};
$("pairing-form").onsubmit = (event) => {
  event.preventDefault();
  useToken();
};
$("pairing-cancel").onclick = () => $("pairing").close();

$("settings").oninput();
showSave("PCM");
show();
readVoices();
