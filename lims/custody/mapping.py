"""The map of where things are: places with what stands in them, counted in a few questions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from lims.custody.models import Item, Place
from lims.custody.rules import FINAL


@dataclass
class Fill:
    """How full a place is by itself.

    Attributes:
        used: things that stand there, in its slots or on it; none that is gone.
        slots: how many slots it has.
        capacity: how many it may hold; its slots where it has some; None where nobody said.
    """

    used: int = 0
    slots: int = 0
    capacity: int | None = None

    @property
    def free(self) -> int | None:
        """Room left; None where nobody said how much there is."""
        return None if self.capacity is None else max(0, self.capacity - self.used)


@dataclass
class Node:
    """A place in the tree, with how full it is and what lies in it."""

    place: Place
    fill: Fill
    inside: list["Node"] = field(default_factory=list)


def fills(session: Session, place_ids: Iterable[UUID]) -> dict[UUID, Fill]:
    """How full each of these places is."""
    ids = list(place_ids)
    found = {each: Fill() for each in ids}
    slot = aliased(Place)
    place_id: Any
    for place_id, number in session.execute(
        select(slot.parent_id, func.count())
        .where(slot.parent_id.in_(ids), slot.position.is_not(None))
        .group_by(slot.parent_id)
    ):
        found[place_id].slots = found[place_id].capacity = number
    for place_id, capacity in session.execute(
        select(Place.id, Place.capacity).where(Place.id.in_(ids), Place.capacity.is_not(None))
    ):
        found[place_id].capacity = capacity
    for statement in (
        select(Item.place_id, func.count())
        .where(Item.place_id.in_(ids), Item.state.not_in(FINAL))
        .group_by(Item.place_id),
        select(slot.parent_id, func.count())
        .join(Item, Item.place_id == slot.id)
        .where(slot.parent_id.in_(ids), slot.position.is_not(None), Item.state.not_in(FINAL))
        .group_by(slot.parent_id),
    ):
        for place_id, number in session.execute(statement):
            found[place_id].used += number
    return found


def tree(session: Session, *, most: int) -> tuple[list[Node], int]:
    """All places but slots, as they lie in each other.

    Args:
        most: places that are drawn; those nearest to the outside come first.

    Returns:
        The outermost places, and how many places were left out.
    """
    level = list(
        session.scalars(select(Place).where(Place.parent_id.is_(None)).order_by(Place.name))
    )
    total = session.scalar(
        select(func.count()).select_from(Place).where(Place.position.is_(None))
    ) or 0  # fmt: skip
    nodes: dict[UUID, Node] = {}
    roots: list[Node] = []
    while level and len(nodes) < most:
        shown = level[: most - len(nodes)]
        counted = fills(session, [each.id for each in shown])
        for place in shown:
            node = nodes[place.id] = Node(place, counted[place.id])
            around = nodes.get(place.parent_id) if place.parent_id else None
            (around.inside if around else roots).append(node)
        level = list(
            session.scalars(
                select(Place)
                .where(Place.parent_id.in_([each.id for each in shown]), Place.position.is_(None))
                .order_by(Place.name)
            )
        )
    return roots, total - len(nodes)


def roomy(session: Session, *, limit: int) -> list[tuple[Place, Fill]]:
    """Boxes with free slots, the emptiest first."""
    slot = aliased(Place)
    free = func.count().label("free")
    found = session.execute(
        select(Place, free)
        .join(slot, slot.parent_id == Place.id)
        .outerjoin(Item, Item.slot_id == slot.id)
        .where(Place.kind == "box", slot.position.is_not(None), Item.id.is_(None))
        .group_by(Place.id)
        .order_by(free.desc(), Place.name)
        .limit(limit)
    )
    listed = [row[0] for row in found]
    counted = fills(session, [each.id for each in listed])
    return [(each, counted[each.id]) for each in listed]
