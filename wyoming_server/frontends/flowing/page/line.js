// The websocket: messages of FlowingSpeechSynthesizer up and down, as they are. What they mean to a person is the page's business.

import { newId } from "../../../../static/ids.js";

const NAMESPACE = "FlowingSpeechSynthesizer";

export class Line {
  #socket = null;

  // `listener`: message(name, header, payload), audio(buffer), closed(wasOpen).
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  // True when it is open. A refusal comes afterwards, as a message.
  open(token) {
    const url = new URL(this.url);
    url.protocol = url.protocol.replace("http", "ws");
    if (token) url.searchParams.set("token", token);
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    return new Promise((resolve) => {
      let wasOpen = false;
      socket.onopen = () => resolve((wasOpen = true));
      socket.onmessage = ({ data }) => this.#socket === socket && this.#received(data);
      socket.onclose = () => {
        resolve(false); // means nothing where it was open
        if (this.#socket !== socket) return;
        this.#socket = null;
        this.listener.closed(wasOpen);
      };
    });
  }

  // Without a word to the listener.
  close() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  send(name, taskId, payload) {
    const header = { message_id: newId(), task_id: taskId, namespace: NAMESPACE, name };
    this.#socket?.send(JSON.stringify(payload ? { header, payload } : { header }));
  }

  #received(data) {
    if (data instanceof ArrayBuffer) {
      this.listener.audio(data);
    } else {
      const { header, payload } = JSON.parse(data);
      this.listener.message(header.name, header, payload ?? {});
    }
  }
}
