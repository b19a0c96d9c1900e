"""What a logger's record says of a way: outside of its limits, or without a reading (H19).

Knows no database and no clock. A reading holds until the next one, so that an excursion begins with
the first reading outside and ends with the first one inside again. Readings before the box was sent
and after it was received do not count; a hole is judged to both ends of the way.

Source: domain.md 6.8 (store, transport, gaps), 13.21; the bands of other classes are the house's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

LONGEST_GAP = timedelta(minutes=30)
_D = Decimal


class Fault(StrEnum):
    """Why a record does not show by itself that the way was good."""

    MISSING = "missing"
    EXCURSION = "excursion"
    GAP = "gap"
    ORDER = "order"
    CLASS = "class"


@dataclass(frozen=True)
class Band:
    """The temperatures of a class.

    Attributes:
        low, high: a reading beyond is outside at once; one on the limit is inside.
        soft_low, soft_high, soft_for: a reading beyond is outside once that lasted longer.
    """

    low: Decimal | None
    high: Decimal
    soft_high: Decimal | None = None
    soft_for: timedelta = timedelta(0)
    soft_low: Decimal | None = None

    def beyond(self, cel: Decimal) -> Decimal:
        """How far a reading lies beyond the nearer limit; below zero inside."""
        above = cel - self.high
        return above if self.low is None else max(above, self.low - cel)

    def is_soft(self, cel: Decimal) -> bool:
        """Whether a reading is outside once it lasted."""
        return (self.soft_high is not None and cel > self.soft_high) or (
            self.soft_low is not None and cel < self.soft_low
        )

    @property
    def limits(self) -> tuple[Decimal, ...]:
        """Every limit that it has."""
        named = (self.low, self.high, self.soft_high, self.soft_low)
        return tuple(each for each in named if each is not None)


BANDS: Mapping[str, Band] = {
    "room": Band(_D(15), _D(25)),
    "37C": Band(_D(36), _D(38)),
    "2-8C": Band(_D(2), _D(8)),
    "-20C": Band(None, _D(-15)),
    "-80C": Band(None, _D(-60), _D(-70), timedelta(minutes=15)),
    "vapour": Band(None, _D(-150)),
}
_OLDER = {"-80": "-80C", "-20": "-20C", "2-8": "2-8C", "37": "37C"}  # as places were made before


@dataclass(frozen=True)
class Read:
    """One reading."""

    at: datetime
    cel: Decimal


@dataclass(frozen=True)
class Stretch:
    """A part of the way: outside of the limits with the reading farthest out, or unrecorded."""

    start: datetime
    end: datetime
    extreme: Decimal = Decimal(0)

    @property
    def lasted(self) -> timedelta:
        """How long."""
        return self.end - self.start


@dataclass(frozen=True)
class Judged:
    """What the records of one way come to.

    Attributes:
        readings: how many lie on the way.
        outside: apart from each other, in the order of time.
        gaps: longer than `LONGEST_GAP`.
        disordered: readings that stand in their file at or before the time of the one above.
        known: limits are known for the class of the box.
    """

    readings: int
    minimum: Decimal | None
    maximum: Decimal | None
    outside: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]
    disordered: int
    known: bool

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that wants a person's judgement; none where the way was good."""
        if not self.readings:
            return (Fault.MISSING,)
        found = {
            Fault.EXCURSION: bool(self.outside),
            Fault.GAP: bool(self.gaps),
            Fault.ORDER: bool(self.disordered),
            Fault.CLASS: not self.known,
        }
        return tuple(each for each, there in found.items() if there)

    @property
    def time_outside(self) -> timedelta:
        """In all."""
        return sum((each.lasted for each in self.outside), timedelta(0))


def band_of(temperature_class: str) -> Band | None:
    """The limits of a class of places on a way; None where none are known."""
    return band_for(BANDS, temperature_class)


def band_for(bands: Mapping[str, Band], temperature_class: str) -> Band | None:
    """The limits of a class in a table of them, also of one named as places were made before."""
    return bands.get(_OLDER.get(temperature_class, temperature_class))


def judge(
    records: Sequence[Sequence[Read]], band: Band | None, start: datetime, end: datetime
) -> Judged:
    """Judge the records of a way, one for each logger that travelled along.

    Each record is judged by itself, and an excursion of one is one of the way. A hole in one
    record is none where another has readings.

    Args:
        records: in the order of their files.
        start, end: when the box was sent and when it was received.
    """
    disordered = 0
    outside: list[Stretch] = []
    on_the_way: list[Read] = []
    for record in records:
        disordered += sum(other.at <= one.at for one, other in pairwise(record))
        ordered = sorted(record, key=lambda each: each.at)
        on_the_way += [each for each in ordered if start <= each.at <= end]
        if band is not None:
            outside += _outside(ordered, band, start, end)
    values = [each.cel for each in on_the_way]
    return Judged(
        readings=len(values),
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        outside=tuple(_joined(outside, band)) if band else (),
        gaps=tuple(_gaps((each.at for each in on_the_way), start, end)),
        disordered=disordered,
        known=band is not None,
    )


def _outside(ordered: Sequence[Read], band: Band, start: datetime, end: datetime) -> list[Stretch]:
    there = [each for each in ordered if start <= each.at <= end]
    ends = [*(each.at for each in there[1:]), end]
    held = [Stretch(each.at, until, each.cel) for each, until in zip(there, ends, strict=False)]
    found = _joined([each for each in held if band.beyond(each.extreme) > 0], band)
    warm = _joined([each for each in held if band.is_soft(each.extreme)], band)
    return [*found, *(each for each in warm if each.lasted > band.soft_for)]


def _joined(stretches: Iterable[Stretch], band: Band) -> list[Stretch]:
    """Stretches that touch or overlap, as one with the reading farthest out of either."""
    joined: list[Stretch] = []
    for each in sorted(stretches, key=lambda one: (one.start, one.end)):
        last = joined[-1] if joined else None
        if last is not None and each.start <= last.end:
            worst = max(last.extreme, each.extreme, key=band.beyond)
            joined[-1] = Stretch(last.start, max(last.end, each.end), worst)
        else:
            joined.append(each)
    return joined


def _gaps(instants: Iterable[datetime], start: datetime, end: datetime) -> list[Stretch]:
    known = [start, *sorted(each for each in instants if start <= each <= end), end]
    return [Stretch(one, other) for one, other in pairwise(known) if other - one > LONGEST_GAP]
