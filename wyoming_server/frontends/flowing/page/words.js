// What the page says, in every language that it knows, and which of them a browser gets. No other file has words for people.

const EN = {
  title: "Herald: try a voice",
  tagline: "Type, and hear it while it is being made.",
  settings: "Settings",
  language: "Language",
  allLanguages: "All languages",
  voice: "Voice",
  defaultVoice: "The server’s own choice",
  format: "Format",
  formatNote: "Played when all of it is here; only PCM plays at once.",
  rate: "Sample rate",
  voicesRate: "Automatic",
  speed: "Speed",
  volume: "Volume",
  transcript: "Transcript",
  empty: "What you send appears here, and lights up as it is spoken.",
  text: "Text",
  placeholder: "Write something…",
  send: "Send",
  finish: "Finish",
  finishHint: "Says that no more text comes (StopSynthesis)",
  stop: "Stop",
  stopHint: "Silence at once (CancelSynthesis)",
  keys: "Enter sends, Shift+Enter starts a new line, Esc stops.",
  statistics: "Statistics",
  firstAudio: "First audio",
  firstAudioHint: "From the first fragment to the first audio that came",
  audio: "Audio",
  audioHint: "How long it sounds",
  bytes: "Received",
  bytesHint: "Audio, as it came",
  factor: "Real-time factor",
  factorHint: "Time to make the sentences, for each second that they sound: below 1 is faster than speech",
  dropouts: "Dropouts",
  dropoutsHint: "Gaps within a sentence, because audio came too late",
  save: "Save as {format}",
  messages: "Messages",
  connect: "Connect",
  disconnect: "Disconnect",
  cancel: "Cancel",
  offline: "Not connected",
  connecting: "Connecting…",
  ready: "Connected",
  open: "Waiting for text or audio",
  speaking: "Speaking",
  pairing: "Pairing token",
  pairingWhy: "From another machine, Herald asks for its token. On the server, “herald token” shows it.",
  token: "Token",
  tokenKept: "It is kept until this tab is closed.",
  wrongToken: "This token is wrong.",
  lost: "The connection was lost.",
  unreachable: "The server cannot be reached.",
  noVoices: "The list of voices could not be read.",
  unplayable: "This browser cannot play this format; it can be saved.",
};

const ZH_HANS = {
  title: "Herald：试听声音",
  tagline: "输入文字，边合成边听。",
  settings: "设置",
  language: "语言",
  allLanguages: "所有语言",
  voice: "声音",
  defaultVoice: "由服务器决定",
  format: "格式",
  formatNote: "全部收到后才播放；只有 PCM 能边收边播。",
  rate: "采样率",
  voicesRate: "自动",
  speed: "语速",
  volume: "音量",
  transcript: "记录",
  empty: "发送的文字会显示在这里，读到哪里就亮到哪里。",
  text: "文字",
  placeholder: "写点什么……",
  send: "发送",
  finish: "结束",
  finishHint: "告诉服务器文字已经写完（StopSynthesis）",
  stop: "停止",
  stopHint: "立即静音（CancelSynthesis）",
  keys: "Enter 发送，Shift+Enter 换行，Esc 停止。",
  statistics: "统计",
  firstAudio: "首包音频",
  firstAudioHint: "从发出第一段文字到收到第一段音频",
  audio: "音频",
  audioHint: "声音的时长",
  bytes: "已接收",
  bytesHint: "收到的音频数据",
  factor: "实时率",
  factorHint: "每秒声音所需的合成时间：小于 1 即快于语速",
  dropouts: "断音",
  dropoutsHint: "句子中间因音频迟到而出现的空隙",
  save: "保存为 {format}",
  messages: "消息",
  connect: "连接",
  disconnect: "断开",
  cancel: "取消",
  offline: "未连接",
  connecting: "正在连接……",
  ready: "已连接",
  open: "等待文字或音频",
  speaking: "正在朗读",
  pairing: "配对令牌",
  pairingWhy: "从其他设备访问需要令牌。在服务器上运行“herald token”即可看到。",
  token: "令牌",
  tokenKept: "只保留到关闭此标签页为止。",
  wrongToken: "令牌不正确。",
  lost: "连接已断开。",
  unreachable: "无法连接服务器。",
  noVoices: "无法读取声音列表。",
  unplayable: "此浏览器无法播放该格式，但可以保存。",
};

const ZH_HANT = {
  title: "Herald：試聽聲音",
  tagline: "輸入文字，邊合成邊聽。",
  settings: "設定",
  language: "語言",
  allLanguages: "所有語言",
  voice: "聲音",
  defaultVoice: "由伺服器決定",
  format: "格式",
  formatNote: "全部收到後才播放；只有 PCM 能邊收邊播。",
  rate: "取樣率",
  voicesRate: "自動",
  speed: "語速",
  volume: "音量",
  transcript: "記錄",
  empty: "送出的文字會顯示在這裡，讀到哪裡就亮到哪裡。",
  text: "文字",
  placeholder: "寫點什麼……",
  send: "送出",
  finish: "結束",
  finishHint: "告訴伺服器文字已經寫完（StopSynthesis）",
  stop: "停止",
  stopHint: "立即靜音（CancelSynthesis）",
  keys: "Enter 送出，Shift+Enter 換行，Esc 停止。",
  statistics: "統計",
  firstAudio: "首段音訊",
  firstAudioHint: "從送出第一段文字到收到第一段音訊",
  audio: "音訊",
  audioHint: "聲音的長度",
  bytes: "已接收",
  bytesHint: "收到的音訊資料",
  factor: "即時率",
  factorHint: "每秒聲音所需的合成時間：小於 1 即快於語速",
  dropouts: "斷音",
  dropoutsHint: "句子中間因音訊遲到而出現的空隙",
  save: "儲存為 {format}",
  messages: "訊息",
  connect: "連線",
  disconnect: "中斷連線",
  cancel: "取消",
  offline: "未連線",
  connecting: "正在連線……",
  ready: "已連線",
  open: "等待文字或音訊",
  speaking: "正在朗讀",
  pairing: "配對權杖",
  pairingWhy: "從其他裝置存取需要權杖。在伺服器上執行「herald token」即可看到。",
  token: "權杖",
  tokenKept: "只保留到關閉此分頁為止。",
  wrongToken: "權杖不正確。",
  lost: "連線已中斷。",
  unreachable: "無法連上伺服器。",
  noVoices: "無法讀取聲音清單。",
  unplayable: "此瀏覽器無法播放這個格式，但可以儲存。",
};

export const LANGUAGES = { en: EN, "zh-Hans": ZH_HANS, "zh-Hant": ZH_HANT };

const TRADITIONAL = /^zh\b.*-(hant|tw|hk|mo)\b/i;
const SIMPLIFIED = /-hans\b/i;

// The first of a person's languages that the page knows.
export function choose(languages) {
  for (const tag of languages) {
    if (/^zh\b/i.test(tag)) return TRADITIONAL.test(tag) && !SIMPLIFIED.test(tag) ? "zh-Hant" : "zh-Hans";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}

export const language = choose(navigator.languages);

export function say(word, values = {}) {
  return LANGUAGES[language][word].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Every element names its own: `data-word` is its text, the other two are the attributes they sound like.
export function translate(page) {
  page.documentElement.lang = language;
  for (const element of page.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of page.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  for (const element of page.querySelectorAll("[data-hint]")) element.title = say(element.dataset.hint);
}

const names = new Intl.DisplayNames([language], { type: "language" });

export function languageName(tag) {
  try {
    return names.of(tag);
  } catch {
    return tag; // not a tag that the browser understands
  }
}

export function number(value, digits = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
