// A wide lineage opens where the thing itself stands, not at its first parent.
for (const box of document.querySelectorAll(".lineage-box")) {
  const here = box.querySelector("a.here");
  if (!here) continue;
  const [at, frame] = [here.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft += at.left + at.width / 2 - (frame.left + frame.width / 2);
  box.scrollTop += at.top + at.height / 2 - (frame.top + frame.height / 2);
}
