// The station: scans are sent in their order, one after the other, each under a key of its own until
// the server has answered it. A lost answer is asked for again and acts once. What waits is kept on the
// device over a reload, a closed tab and an outage; it belongs to whoever scanned it.

import * as outage from "./outage.js";
import { say, sayVerdicts, stop } from "./scan.js";

const PROMPT = 110_000; // ms; the server takes nothing older than two minutes as made now
const LAST = 8;
const LAST_KEPT = 60; // lines of scans that were kept stay for longer, so that each can be looked at
const PROBE = 3000; // ms between two looks whether the server is back

const board = () => document.getElementById("board");
const box = document.getElementById("scan");
const words = document.querySelector("[data-words]").dataset;
const orders = JSON.parse(words.orders);
const shell = "shell" in board().dataset; // kept on this device, drawn for nobody
const idle = Number(words.idle) * 1000;
let carried = JSON.parse(board().dataset.carried);
let takenAt = 0; // when what is in hand was scanned, by this device
let last = [];
let queue = []; // of everybody, in order
let session = null; // who was last signed in here: label, name, and when she was last at work
let working = false;
let handingIn = false; // somebody asked for what is held for others to be handed in
let tries = 0;
let since = 0; // when the server was first missed; 0 while it is there
let trouble = []; // kept scans that came to something other than ok
let owner = board().dataset.person; // whose hand and mode these are, also while she is signed out
let wake = () => {};
let early = []; // scanned before what is kept was read

const person = () => board().dataset.person;
const mine = () => queue.filter((each) => !person() || !each.person || each.person === person());
const held = () => queue.filter((each) => person() && each.person && each.person !== person());
const isBadge = (scan) => scan.text[0] === "P" && [9, 12].includes(scan.text.length);
const bench = () => ({ carried, takenAt, last, at: Date.now() });

function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID wants https
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

/** Somebody is at work here now; without a connection this is all that says who. */
async function atWork() {
  if (!person()) return;
  session = { label: person(), name: session?.name ?? "", at: Date.now() };
  await outage.note("session", session).catch(() => {});
}

async function recall() {
  const { scans, facts } = await outage.recall().catch(() => ({ scans: [], facts: {} }));
  queue = scans;
  session = facts.session ?? null;
  outage.resume(facts.door);
  if (shell && session && Date.now() - session.at <= idle) board().dataset.person = session.label;
  if (!shell) {
    const name = document.querySelector(".person bdi")?.textContent ?? "";
    session = person() ? { label: person(), name, at: Date.now() } : null;
    await outage.note("session", session).catch(() => {});
  }
  owner = person();
  const kept = owner && facts[`bench/${owner}`];
  if (!kept) return;
  last = kept.last;
  const waits = queue.some((each) => each.person === owner);
  if (waits || Date.now() - kept.at <= idle) ({ carried, takenAt } = kept);
}

function count() {
  const shown = document.querySelector("[data-queue]");
  const waiting = mine().length + (early?.length ?? 0);
  if (shown) {
    shown.dataset.queue = String(waiting);
    shown.textContent = waiting ? `${words.waiting} ${waiting}` : "";
  }
  // Said to be kept is only what would be there if this page ended now.
  const kept = mine().filter((each) => !each.unsaved).length;
  outage.showNetwork(words, { since, count: kept, held: held() });
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
  sayVerdicts(board()); // it stands there; what follows is beside it
  carried = JSON.parse(board().dataset.carried);
  owner = person() || owner;
  if (!person() && owner) carried = before; // for when she is back
  if (carried.hand && carried.hand_at !== before.hand_at) takenAt = scan?.at ?? Date.now();
  for (const field of document.querySelectorAll("[name=_csrf]")) field.value = board().dataset.csrf;
  document.querySelector("meta[name=csrf-token]")?.setAttribute("content", board().dataset.csrf);
  if (board().dataset.line && scan) wrote(JSON.parse(board().dataset.line), scan);
  showLast();
  handLeft();
  count();
  document.getElementById("scan-said")?.replaceChildren();
  const pin = document.getElementById("pin");
  if (pin) pin.focus();
  else if (document.activeElement === document.body) box?.focus({ preventScroll: true });
}

/** One more line of the last scans. */
function wrote(said, scan) {
  const kept = Boolean(scan.counter);
  if (kept && ["stop", "ask"].includes(said.kind)) trouble.push(scan.said || scan.text);
  last = [{ ...said, at: scan.at, kept }, ...last].filter(
    (each, place) => place < LAST || (each.kept && place < LAST_KEPT),
  );
}

