"use strict";
// Checks the dossier that this very file carries. No network, no library: SHA-256 and SHA-512 are the
// browser's, Ed25519 is the browser's where it has it and RFC 8032 by hand where it has not.
const text = new TextEncoder(), utf8 = new TextDecoder("utf-8", { fatal: true });
const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
const same = (a, b) => a.length === b.length && a.every((each, at) => each === b[at]);

function unhexed(said) {
  if (typeof said !== "string" || !/^[0-9a-f]{64}$/.test(said)) throw new Error("no 32 bytes of hex");
  return Uint8Array.from(said.match(/../g), (two) => parseInt(two, 16));
}
const letters = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
function unlettered(said) {
  const bytes = Uint8Array.from(atob(said.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  if (letters(bytes) !== said) throw new Error("base64url in another form");
  return bytes;
}
function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  parts.reduce((at, each) => (all.set(each, at), at + each.length), 0);
  return all;
}
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const sha512 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-512", joined(...parts)));

// RFC 8785 for text, whole numbers, truth, null, lists and objects; nothing else is in a dossier.
function canon(value) {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Error("no whole number");
    return String(value);
  }
  if (Array.isArray(value)) return "[" + value.map(canon).join(",") + "]";
  return "{" + Object.keys(value).sort().map((name) => JSON.stringify(name) + ":" + canon(value[name])).join(",") + "}";
}
const whole = (value) => { if (!Number.isSafeInteger(value) || value < 0) throw new Error("no whole number"); return value; };

// The tree of RFC 6962, proofs as RFC 9162 2.1.3.2 and 2.1.4.2 check them.
const node = (left, right) => sha256(Uint8Array.of(1), left, right);
const half = (number) => Math.floor(number / 2);
async function included(leaf, index, size, path, root) {
  if (index >= size) return false;
  let number = index, last = size - 1, found = leaf;
  for (const each of path) {
    if (last === 0) return false;
    if (number % 2 || number === last) {
      found = await node(each, found);
      while (number % 2 === 0 && number) { number = half(number); last = half(last); }
    } else found = await node(found, each);
    number = half(number); last = half(last);
  }
  return last === 0 && same(found, root);
}
async function consistent(old, oldRoot, size, root, proof) {
  if (old < 1 || old > size) return false;
  if (old === size) return proof.length === 0 && same(oldRoot, root);
  const path = Number.isInteger(Math.log2(old)) ? [oldRoot, ...proof] : [...proof];
  if (!path.length) return false;
  let number = old - 1, last = size - 1;
  while (number % 2) { number = half(number); last = half(last); }
  let was = path[0], now = path[0];
  for (const each of path.slice(1)) {
    if (last === 0) return false;
    if (number % 2 || number === last) {
      was = await node(each, was); now = await node(each, now);
      while (number % 2 === 0 && number) { number = half(number); last = half(last); }
    } else now = await node(now, each);
    number = half(number); last = half(last);
  }
  return last === 0 && same(was, oldRoot) && same(now, root);
}

// Ed25519 by hand (RFC 8032 5.1.7), for browsers that have none.
const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a) => ((a % P) + P) % P;
function power(base, exponent) {
  let found = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) found = mod(found * base);
  return found;
}
const inverse = (a) => power(a, P - 2n), D = mod(-121665n * inverse(121666n)), ROOT = power(2n, (P - 1n) / 4n);
const little = (bytes) => bytes.reduceRight((sum, each) => sum * 256n + BigInt(each), 0n);
function point(bytes) {
  const sign = bytes[31] >> 7, y = little(bytes) & (2n ** 255n - 1n);
  if (y >= P) return null;
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square)) x = mod(x * ROOT);
  if (mod(x * x - square) || (x === 0n && sign)) return null;
  if (Number(x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2)), c = mod(2n * t1 * t2 * D), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
