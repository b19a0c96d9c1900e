// Keys that come as a scanner sends them. They are heard on the whole document, so focus does not
// matter; a field that a burst went into gets its text back.

import { SEPARATOR, foreign, physical, reading } from "./codes.js";

const set = document.body.dataset;
const GAP = Number(set.scanGap) || 100; // ms between keys, on average and at most
const SILENCE = Number(set.scanSilence) || 120; // ms after which a burst without Enter is over
const FORGET = Math.max(400, SILENCE); // ms after which a key starts a new burst
const MACHINE = 35; // ms: no finger is as fast, six keys long
const SHORTEST = 6;
const REST = 1500; // ms in which what follows an unreadable burst may be its other half
const HALF = "exotrace.half-a-burst";

let keys = [];
let timer = 0;
let composing = false;
let broken = -Infinity; // when a burst ended that could not be read
let cut = null; // its keys, where our clock alone said that it was over
let taken = () => {};

function forget() {
  keys = [];
  clearTimeout(timer);
}

/** The field that a key is about to change, as it stands now. */
function standing() {
  const field = document.activeElement;
  const writes =
    field instanceof HTMLTextAreaElement ||
    field instanceof HTMLSelectElement || // letters would choose another of its options
    (field instanceof HTMLInputElement && !["file", "radio", "checkbox"].includes(field.type));
  if (!writes) return { field: null };
  let caret = null;
  try {
    caret = [field.selectionStart, field.selectionEnd];
  } catch {
    caret = null; // kinds of input without a caret
  }
  return { field, text: field.value, caret };
}

function restore(burst) {
  const done = new Set();
  for (const { field, text, caret } of burst) {
    if (!field || done.has(field)) continue;
    done.add(field);
    if (composing && field === document.activeElement) {
      field.blur(); // ends the input method's own text, which would come in later
      field.focus();
    }
    field.value = text;
    if (caret && caret[0] !== null && field === document.activeElement) {
      try {
        field.setSelectionRange(...caret);
      } catch {
        // no caret to put back
      }
    }
  }
}

/** What the burst left in its field, where the keyboard does not say which keys they were. */
function inserted(burst) {
  const { field, text } = burst[0];
  if (!field || !burst.some((each) => !each.char && !each.code && each.key.length !== 1)) {
    return undefined;
  }
  const now = field.value;
  let start = 0;
  while (start < text.length && text[start] === now[start]) start += 1;
  let end = 0;
  while (end < text.length - start && text.at(-1 - end) === now.at(-1 - end)) end += 1;
  return now.slice(start, now.length - end);
}

function average(burst) {
  return burst.length < 2 ? Infinity : (burst.at(-1).at - burst[0].at) / (burst.length - 1);
}

/** The last keys that came without a pause in which a finger could have typed. */
function machineRun() {
  let from = keys.length - 1;
  while (from > 0 && keys[from].at - keys[from - 1].at <= MACHINE) from -= 1;
  return keys.slice(from);
}

/** Without the blanks before it: they were typed, and no code of ours begins with one. */
function trimmed(burst) {
  const first = burst.findIndex((each) => each.code !== "Space" && each.key !== " ");
  return first > 0 ? burst.slice(first) : burst;
}

/** Where one of our codes may lie: the whole burst, or its end after somebody typed. */
function* candidates(run) {
  if (average(keys) <= GAP) yield trimmed(keys);
  if (run.length < keys.length) yield trimmed(run);
  for (const length of [12, 9]) {
    const end = keys.slice(-length);
    if (end.length < length || length === keys.length) continue;
    const pause = end[0].at - keys.at(-length - 1).at;
    if (average(end) <= GAP && pause >= 3 * average(end) + 20) yield end;
  }
  // A finger that was typing when the scanner began. A symbol has two check characters.
  if (run.length > 12 && run.length < 15) yield run.slice(-12);
}

/** Whether the keys so far are a scan; if so it is taken, and fields get their text back. */
function finish(end) {
  clearTimeout(timer);
  const scan = found(end);
  if (!scan) return false;
  restore(scan.burst);
  const ended = scan.burst.at(-1).at;
  broken = scan.kind === "unreadable" ? ended : -Infinity;
  const at = performance.timeOrigin + ended;
  const { field } = scan.burst[0];
  cut = end === "silence" && scan.kind === "unreadable" ? keys : null;
  forget();
  taken({ kind: scan.kind, text: scan.text, at, field, end });
  return true;
}

