"""The lineage of an item as a picture that the server draws, and the same as a nested list."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims import collection, custody
from lims.custody import FINAL, KIND_NAMES, STATE_NAMES, Item, ItemKind
from lims.station.layers import Box, draw
from lims.station.tracing import Trace, trace_of

Shown = Item | custody.genealogy.Reached


@dataclass(frozen=True)
class Drawn:
    """What the template needs; every text in it is looked up there."""

    layers: Sequence[Sequence[Box]]
    lines: Sequence[str]
    width: int
    height: int
    items: dict[Any, Shown]
    here: UUID
    parents: dict[Any, list[str]]
    childless: bool

    def item(self, key: Any) -> Shown:
        """The item of a box."""
        return self.items[key]

    def states(self, box: Box) -> Iterator[tuple[Any, int]]:
        """How many of a group are in which state, the most first."""
        counted = Counter(self.items[each].state for each in box.members)
        return ((STATE_NAMES[state], number) for state, number in counted.most_common())

    def kind(self, box: Box) -> Any:
        """What the members of a group are."""
        return KIND_NAMES[self.items[box.members[0]].kind]

    def ended(self, key: Any) -> bool:
        """Whether it is no longer there."""
        return self.items[key].state in FINAL


def drawn(session: Session, traced: Trace, *, opened: str = "", mirrored: bool = False) -> Drawn:
    """Draw what stands above and below an item, from the kit that it was collected in.

    Args:
        opened: the group of a wide generation that is shown with its members.
        mirrored: from right to left.
    """
    if traced.item is None:
        raise ValueError("a lineage is drawn of an item")
    items, edges = _with_kits(session, traced, traced.item)
    picture = draw(
        list(items),
        edges,
        kind=lambda key: items[key].kind.value,
        here=traced.item.id,
        opened=opened,
        mirrored=mirrored,
    )
    parents: dict[Any, list[str]] = {}
    for parent, child in edges:
        parents.setdefault(child, []).append(items[parent].code)
    return Drawn(
        picture.layers,
        picture.lines,
        picture.width,
        picture.height,
        items,
        traced.item.id,
        parents,
        childless=all(parent != traced.item.id for parent, _child in edges),
    )


def _with_kits(
    session: Session, traced: Trace, start: Item
) -> tuple[dict[Any, Shown], list[tuple[UUID, UUID]]]:
    """The items of a lineage and its edges, and the kits of its tubes before them."""
    up, down, edges = list(traced.up), list(traced.down), list(traced.edges)
    nearby: list[Shown] = [start, *up]
    wanted = [each.id for each in nearby if each.kind in (ItemKind.KIT, ItemKind.SPECIMEN)]
    kits: list[Shown] = []
    for kit_id, tube_id in collection.kits_and_tubes(session, wanted) if wanted else []:
        edges.append((kit_id, tube_id))
        if kit_id == start.id:
            below = trace_of(session, custody.item(session, tube_id), drawn=True)
            assert below.item is not None  # noqa: S101 - it starts at one
            kits.append(below.item)
            down += below.down
            edges += below.edges
        else:
            kits.append(custody.item(session, kit_id))
    listed: list[Shown] = [*kits, *up, start, *down]
    items: dict[Any, Shown] = {each.id: each for each in listed}
    among = {edge for edge in edges if edge[0] in items and edge[1] in items}
    return items, sorted(among, key=str)
