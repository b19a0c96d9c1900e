"""Where each box of a lineage stands: generations side by side, wide ones folded. Knows no web.

A generation is as far from its first parent as the longest way to it. What stands in a wide one is
folded into groups by what it is and what it was made from, later by what it is alone, so that the
picture stays readable whatever was made. A line that passes a generation has a lane of its own
there, so it never runs behind a box.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

Key = Hashable
WIDE = 6  # boxes of a generation before it is folded
MOST = 200  # boxes of one opened group
ROWS = 12  # of an opened group
BOX = (232, 84)
SMALL = (168, 60)
GAP = (64, 16)
LANE = 20
EDGE = 8  # around all of it, and around the boxes of an opened group


@dataclass
class Box:
    """One thing, or a group of things that stands for them.

    Attributes:
        id: of a group, the same at each drawing of the same lineage; "" for one thing.
        opened: a group whose members stand in it, at the places that `spots` says.
        left_out: how many of an opened group are not drawn.
    """

    members: list[Key]
    layer: int
    id: str = ""
    opened: bool = False
    left_out: int = 0
    x: int = 0
    y: int = 0
    width: int = BOX[0]
    height: int = BOX[1]
    spots: list[tuple[Key, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """A drawn lineage: boxes, and lines as paths of SVG."""

    layers: list[list[Box]]
    lines: list[str]
    width: int
    height: int


def depths(items: Iterable[Key], edges: Iterable[tuple[Key, Key]]) -> dict[Key, int]:
    """How many steps below the first parent each stands; edges (parent, child) form no circle.

    >>> depths("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    {'a': 0, 'b': 1, 'c': 2}
    """
    above = _parents(edges)
    depth: dict[Key, int] = {}
    for each in items:
        todo = [each]
        while todo:
            now = todo[-1]
            waits = [one for one in above.get(now, []) if one not in depth]
            if waits:
                todo += waits
                continue
            depth[now] = max((depth[one] + 1 for one in above.get(now, [])), default=0)
            todo.pop()
    return depth


def _parents(edges: Iterable[tuple[Key, Key]]) -> dict[Key, list[Key]]:
    above: dict[Key, list[Key]] = {}
    for parent, child in edges:
        above.setdefault(child, []).append(parent)
    return above


def draw(
    items: Sequence[Key],
    edges: Sequence[tuple[Key, Key]],
    *,
    kind: Callable[[Key], str],
    here: Key,
    opened: str = "",
    mirrored: bool = False,
) -> Picture:
    """Lay a lineage out.

    Args:
        items: oldest first; the order within a generation starts from it.
        edges: parent and child.
        kind: what things of a group have in common.
        here: is never folded.
        opened: the group that is shown with its members.
        mirrored: the first generation stands on the right.
    """
    depth = depths(items, edges)
    rows: list[list[Key]] = [[] for _each in range(max(depth.values(), default=0) + 1)]
    for each in items:
        rows[depth[each]].append(each)
    above = _parents(edges)
    layers = [
        [_sized(box, opened) for box in _folded(row, at, kind, above, here)]
        for at, row in enumerate(rows)
    ]
    lanes, links = _laned(layers, edges)
    _order(lanes, links)
    width, height = _place(lanes)
    if mirrored:
        for lane in lanes:
            for each in lane:
                each.x = width - each.x - each.width
                each.spots = [(one, width - x - SMALL[0], y) for one, x, y in each.spots]
    shown = [[each for each in lane if each.members] for lane in lanes]
    return Picture(shown, [_line(a, b, mirrored) for a, b in links], width, height)


def _folded(
    row: Sequence[Key],
    layer: int,
    kind: Callable[[Key], str],
    above: Mapping[Key, Sequence[Key]],
    here: Key,
) -> list[Box]:
    if len(row) <= WIDE:
        return [Box([each], layer) for each in row]
    for key in (lambda each: (kind(each), frozenset(above.get(each, ()))), kind):
        groups: dict[Hashable, list[Key]] = {}
        for each in row:
            groups.setdefault("here" if each == here else key(each), []).append(each)
        boxes: list[Box] = []
        for members in groups.values():
            if len(members) > 2:
                number = sum(bool(each.id) for each in boxes)
                boxes.append(Box(members, layer, f"{layer}-{number}-{kind(members[0])}"))
            else:
                boxes += [Box([each], layer) for each in members]
        if len(boxes) <= WIDE:
            break
    return boxes


def _sized(box: Box, opened: str) -> Box:
    if not box.id or box.id != opened:
        return box
    box.opened = True
    shown = box.members[:MOST]
    box.left_out = len(box.members) - len(shown)
    rows = min(ROWS, len(shown))
    columns = -(-len(shown) // rows)
    step = SMALL[0] + EDGE, SMALL[1] + EDGE
    head = 44
    box.width = columns * step[0] + EDGE
    box.height = rows * step[1] + EDGE + head
    box.spots = [
        (each, EDGE + at // rows * step[0], head + EDGE + at % rows * step[1])
        for at, each in enumerate(shown)
    ]
    return box


def _laned(
    layers: list[list[Box]], edges: Iterable[tuple[Key, Key]]
) -> tuple[list[list[Box]], list[tuple[Box, Box]]]:
    """Boxes with an empty lane wherever a line passes a generation, and the lines between them."""
    of = {member: box for layer in layers for box in layer for member in box.members}
    wanted = {(id(of[a]), id(of[b])): (of[a], of[b]) for a, b in edges if a in of and b in of}
    lanes = [list(layer) for layer in layers]
    links: list[tuple[Box, Box]] = []
    passing: dict[tuple[int, int], Box] = {}
    for parent, child in wanted.values():
        last = parent
        for layer in range(parent.layer + 1, child.layer):
            # Lines from one parent share a lane, so a parent of many is one bundle.
            lane = passing.get((id(parent), layer))
            if lane is None:
                lane = passing[id(parent), layer] = Box([], layer, height=LANE)
                lanes[layer].append(lane)
                links.append((last, lane))
            last = lane
        links.append((last, child))
    return lanes, links


def _order(lanes: list[list[Box]], links: Iterable[tuple[Box, Box]]) -> None:
    """Put each box near the middle of what it hangs on: down, up, and down again."""
    up: dict[int, list[Box]] = {}
    down: dict[int, list[Box]] = {}
    for parent, child in links:
        up.setdefault(id(child), []).append(parent)
        down.setdefault(id(parent), []).append(child)
    for sweep in range(4):
        near, walk = (up, lanes[1:]) if sweep % 2 == 0 else (down, lanes[-2::-1])
        at = {id(box): place for lane in lanes for place, box in enumerate(lane)}
        for lane in walk:
            middle = {}
            for place, box in enumerate(lane):
                others = [at[id(each)] for each in near.get(id(box), ())]
                middle[id(box)] = Fraction(sum(others), len(others)) if others else Fraction(place)
            lane.sort(key=lambda box: middle[id(box)])
            at |= {id(box): place for place, box in enumerate(lane)}


def _place(lanes: list[list[Box]]) -> tuple[int, int]:
    tall = [sum(box.height + GAP[1] for box in lane) - GAP[1] for lane in lanes]
    height = max([*tall, 0])
    x = EDGE
    for lane, used in zip(lanes, tall, strict=True):
        wide = max((box.width for box in lane), default=0)
        y = EDGE + (height - used) // 2
        for box in lane:
            box.x, box.y = x, y
            if not box.members:
                box.width = wide
            box.spots = [(each, x + right, y + below) for each, right, below in box.spots]
            y += box.height + GAP[1]
        x += wide + GAP[0]
    return x - GAP[0] + EDGE, height + 2 * EDGE


def _line(parent: Box, child: Box, mirrored: bool) -> str:
    """A curve from the end of one to the start of the other; through a lane it goes straight on."""
    a = (parent.x if mirrored else parent.x + parent.width, parent.y + parent.height // 2)
    b = (child.x + child.width if mirrored else child.x, child.y + child.height // 2)
    middle = (a[0] + b[0]) // 2
    on = "" if child.members else f"H{child.x if mirrored else child.x + child.width}"
    return f"M{a[0]} {a[1]}C{middle} {a[1]} {middle} {b[1]} {b[0]} {b[1]}{on}"
