"""Where many items are and who holds them: two questions, however many items there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import people
from lims.custody.models import Place


class Standing(Protocol):
    """Something that has a place and a holder."""

    @property
    def place_id(self) -> UUID | None: ...
    @property
    def holder_id(self) -> UUID | None: ...


@dataclass(frozen=True)
class Whereabouts:
    """Names of places and of people, by id."""

    places: dict[UUID, str]
    holders: dict[UUID, str]


def where_all(session: Session, items: Iterable[Standing]) -> Whereabouts:
    """The names of every place and holder among the items."""
    listed = list(items)
    places = {each.place_id for each in listed if each.place_id}
    holders = {each.holder_id for each in listed if each.holder_id}
    return Whereabouts(
        {
            row[0]: row[1]
            for row in session.execute(
                select(Place.id, Place.name).where(Place.id.in_(sorted(places, key=str)))
            )
        },
        people.names_of(session, holders),
    )
