"""Where a thing was at any instant, and with whom: read from its entries, not from its row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock, db
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import opentime, queries
from lims.custody import permissions as may
from lims.custody.items import find
from lims.custody.models import Item, Place
from lims.custody.opentime import FROZEN, Stood
from lims.custody.streams import stream

_TABLE = "custody_item"


@dataclass(frozen=True)
class Stay:
    """From an instant on: a place and a holder, until the next.

    Attributes:
        entry: number of the entry in the item's stream that says so.
        undone: somebody took it back, so it may never have stood there.
    """

    since: datetime
    place_id: UUID | None
    holder_id: UUID | None
    entry: int
    undone: bool = False


def history(session: Session, item: Item) -> list[Stay]:
    """Every place and holder of an item, oldest first."""
    stays: list[Stay] = []
    place: UUID | None = None
    holder: UUID | None = None
    written = ledger.entries_of(session, stream(item.code), limit=None)
    undone = ledger.countered(written)
    for entry in written:
        for row in entry.rows:
            said: Mapping[str, Any] = row["set"]
            if (row["table"], row["id"]) != (_TABLE, str(item.id)):
                continue
            if "place_id" in said or "holder_id" in said:
                place = _id(said["place_id"][1]) if "place_id" in said else place
                holder = _id(said["holder_id"][1]) if "holder_id" in said else holder
                stays.append(Stay(entry.at, place, holder, entry.number, entry.number in undone))
    return stays


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def whereabouts(session: Session, item: Item, at: datetime) -> Stay | None:
    """Place and holder at an instant; None before the item was made."""
    return next((each for each in reversed(history(session, item)) if each.since <= at), None)


def stood(session: Session, item: Item) -> list[Stood]:
    """When an item was in a freezer and when it was not."""
    stays = history(session, item)
    wanted = {each.place_id for each in stays if each.place_id}
    frozen = {
        place.id: place.temperature_class in FROZEN
        for place in session.scalars(select(Place).where(Place.id.in_(wanted)))
    }
    found: list[Stood] = []
    before = False
    for each in stays:
        # A place that nobody named is not a freezer: the clock goes on.
        cold = bool(each.place_id and frozen.get(each.place_id))
        # What was undone stood either there or where it was: frozen only where both are.
        before = cold and (before or not each.undone)
        found.append(Stood(each.since, before))
    return found


def open_time(session: Session, item: Item) -> timedelta:
    """How long an item has been outside of a freezer since it first stood in one."""
    return opentime.open_time(stood(session, item), clock.now())


def was_refrozen(session: Session, item: Item) -> bool:
    """Whether an item came into a freezer after it was thawed."""
    return opentime.refrozen(stood(session, item), item.thawed_at)


def in_words(span: timedelta) -> _:
    """A span in hours, minutes and seconds."""
    seconds = int(span.total_seconds())
    return _(
        "%(hours)s h %(minutes)s min %(seconds)s s in all",
        hours=seconds // 3600,
        minutes=seconds // 60 % 60,
        seconds=seconds % 60,
    )


@requires(may.READ)
def answer(actor: Actor, *, code: str, at: datetime | None = None) -> dict[str, Any]:
    """Place and holder of an item at an instant, now unless given; with the entry that says so."""
    with db.reading() as session:
        item = find(session, code)
        when = at or clock.now()
        stay = whereabouts(session, item, when)
        place = queries.place(session, stay.place_id) if stay else None
        return {
            "code": item.code,
            "at": when,
            "place": {"code": place.code, "name": place.name} if place else None,
            "holder": people.name_of(session, stay.holder_id) if stay and stay.holder_id else None,
            "since": stay.since if stay else None,
            "undone": stay.undone if stay else False,
            "entry": {"stream": stream(item.code), "number": stay.entry} if stay else None,
        }
