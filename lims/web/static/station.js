// The station: scans are sent in their order, one after the other, each under a key of its own until
// the server has answered it. A lost answer is asked for again and acts once; a reload keeps what waits.

import { sayVerdicts, say, stop } from "./scan.js";

const KEPT = "exotrace.station";
const PROMPT = 110_000; // ms; the server takes nothing older than two minutes as made now
const LAST = 8;

const board = () => document.getElementById("board");
const box = document.getElementById("scan");
const words = document.querySelector("[data-words]").dataset;
let carried = JSON.parse(board().dataset.carried);
let takenAt = 0; // when what is in hand was scanned, by this device
let last = [];
let queue = [];
let working = false;
let tries = 0;

let owner = board().dataset.person; // whose hand and mode these are, also while she is signed out

const person = () => board().dataset.person;

function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID wants https
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ owner, carried, takenAt, last, queue }));
  } catch {
    // a browser that keeps nothing loses what waits when it reloads
  }
}

function recall() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  } catch {
    kept = null;
  }
  if (!kept) return;
  last = kept.last;
  // A scan belongs to whoever made it: another person's is never sent in her place.
  const mine = kept.queue.filter((each) => !person() || !each.person || each.person === person());
  if (mine.length < kept.queue.length) {
    const others = kept.queue.filter((each) => !mine.includes(each));
    stop("left", others.map((each) => each.text).join(", "));
  }
  queue = mine;
  if (person() && kept.owner === person()) ({ carried, takenAt } = kept);
}

function count() {
  const shown = document.querySelector("[data-queue]");
  if (!shown) return;
  shown.dataset.queue = String(queue.length);
  shown.textContent = queue.length ? `${words.waiting} ${queue.length}` : "";
}

function showLast() {
  const list = document.querySelector("[data-last]");
  const marks = { ok: "✓", stop: "✕", ask: "!", wait: "…" };
  list.replaceChildren(
    ...last.map((each) => {
      const line = document.createElement("li");
      const at = document.createElement("time");
      at.dir = "ltr";
      at.textContent = new Date(each.at).toTimeString().slice(0, 8);
      const mark = document.createElement("span");
      mark.className = "mark";
      mark.textContent = marks[each.kind];
      const said = document.createElement("bdi");
      said.textContent = each.said;
      line.dataset.kind = each.kind;
      if (each.event) line.dataset.eventId = each.event;
      line.append(at, mark, said);
      return line;
    }),
  );
  document.querySelector("[data-none]").hidden = last.length > 0;
}

function handLeft() {
  const place = document.querySelector("[data-hand]");
  if (!place || !carried.hand) return;
  const all = Number(board().dataset.handSeconds);
  const left = Math.min(all, Math.max(0, all - (Date.now() - takenAt) / 1000));
  document.querySelector("[data-left]").textContent = `${Math.ceil(left)} s`;
  document.querySelector("[data-bar]").value = left;
  if (left > 0 || carried.mode !== "single") return;
  place.hidden = true;
  document.querySelector("[data-put-down]").hidden = false;
}

/** Put the answer of one scan on the page. */
function show(page, scan) {
  const fresh = page.getElementById("board");
  const before = carried;
  board().replaceWith(document.importNode(fresh, true));
  carried = JSON.parse(board().dataset.carried);
  owner = person() || owner;
  if (!person() && owner) carried = before; // for when she is back
  if (carried.hand && carried.hand_at !== before.hand_at) takenAt = scan?.at ?? Date.now();
  for (const field of document.querySelectorAll("[name=_csrf]")) field.value = board().dataset.csrf;
  document.querySelector("meta[name=csrf-token]")?.setAttribute("content", board().dataset.csrf);
  const line = board().dataset.line;
  if (line && scan) last = [{ ...JSON.parse(line), at: scan.at }, ...last].slice(0, LAST);
  showLast();
  handLeft();
  count();
  sayVerdicts(board());
  document.getElementById("scan-said")?.replaceChildren();
  const pin = document.getElementById("pin");
  if (pin) pin.focus();
  else if (document.activeElement === document.body) box?.focus({ preventScroll: true });
  go(board().dataset.go);
}

function go(where) {
  if (!where || where === "badge") return;
  keep();
  if (where === "sign-out") document.querySelector("form[action='/sign-out']")?.requestSubmit();
  else location.assign(where);
}

async function send(scan) {
  const body = new FormData();
  for (const [name, value] of Object.entries(carried)) body.set(name, value);
  body.set("code", scan.text);
  body.set("_key", scan.key);
  body.set("_csrf", board().dataset.csrf);
  body.set("at", new Date(scan.at).toISOString());
  body.set("age", String(Math.max(0, Math.round(scan.at - takenAt))));
  const answer = await fetch("/station", { method: "POST", body, headers: { "X-Board": "yes" } });
  if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("board")) {
    // Signed in or out in another window: this page's form is no longer its own.
    keep();
    location.reload();
    return new Promise(() => {});
  }
  return { page, status: answer.status };
}

const isBadge = (scan) => scan.text[0] === "P" && [9, 12].includes(scan.text.length);

async function work() {
  if (working) return;
  working = true;
  while (queue.length) {
    // Nobody is signed in any more: what she scanned waits for her PIN.
    const held = !person() && queue[0].person;
    const at = held ? queue.findIndex(isBadge) : 0;
    if (at < 0) break;
    const scan = queue[at];
    if (Date.now() - scan.at > PROMPT && !scan.sent) {
      queue.splice(at, 1);
      stop("late", scan.text);
      continue;
    }
    scan.sent = true;
    keep();
    count();
    let answer;
    try {
      answer = await send(scan);
    } catch {
      tries += 1;
      if (!document.querySelector("#scan-said [data-verdict=wait]")) stop("wait", scan.text);
      count();
      await new Promise((done) => setTimeout(done, Math.min(5000, 250 * 2 ** tries)));
      continue; // the same scan under the same key
    }
    if (tries) document.getElementById("scan-said")?.replaceChildren();
    tries = 0;
    if (answer.status === 401 && scan.person && !isBadge(scan)) {
      show(answer.page, null);
      scan.sent = false;
      keep();
      continue;
    }
    queue.splice(at, 1);
    show(answer.page, scan);
    keep();
  }
  working = false;
  count();
}

function take(text, at) {
  queue.push({ text, at, key: key(), person: person() });
  keep();
  count();
  work();
}

document.addEventListener("scan", (event) => {
  event.preventDefault();
  take(event.detail.symbol, event.detail.at);
});

document.getElementById("station").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = event.submitter?.name === "command" ? event.submitter.value : box.value.trim();
  box.value = "";
  performance.mark("scan:end");
  if (text) take(text, Date.now());
  box.focus();
});

recall();
showLast();
setInterval(handLeft, 250);
if (carried.mode !== "single" || carried.hand) {
  send({ text: "", key: key(), at: Date.now() }) // the board again as it was before the reload
    .then(({ page }) => show(page, null))
    .catch(() => say("stop"))
    .finally(work);
} else {
  work();
}
