// The dialog that asks for the pairing token. What becomes of it is the API's business.

import { $, tell } from "./dom.js";
import { say } from "./words.js";

// A promise of {token, remember}, or of null. `wasWrong`: the last one was refused.
export function askForToken(wasWrong) {
  const dialog = $("pairing");
  tell($("pairing-problem"), wasWrong ? say("wrongToken") : "");
  $("token").value = "";
  if (!dialog.open) dialog.showModal();
  $("token").focus();
  return new Promise((resolve) => {
    let given = null;
    $("pairing-form").onsubmit = (event) => {
      event.preventDefault();
      const token = $("token").value.trim();
      if (!token) return;
      given = { token, remember: $("remember").checked };
      dialog.close();
    };
    $("pairing-cancel").onclick = () => dialog.close();
    dialog.onclose = () => {
      $("token").value = "";
      resolve(given);
    };
  });
}
