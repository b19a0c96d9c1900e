"""A count corrected: what was scanned is given anew and judged by what was expected then.

The count stays, and so does what it said of each thing; an entry on the place's stream answers the
count, and one on each thing of which it said something else now answers that. Nothing is moved.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas
from lims.custody import permissions as may
from lims.custody.correcting import require_coded, require_hers, require_newest, tell
from lims.custody.counting import Counted
from lims.custody.errors import EntryUnknown, NotCorrectable
from lims.custody.items import find
from lims.custody.models import Item, Place
from lims.custody.places import place_locked
from lims.custody.streams import stream
from lims.ledger import Entry

COUNT, RECOUNTED = "custody.counted", "custody.count-corrected"
_SAID = {"custody.missing": "missing", "custody.unexpected": "unexpected"}


@requires(may.CORRECT)
def correct_count(
    actor: Actor, *, code: str, entry: int, seen: Sequence[str], reason_code: str, reason: str
) -> Counted:
    """Answer a count with everything that was really there.

    Args:
        code: the place.
        entry: of its trail: the count, or the newest correction of it.
        seen: all that was there, not only what was left out.

    Raises:
        EntryUnknown, NotCorrectable: no such entry, or no count.
        Answered: it was corrected before; correct that one.
        NotAllowed: another person counted, and no QC officer asks.
    """
    require_coded(reason_code, reason)
    with db.transaction() as session:
        place = place_locked(session, code)
        written = ledger.entries_of(session, areas.stream(place.code), limit=None)
        chain = versions(written, entry)
        require_hers(actor, chain[0])
        require_newest(session, written, chain[-1])
        was = chain[-1].data
        counted = _judged(session, place, was, {codes.parse(each, "seen").code for each in seen})
        now = {name: each for name, each in vars(counted).items() if name != "place"}
        if all(sorted(was[name]) == list(each) for name, each in now.items()):
            raise BadInput(_("Nothing is different. Enter everything that was there."))
        ledger.record(
            actor,
            areas.stream(place.code),
            RECOUNTED,
            {
                **now,
                ledger.COUNTERS: ledger.counter(session, chain[-1]),
                "first": chain[0].number,
                "reason_code": reason_code,
            },
            reason=reason.strip(),
        )
        _tell_items(actor, session, place, chain, counted, reason.strip())
        return counted


def versions(written: Sequence[Entry], number: int) -> list[Entry]:
    """A count and its corrections up to the entry of this number.

    Raises:
        EntryUnknown, NotCorrectable: no such entry, or no count.
    """
    by_number = {each.number: each for each in written}
    newest = by_number.get(number)
    if newest is None:
        raise EntryUnknown(_("The place's trail has no such entry. Open its page again."))
    if newest.kind not in (COUNT, RECOUNTED):
        raise NotCorrectable(_("This entry is no count. Choose one on the place's page."))
    chain = [newest]
    while (before := ledger.counters(chain[0])) is not None:
        chain.insert(0, by_number[before])
    return chain


def _judged(session: Session, place: Place, was: Mapping[str, Any], scanned: set[str]) -> Counted:
    """What the scans come to against what was expected when it was counted."""
    expected = {*was["matched"], *was["missing"]}
    known = set(session.scalars(select(Item.code).where(Item.code.in_(scanned))))
    return Counted(
        place.code,
        sorted(expected & scanned),
        sorted(expected - scanned),
        sorted((scanned & known) - expected),
        sorted(scanned - known),
    )


def _tell_items(
    actor: Actor,
    session: Session,
    place: Place,
    chain: Sequence[Entry],
    counted: Counted,
    reason: str,
) -> None:
    was, commands = chain[-1].data, {each.command for each in chain}
    for kind, name in _SAID.items():
        before, now = set(was[name]), set(getattr(counted, name))
        for each in sorted(before - now):
            written = ledger.entries_of(session, stream(each), limit=None)
            answered = ledger.countered(written)
            said = next(
                one
                for one in reversed(written)
                if one.kind == kind and one.command in commands and one.number not in answered
            )
            ledger.record(
                actor,
                stream(each),
                RECOUNTED,
                {ledger.COUNTERS: ledger.counter(session, said), "counted_at": place.code},
                reason=reason,
            )
        for each in sorted(now - before):
            ledger.record(actor, stream(each), kind, {"counted_at": place.code})
        for each in sorted(before ^ now):
            tell(actor, session, find(session, each, lock=True), chain[0].number)


def counts_of(written: Sequence[Entry]) -> list[Entry]:
    """The counts of a place as they stand, corrected ones by their newest, newest first."""
    answered = ledger.countered(written)
    return [
        each
        for each in reversed(written)
        if each.kind in (COUNT, RECOUNTED) and each.number not in answered
    ]