function found(end) {
  if (keys.length < SHORTEST) return null;
  const run = machineRun();
  for (const burst of candidates(run)) {
    if (burst.length < SHORTEST) continue;
    const text = reading(burst, inserted(burst));
    if (text === false) return { kind: "unclear", burst, text: "" };
    if (text) return { kind: "ours", burst, text };
  }
  if (run.length < SHORTEST) return null;
  // One of ours behind a finger's key is as good as certain, but 1 in 37 is not never: it is not
  // taken, and what the finger typed stays.
  const behind = [12, 9].find((length) => run.length > length && reading(run.slice(-length)));
  const unreadable = { kind: "unreadable", burst: behind ? run.slice(-behind) : run };
  if (run[0].field?.type === "password") return behind ? { ...unreadable, text: "" } : null;
  const text = foreign(run, inserted(run));
  const takes = run[0].field?.id === "scan" || run[0].field?.hasAttribute("data-supplier");
  // Half a code of ours fits no check character; half a supplier's code looks like a whole one.
  const half = run[0].at - broken < REST;
  if (!takes || half || end !== "Enter") return { ...unreadable, text: text || "" };
  return text
    ? { kind: "foreign", burst: run, text }
    : { kind: "unclear", burst: run, text: "" };
}

/**
 * A machine that stalls hands over a burst in two parts, long after the keys were pressed. By their own
 * clock there was no silence between them, so they are one scan and the first part is not lost.
 */
function rejoin(now) {
  if (cut && !keys.length && now - cut.at(-1).at < SILENCE) {
    keys = cut;
    broken = -Infinity;
  }
  cut = null;
}

function heard(event) {
  if (event.ctrlKey && (event.key === "]" || event.code === "BracketRight")) {
    event.preventDefault(); // a part of a GS1 code ends here; no command for the browser
    if (keys.length) keys.push({ char: SEPARATOR, at: event.timeStamp, ...standing() });
    return;
  }
  if (["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"].includes(event.key)) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) {
    forget();
    return;
  }
  const now = event.timeStamp;
  rejoin(now);
  if (keys.length && now - keys.at(-1).at > FORGET) forget();
  if (event.key === "Enter" || event.key === "Tab") {
    if (finish(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    } else {
      forget();
    }
    return;
  }
  const unnamed = ["Process", "Unidentified", "Dead"].includes(event.key);
  if (event.key.length !== 1 && !unnamed) {
    forget(); // Backspace, an arrow: somebody is writing
    return;
  }
  if (!physical(event.code, false) && event.key.length !== 1 && event.code) return;
  keys.push({ code: event.code, key: event.key, shift: event.shiftKey, at: now, ...standing() });
  if (keys.length > 300) keys.shift();
  clearTimeout(timer);
  timer = setTimeout(() => finish("silence"), SILENCE);
}

/** A page that goes away in the middle of a burst hands its half to the next one. */
function hand() {
  if (!keys.length) return;
  const half = keys.map(({ code, key, shift, char, at }) => ({
    code, key, shift, char, at: performance.timeOrigin + at,
  }));
  try {
    sessionStorage.setItem(HALF, JSON.stringify(half));
  } catch {
    // a browser that keeps nothing: the other half will not be readable, and says so
  }
}

function resume() {
  try {
    const half = JSON.parse(sessionStorage.getItem(HALF) ?? "[]");
    sessionStorage.removeItem(HALF);
    keys = half.map((each) => ({ ...each, at: each.at - performance.timeOrigin, field: null }));
  } catch {
    keys = [];
  }
}

/**
 * Listen from now on.
 *
 * `take` is given `{kind, text, at, field, end}`: kind `ours`, `foreign` (a supplier's), `unclear`
 * (two readings) or `unreadable`; at in ms since 1970; the field that had the focus, or null.
 */
export function listen(take) {
  taken = take;
  resume();
  document.addEventListener("keydown", heard, { capture: true });
  document.addEventListener("compositionstart", () => (composing = true), { capture: true });
  document.addEventListener("compositionend", () => (composing = false), { capture: true });
  addEventListener("pagehide", hand);
}
