// A box by the keyboard: arrows move from slot to slot, Enter opens, and the slot is said large below.
const table = document.querySelector("[data-grid]");
const said = document.querySelector("[data-slot-said] bdi");
const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td > *")]);
const all = rows.flat();
for (const each of all) each.tabIndex = -1;
table.parentElement.tabIndex = -1; // the slots are reached one by one

// What a slot says in words; the page itself carries letters and marks, since there may be many.
const list = document.querySelector("[data-slot-said]").nextElementSibling;
const letters = [...list.querySelectorAll("li:not([data-mark]) > b:first-child")].map((each) => each.textContent);
const kinds = table.dataset.kinds.split("|");
const states = table.dataset.states.split("|");
const marks = Object.fromEntries([...list.querySelectorAll("[data-mark]")].map((each) => [
  each.dataset.mark, each.lastChild.textContent.trim()]));
for (const each of all.filter((one) => one.href)) {
  const code = new URL(each.href).pathname.split("/").pop().match(/.{3}/g).join(" ");
  const kind = kinds[letters.indexOf(each.querySelector("b").firstChild.textContent)];
  const mark = marks[each.parentElement.dataset.mark];
  each.ariaLabel = `${each.parentElement.id} · ${code} · ${kind}, ${states[each.dataset.s]}${mark ? ` · ${mark}` : ""}`;
}
const target = location.hash && document.getElementById(location.hash.slice(1))?.firstElementChild;
(all.includes(target) ? target : all[0]).tabIndex = 0;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
table.addEventListener("focusin", (event) => {
  for (const each of all) each.tabIndex = each === event.target ? 0 : -1;
  said.textContent = event.target.ariaLabel ?? event.target.textContent;
});
table.addEventListener("keydown", (event) => {
  const row = rows.findIndex((each) => each.includes(event.target));
  if (row < 0) return;
  const column = rows[row].indexOf(event.target);
  let next = null;
  if (event.key in STEPS) next = rows[row + STEPS[event.key][0]]?.[column + STEPS[event.key][1]];
  else if (event.key === "Home") next = rows[row][0];
  else if (event.key === "End") next = rows[row].at(-1);
  else return;
  event.preventDefault();
  next?.focus();
});
