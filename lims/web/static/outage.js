// Without a connection: what may be kept, what is refused at once, and what the header says.

import { fold, valid } from "./codes.js";

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
  others.textContent = words.others.replace("{count}", figure(held.length)).replace("{names}", names);
}

/** Keep the station at hand for when there is no network; needs https or this machine itself. */
export async function keepAtHand() {
  if (!navigator.serviceWorker) return;
  const language = document.documentElement.lang;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    const ready = await navigator.serviceWorker.ready;
    ready.active?.postMessage({ language });
  } catch {
    // a browser that keeps nothing: the page works while it is open
  }
}
