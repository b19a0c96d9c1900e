"""A thing's trail as its page shows it, and what of it can still be undone.

What was undone or corrected is struck through beside the entry that answers it; all of it stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, ledger, people
from lims.core import clock, codes, permissions
from lims.core.errors import DomainError
from lims.core.permissions import Actor, Role
from lims.core.words import Text as _
from lims.custody import CORRECTABLE, CORRECTED, UNDONE, Item, Place
from lims.custody.permissions import CORRECT
from lims.ledger import Entry
from lims.web.happenings import words_of

_COUNTS = 3  # of a place's counts
_LATELY = 8  # acts that the page of what somebody did last shows


@dataclass(frozen=True)
class Undo:
    """An act that can be undone now.

    Attributes:
        url: where it is undone; `number` is sent along, so that nothing else is.
        minutes: how many are left, begun ones counted whole.
    """

    url: str
    code: str
    number: int
    what: _
    until: datetime
    minutes: int


def undo_of(session: Session, thing: Item | Place, actor: Actor) -> Undo | None:
    """What this person could undo of a thing; None where there is nothing."""
    written = ledger.entries_of(session, custody.name_of(thing), limit=None)
    return _offer(session, thing, actor, written)


def _offer(
    session: Session, thing: Item | Place, actor: Actor, written: Sequence[Entry]
) -> Undo | None:
    last = custody.undoable(session, actor, written)
    if last is None:
        return None
    until = custody.undoable_until(last)
    seconds = (until - clock.now()).total_seconds()
    where = "items" if isinstance(thing, Item) else "places"
    return Undo(
        f"/{where}/{thing.code}/undo",
        thing.code,
        last.number,
        words_of(last.kind),
        until,
        max(1, -(-int(seconds) // 60)),
    )


def lines(session: Session, item: Item, actor: Actor) -> list[dict[str, Any]]:
    """Who did what with an item, newest first."""
    written = ledger.entries_of(session, custody.stream(item.code), limit=None)
    answered = ledger.countered(written)
    found = []
    for entry in reversed(written):
        answer = answered.get(entry.number)
        line = {
            "number": entry.number,
            "kind": words_of(entry.kind),
            "exact": entry.kind,
            "at": entry.at,
            "who": people.name_of(session, entry.person),
            "station": entry.station,
            "reason": entry.reason,
            "answers": ledger.counters(entry),
            "undone": answer.number if answer and answer.kind == UNDONE else None,
            "corrected": answer.number if answer and answer.kind != UNDONE else None,
            "values": list(_values(entry, answer)),
        }
        if custody.may_correct(actor, written, entry):
            line["correction"] = f"/items/{item.code}/entries/{entry.number}/correction"
        found.append(line)
    return found


def _values(entry: Entry, answer: Entry | None) -> Iterator[tuple[Any, Any, Any, bool]]:
    """What an entry wrote down: label, what stood before, what it says, whether that stands.

    Args:
        answer: the entry that undid or corrected this one.
    """
    wrong = answer.data.get("was", ()) if answer else ()
    if entry.kind == CORRECTED and entry.data.get("kind") in CORRECTABLE:
        yield _("Why"), "", custody.REASONS.get(entry.data["reason_code"], ""), True
        was, now = entry.data["was"], entry.data["now"]
        kind = entry.data["kind"]
    elif entry.kind in CORRECTABLE:
        was, kind = {}, entry.kind
        now = CORRECTABLE[kind].read(entry)
    elif entry.kind == UNDONE:
        yield _("Undone"), "", words_of(entry.data["kind"]), True
        return
    else:
        return
    for datum in CORRECTABLE[kind].data:
        if now.get(datum.name):
            old, new = was.get(datum.name, ""), now[datum.name]
            yield (
                datum.label,
                custody.said_of(datum, old) if old else "",
                custody.said_of(datum, new),
                datum.name not in wrong,
            )


def counts(session: Session, place: Place, actor: Actor) -> list[dict[str, Any]]:
    """The last counts of a place as they stand, newest first."""
    written = ledger.entries_of(session, custody.name_of(place), limit=None)
    found = []
    for entry in custody.counts_of(written)[:_COUNTS]:
        first = next(e for e in written if e.number == entry.data.get("first", entry.number))
        line = {
            "at": first.at,
            "who": people.name_of(session, first.person),
            "number": entry.number,
            "corrected": entry is not first,
            "found": {name: len(entry.data[name]) for name in ("matched", "missing", "unexpected")},
        }
        hers = first.person == actor.label or Role.QC_OFFICER in actor.roles
        if hers and permissions.allowed(actor, CORRECT):
            line["correction"] = f"/places/{place.code}/counts/{entry.number}/correction"
        found.append(line)
    return found


def lately(session: Session, actor: Actor) -> list[Mapping[str, Any]]:
    """What a person did last to things, newest first, with an undo where it can be undone."""
    since = clock.now() - custody.UNDO_WITHIN
    found: list[Mapping[str, Any]] = []
    for entry in ledger.entries_by(session, actor.label, since):
        kind, _slash, code = entry.stream.partition("/")
        if kind not in ("item", "place") or len(found) == _LATELY:
            continue
        try:
            thing: Item | Place = (
                custody.place_by_code(session, code)
                if kind == "place"
                else custody.find(session, code)
            )
        except DomainError:
            continue
        written = ledger.entries_of(session, entry.stream, limit=None)
        undo = _offer(session, thing, actor, written)
        found.append(
            {
                "code": codes.grouped(code),
                "url": f"/{kind}s/{code}",
                "what": words_of(entry.kind),
                "at": entry.at,
                "number": entry.number,
                "undone": entry.number in ledger.countered(written),
                "undo": undo if undo and undo.number == entry.number else None,
            }
        )
    return found
