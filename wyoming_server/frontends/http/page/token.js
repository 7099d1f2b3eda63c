// Where the pairing token is kept: for this tab, or on the person's wish for this browser. Never in an address, never in a cookie.

const KEY = "herald-token";

// Whatever browsers forbid (a private window, blocked storage), the token is then asked for again.
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

export function kept() {
  return attempt(() => sessionStorage.getItem(KEY)) || attempt(() => localStorage.getItem(KEY)) || "";
}

export function keep(token, remember = false) {
  attempt(() => sessionStorage.setItem(KEY, token));
  attempt(() => (remember ? localStorage.setItem(KEY, token) : localStorage.removeItem(KEY)));
}

export function forget() {
  attempt(() => sessionStorage.removeItem(KEY));
  attempt(() => localStorage.removeItem(KEY));
}
