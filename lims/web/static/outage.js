// What a device does without a connection: it keeps scans in their order over a reload, a closed tab and an
// outage; it says at once what may not be kept; and its header says what was not sent. One file, since a
// page makes few requests.

import { fold, valid } from "./codes.js";

// The store. Where a browser keeps nothing, a page still works while it is open.

const NAME = "exotrace.station";

function opened() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("scans", { keyPath: "n", autoIncrement: true });
      asked.result.createObjectStore("facts");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

const base = opened().catch(() => null);

/**
 * One transaction over both; what `work` answers by its requests stands in `found`.
 *
 * What is the only copy waits for the disk, so that a device that loses its power keeps it. What the
 * server is about to have, or has, waits for the browser alone.
 */
async function inOne(work, durability = "strict") {
  const here = await base;
  if (!here) return null;
  return new Promise((done, fail) => {
    const all = here.transaction(["scans", "facts"], "readwrite", { durability });
    const found = work(all.objectStore("scans"), all.objectStore("facts")) ?? {};
    all.oncomplete = () => done(found);
    all.onabort = () => fail(all.error);
  });
}

/** Everything: scans in their order, and facts by name. */
export async function recall() {
  const kept = { scans: [], facts: {} };
  await inOne((scans, facts) => {
    scans.getAll().onsuccess = ({ target }) => (kept.scans = target.result);
    facts.openCursor().onsuccess = ({ target }) => {
      if (!target.result) return;
      kept.facts[target.result.key] = target.result.value;
      target.result.continue();
    };
  });
  return kept;
}

/** What of a scan is kept: not how far the keeping has come. */
const plain = ({ stored, unsaved, ...scan }) => scan;

/**
 * Keep a scan, and in the same go since when the door is open; it is kept when this is over. One that is
 * sent at once need not wait for the disk.
 */
export async function add(scan, { sent, door }) {
  await inOne(
    (scans, facts) => {
      scans.add(plain(scan)).onsuccess = ({ target }) => (scan.n = target.result);
      facts.put(door, "door");
    },
    sent ? "relaxed" : "strict",
  );
}

/** Give scans the device's name and its next numbers, in one go with keeping them. */
export async function number(some, name) {
  await inOne((scans, facts) => {
    facts.get("device").onsuccess = ({ target }) => {
      const device = target.result ?? { name, count: 0 };
      for (const scan of some) {
        if (scan.counter) continue; // numbered while this waited
        device.count += 1;
        scan.device = device.name;
        scan.counter = device.count;
        if (scan.n) scans.put(plain(scan));
      }
      facts.put(device, "device");
    };
  });
}

/** A scan was answered: it is gone in the same moment in which what followed from it is kept. */
export async function answered(scan, person, bench) {
  await inOne((scans, facts) => {
    if (scan.n) scans.delete(scan.n);
    facts.put(bench, `bench/${person}`);
  }, "relaxed"); // were it there again, it would be sent again under its key and answered as before
}

/** Drop a scan that is not to be sent. */
export const drop = (scan) => inOne((scans) => void (scan.n && scans.delete(scan.n)));

/** Keep a fact, or with null forget it. What was forgotten is gone from the disk as well. */
export const note = (name, value) =>
  inOne(
    (_scans, facts) => void (value === null ? facts.delete(name) : facts.put(value, name)),
    value === null ? "strict" : "relaxed", // no scan, and the next scan waits behind it
  );

// What may be kept

const ITEMS = "SCLVQK";
const IN_HAND = 60_000; // ms, as on the server

/** The command that a word or a code says, by the words the page brought along. */
export function command(text, orders) {
  const said = text.trim().toLowerCase();
  const code = fold(text).slice(0, 9);
  return Object.keys(orders).find((name) => orders[name].includes(said) || orders[name].includes(code));
}

/**
 * What a scan will come to, as far as it follows from the scans alone.
 *
 * Gives the next state of the hand, and either `refused`, the name of a stop, or `said`, what was kept.
 * Whatever needs the server's knowledge is refused: nothing is kept of which nobody can say what it
 * will do.
 */
export function foresee(state, { text, at }, orders) {
  const [first, ...note] = text.trim().split(" ");
  if (note.length && orders.NOTE?.includes(first.toLowerCase())) {
    const hand = state.hand && state.hand[0] !== "A" && at - state.at <= IN_HAND && state.hand;
    return hand ? { state, said: `${hand}: ${note.join(" ")}` } : { state, refused: "offline-note" };
  }
  const order = command(text, orders);
  if (order === "BATCH") return { state: { mode: "batch", hand: "", aim: "", at: 0 }, said: "BATCH" };
  if (order === "DONE") return { state: { mode: "single", hand: "", aim: "", at: 0 }, said: "DONE" };
  const symbol = fold(text);
  const letter = valid(symbol) ? symbol[0] : "";
  const known = { P: "offline-badge", W: "offline-band" }[letter];
  if (order || known || state.mode === "look") return { state, refused: known ?? "offline-act" };
  if (letter === "A") return place(state, symbol.slice(0, 9), at);
  if (!letter || !ITEMS.includes(letter)) return { state, refused: "offline-act" };
  if (state.mode === "batch") {
    return state.aim ? { state, said: `${symbol} → ${state.aim}` } : { state, refused: "offline-place" };
  }
  return { state: { ...state, hand: symbol, at }, said: symbol };
}

function place(state, code, at) {
  if (state.mode === "batch") {
    const fits = !state.aim || state.aim === code;
    return fits ? { state: { ...state, aim: code }, said: `→ ${code}` } : { state, refused: "offline-place" };
  }
  const fresh = state.hand && state.hand[0] !== "A" && at - state.at <= IN_HAND;
  if (!fresh) return { state, refused: "offline-place" };
  return { state: { ...state, hand: "", at: 0 }, said: `${state.hand} → ${code}` };
}

const spoken = document.documentElement.lang;
const figure = (number) => new Intl.NumberFormat(spoken, { useGrouping: false }).format(number);
const clock = (at) =>
  new Intl.DateTimeFormat(spoken, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);

/** The header: whether the server is there, what was not sent, and whose scans are held. */
export function showNetwork(words, { since, count, held }) {
  const place = document.querySelector("[data-network]");
  if (!place) return;
  place.dataset.network = since ? "offline" : "online";
  const wanted = since ? words.offline : words.online;
  place.textContent = wanted
    .replace("{time}", since ? clock(since) : "")
    .replace("{count}", figure(count));
  const others = document.querySelector("[data-held]");
  others.hidden = !held.length;
  others.dataset.held = String(held.length);
  const names = [...new Set(held.map((each) => each.name || "–"))].join(", ");
  const byAnother = document.querySelector("[data-hand-in]");
  if (byAnother) byAnother.hidden = !held.length;
  others.textContent = words.others.replace("{count}", figure(held.length)).replace("{names}", names);
}

/** Keep the station at hand for when there is no network; needs https or this machine itself. */
export async function keepAtHand() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    const ready = await navigator.serviceWorker.ready;
    ready.active?.postMessage({ language: spoken });
  } catch {
    // a browser that keeps nothing: the page works while it is open
  }
}

// How long a freezer has been open: since the first scan at it, until DONE or a long pause

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
  const said = sentence.replace("{count}", figure(minutes));
  if (place.textContent !== said) place.textContent = said;
}
