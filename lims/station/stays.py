"""Where an item stood and with whom, in words: the rests between its moves, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, people
from lims.core import clock
from lims.custody import FROZEN, Item, Place


@dataclass(frozen=True)
class Rest:
    """One place and holder, from one entry of the trail to the next.

    Attributes:
        until: None while it lasts.
        span: up to now while it lasts; None once the thing is gone.
        frozen: whether the place is a freezer.
    """

    place: Place | None
    holder: str
    since: datetime
    until: datetime | None
    span: timedelta | None
    frozen: bool
    entry: int


def rests(session: Session, item: Item) -> list[Rest]:
    """Every place and holder of an item, newest first."""
    stays = custody.history(session, item)
    names = people.names_of(session, {each.holder_id for each in stays if each.holder_id})
    wanted = {each.place_id for each in stays if each.place_id}
    places = {
        place.id: place for place in session.scalars(select(Place).where(Place.id.in_(wanted)))
    }
    gone = item.state in custody.FINAL
    found = []
    for at, each in enumerate(stays):
        until = stays[at + 1].since if at + 1 < len(stays) else None
        place = places.get(each.place_id) if each.place_id else None
        end = until or (None if gone else clock.now())
        found.append(
            Rest(
                place,
                names.get(each.holder_id, "") if each.holder_id else "",
                each.since,
                until,
                None if end is None else end - each.since,
                place is not None and place.temperature_class in FROZEN,
                each.entry,
            )
        )
    return found[::-1]


def last_known(found: Sequence[Rest]) -> Rest | None:
    """The last rest whose place was known; None where it never was."""
    return next((each for each in found if each.place is not None), None)
