// One scan router for all pages. Keys are heard on the whole document, so focus does not matter.
// Every scan has two readings: from `event.code` (the physical key, immune to Persian layout,
// CapsLock and a Chinese input method) and from `event.key`. The one whose check character fits is
// taken; if both fit and differ, nothing is.

const VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS = "SCLVQKPWREAX";
const AVERAGE_GAP = 100; // ms between keys, at most, for a burst to be a scanner's
const SILENCE = 120; // ms after which a burst without Enter is over
const FORGET = 400; // ms after which a key starts a new burst

/** The ISO 7064 mod 37,2 check character. */
export function checkCharacter(body) {
  let sum = 0;
  for (const each of body) sum = ((sum + VALUES.indexOf(each)) * 2) % 37;
  return VALUES[(38 - sum) % 37];
}

/** Latin digits, upper case, no blanks, hyphens or invisible marks. */
export function fold(text) {
  return text
    .replace(/[۰-۹]/g, (each) => String(each.charCodeAt(0) - 0x6f0))
    .replace(/[٠-٩]/g, (each) => String(each.charCodeAt(0) - 0x660))
    .replace(/[\s\u200b-\u200f\u202a-\u202e-]/g, "")
    .toUpperCase();
}

/** Whether a text is one of our codes (9) or symbols (12) with a right check character. */
export function valid(text) {
  if (![9, 12].includes(text.length) || !LETTERS.includes(text[0])) return false;
  if ([...text.slice(1, -1)].some((each) => !ALPHABET.includes(each))) return false;
  if (checkCharacter(text.slice(0, -1)) !== text.at(-1)) return false;
  return text.length === 9 || checkCharacter(text.slice(0, 8)) === text[8];
}

/** What the physical key means on a scanner that sends a US keyboard. */
function byKey(code) {
  const found = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(code || "");
  return found ? found[1] || found[2] : "";
}

/** The one right reading of a burst; null where there is none, false where there are two. */
export function reading(keys) {
  const readings = [
    keys.map((each) => byKey(each.code)).join(""),
    fold(keys.map((each) => (each.key.length === 1 ? each.key : "")).join("")),
  ].filter(valid);
  if (readings.length === 2 && readings[0] !== readings[1]) return false;
  return readings[0] || null;
}

// Sound and touch. A test replaces `window.exotrace.tone` and `.vibrate` and counts the calls.
const TONES = { ok: [[880, 80]], stop: [[220, 250], [220, 250]], ask: [[520, 150]], wait: [] };
const BUZZ = { ok: [40], stop: [200, 100, 200], ask: [80], wait: [] };
let audio = null;
try {
  audio = new AudioContext(); // made here: inside a key handler it would stall the timing
} catch {
  audio = null;
}
for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => audio?.state === "suspended" && audio.resume().catch(() => {}), {
    once: true,
    passive: true,
  });
}
window.exotrace = {
  tone(kind) {
    if (!audio) return;
    let at = audio.currentTime;
    for (const [pitch, milliseconds] of TONES[kind] ?? []) {
      const sound = audio.createOscillator();
      const level = audio.createGain();
      level.gain.value = 0.2;
      sound.frequency.value = pitch;
      sound.connect(level).connect(audio.destination);
      sound.start(at);
      sound.stop(at + milliseconds / 1000);
      at += milliseconds / 1000 + 0.12;
    }
  },
  vibrate(kind) {
    if (BUZZ[kind]?.length) navigator.vibrate?.(BUZZ[kind]);
  },
  ...window.exotrace,
};

/** Say a verdict aloud, once, when its panel stands there. */
export function sayVerdicts(root = document) {
  const panel = root.querySelector("[data-verdict]:not([data-said])");
  if (!panel) return;
  panel.dataset.said = "";
  performance.mark("scan:verdict");
  window.exotrace.tone(panel.dataset.verdict);
  window.exotrace.vibrate(panel.dataset.verdict);
}

function fits(field, symbol) {
  const letters = field.dataset.letters ?? "";
  return !letters || letters.includes(symbol[0]);
}

