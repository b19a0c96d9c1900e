"""What stood in a place during a part of its time, and in which measured places a thing has stood.

Read from the entries of things and places, since both a vial and the box around it are moved.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock
from lims.custody import areas, genealogy, queries, standing
from lims.custody.models import Item, Place
from lims.custody.monitoring.models import PlaceLogger
from lims.custody.monitoring.queries import Span

_ITEM, _PLACE = "custody_item", "custody_place"
_DEEPEST = 50  # a place lies in a place, a few times over; never in itself
_EVER = datetime(1, 1, 1, tzinfo=UTC)


class Paths:
    """Where places lay over time; each is read once."""

    def __init__(self, session: Session, wanted: Iterable[UUID]) -> None:
        self._session = session
        self._wanted = frozenset(wanted)
        self._kept: dict[UUID, list[tuple[datetime, UUID | None]]] = {}

    def of_item(self, item: Item, start: datetime, end: datetime) -> Iterator[Span]:
        """A thing's time, cut where it or a place around it was moved."""
        stays = standing.history(self._session, item)
        for at, stay in enumerate(stays):
            until = stays[at + 1].since if at + 1 < len(stays) else end
            since, until = max(stay.since, start), min(until, end)
            if since <= until:
                yield from self.of_place(stay.place_id, since, until)

    def of_place(
        self, place_id: UUID | None, start: datetime, end: datetime, level: int = 0
    ) -> Iterator[Span]:
        """A place's time, cut likewise."""
        if place_id is None or place_id in self._wanted or level > _DEEPEST:
            yield Span(start, end, place_id if place_id in self._wanted else None)
            return
        moves = self._moves(place_id)
        for at, (since, parent) in enumerate(moves):
            until = moves[at + 1][0] if at + 1 < len(moves) else end
            began, ended = max(since, start), min(until, end)
            if began <= ended:
                yield from self.of_place(parent, began, ended, level + 1)

    def _moves(self, place_id: UUID) -> list[tuple[datetime, UUID | None]]:
        """From when on it lay in what; a slot never leaves its box."""
        known = self._kept.get(place_id)
        if known is not None:
            return known
        place = queries.place(self._session, place_id)
        assert place is not None  # noqa: S101 - a foreign key
        moves: list[tuple[datetime, UUID | None]] = []
        if place.position is None:
            for entry in ledger.entries_of(self._session, areas.stream(place.code), limit=None):
                for _old, new in _changes([entry], _PLACE, "parent_id", str(place.id)):
                    # Where it was made it lies from ever: nothing stood in it before.
                    moves.append((entry.at if moves else _EVER, new))
        self._kept[place_id] = moves or [(_EVER, place.parent_id)]
        return self._kept[place_id]


def in_place(session: Session, place: Place, start: datetime, end: datetime) -> list[Item]:
    """Everything that stood in a place, or in what lay in it, at any instant of a part of its time.

    What was given, used up or destroyed since is among it.
    """
    there = set(areas.within(session, place.id))
    restless: set[UUID] = set()
    for row_id, old, new in _moved(session, start, "place/", _PLACE, "parent_id"):
        if there & {old, new}:
            restless |= {row_id, *areas.within(session, row_id)}
    there |= restless
    moved = {
        row_id
        for row_id, old, new in _moved(session, start, "item/", _ITEM, "place_id")
        if there & {old, new}
    }
    found: list[Item] = []
    unsure = set(moved)
    for some in genealogy.chunks(there):
        for each in session.scalars(select(Item).where(Item.place_id.in_(some))):
            if each.place_id in restless or each.id in moved:
                unsure.add(each.id)
            else:
                found.append(each)
    paths = Paths(session, {place.id})
    found += [
        each
        for each in queries.items_by_id(session, unsure)
        if any(span.place_id for span in paths.of_item(each, start, end))
    ]
    return sorted(found, key=lambda each: each.code)


def now_in(session: Session, place: Place) -> list[Item]:
    """What stands in a place now, or in what lies in it."""
    found: list[Item] = []
    for some in genealogy.chunks(areas.within(session, place.id)):
        found += session.scalars(select(Item).where(Item.place_id.in_(some)))
    return found


def measured(session: Session, item: Item, until: datetime | None = None) -> list[Span]:
    """In which places with a logger a thing has stood, the oldest first; None where in none.

    Args:
        until: when it was given, used up or destroyed; now unless it was.
    """
    wanted = session.scalars(select(PlaceLogger.place_id).distinct())
    spans = Paths(session, wanted).of_item(item, _EVER, until or clock.now())
    joined: list[Span] = []
    for each in spans:
        if each.start == each.end:
            continue  # made and put away, or moved twice, in one instant
        if joined and joined[-1].place_id == each.place_id and joined[-1].end >= each.start:
            joined[-1] = Span(joined[-1].start, each.end, each.place_id)
        else:
            joined.append(each)
    return joined


def _moved(
    session: Session, since: datetime, stream: str, table: str, column: str
) -> Iterator[tuple[UUID, UUID | None, UUID | None]]:
    """Whose column changed from an instant on, from what and to what."""
    for entry in ledger.entries_from(session, since, stream, f'"{column}"'):
        for row in entry.rows:
            if row["table"] == table and column in row["set"]:
                old, new = row["set"][column]
                yield UUID(row["id"]), _id(old), _id(new)


def _changes(
    entries: Iterable[ledger.Entry], table: str, column: str, row_id: str
) -> Iterator[tuple[UUID | None, UUID | None]]:
    for entry in entries:
        for row in entry.rows:
            if (row["table"], row["id"]) == (table, row_id) and column in row["set"]:
                old, new = row["set"][column]
                yield _id(old), _id(new)


def _id(text: Any) -> UUID | None:
    return None if text is None else UUID(text)
