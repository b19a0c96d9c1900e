"""Finding items, and walking their lineage both ways."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from lims.core.words import Text as _
from lims.custody.errors import ItemUnknown
from lims.custody.genealogy import chunks
from lims.custody.models import Edge, Hold, Item, Place
from lims.custody.rules import ItemKind

# What every scan asks, built once: building a statement costs more than sending it.
_edge, _hold = (cast(Table, each.__table__) for each in (Edge, Hold))
_LINE = select(bindparam("item_id", type_=_edge.c.child_id.type).label("id")).cte(
    "line", recursive=True
)
# UNION, not UNION ALL: an item reached on two ways is walked once.
_LINE = _LINE.union(select(_edge.c.parent_id).join(_LINE, _edge.c.child_id == _LINE.c.id))
_HELD_BY = (
    select(_hold.c.reason)
    .where(_hold.c.item_id.in_(select(_LINE.c.id)), _hold.c.lifted_at.is_(None))
    .order_by(_hold.c.placed_at)
)
_HOW_MANY_AT = select(func.count()).select_from(Item).where(Item.place_id == bindparam("place_id"))


def item(session: Session, item_id: UUID) -> Item:
    """The item of an id."""
    found = session.get(Item, item_id)
    if found is None:
        raise ItemUnknown(_("No such item is known."))
    return found


def place(session: Session, place_id: UUID | None) -> Place | None:
    """The place of an id."""
    return session.get(Place, place_id) if place_id else None


def items_of(
    session: Session,
    *,
    study_id: UUID | None = None,
    donor_id: UUID | None = None,
    kind: ItemKind | None = None,
    limit: int = 1000,
) -> list[Item]:
    """Items of a study or a donor, oldest first."""
    statement = select(Item).order_by(Item.made_at, Item.code).limit(limit)
    if study_id is not None:
        statement = statement.where(Item.study_id == study_id)
    if donor_id is not None:
        statement = statement.where(Item.donor_id == donor_id)
    if kind is not None:
        statement = statement.where(Item.kind == kind)
    return list(session.scalars(statement))


def items_at(session: Session, place_id: UUID) -> list[Item]:
    """What stands at a place."""
    return list(session.scalars(select(Item).where(Item.place_id == place_id).order_by(Item.code)))


def how_many_at(session: Session, place_id: UUID) -> int:
    """How many things stand at a place."""
    return session.scalar(_HOW_MANY_AT, {"place_id": place_id}) or 0


def places_in(session: Session, place_id: UUID) -> list[Place]:
    """The places right inside of a place, without the slots of a box."""
    return list(
        session.scalars(
            select(Place)
            .where(Place.parent_id == place_id, Place.position.is_(None))
            .order_by(Place.name)
        )
    )


def items_by_id(session: Session, ids: Iterable[UUID]) -> list[Item]:
    """Items of many ids, oldest first."""
    found: list[Item] = []
    for some in chunks(ids):
        found += session.scalars(select(Item).where(Item.id.in_(some)))
    return sorted(found, key=lambda each: (each.made_at, each.code))


def ids_of_codes(session: Session, codes: Iterable[str]) -> list[UUID]:
    """The ids of the items that carry these codes."""
    found: list[UUID] = []
    for some in chunks(codes):
        found += session.scalars(select(Item.id).where(Item.code.in_(some)))
    return found


def places_within(session: Session, place_id: UUID) -> list[UUID]:
    """A place and every place inside of it."""
    walk = select(Place.id).where(Place.id == place_id).cte("within", recursive=True)
    walk = walk.union(select(Place.id).join(walk, Place.parent_id == walk.c.id))
    return list(session.scalars(select(walk.c.id)))


def parents(session: Session, item_id: UUID) -> list[tuple[Item, Edge]]:
    """What an item was made from, one step up."""
    return [
        (row[0], row[1])
        for row in session.execute(
            select(Item, Edge)
            .join(Edge, Edge.parent_id == Item.id)
            .where(Edge.child_id == item_id)
            .order_by(Item.made_at, Item.code)
        )
    ]


def children(session: Session, item_id: UUID) -> list[Item]:
    """What was made from an item, one step down."""
    return list(
        session.scalars(
            select(Item)
            .join(Edge, Edge.child_id == Item.id)
            .where(Edge.parent_id == item_id)
            .order_by(Item.made_at, Item.code)
        )
    )


def ancestors(session: Session, item_ids: Iterable[UUID]) -> list[Item]:
    """Everything the items were made from, oldest first."""
    return _walk(session, item_ids, up=True)


def descendants(session: Session, item_ids: Iterable[UUID]) -> list[Item]:
    """Everything made from the items, oldest first."""
    return _walk(session, item_ids, up=False)


def _walk(session: Session, item_ids: Iterable[UUID], *, up: bool) -> list[Item]:
    here, there = (Edge.child_id, Edge.parent_id) if up else (Edge.parent_id, Edge.child_id)
    walk = select(there.label("id")).where(here.in_(list(item_ids))).cte("walk", recursive=True)
    further = aliased(Edge)
    next_here, next_there = (
        (further.child_id, further.parent_id) if up else (further.parent_id, further.child_id)
    )
    # UNION, not UNION ALL: an item reached on two ways is walked once.
    walk = walk.union(select(next_there).join(walk, next_here == walk.c.id))
    return list(
        session.scalars(
            select(Item).where(Item.id.in_(select(walk.c.id))).order_by(Item.made_at, Item.code)
        )
    )


def held_by(session: Session, item_id: UUID) -> list[str]:
    """Why an item is not to be used: the reasons of open holds on it and on all it came from."""
    session.flush()  # Core statements do not flush what the act did before
    return list(session.scalars(_HELD_BY, {"item_id": item_id}))


def holds(session: Session, item_ids: Iterable[UUID], *, open_only: bool = True) -> list[Hold]:
    """Holds on any of the items."""
    statement = select(Hold).where(Hold.item_id.in_(list(item_ids))).order_by(Hold.placed_at)
    if open_only:
        statement = statement.where(Hold.lifted_at.is_(None))
    return list(session.scalars(statement))
