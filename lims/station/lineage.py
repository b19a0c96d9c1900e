"""The lineage of an item as a picture that the server draws, and the same as a nested list."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lims.custody import FINAL, KIND_NAMES, STATE_NAMES, Item
from lims.custody.genealogy import Reached
from lims.station.layers import Box, draw
from lims.station.tracing import Trace

Shown = Item | Reached


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


def drawn(traced: Trace, *, opened: str = "", mirrored: bool = False) -> Drawn:
    """Draw what stands above and below an item.

    Args:
        opened: the group of a wide generation that is shown with its members.
        mirrored: from right to left.
    """
    if traced.item is None:
        raise ValueError("a lineage is drawn of an item")
    listed: list[Shown] = [*traced.up, traced.item, *traced.down]
    items: dict[Any, Shown] = {each.id: each for each in listed}
    edges = sorted({edge for edge in traced.edges if edge[0] in items and edge[1] in items},
                   key=str)  # fmt: skip
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
        not traced.down,
    )