function held(field) {
  return field.value.split("\n").map(fold).filter(Boolean);
}

/** The field of a form that a scan is meant for: the focused one, else the next empty one. */
function target(symbol) {
  const fields = [...document.querySelectorAll("[data-code], [data-codes]")].filter(
    (each) => !each.disabled && fits(each, symbol),
  );
  const focused = fields.find((each) => each === document.activeElement);
  if (focused) return focused;
  const empty = (each) => "codes" in each.dataset || !each.value.trim();
  const here = document.activeElement;
  const after = fields.filter(
    (each) => here && here.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  return after.find(empty) ?? fields.find(empty) ?? null;
}

function fill(field, symbol) {
  if ("codes" in field.dataset) {
    const lines = held(field);
    if (!lines.some((each) => each.slice(0, 9) === symbol.slice(0, 9))) lines.push(symbol);
    field.value = `${lines.join("\n")}\n`;
    field.focus();
  } else {
    field.value = symbol;
    const inputs = [...(field.form?.elements ?? [])].filter(
      (each) => each.matches("input:not([type=hidden]), select, textarea, button") && !each.disabled,
    );
    inputs[inputs.indexOf(field) + 1]?.focus();
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Where a good scan goes. A page of its own may take it first: it cancels the `scan` event. */
export function route(symbol) {
  performance.mark("scan:end");
  const event = new CustomEvent("scan", { detail: { symbol }, cancelable: true, bubbles: true });
  if (!document.dispatchEvent(event)) return;
  const field = target(symbol);
  if (field) fill(field, symbol);
  else location.assign(`/scan?code=${encodeURIComponent(symbol)}`);
}

let keys = [];
let before = null; // the field that the burst lands in, and its text before
let timer = 0;

function forget() {
  keys = [];
  before = null;
  clearTimeout(timer);
}

function remember() {
  const field = document.activeElement;
  const writes =
    field instanceof HTMLTextAreaElement ||
    field instanceof HTMLSelectElement || // letters would choose another of its options
    (field instanceof HTMLInputElement && !["file", "radio", "checkbox"].includes(field.type));
  before = writes ? { field, text: field.value } : null;
}

/** Whether the keys so far are a scan; if so it is taken, and the field gets its text back. */
function finish() {
  clearTimeout(timer);
  if (keys.length < 6) return false;
  const gap = (keys.at(-1).at - keys[0].at) / (keys.length - 1);
  const symbol = gap <= AVERAGE_GAP ? reading(keys) : null;
  if (symbol === null) return false;
  if (before) before.field.value = before.text;
  forget();
  if (symbol === false) {
    document.dispatchEvent(new CustomEvent("scan-unclear", { bubbles: true }));
    window.exotrace.tone("stop");
    return true;
  }
  route(symbol);
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey && (event.key === "]" || event.code === "BracketRight")) {
      event.preventDefault(); // the GS of a supplier's GS1 code, not a browser command
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const now = event.timeStamp;
    if (keys.length && now - keys.at(-1).at > FORGET) forget();
    if (event.key === "Enter" || event.key === "Tab") {
      if (finish()) {
        event.preventDefault();
        event.stopPropagation();
      } else {
        forget();
      }
      return;
    }
    if (!byKey(event.code) && event.key.length !== 1) return;
    if (!keys.length) remember();
    keys.push({ code: event.code, key: event.key, at: now });
    clearTimeout(timer);
    timer = setTimeout(finish, SILENCE);
  },
  { capture: true },
);

// A form that is on its way says so, and is not sent twice by an impatient finger.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.querySelector(".busy")?.removeAttribute("hidden");
  form.querySelector("button[type=submit]")?.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-act][data-sent]")) {
    delete form.dataset.sent;
    form.querySelector(".busy")?.setAttribute("hidden", "");
    form.querySelector("button[type=submit]")?.removeAttribute("aria-disabled");
  }
});

sayVerdicts();
if (!document.querySelector("[autofocus]") && document.activeElement === document.body) {
  document.getElementById("scan")?.focus({ preventScroll: true });
}
