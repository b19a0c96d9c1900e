// How long a freezer has been open: since the first scan at it, until DONE or a long pause.

const PAUSE = 5 * 60_000; // ms without a scan after which the door was shut

let door = { first: 0, last: 0 };

/** Go on with what was kept over a reload. */
export function resume(kept) {
  if (kept) door = kept;
}

/** One more scan; gives what is to be kept. */
export function scannedAt(at, isDone) {
  if (at - door.last > PAUSE) door.first = at;
  door.last = at;
  if (isDone) door = { first: 0, last: 0 };
  return door;
}

/** Minutes, where this station stands at a freezer and its door is open. */
export function showDoor(sentence) {
  const place = document.querySelector("p[data-door]");
  if (!place) return;
  const now = Date.now();
  place.hidden = !door.first || now - door.last > PAUSE;
  const minutes = Math.max(0, Math.floor((now - door.first) / 60_000));
  const figure = new Intl.NumberFormat(document.documentElement.lang).format(minutes);
  const said = sentence.replace("{count}", figure);
  if (place.textContent !== said) place.textContent = said;
}
