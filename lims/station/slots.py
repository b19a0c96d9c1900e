"""The slots of a box as a grid: what stands in each, by letter and mark and never colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from lims import custody
from lims.core import clock
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State

SOON = timedelta(days=30)
LETTERS: Mapping[ItemKind, str] = {
    ItemKind.DOSE: "D",
    ItemKind.FLASK: "F",
    ItemKind.HARVEST: "H",
    ItemKind.SPECIMEN: "S",
    ItemKind.LOT: "L",
    ItemKind.QC_SAMPLE: "C",
    ItemKind.RETAINED: "R",
    ItemKind.KIT: "K",
}
MARKS: Mapping[str, _] = {
    "x": _("blocked, rejected or on hold"),
    "!": _("expired"),
    "Q": _("in quarantine or testing"),
    "E": _("expires within 30 days"),
}
_BLOCKED = frozenset({State.BLOCKED, State.REJECTED, State.ON_HOLD})
_WAITS = frozenset({State.QUARANTINE, State.TESTING, State.FILLED, State.AWAITING_REVIEW})


@dataclass(frozen=True)
class Slot:
    """One slot, what stands in it, and its mark: a key of `MARKS`, or "" for none."""

    place: Place
    item: Item | None
    mark: str


def grid_of(session: Session, box: Place) -> list[list[Slot]]:
    """The slots of a box, a row a list; nothing where it has none."""
    found = custody.slots_of(session, box.id)
    ids = [item.id for _slot, item in found if item]
    held = {each.item_id for each in custody.holds(session, ids)} if ids else set()
    rows: dict[str, list[Slot]] = {}
    for slot, item in found:
        mark = _mark(item, item.id in held) if item else ""
        rows.setdefault((slot.position or "")[:1], []).append(Slot(slot, item, mark))
    return list(rows.values())


def _mark(item: Item, held: bool) -> str:
    now = clock.now()
    if held or item.state in _BLOCKED:
        return "x"
    if item.expires_at is not None and item.expires_at <= now:
        return "!"
    if item.state in _WAITS:
        return "Q"
    if item.expires_at is not None and item.expires_at <= now + SOON:
        return "E"
    return ""