function go(where) {
  if (!where || where === "badge") return;
  if (where === "sign-out") document.querySelector("form[action='/sign-out']")?.requestSubmit();
  else location.assign(where);
}

function again() {
  location.reload();
  return new Promise(() => {}); // this page is over
}

/** Send one scan with what is in hand; of another person's, with what was in hers. */
async function send(scan, hers) {
  const hand = hers ?? { carried, takenAt };
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(hand.carried)) body.set(name, value);
  if (hers) body.set("handed", "yes");
  body.set("code", scan.text);
  body.set("_key", scan.key);
  body.set("_csrf", board().dataset.csrf);
  body.set("at", new Date(scan.at).toISOString());
  body.set("age", String(Math.max(0, Math.round(scan.at - hand.takenAt))));
  body.set("person", scan.person ?? "");
  if (scan.counter) {
    body.set("device", scan.device);
    body.set("counter", String(scan.counter));
  }
  const answer = await fetch("/station", { method: "POST", body, headers: { "X-Board": "yes" } });
  if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("board")) {
    if (answer.status === 409) throw new Error("the first sending of this scan is still at work");
    // Signed in or out in another window: this page's form is no longer its own.
    await scan.stored; // what waits is sent by the page that comes
    return again();
  }
  return { page, status: answer.status };
}

const pause = (milliseconds) =>
  new Promise((done) => {
    wake = done;
    setTimeout(done, milliseconds);
  });

/** From now on what is scanned is kept, with the device's own count. */
async function missed() {
  since ||= Date.now();
  await Promise.all(queue.map((each) => each.stored));
  const bare = mine().filter((each) => !each.counter && !isBadge(each));
  if (bare.length) await outage.number(bare, `station-${key().slice(0, 16)}`).catch(() => {});
  if (queue.length && !document.querySelector("#scan-said [data-verdict]")) {
    saidKept(mine().at(-1));
  }
  count();
}

function saidKept(scan) {
  board().querySelector(".said")?.replaceChildren(); // one verdict at a time
  if (scan) stop("wait", scan.said || scan.text);
}

