// The lists are read anew each minute. What has the focus or lies under the pointer stays as it is,
// so that no row moves away from a hand; when nothing can be read, that is said.
const EVERY = Number(document.documentElement.dataset.refresh) || 60_000;
const stale = document.querySelector("[data-stale]");

function busy(card) {
  return card.contains(document.activeElement) || card.matches(":hover");
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, now] = [document, fresh].map((each) => each.querySelector("[data-refreshed]"));
    const held = [...old.children].filter(busy);
    // While one card is held, the others change in their places and none is added or taken away.
    if (!held.length) old.replaceChildren(...now.children);
    for (const card of held.length ? [...old.children] : []) {
      const newer = fresh.getElementById(card.id);
      if (newer && !held.includes(card)) card.replaceWith(newer);
    }
    for (const part of ["[data-looked]", ".further"]) {
      const [here, there] = [document.querySelector(part), fresh.querySelector(part)];
      if (here && there && !busy(here)) here.replaceWith(there);
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
