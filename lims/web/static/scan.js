// One scan router for all pages: what a scanner read goes where it is meant for, in its order, and
// what cannot be read is said in words. `bursts.js` hears the keys, `codes.js` reads them.

import { listen } from "./bursts.js";
import { fold, valid } from "./codes.js";
import { say, sayVerdicts } from "./voice.js";

export { checkCharacter, fold, reading, valid } from "./codes.js";
export { say, sayVerdicts } from "./voice.js";

export const CAMERA = "exotrace.camera"; // whether it is open
const WAITING = "exotrace.waiting-scans"; // scans made while this page was on its way to another
const TOO_OLD = 30_000; // ms: what waited longer was made for a page that nobody remembers

const asked = () =>
  fetch(document.body.dataset.scanStops)
    .then((answer) => (answer.ok ? answer.text() : ""))
    .then((text) => new DOMParser().parseFromString(text, "text/html"))
    .catch(() => null);
let stops = asked(); // before they are needed: a stop waits for nobody

/** Words that the server drew for this page's language, by their name; null while it is away. */
export async function template(name) {
  const find = (page) => page?.querySelector(`template[data-scan-stop="${name}"]`);
  return find(await stops) ?? find(await (stops = asked()));
}

/** Show a stop of this page's own; it stays until the next scan that can be read. */
export async function stop(name, text = "") {
  const place = document.getElementById("scan-said");
  const words = await template(name);
  if (!place || !words) {
    say("stop"); // the server is away; at least it is heard
    return;
  }
  place.replaceChildren(document.importNode(words.content, true));
  if (text) {
    const code = document.createElement("bdi");
    code.dir = "ltr";
    code.className = "exact";
    code.textContent = text.replace(/[\x00-\x1f]/g, " ").slice(0, 60);
    place.querySelector(".verdict-what")?.append(" ", code);
  }
  sayVerdicts(place);
  place.scrollIntoView({ block: "nearest" });
}

function fits(field, symbol) {
  const letters = field.dataset.letters ?? "";
  return !letters || letters.includes(symbol[0]);
}

function held(field) {
  return field.value.split("\n").map(fold).filter(Boolean);
}

const takesMany = (field) => "codes" in field.dataset;

/** The field of a form that a scan is meant for: the focused one, the next empty, the only one. */
function target(symbol) {
  const fields = [...document.querySelectorAll("[data-code], [data-codes]")].filter(
    (each) => !each.disabled && fits(each, symbol),
  );
  const here = document.activeElement;
  if (fields.includes(here)) return here;
  const empty = (each) => takesMany(each) || !each.value.trim();
  const after = fields.filter(
    (each) => here && here.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  const next = after.find(empty) ?? fields.find(empty);
  // Where one field alone can be meant, scanning the right thing puts a wrong scan right.
  return next ?? (fields.length === 1 ? fields[0] : null);
}

/** Whether somebody is writing there, so that the focus stays hers. */
function isWriting(field) {
  return Boolean(field) && field.id !== "scan" && !field.matches("[data-code], [data-codes], select");
}

function fill(field, symbol, from) {
  if (takesMany(field)) {
    const lines = held(field);
    if (!lines.some((each) => each.slice(0, 9) === symbol.slice(0, 9))) lines.push(symbol);
    field.value = `${lines.join("\n")}\n`;
    if (!isWriting(from)) field.focus();
  } else {
    field.value = symbol;
    const inputs = [...(field.form?.elements ?? [])].filter(
      (each) => each.matches("input:not([type=hidden]), select, textarea, button") && !each.disabled,
    );
    if (!isWriting(from)) inputs[inputs.indexOf(field) + 1]?.focus();
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Whether somebody has entered something here. */
function changed(each) {
  if (["hidden", "button", "submit"].includes(each.type)) return false;
  if (each.type === "checkbox" || each.type === "radio") return each.checked !== each.defaultChecked;
  if (each.type === "file") return each.files.length > 0;
  if (each.type === "select-one") {
    const first = [...each.options].findIndex((one) => one.defaultSelected);
    return each.selectedIndex !== Math.max(first, 0);
  }
  return "defaultValue" in each && each.value !== each.defaultValue;
}

/** Whether leaving this page would lose what somebody has entered. */
function holdsWork() {
  const forms = [...document.querySelectorAll("form[data-act]")];
  return forms.some((form) => [...form.elements].some(changed));
}

// A page that is being left keeps what is scanned meanwhile for the one that comes.
let leaving = 0;
const isLeaving = () => performance.now() < leaving;
addEventListener("beforeunload", () => {
  leaving = performance.now() + 20_000; // after that it was a download, and the page stays
  setTimeout(playWaiting, 20_050);
});
addEventListener("pageshow", () => (leaving = 0));

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(WAITING) ?? "[]");
  } catch {
    return [];
  }
}

