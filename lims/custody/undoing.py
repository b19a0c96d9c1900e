"""Undo: whoever did an act takes it back within ten minutes, by one more entry that names it.

Only where a thing stands, who holds it and an offer that nobody accepted are taken back. What was
checked, signed, given, printed, destroyed or accepted by another person is not: each of those was
believed by somebody, who must be told. A work area that the act opened stays open until two people
have cleared it, since nothing unsays that her material may have stood there (H02).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock, codes, db, permissions
from lims.core.errors import NotAllowed
from lims.core.permissions import Actor, Permission, requires
from lims.core.words import Text as _
from lims.custody import areas, boxes, queries, storage, telling, transit
from lims.custody import permissions as may
from lims.custody.errors import Answered, ChangedSince, EntryUnknown, NotUndoable, UndoTooLate
from lims.custody.items import find
from lims.custody.models import Item, Place, Transfer
from lims.custody.places import place_locked
from lims.custody.streams import stream
from lims.ledger import Entry
from lims.ledger.rules import plain

WITHIN = timedelta(minutes=10)
UNDONE = "custody.undone"
# What a move writes besides, and what stays as it is when the move is undone.
_WITH_IT = frozenset({"custody.late-taken", "custody.area-opened", "custody.clearing-void"})


@dataclass(frozen=True)
class Undone:
    """An act that was taken back: its kind and the number of its entry."""

    code: str
    kind: str
    undoes: int


@requires(may.UNDO)
def undo(actor: Actor, *, code: str, entry: int) -> Undone:
    """Take back an act of one's own, while it is the last and ten minutes are not over.

    Args:
        code: the item or the place it was done to.
        entry: its number in the thing's trail, so that nothing else is undone by mistake.

    Raises:
        EntryUnknown, NotUndoable: no such entry, or of a kind that is not undone.
        Answered, UndoTooLate, ChangedSince: undone before, too late, or something came after.
        NotAllowed: another person did it.
        ClockBehind: the ten minutes cannot be told.
    """
    with db.transaction() as session:
        thing = _locked(session, code)
        name = name_of(thing)
        written = ledger.entries_of(session, name, limit=None)
        target = next((each for each in written if each.number == entry), None)
        if target is None:
            raise EntryUnknown(
                _(
                    "The trail of %(code)s has no entry %(number)s. Open its page again.",
                    code=codes.grouped(thing.code),
                    number=entry,
                )
            )
        ledger.require_clock(session)
        require_undoable(session, actor, written, target)
        rows = _BACK[target.kind](actor, session, thing, target)
        ledger.record(
            actor,
            name,
            UNDONE,
            {ledger.COUNTERS: ledger.counter(session, target), "kind": target.kind},
            rows=rows,
        )
        return Undone(thing.code, target.kind, target.number)


def name_of(thing: Item | Place) -> str:
    """The stream of an item or a place."""
    return stream(thing.code) if isinstance(thing, Item) else areas.stream(thing.code)


def _locked(session: Session, code: str) -> Item | Place:
    if codes.parse(code, "code").letter != "A":
        return find(session, code, lock=True)
    return place_locked(session, code)


# May it be undone


def standing_act(written: Sequence[Entry]) -> Entry | None:
    """The last act of a trail that stands: neither undone, nor an undo, nor a refusal."""
    undone = {number for number, each in ledger.countered(written).items() if each.kind == UNDONE}
    # What says that a scan was taken late stands right after the move that was taken.
    beside = ("refused", "custody.late-taken", UNDONE)
    return next(
        (
            each
            for each in reversed(written)
            if each.number not in undone and each.kind not in beside
        ),
        None,
    )


def until(entry: Entry) -> datetime:
    """Up to when an act can be undone.

    By the server's clock; a scan that its device kept is as old as the device says.
    """
    done = entry.at
    if entry.device_at:
        done = min(done, datetime.fromisoformat(entry.device_at))
    return done + WITHIN


def require_undoable(
    session: Session, actor: Actor, written: Sequence[Entry], target: Entry
) -> None:
    """Refuse what cannot be undone, or not by this person, or no longer."""
    wanted = UNDOABLE.get(target.kind)
    answer = ledger.countered(written).get(target.number)
    if answer is not None:
        raise Answered(
            _("This was undone. Look at the page for how it stands now."),
            why=telling.said_of(session, answer),
        )
    if wanted is None:
        raise NotUndoable(
            _(
                "This is not undone by a press: somebody may have relied on it. Correct it with a "
                "reason, or do what puts it right."
            )
        )
    permissions.ask(actor, wanted)
    if actor.person is None or target.person != actor.label:
        raise NotAllowed(
            _(
                "%(name)s did this, and only she can undo it. Scan the thing to where it stands "
                "now instead.",
                name=people.name_of(session, target.person),
            )
        )
    now = clock.now()
    if now > until(target) or target.at - now > WITHIN:
        raise UndoTooLate(
            _(
                "It can be undone for ten minutes, until %(time)s. Scan the thing to where it "
                "stands now instead.",
                time=telling.Moment(until(target)),
            )
        )
    last = standing_act(written)
    if last is None or last.number != target.number:
        raise ChangedSince(
            _(
                "Something happened to it afterwards, so it is not undone. Look at its page, and "
                "scan it to where it stands now."
            ),
            why=telling.said_of(session, last) if last else None,
        )
    _require_alone(session, target)


def _require_alone(session: Session, target: Entry) -> None:
    """Refuse to take back one entry of an act that did more."""
    for peer in target.peers:
        other = ledger.entry_at(session, peer["stream"], peer["number"])
        if other is None or other.kind not in _WITH_IT:
            raise NotUndoable(
                _(
                    "This was part of a larger act and is not undone by itself. Do what puts the "
                    "thing right, or call quality."
                )
            )


def undoable(session: Session, actor: Actor, written: Sequence[Entry]) -> Entry | None:
    """The act on a thing that this person could undo now; None where there is none."""
    last = standing_act(written)
    if last is None or not permissions.allowed(actor, may.UNDO) or ledger.behind(session):
        return None
    try:
        require_undoable(session, actor, written, last)
    except (Answered, ChangedSince, NotAllowed, NotUndoable, UndoTooLate):
        return None
    return last


# Taking it back


def _before(row: Any, target: Entry) -> dict[str, Any]:
    """What the act changed of a row, as it stood before.

    Raises:
        ChangedSince: the row no longer stands as the act left it.
    """
    table = row.__tablename__
    said: Mapping[str, Any] = next(
        (
            each["set"]
            for each in target.rows
            if (each["table"], each["id"]) == (table, str(row.id))
        ),
        {},
    )
    said = {name: each for name, each in said.items() if name != "version"}
    if any(plain(getattr(row, name)) != new for name, (_old, new) in said.items()):
        raise ChangedSince(
            _(
                "It no longer stands as this act left it, so it is not undone. Look at its page, "
                "and scan it to where it stands now."
            )
        )
    return {name: old for name, (old, _new) in said.items()}


def _move_back(actor: Actor, session: Session, item: Item, target: Entry) -> list[Any]:
    before = _before(item, target)
    transit.require_not_travelling(session, item.id, item.code)
    if "place_id" in before and before["place_id"] is None:
        item.place_id = item.slot_id = None
    elif "place_id" in before:
        _stand_again(actor, session, item, session.get_one(Place, UUID(before["place_id"])))
    if "holder_id" in before:
        holder = before["holder_id"]
        item.holder_id = UUID(holder) if holder else None
    return [item]


def _stand_again(actor: Actor, session: Session, item: Item, place: Place) -> None:
    try:
        storage.stand(actor, session, item, place)
    except (storage.SlotTaken, storage.PlaceFull, storage.NoFreeSlot, transit.InTransit) as full:
        raise ChangedSince(
            _(
                "%(place)s, where it stood before, was taken meanwhile or is away. Scan it to "
                "where it stands now.",
                place=place.name,
            ),
            why=full.why,
        ) from None


def _withdraw(_actor: Actor, session: Session, item: Item, target: Entry) -> list[Any]:
    offered = next(each["id"] for each in target.rows if each["table"] == Transfer.__tablename__)
    found = db.locked(session, select(Transfer).where(Transfer.id == UUID(offered)))
    assert found is not None  # noqa: S101 - its entry is sealed in the trail
    _before(found, target)
    found.withdrawn_at = clock.now()
    found.ended_because = ""
    return [item, found]


def _lay_back(_actor: Actor, session: Session, place: Place, target: Entry) -> list[Any]:
    before = _before(place, target)
    if "parent_id" in before:
        above = queries.place(session, UUID(before["parent_id"]) if before["parent_id"] else None)
        boxes.lay(session, place, above)
    return [place]


_Back = Callable[[Actor, Session, Any, Entry], list[Any]]
UNDOABLE: Mapping[str, Permission] = {
    "custody.moved": may.MOVE,
    "custody.offered": may.HAND_OVER,
    "custody.place-moved": may.PLACE,
}
_BACK: Mapping[str, _Back] = {
    "custody.moved": _move_back,
    "custody.offered": _withdraw,
    "custody.place-moved": _lay_back,
}
