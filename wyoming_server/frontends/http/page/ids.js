// Names for sessions and messages.

// 32 hex digits. crypto.randomUUID is missing where a page came by plain HTTP from another machine.
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
