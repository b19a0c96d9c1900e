"""The whole genealogy of many items at once: one recursive query, whatever its size.

`ancestors` and `descendants` of `queries` walk one way from few items; here both ways are walked
together, over columns and not over objects, and the rows may be locked on the way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CTE, Select, exists, func, select
from sqlalchemy.orm import Session

from lims.custody.models import Edge, Item
from lims.custody.rules import ItemKind, State

T = TypeVar("T")
# Fewer values than any database takes in one statement, many enough to be quick.
_AT_ONCE = 5000


@dataclass(frozen=True)
class Reached:
    """An item that a walk came to, as its row stood then."""

    id: UUID
    code: str
    kind: ItemKind
    state: State
    place_id: UUID | None
    holder_id: UUID | None
    version: int


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Values in lists that a statement can take."""
    listed = list(values)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def of_items(ids: Sequence[UUID]) -> Select[Any]:
    """A start for `reach`: these items."""
    return select(Item.id.label("id")).where(Item.id.in_(ids))


def all_of(donor_id: UUID) -> CTE:
    """Everything made of a donor's material: a child has its parents' donor, so nobody walks."""
    return select(Item.id.label("id")).where(Item.donor_id == donor_id).cte("below")


def closure(start: Select[Any], *, up: bool, name: str) -> CTE:
    """The items of `start` and all above or below them, as a query to build on."""
    # UNION, not UNION ALL: an item reached on two ways is walked once.
    walk = start.cte(name, recursive=True)
    here, there = (Edge.child_id, Edge.parent_id) if up else (Edge.parent_id, Edge.child_id)
    return walk.union(select(there).join(walk, here == walk.c.id))


def reach(start: Select[Any], *, whole: bool) -> CTE:
    """What a recall of `start` reaches.

    Args:
        whole: everything it came from as well, and everything made of that; else only what was
            made from it.
    """
    if whole:
        above = closure(start, up=True, name="above")
        start = select(above.c.id)
    return closure(start, up=False, name="below")


def reached(session: Session, walk: CTE, *, lock: bool = False) -> list[Reached]:
    """The rows of a walk, oldest first; locked in the order of their ids where asked for.

    A locked walk is repeated until it finds nothing new: whoever was making a child held its
    parent's row, so the child is there once that row is ours.
    """
    columns = (
        Item.id, Item.code, Item.kind, Item.state, Item.place_id, Item.holder_id, Item.version,
    )  # fmt: skip
    statement = select(*columns).where(Item.id.in_(select(walk.c.id)))
    if not lock:
        found = session.execute(statement.order_by(Item.made_at, Item.code))
        return [Reached(*row) for row in found]
    # Edges are never taken away, so a walk that counts no more than before found the same.
    count = select(func.count()).select_from(walk)
    locked = statement.order_by(Item.id).with_for_update(of=Item)
    rows = session.execute(locked).all()
    while session.scalar(count) != len(rows):
        rows = session.execute(locked).all()
    return [Reached(*row) for row in rows]


def roots(session: Session, walk: CTE) -> list[UUID]:
    """The items of a walk that nothing stands above."""
    return list(
        session.scalars(select(walk.c.id).where(~exists().where(Edge.child_id == walk.c.id)))
    )


def edges(session: Session, walk: CTE, *, up: bool) -> list[tuple[UUID, UUID]]:
    """Parent and child of every edge of a walk that goes up, or down, to its end."""
    end = Edge.child_id if up else Edge.parent_id
    return [
        (row[0], row[1])
        for row in session.execute(
            select(Edge.parent_id, Edge.child_id).join(walk, end == walk.c.id)
        )
    ]
