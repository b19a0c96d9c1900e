"""What stood at a place in a period, and what a person has done anything with: from the trail.

Rows hold where a thing is now; where it was stands in the entries, as changes of its row. An entry
is found by the bytes it must contain, and then read: the bytes alone decide nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from lims import custody, ledger
from lims.core import clock
from lims.custody import Place

_TABLE = "custody_item"


def items_stood_at(
    session: Session, place: Place, since: datetime | None, until: datetime | None
) -> list[UUID]:
    """Items that stood at a place, or at one inside of it, at any moment of a period.

    Args:
        since, until: both ends count; None is the beginning, or now.
    """
    last = until or clock.now()
    here = {str(each) for each in custody.places_within(session, place.id)}
    stays: set[UUID] = set()
    stood: dict[UUID, None] = {}
    for entry in ledger.entries_with(session, [f'"{each}"' for each in sorted(here)], until=last):
        for row in entry.rows:
            if row["table"] != _TABLE or "place_id" not in row["set"]:
                continue
            item = UUID(row["id"])
            before, after = row["set"]["place_id"]
            if before in here and item in stays:
                stays.discard(item)
                if since is None or entry.at >= since:
                    stood.setdefault(item)
            if after in here:
                stays.add(item)
    return [*stood, *(item for item in sorted(stays, key=str) if item not in stood)]


def items_touched_by(session: Session, person_id: UUID) -> list[UUID]:
    """Items on whose streams she has written."""
    streams = ledger.streams_of(session, str(person_id), "item/")
    return custody.ids_of_codes(session, [each.removeprefix("item/") for each in streams])
