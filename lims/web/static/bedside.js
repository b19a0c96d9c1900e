// The bedside works without this. With it, a scan is enough to go on, a locked screen or a call
// ends the check, and the screen stays awake.

import { keepAtHand } from "./outage.js";

for (const field of document.querySelectorAll("[data-auto]")) {
  field.addEventListener("input", (event) => {
    if (!event.isTrusted && field.value) field.form.requestSubmit(); // a scan, not a finger
  });
}

if (document.querySelector("[data-left-restarts]")) {
  let sent = false; // going on is not leaving
  addEventListener("submit", () => (sent = true));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && !sent) location.replace("/bedside");
  });
}

// A page that comes back out of the browser's memory belongs to a check that was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace("/bedside");
});

// Without a connection the next page says so, and never that something may be given.
keepAtHand();

navigator.wakeLock?.request("screen").catch(() => {});