async function isBack() {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function found() {
  tries = 0;
  if (!since) return;
  if (shell) await again(); // the real page sends what was kept
  since = 0;
  document.querySelector("#scan-said [data-verdict=wait]")?.remove();
  count();
}

/** The next scan that may be sent now: hers alone, or a badge while nobody is signed in. */
function next() {
  if (!person()) {
    return queue.find((each) => isBadge(each) || !each.person);
  }
  return queue.find((each) => !each.person || each.person === person());
}

async function work() {
  if (working) return;
  working = true;
  for (;;) {
    if (shell || (since && !next())) {
      if (await isBack()) await found();
      else {
        await missed();
        await pause(PROBE);
      }
      continue;
    }
    const scan = next();
    if (!scan && handingIn && person()) {
      handingIn = false;
      await handIn();
      continue;
    }
    if (!scan) break;
    await sendOne(scan);
  }
  working = false;
  count();
  if (trouble.length) stop("kept-trouble", trouble.join(", "));
  trouble = [];
}

async function sendOne(scan) {
  if (Date.now() - scan.at > PROMPT && isBadge(scan)) {
    await gone(scan);
    stop("late", scan.text);
    return;
  }
  if (Date.now() - scan.at > PROMPT && !scan.counter) {
    await outage.number([scan], `station-${key().slice(0, 16)}`).catch(() => {});
  }
  count();
  let answer;
  try {
    answer = await send(scan); // while it is stored: should this page end now, its verdict was not seen
  } catch {
    tries += 1;
    await missed();
    await pause(Math.min(5000, 250 * 2 ** tries));
    return; // the same scan under the same key
  }
  await found();
  if (answer.status === 409 || (answer.status === 401 && scan.person && !isBadge(scan))) {
    show(answer.page, null); // it waits for whoever scanned it
    if (held().includes(scan)) stop("left", scan.text);
    return;
  }
  queue.splice(queue.indexOf(scan), 1);
  show(answer.page, scan);
  await scan.stored; // under the number by which it is forgotten
  await outage.answered(scan, owner, bench()).catch(() => {});
  await atWork();
  go(board().dataset.go);
}

/**
 * Hand in what is held for others: each of their moves is put aside on the server for a third person.
 * It stays here until the server has it.
 */
async function handIn() {
  const { facts } = await outage.recall().catch(() => ({ facts: {} }));
  const hands = {};
  let handed = 0;
  try {
    for (const scan of held()) {
      if (isBadge(scan)) {
        await gone(scan);
        continue;
      }
      const kept = facts[`bench/${scan.person}`];
      const hers = (hands[scan.person] ??= {
        carried: kept?.carried ?? { mode: "single" },
        takenAt: kept?.takenAt ?? 0,
      });
      if (!scan.counter) await outage.number([scan], `station-${key().slice(0, 16)}`);
      const { page, status } = await send(scan, hers);
      if (status >= 400) throw new Error(`the server answered ${status}`);
      const fresh = page.getElementById("board").dataset;
      const after = JSON.parse(fresh.carried);
      if (after.hand && after.hand_at !== hers.carried.hand_at) hers.takenAt = scan.at;
      hers.carried = after;
      if (fresh.line) wrote(JSON.parse(fresh.line), { ...scan, counter: 0 });
      queue.splice(queue.indexOf(scan), 1);
      const bench = { carried: after, takenAt: hers.takenAt, last: [], at: Date.now() };
      await outage.answered(scan, scan.person, bench).catch(() => {});
      handed += 1;
      count();
    }
    for (const label of Object.keys(hands)) await outage.note(`bench/${label}`, null).catch(() => {});
    stop("handed-in", String(handed));
  } catch {
    stop("not-handed-in", held().map((each) => each.text).join(", "));
  }
  showLast();
  count();
}

document.querySelector("[data-hand-in]")?.addEventListener("click", () => {
  if (since) stop("not-handed-in", held().map((each) => each.text).join(", "));
  else handingIn = true; // after what is hers to send, which goes first
  work();
});

async function gone(scan) {
  queue.splice(queue.indexOf(scan), 1);
  await outage.drop(scan).catch(() => {});
}

/** Where the hand and the batch will be once everything that waits was done. */
function foreseen() {
  const hand = carried.hand ?? "";
  let state = { mode: carried.mode, hand, aim: carried.aim ?? "", at: takenAt };
  for (const each of mine()) ({ state } = outage.foresee(state, each, orders));
  return state;
}

function refusal(scan) {
  if (!person() || (session && Date.now() - session.at > idle)) return "offline-nobody";
  const { refused, said } = outage.foresee(foreseen(), scan, orders);
  scan.said = said;
  return refused;
}

function take(text, at) {
  if (early) {
    early.push([text, at]);
    count();
    return;
  }
  const door = outage.scannedAt(at, outage.command(text, orders) === "DONE");
  outage.showDoor(words.door);
  const scan = { text, at, key: key(), person: person(), name: session?.name ?? "" };
  const refused = since && refusal(scan);
  if (refused) {
    outage.note("door", door).catch(() => {});
    board().querySelector(".said")?.replaceChildren();
    stop(refused, text);
    return;
  }
  scan.unsaved = true;
  scan.stored = outage.add(scan, { sent: !since, door }).catch(() => {}).then(() => {
    delete scan.unsaved;
    count();
    if (since && queue.includes(scan)) saidKept(scan);
  });
  queue.push(scan);
  count();
  if (since) missed().then(atWork);
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

addEventListener("offline", () => missed().then(work));
addEventListener("online", () => wake());

/** One window of a device is the station: two would each have a hand of their own. */
function alone() {
  if (!navigator.locks) return Promise.resolve();
  return new Promise((done) => {
    const busy = setTimeout(() => stop("second-window"), 1500);
    navigator.locks.request("exotrace.station", () => {
      clearTimeout(busy);
      document.querySelector("#scan-said [data-verdict]")?.remove();
      done();
      return new Promise(() => {}); // until this page goes
    });
  });
}

async function begin() {
  await alone();
  await recall();
  if (shell) since = Date.now();
  showLast();
  showShell();
  setInterval(() => {
    handLeft();
    outage.showDoor(words.door);
  }, 250);
  count();
  if (!shell && person() && (carried.mode !== "single" || carried.hand)) {
    await send({ text: "", key: key(), at: Date.now(), person: person() })
      .then(({ page }) => show(page, null)) // the board again as it was before the reload
      .catch(missed);
  }
  if (held().length) stop("left", held().map((each) => each.text).join(", "));
  const some = early;
  early = null;
  for (const scan of some) take(...scan);
  count();
  work();
}

/** The page that is kept on the device says who works here, and how. */
function showShell() {
  if (!shell) return;
  const name = document.querySelector("[data-shell-person]");
  name.textContent = person() ? session.name : "";
  for (const each of document.querySelectorAll("[data-when]")) {
    each.hidden = each.dataset.when !== (person() ? "somebody" : "nobody");
  }
}

begin();
outage.keepAtHand();
