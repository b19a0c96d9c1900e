"""The curve of a temperature over time, as an SVG that needs no script: limits, holes, excursions.

Knows no database. Instants become places on the paper; what is said beside it stands on the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

from lims.core import numbers
from lims.custody.excursions import LONGEST_GAP, Band, Judged, Read

WIDTH, HEIGHT = 960, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 20, 16, 40
_MOST_POINTS = 1500  # in one line; of more, the lowest and the highest of each part are drawn


@dataclass(frozen=True)
class Strip:
    """A part of the way, from left to right."""

    x: int
    width: int


@dataclass(frozen=True)
class Level:
    """A height with its figure."""

    y: int
    said: str


@dataclass(frozen=True)
class Mark:
    """An instant on the lower edge."""

    x: int
    at: datetime


@dataclass(frozen=True)
class Curve:
    """What the template draws, in the units of the drawing.

    Attributes:
        lines: one for each stretch without a hole, as `points` of a polyline.
        limits: of the class of the box.
        levels: figures along the left edge.
        marks: instants along the lower edge, with the first and the last.
        moves: where it was moved meanwhile.
    """

    lines: Sequence[str]
    limits: Sequence[Level]
    levels: Sequence[Level]
    marks: Sequence[Mark]
    gaps: Sequence[Strip]
    outside: Sequence[Strip]
    moves: Sequence[int] = ()
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def curve(
    records: Sequence[Sequence[Read]],
    band: Band | None,
    judged: Judged,
    start: datetime,
    end: datetime,
    moves: Sequence[datetime] = (),
) -> Curve:
    """Lay a part of time out, such as a way from its sending to its receipt."""
    on_the_way = [
        sorted((each for each in record if start <= each.at <= end), key=lambda each: each.at)
        for record in records
    ]
    limits = list(band.limits) if band else []
    values = [each.cel for record in on_the_way for each in record] + limits or [Decimal(0)]
    bottom, step, top = _scale(min(values), max(values))
    span = max(end - start, timedelta(seconds=1))

    def x(at: datetime) -> int:
        within = min(max(at, start), end) - start
        return _LEFT + round((WIDTH - _LEFT - _RIGHT) * (within / span))

    def y(cel: Decimal) -> int:
        share = (top - cel) / (top - bottom)
        return _TOP + int((HEIGHT - _TOP - _BOTTOM) * share)

    def strip(one: datetime, other: datetime) -> Strip:
        return Strip(x(one), max(x(other) - x(one), 2))

    count = int((top - bottom) / step)
    return Curve(
        lines=[
            " ".join(f"{x(each.at)},{y(each.cel)}" for each in _thinned(part))
            for record in on_the_way
            for part in _parts(record)
        ],
        limits=[Level(y(each), numbers.plain(each)) for each in limits],
        levels=[
            Level(y(bottom + step * each), numbers.plain(bottom + step * each))
            for each in range(count + 1)
        ],
        marks=[Mark(x(start + span / 4 * each), start + span / 4 * each) for each in range(5)],
        gaps=[strip(each.start, each.end) for each in judged.gaps],
        outside=[strip(each.start, each.end) for each in judged.outside],
        moves=[x(each) for each in moves],
    )


def _scale(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Lower edge, step and upper edge, in figures that people read."""
    wanted = max(high - low, Decimal(4)) / 5
    step = next(each for each in map(Decimal, (1, 2, 5, 10, 20, 50, 100, 200, 500)) if
                each >= wanted)  # fmt: skip
    lower = (low / step).to_integral_value(ROUND_FLOOR) * step
    upper = (high / step).to_integral_value(ROUND_CEILING) * step
    # A limit never lies on the very edge of the paper.
    return lower - (step if lower == low else 0), step, upper + (step if upper == high else 0)


def _parts(record: Sequence[Read]) -> list[Sequence[Read]]:
    """Where readings are missing the line is broken, never drawn on."""
    cuts = [0]
    cuts += [n for n, (one, other) in enumerate(pairwise(record), 1) if
             other.at - one.at > LONGEST_GAP]  # fmt: skip
    return [record[one:other] for one, other in pairwise([*cuts, len(record)]) if one < other]


def _thinned(part: Sequence[Read]) -> Sequence[Read]:
    if len(part) <= _MOST_POINTS:
        return part
    size = len(part) // (_MOST_POINTS // 2) + 1
    kept: list[Read] = []
    for at in range(0, len(part), size):
        some = part[at : at + size]
        ends = {min(some, key=lambda each: each.cel), max(some, key=lambda each: each.cel)}
        kept += sorted(ends, key=lambda each: each.at)
    return kept