function keep(scans) {
  try {
    sessionStorage.setItem(WAITING, JSON.stringify(scans));
  } catch {
    stop("late"); // a browser that keeps nothing
  }
}

function playWaiting() {
  const scans = kept();
  if (!scans.length || isLeaving()) return;
  keep([]);
  for (const [at, scan] of scans.entries()) {
    if (isLeaving()) {
      keep([...scans.slice(at), ...kept()]);
      return;
    }
    if (Date.now() - scan.at > TOO_OLD) stop("late", scan.text);
    else take({ ...scan, field: null });
  }
}

/** Where a scan goes. A page of its own may take it first: it cancels the `scan` event. */
function take(scan) {
  performance.mark("scan:end");
  if (isLeaving()) {
    keep([...kept(), { kind: scan.kind, text: scan.text, at: scan.at }]);
    return;
  }
  if (scan.kind === "unclear" || scan.kind === "unreadable") {
    stop(scan.kind, scan.text);
    return;
  }
  document.getElementById("scan-said")?.replaceChildren();
  const detail = { symbol: scan.text, kind: scan.kind, at: scan.at };
  const event = new CustomEvent("scan", { detail, cancelable: true, bubbles: true });
  if (!document.dispatchEvent(event)) return;
  if (scan.kind === "foreign" && scan.field?.hasAttribute("data-supplier")) {
    scan.field.value = scan.text.replaceAll("\x1d", " ");
    return;
  }
  const field = scan.kind === "ours" ? target(scan.text) : null;
  if (field) fill(field, scan.text, scan.field);
  else if (holdsWork()) stop("elsewhere", scan.text);
  else go(scan.text);
}

/** A code that was read otherwise than by keys: by a camera, or from a photograph. */
export function scanned(text, at) {
  const symbol = fold(text);
  const field = document.activeElement;
  if (valid(symbol)) take({ kind: "ours", text: symbol, at, field });
  else take({ kind: "foreign", text, at, field });
}

function go(text) {
  leaving = performance.now() + 20_000;
  location.assign(`/scan?code=${encodeURIComponent(text)}`);
}

listen(take);

// The camera is fetched when somebody opens it; it stays open over pages until she closes it.
const turn = async () => (await import("./camera.js")).turn();
for (const button of document.querySelectorAll("[data-camera-open]")) {
  button.hidden = false;
  button.addEventListener("click", turn);
}
try {
  if (sessionStorage.getItem(CAMERA)) turn();
} catch {
  // a browser that keeps nothing
}

// Days are said beside their inputs, where a page has any.
if (document.querySelector("[data-day]")) import("./days.js");

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

// Scan fields open no keyboard on a tablet; one press brings it back.
for (const button of document.querySelectorAll("[data-keyboard]")) {
  button.addEventListener("click", () => {
    const fields = document.querySelectorAll("[inputmode=none]");
    for (const field of fields) field.inputMode = "text";
    (document.querySelector("[data-auto]") ?? document.getElementById("scan"))?.focus();
  });
}

sayVerdicts();
if (!document.querySelector("[autofocus]") && document.activeElement === document.body) {
  document.getElementById("scan")?.focus({ preventScroll: true });
}
document.addEventListener("DOMContentLoaded", playWaiting); // pages' own scripts hear them too
