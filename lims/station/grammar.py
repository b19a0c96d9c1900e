"""What a scan at the bench means: the first goes into the second, if the second can hold it.

Pure: what is in hand, the mode and the thing scanned give one step; nothing is looked up here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

IN_HAND_SECONDS = 60
# What stands in what; what is not named here neither moves nor holds another place.
_SIZE: Mapping[str, int] = {
    "slot": 0,
    "box": 1,
    "transport": 1,
    "rack": 2,
    "shelf": 3,
    "fridge": 4,
    "freezer": 4,
    "tank": 4,
    "incubator": 4,
    "hood": 4,
    "bench": 4,
    "ward": 5,
    "room": 5,
    "site": 6,
}
_CARRIED = frozenset({"box", "transport", "rack"})


class Mode(StrEnum):
    """How the station takes scans."""

    SINGLE = "single"
    BATCH = "batch"
    LOOK = "look"


class Step(StrEnum):
    """What one scan comes to."""

    SHOW = "show"  # and nothing else
    TAKE = "take"  # it is in hand now
    PUT = "put"  # the item goes into the place
    CARRY = "carry"  # the place, with all in it, goes into the place
    REFUSE = "refuse"  # the second cannot hold the first; the second is in hand
    AIM = "aim"  # the place of a batch
    NEEDS_PLACE = "needs-place"  # a batch that has none yet
    HAS_PLACE = "has-place"  # a batch that has one already


@dataclass(frozen=True)
class Thing:
    """Something with a code of ours.

    Attributes:
        code: nine characters.
        place_kind: of a place; empty for anything else.
        moves: whether it can be put into a place.
    """

    code: str
    place_kind: str = ""
    moves: bool = True

    @property
    def is_place(self) -> bool:
        """Whether things stand in it."""
        return bool(self.place_kind)


def step(mode: Mode, thing: Thing, *, hand: Thing | None = None, aim: str = "") -> Step:
    """What a scan comes to.

    Args:
        hand: what is in hand, None where nothing is or it has been there for too long.
        aim: the code of a batch's place.

    >>> step(Mode.SINGLE, Thing("A2", "box"), hand=Thing("V1"))
    <Step.PUT: 'put'>
    """
    if mode is Mode.LOOK:
        return Step.SHOW
    if mode is Mode.BATCH:
        return _in_batch(thing, aim)
    if not thing.is_place and not thing.moves:
        return Step.SHOW
    if hand is None or hand.code == thing.code:
        return Step.TAKE
    return _second(hand, thing)


def _second(hand: Thing, thing: Thing) -> Step:
    if thing.is_place and not hand.is_place:
        return Step.PUT
    if thing.is_place and holds(thing.place_kind, hand.place_kind):
        return Step.CARRY
    return Step.REFUSE


def _in_batch(thing: Thing, aim: str) -> Step:
    if thing.is_place:
        return Step.AIM if aim in ("", thing.code) else Step.HAS_PLACE
    if not thing.moves:
        return Step.SHOW
    return Step.PUT if aim else Step.NEEDS_PLACE


def holds(outer: str, inner: str) -> bool:
    """Whether a place of one kind can stand in a place of another.

    >>> holds("freezer", "box"), holds("box", "freezer"), holds("room", "freezer")
    (True, False, False)
    """
    return inner in _CARRIED and _SIZE.get(outer, -1) > _SIZE[inner]


def in_hand(seconds: float) -> bool:
    """Whether something scanned so long ago is still in hand."""
    return 0 <= seconds <= IN_HAND_SECONDS
