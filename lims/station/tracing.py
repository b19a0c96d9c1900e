"""What stands above and below a code, and to whom it came."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, dosing, studies
from lims.core import db
from lims.core.permissions import Actor, requires
from lims.custody import Edge, Item, ItemKind
from lims.custody.permissions import READ


@dataclass(frozen=True)
class Given:
    """A dose that was given."""

    code: str
    participant: str
    at: datetime


@dataclass(frozen=True)
class Trace:
    """Everything above and below one item.

    Attributes:
        up, down: what it was made from and what was made from it, oldest first.
        places: names by place id.
        edges: parent and child, of the item and everything in `up` and `down`.
        given: doses among it and its descendants that were given.
    """

    item: Item
    up: list[Item]
    down: list[Item]
    places: dict[UUID, str]
    edges: list[tuple[UUID, UUID]]
    given: list[Given] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The document of `lims trace --json`."""
        return {
            "code": self.item.code,
            "kind": self.item.kind.value,
            "state": self.item.state.value,
            "place": self._place(self.item),
            "up": [self._line(each) for each in self.up],
            "down": [self._line(each) for each in self.down],
            "given": [
                {"code": each.code, "participant": each.participant, "at": each.at}
                for each in self.given
            ],
        }

    def _place(self, item: Item) -> str | None:
        return self.places.get(item.place_id) if item.place_id else None

    def _line(self, item: Item) -> dict[str, Any]:
        return {
            "code": item.code,
            "kind": item.kind.value,
            "state": item.state.value,
            "place": self._place(item),
        }


def trace_of(session: Session, item: Item) -> Trace:
    """Walk the lineage of an item both ways."""
    up = custody.ancestors(session, [item.id])
    down = custody.descendants(session, [item.id])
    all_ = {each.id: each for each in [*up, item, *down]}
    places = {
        each.place_id: found.name
        for each in all_.values()
        if each.place_id and (found := custody.place(session, each.place_id))
    }
    edges = [
        (row[0], row[1])
        for row in session.execute(
            select(Edge.parent_id, Edge.child_id).where(
                Edge.parent_id.in_(all_), Edge.child_id.in_(all_)
            )
        )
    ]
    given = []
    for each in [item, *down]:
        row = dosing.given_of(session, each.id) if each.kind is ItemKind.DOSE else None
        if row is not None:
            number = studies.subject(session, row.subject_id).number
            given.append(Given(each.code, number, row.ended_at))
    return Trace(item, up, down, places, edges, given)


@requires(READ)
def trace(actor: Actor, *, code: str) -> dict[str, Any]:
    """Everything above and below a code.

    Raises:
        BadInput: no code, or one misread.
        ItemUnknown: no item carries it.
    """
    with db.reading() as session:
        return trace_of(session, custody.find(session, code, field="code")).as_json()