function times(number, given) {
  let found = [0n, 1n, 1n, 0n];
  for (; number; number >>= 1n, given = add(given, given)) if (number & 1n) found = add(found, given);
  return found;
}
const BASE_Y = mod(4n * inverse(5n));
const BASE = point(Uint8Array.from({ length: 32 }, (_, at) => Number((BASE_Y >> BigInt(8 * at)) & 255n)));
async function byHand(raw, signature, message) {
  const A = point(raw), R = point(signature.slice(0, 32)), s = little(signature.slice(32));
  if (!A || !R || s >= L) return false;
  const k = little(await sha512(signature.slice(0, 32), raw, message)) % L;
  const left = times(s, BASE), right = add(R, times(k, A));
  return !mod(left[0] * right[2] - right[0] * left[2]) && !mod(left[1] * right[2] - right[1] * left[2]);
}
let native = true;
async function signed(raw, signature, message) {
  try {
    const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch (lacking) {
    native = false;
    return byHand(raw, signature, message);
  }
}

// Keys and signatures: compact JWS with a header of alg and kid, nothing else.
async function key(x) {
  const raw = unlettered(x);
  if (raw.length !== 32) throw new Error("no Ed25519 key");
  return { x, raw, kid: hex(await sha256(raw)).slice(0, 16), jwk: { crv: "Ed25519", kty: "OKP", x } };
}
function apart(jws) {
  const parts = String(jws).split(".");
  if (parts.length !== 3) throw new Error("no compact JWS");
  const header = JSON.parse(utf8.decode(unlettered(parts[0])));
  if (Object.keys(header).sort().join() !== "alg,kid" || header.alg !== "Ed25519") throw new Error("a header of another form");
  const signature = unlettered(parts[2]);
  if (signature.length !== 64) throw new Error("no Ed25519 signature");
  return { kid: header.kid, payload: utf8.decode(unlettered(parts[1])), signature, message: text.encode(parts[0] + "." + parts[1]) };
}
async function opened(jws, keys) {
  const found = apart(jws), by = keys.find((each) => each.kid === found.kid);
  if (!by) throw new Error("signed by the unknown key " + found.kid);
  if (!(await signed(by.raw, found.signature, found.message))) throw new Error("the signature does not fit");
  return found.payload;
}
async function sealOf(jws, keys) {
  const payload = await opened(jws, keys), read = JSON.parse(payload);
  if (canon(read) !== payload || Object.keys(read).sort().join() !== "at,number,origin,prev,root,size,v" || read.v !== 1) throw new Error("not the bytes of a seal");
  if (whole(read.number) < 1 || whole(read.size) < 1) throw new Error("not the bytes of a seal");
  unhexed(read.prev);
  return { ...read, payload, rootBytes: unhexed(read.root) };
}
async function keysIn(said) {
  const found = [];
  const take = async (x) => { try { found.push(await key(x)); } catch (no) { /* another word */ } };
  const walk = async (value) => {
    if (!value || typeof value !== "object") return;
    if (value.kty === "OKP" && value.crv === "Ed25519") return take(value.x);
    for (const each of Object.values(value)) await walk(each);
  };
  try { await walk(JSON.parse(said)); } catch (plain) {
    for (const [, block] of said.matchAll(/-----BEGIN PUBLIC KEY-----([\s\S]+?)-----END PUBLIC KEY-----/g)) {
      const der = Uint8Array.from(atob(block.replace(/\s/g, "")), (c) => c.charCodeAt(0));
      if (der.length === 44 && hex(der.slice(0, 12)) === "302a300506032b6570032100") await take(letters(der.slice(12)));
    }
    for (const word of said.split(/\s+/)) {
      if (/^[0-9a-fA-F]{64}$/.test(word)) await take(letters(unhexed(word.toLowerCase())));
      else if (/^[A-Za-z0-9_-]{43}$/.test(word)) await take(word);
    }
  }
  return found;
}

// The examination, row by row in the order of the argument.
const KEYS = "configuration/seal-key";
async function examine(raw, brought) {
  const rows = [], out = { rows, seal: null, entries: [], keys: [], signers: [], witnessed: false, trusted: false };
  const row = async (what, call) => {
    let why = "";
    try { why = (await call()) || ""; } catch (fault) { why = "it is of another form (" + fault.message + ")"; }
    rows.push({ what, passed: !why, why });
    return !why;
  };
  let record, entries = [], digests = [], said, seal, line = [];
  const here = new Map();
  if (!(await row("c_page", async () => {
    if (hex(await sha256(text.encode(raw))) !== DIGEST) return "a character of the page's data was changed";
    record = JSON.parse(raw);
    out.dossier = record.dossier;
    return canon(record).replaceAll("<", "\\u003c") === raw ? "" : "a character of the page's data was changed";
  }))) return out;
  if (!(await row("c_bytes", async () => {
    let before = ["", 0];
    for (const body of record.entries) {
      const entry = JSON.parse(body);
      if (canon(entry) !== body || entry.v !== 1) return "an entry is not in its exact bytes";
      if (entry.stream < before[0] || (entry.stream === before[0] && entry.number <= before[1])) return "the entries are not in their order";
      before = [entry.stream, entry.number];
      entries.push(entry);
      digests.push(await sha256(Uint8Array.of(0), text.encode(body)));
      here.set(entry.stream + " " + entry.number, entries.length - 1);
    }
    out.entries = entries;
    return entries.length ? "" : "there are no entries";
  }))) return out;
  await row("c_chains", () => {
    const last = new Map();
    for (const [at, entry] of entries.entries()) {
      const [number, prev] = last.get(entry.stream) || [0, "0".repeat(64)];
      if (entry.number !== number + 1) return entry.stream + ": entry " + (number + 1) + " is missing";
      if (entry.prev !== prev) return entry.stream + " " + entry.number + " does not follow from the one before";
      last.set(entry.stream, [entry.number, hex(digests[at])]);
    }
  });
  await row("c_named", () => {
    const streams = new Set(entries.map((each) => each.stream));
    for (const entry of entries) for (const each of [...entry.peers, ...entry.parents]) {
      const at = here.get(each.stream + " " + each.number);
      if (at === undefined) { if (streams.has(each.stream)) return each.stream + " " + each.number + " is missing"; continue; }
      if ("digest" in each ? hex(digests[at]) !== each.digest : entries[at].command !== entry.command) return entry.stream + " " + entry.number + " names another " + each.stream + " " + each.number;
    }
  });
  if (!(await row("c_keys", async () => {
    for (const entry of entries.filter((each) => each.stream === KEYS && each.kind === "ledger.seal-key")) {
      const fresh = await key(entry.data.public), wanted = canon(fresh.jwk);
      if (entry.data.kid !== fresh.kid || line.some((each) => each.kid === fresh.kid)) return "a key of the history does not hold";
      if ((await opened(entry.data.own, [fresh])) !== wanted) return "a key does not sign itself";
      if (line.length ? (await opened(entry.data.endorsed, [line.at(-1)])) !== wanted : entry.data.endorsed !== "") return "a key is not endorsed by the one before it";
      line.push(fresh);
    }
    return line.length ? "" : "there is no seal key in it";
  }))) return out;
  out.keys = line;
  if (!(await row("c_seal", async () => { seal = await sealOf(record.seals.seal, [line.at(-1)]); out.seal = seal; out.signers.push(line.at(-1)); }))) return out;
  await row("c_tree", async () => {
    const { size, proofs } = record.proofs, seen = new Set(), last = new Map();
    if (size !== seal.size || proofs.length !== entries.length) return "the proofs are for another tree";
    for (const [at, entry] of entries.entries()) {
      const { leaf, path } = proofs[at];
      if (seen.has(whole(leaf)) || leaf <= (last.get(entry.stream) ?? -1) || !(await included(digests[at], leaf, size, path.map(unhexed), seal.rootBytes))) return entry.stream + " " + entry.number + " is not in the sealed tree";
      seen.add(leaf); last.set(entry.stream, leaf);
    }
  });
  await row("c_related", async () => {
    const others = record.seals.earlier.map((each) => [each.seal, each.consistency]);
    if (record.seals.newest) others.push([record.seals.newest, record.seals.consistency]);
    else if (record.seals.consistency.length) return "a proof to a newer seal that is not there";
    for (const [jws, proof] of others) {
      const other = await sealOf(jws, line), [older, newer] = other.number < seal.number ? [other, seal] : [seal, other];
      if (other.origin !== seal.origin || older.number === newer.number || !(await consistent(older.size, older.rootBytes, newer.size, newer.rootBytes, proof.map(unhexed)))) return "seals " + older.number + " and " + newer.number + " are not of one growing tree";
    }
  });
  const seen = [], carried = [];
  const cosigned = async () => {
    for (const each of record.seals.witnesses) carried.push(await key(each.x));
    for (const jws of record.seals.cosignatures) {
      const { kid } = apart(jws), known = [...carried, ...brought].filter((each) => each.kid === kid);
      if (line.some((each) => each.kid === kid) || seen.some((each) => each.kid === kid)) return "it is no witness of its own";
      if (!known.length) continue; // nobody here knows the witness; whoever does brings its key
      if ((await opened(jws, known)) !== seal.payload) return "the witness signed something else";
      seen.push(known[0]);
    }
  };
  if (record.seals.cosignatures.length || record.seals.witnesses.length) out.witnessed = (await row("c_witness", cosigned)) && seen.length > 0;
  out.signers.push(...seen);
  if (brought.length) await row("c_outside", () => {
    const kids = brought.map((each) => each.kid);
    out.trusted = [...line, ...seen].some((each) => kids.includes(each.kid));
    return out.trusted ? "" : "none of the keys you gave signed here";
  });
  await row("c_stated", async () => {
    const mine = entries.filter((each) => each.stream === "dossier/" + record.dossier.dose && each.kind === "interchange.dossier-made");
    said = mine.at(-1);
    if (!said) return "no entry states what the dossier holds";
    const { heads, ...facts } = said.data;
    if (canon({ ...facts, format: "exotrace-dossier", made_at: said.at, origin: seal.origin, streams: heads, v: 1 }) !== canon(record.dossier)) return "the dossier says something else than its sealed statement";
    const ends = new Map(entries.map((each, at) => [each.stream, [each.number, hex(digests[at])]]));
    if (ends.get(said.stream)[0] !== said.number) return "its last entry is not the statement";
    ends.delete(said.stream);
    if (ends.size !== heads.length) return "streams were left out or put in";
    for (const each of heads) if (String(ends.get(each.stream)) !== String([each.number, each.digest])) return each.stream + " ends elsewhere than it was stated to";
  });
  if (said) await row("c_gates", () => gates(entries, said.data));
  if (said) await row("c_people", () => people(entries, said.data));
  return out;
}
const GIVEN = ["dosing.given", "dosing.given-on-paper"];
// Entered from paper, and what had not been in order stands as a deviation: a mishap, truly recorded.
const excused = (entry) => entry.kind === "dosing.given-on-paper" && Boolean(entry.data.finding);
function gates(entries, said) {
  const done = entries.filter((each) => (each.stream === "item/" + said.lot && each.kind === "release.released") || (each.stream === "item/" + said.dose && GIVEN.includes(each.kind)));
  if (said.given_at && !(done.some((each) => each.kind === "release.released") && done.some((each) => GIVEN.includes(each.kind)))) return "it was given without both answers";
  for (const entry of done) {
    if (excused(entry)) continue;
    const gate = entry.data.gate, results = gate.rows.map((each) => each.result);
    if (!["ok", "ask"].includes(gate.verdict) || !results.length || results.some((each) => each !== "passed" && each !== "warned")) return entry.stream + " " + entry.number + ": the gate did not say yes";
    if (results.includes("warned") && !entry.reason.trim()) return entry.stream + " " + entry.number + ": a warning was passed over without a reason";
  }
  return "";
}
function people(entries, said) {
  const mishap = entries.some(excused);
  if (!mishap && said.donor_rule === "recipient" && said.recipient && said.donor !== said.recipient) return "the arm asks for her own cells, and donor and recipient are two";
  if (!mishap && said.donor_rule === "other" && said.donor === said.recipient) return "the arm asks for another donor, and she is her own";
  for (const entry of entries) if (entry.stream === "item/" + said.dose) for (const row of entry.rows) if (row.table === "dosing_administration") {
    const [operator, witness] = [row.set.operator_id, row.set.witness_id].map((pair) => pair && pair[1]);
    if (!witness || operator === witness) return "two people must stand at the bed";
  }
  return "";
}

// What people see.
const WORDS = JSON.parse(document.getElementById("words").textContent);
const RAW = document.getElementById("record").textContent, DIGEST = document.getElementById("record").dataset.sha256;
const by = (id) => document.getElementById(id);
let language = "en", found = null;
function say(name, values = {}) {
  const sentence = WORDS[language].page[name] ?? name;
  return sentence.replace(/%\((\w+)\)s/g, (all, each) => values[each] ?? all);
}
const named = (table, name) => WORDS[language][table][name] ?? name;
const LOCALE = { en: "en-GB", fa: "fa-IR-u-ca-persian", zh: "zh-CN" };
const when = (at, options) => new Intl.DateTimeFormat(LOCALE[language], { timeZone: "UTC", ...options }).format(new Date(at));
const moment = (at) => when(at, { dateStyle: "medium", timeStyle: "short" }) + " UTC";
const count = (number) => new Intl.NumberFormat(LOCALE[language]).format(number);
function make(tag, about = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...inside.filter((each) => each !== "" && each !== null && each !== undefined));
  return made;
}
const code = (value) => make("bdi", { class: "code" }, /^[A-Z0-9]{9}$/.test(value) ? value.match(/.../g).join(" ") : value);
const SHAPES = {
  ok: "M12 34 27 49 53 17", stop: "M16 16 48 48M48 16 16 48", ask: "M32 12V38M32 48V52", wait: "M18 32H20M31 32H33M44 32H46",
};
function shape(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 64 64"); svg.setAttribute("aria-hidden", "true");
  for (const [key, value] of Object.entries({ d: SHAPES[name], fill: "none", stroke: "currentColor", "stroke-width": "9", "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(key, value);
  svg.append(path);
  return svg;
}
function verdict() {
  const panel = by("verdict"), wrong = found.rows.find((each) => !each.passed);
  const word = wrong || !found.rows.length ? "INVALID" : found.witnessed && found.trusted ? "VALID" : "VALID BUT UNWITNESSED";
  const look = { INVALID: "stop", VALID: "ok" }[word] || "ask";
  panel.dataset.verdict = look;
  panel.dataset.word = word;
  const lines = [];
  if (word === "INVALID") {
    lines.push(make("p", { class: "verdict-when" }, wrong ? say(wrong.what) : say("nothing_checked")), wrong ? make("p", {}, make("bdi", { lang: "en", dir: "ltr" }, wrong.why)) : "", make("p", {}, say("invalid_do")));
  } else {
    lines.push(make("p", { class: "verdict-when" }, say("as_of", { time: moment(found.seal.at) })));
    lines.push(make("p", {}, say(word === "VALID" ? "valid_about" : found.witnessed ? "no_key_about" : "unwitnessed_about")));
  }
  panel.replaceChildren(make("p", { class: "verdict-head" }, shape(look), make("span", { class: "verdict-word" }, say({ INVALID: "invalid", VALID: "valid" }[word] || "unwitnessed"))), ...lines);
  document.documentElement.dataset.verdict = word;
}
function fill(id, ...inside) { by(id).replaceChildren(...inside); }
const pair = (name, ...value) => make("div", {}, make("dt", {}, say(name)), make("dd", {}, ...value));
function draw() {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "fa" ? "rtl" : "ltr";
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  fill("languages", ...Object.keys(WORDS).map((each) => {
    const button = make("button", { type: "button", lang: each, "aria-pressed": String(each === language) }, WORDS[each].name);
    button.onclick = () => { language = each; draw(); };
    return button;
  }));
  if (!found) { by("verdict").replaceChildren(make("p", { class: "verdict-head" }, shape("wait"), make("span", { class: "verdict-word" }, say("checking")))); return; }
  verdict();
  fill("checks", ...found.rows.map((each) => make("li", each.passed ? {} : { class: "wrong" }, make("span", { class: "mark", "aria-hidden": "true" }, each.passed ? "✓" : "✕"), make("span", {}, make("b", {}, say(each.what)), each.passed ? "" : make("bdi", { class: "soft", lang: "en" }, " " + each.why)))), native ? "" : make("li", {}, make("span", {}), make("span", { class: "soft" }, say("by_hand"))));
  fill("signers", ...found.signers.map((each) => make("li", {}, code(each.kid), " ", make("span", { class: "hash" }, each.x))));
  const about = found.dossier;
  document.title = say("title") + (about ? " " + about.dose : "");
  if (about) try { facts(about); } catch (fault) { /* what is wrong stands in the verdict */ }
}
function facts(about) {
  by("practice").hidden = about.dose[1] !== "Z";
  fill("head", say("dose") + " ", code(about.dose));
  fill("facts", pair("lot", about.lot_name || "-", " ", about.lot ? code(about.lot) : ""), pair("study", code(about.study || "-")), pair("recipient", code(about.recipient || "-")), pair("arm", code(about.arm || "-")), pair("donor", code(about.donor || "-"), about.donor && about.donor === about.recipient ? " " + say("own") : ""), pair("state", named("states", about.state)), pair("given_at", about.given_at ? moment(about.given_at) : say("not_given")), pair("made_at", moment(about.made_at)), found.seal ? pair("sealed", say("seal_number", { number: count(found.seal.number), size: count(found.seal.size) })) : "", pair("entries", say("entries_in", { entries: count(found.entries.length), streams: count(about.streams.length + 1) })), pair("origin", make("span", { class: "hash" }, about.origin)), pair("software", make("bdi", {}, about.software)));
  const open = about.holds.filter((each) => !each.lifted_at);
  by("held").hidden = !about.holds.length;
  fill("holds", ...[...open, ...about.holds.filter((each) => each.lifted_at)].map((each) => make("li", {}, make("b", {}, code(each.item), " ", each.lifted_at ? say("lifted", { time: moment(each.lifted_at) }) : say("on_hold")), " ", make("bdi", {}, each.reason), " ", make("span", { class: "soft" }, moment(each.placed_at)))));
  lineage(about);
  const signs = found.entries.flatMap((each) => [each.data.signature, ...(each.data.signatures || [])].filter((one) => one && one.meaning).map((one) => ({ ...one, at: one.at || each.at, stream: each.stream }))).sort((a, b) => (a.at < b.at ? -1 : 1));
  fill("signatures", ...signs.map((each) => make("li", {}, make("b", {}, make("bdi", {}, each.name)), " ", make("bdi", { lang: "en" }, "«" + each.meaning + "»"), " ", code(each.stream.split("/")[1]), " ", make("span", { class: "soft" }, moment(each.at)))));
  const answers = found.entries.filter((each) => ["release.released", ...GIVEN].includes(each.kind) && ["item/" + about.lot, "item/" + about.dose].includes(each.stream) && each.data.gate);
  fill("gates", ...answers.sort((a, b) => (a.at < b.at ? -1 : 1)).map((each) => make("details", {}, make("summary", {}, make("b", {}, named("kinds", each.kind)), " ", code(each.stream.split("/")[1]), " ", make("span", { class: "soft" }, moment(each.at) + " · " + say("rows_passed", { passed: count(each.data.gate.rows.filter((row) => row.result === "passed").length), all: count(each.data.gate.rows.length) }))), make("table", { lang: "en", dir: "ltr" }, make("tbody", {}, ...each.data.gate.rows.map((row) => make("tr", {}, make("td", {}, row.result === "passed" ? "✓" : "!"), make("td", {}, row.id), make("td", {}, row.what), make("td", {}, row.why))))))));
  trail(about);
  fill("files", ...about.files.map((each) => make("li", {}, make("b", {}, each.name.startsWith("evidence/") ? say("evidence", { kind: about.evidence.find((one) => each.name.endsWith(one.sha256)).kind }) : make("bdi", {}, each.name)), " ", make("div", { class: "hash" }, each.sha256))), ...about.evidence.filter((each) => !each.included).map((each) => make("li", {}, make("b", {}, say("withheld")), " ", make("bdi", {}, each.kind), make("div", { class: "hash" }, each.sha256))));
}
function lineage(about) {
  const up = new Map(about.lineage.items.map((each) => [each.code, []]));
  for (const each of about.lineage.edges) up.get(each.child)?.push(each.parent);
  const depth = new Map();
  const deep = (each, way = []) => {
    if (!depth.has(each) && !way.includes(each)) depth.set(each, Math.max(-1, ...(up.get(each) || []).map((one) => deep(one, [...way, each]))) + 1);
    return depth.get(each) ?? 0;
  };
  const rows = [];
  for (const each of about.lineage.items) (rows[deep(each.code)] ||= []).push(each);
  fill("lineage", ...rows.filter(Boolean).map((row) => make("li", {}, make("div", { class: "made" }, ...row.map((each) => make("div", each.code === about.dose ? { class: "here" } : {}, make("b", {}, named("items", each.kind)), code(each.code), make("span", { class: "soft" }, each.name ? make("bdi", {}, each.name) : "", each.name ? " · " : "", named("states", each.state))))))));
}
const MAIN = /^(collection\.(collected|accepted)|culture\.(isolated|preconditioned|harvested)|isolation\.(run|filled|lot-made)|qc\.(reviewed|submitted|deviation-opened|finding-closed)|release\.|studies\.(consented|eligible|allocated|withdrew)|custody\.(held|hold-lifted|blocked)|dosing\.|refused$|interchange\.)/;
function trail(about) {
  const all = document.querySelector("[name=which]:checked").value === "all";
  const place = (stream, number) => stream + " " + number;
  const answers = new Map(found.entries.filter((each) => each.data.counters).map((each) => [place(each.stream, each.data.counters.number), each]));
  const main = (each) => MAIN.test(each.kind) && each.kind !== "release.available";
  const answered = (each) => answers.get(place(each.stream, each.number));
  // What answers an entry stands right beneath it, and not once more in its own hour.
  const shown = found.entries.filter((each) => !each.data.counters && (all || main(each) || corrected(each))).sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1));
  function corrected(each) { return answered(each)?.kind === "custody.corrected"; }
  const out = [];
  let day = "";
  function put(each, inner) {
    const answer = answered(each);
    const large = ["release.released", ...GIVEN].includes(each.kind) ? " large" : "";
    const said = each.data.counters ? say("answers_entry", { number: count(each.data.counters.number) }) : "";
    const values = each.data.now ? Object.entries(each.data.now).map(([name, now]) => make("bdi", { lang: "en" }, " ", make("s", {}, each.data.was[name]), " " + now)) : [];
    const raw = make("details", { class: "one" + large + (inner ? " answer" : "") + (answer ? " answered" : ""), "data-entry": place(each.stream, each.number) }, make("summary", {}, make("span", { class: "soft" }, when(each.at, { timeStyle: "short" })), " ", make("b", {}, named("kinds", each.kind)), " ", code(each.stream.split("/").slice(1).join("/")), said ? make("span", { class: "soft" }, " " + said) : "", ...values, answer ? make("span", { class: "soft" }, " " + say("answered_by", { number: count(answer.number) })) : "", each.reason ? " " : "", each.reason ? make("bdi", {}, each.reason) : "", each.marks ? make("span", { class: "soft" }, " [" + each.marks.join(", ") + "]") : ""));
    raw.ontoggle = () => { if (raw.open && raw.children.length < 2) raw.append(make("pre", {}, JSON.stringify(each, null, 1))); };
    out.push(make("li", {}, raw));
    if (answer && answer.number > each.number) put(answer, true);
  }
  for (const each of shown) {
    const today = when(each.at, { dateStyle: "full" });
    if (today !== day) out.push(make("li", { class: "day" }, today));
    day = today;
    put(each, false);
  }
  fill("trail", ...out);
}
async function check() {
  const brought = await keysIn(by("keys").value);
  try { found = await examine(RAW, brought); } catch (fault) { found = { rows: [{ what: "c_page", passed: false, why: fault.message }], entries: [], signers: [] }; }
  if (by("keys").value.trim() && !brought.length) found.rows.push({ what: "c_outside", passed: false, why: "there is no Ed25519 key in what you gave" });
  draw();
}
const wished = new URLSearchParams(location.search).get("language") || location.hash.slice(1) || navigator.language.slice(0, 2);
if (wished in WORDS) language = wished;
draw();
by("again").onclick = check;
by("keyfile").onchange = async () => { by("keys").value = await by("keyfile").files[0].text(); await check(); };
for (const each of document.querySelectorAll("[name=which]")) each.onchange = draw;
if (!window.crypto || !crypto.subtle) { found = { rows: [{ what: "c_none", passed: false, why: "no WebCrypto here" }], entries: [], signers: [] }; draw(); } else check();
