"""Counting what stands at a place against what the system says stands there (H64)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from lims import ledger
from lims.core import codes, db
from lims.core.permissions import Actor, requires
from lims.custody import areas
from lims.custody import permissions as may
from lims.custody.models import Item
from lims.custody.places import place_by_code
from lims.custody.rules import FINAL
from lims.custody.streams import stream


@dataclass(frozen=True)
class Counted:
    """What a count came to, by code.

    Attributes:
        matched: expected and seen.
        missing: expected and not seen.
        unexpected: seen, and by the system elsewhere or ended.
        not_known: seen, and carried by no item.
    """

    place: str
    matched: Sequence[str]
    missing: Sequence[str]
    unexpected: Sequence[str]
    not_known: Sequence[str]


@requires(may.MOVE)
def count(actor: Actor, *, code: str, seen: Sequence[str]) -> Counted:
    """Record what was scanned at a place, and how it differs from what should stand there.

    Nothing is moved by it: each difference is looked into, and the item then scanned to its place.

    Args:
        seen: codes of the items scanned there, those in boxes and slots inside of it as well.
    """
    with db.transaction() as session:
        place = place_by_code(session, code, "code")
        scanned = {codes.parse(each, "seen").code for each in seen}
        expected = set(
            session.scalars(
                select(Item.code).where(
                    Item.place_id.in_(areas.within(session, place.id)),
                    Item.state.not_in(FINAL),
                )
            )
        )
        known = set(session.scalars(select(Item.code).where(Item.code.in_(scanned))))
        counted = Counted(
            place.code,
            sorted(expected & scanned),
            sorted(expected - scanned),
            sorted((scanned & known) - expected),
            sorted(scanned - known),
        )
        ledger.record(
            actor,
            areas.stream(place.code),
            "custody.counted",
            {
                "matched": list(counted.matched),
                "missing": list(counted.missing),
                "unexpected": list(counted.unexpected),
                "not_known": list(counted.not_known),
            },
        )
        for kind, found in (
            ("custody.missing", counted.missing),
            ("custody.unexpected", counted.unexpected),
        ):
            for each in found:
                ledger.record(actor, stream(each), kind, {"counted_at": place.code})
        return counted
