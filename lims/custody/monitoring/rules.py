"""What the readings of a place come to: parts of its time outside of the limits, or without any.

Knows no database and no clock. Limits of a place that stores differ from those of a way: a short
warm spell is written down, a hard one or a long silence holds what stood there.

Source: domain.md 6.8 (-80 °C, nitrogen vapour, gaps of a logger); 3.4 for 2-8 °C; the limits of
-20 °C, 37 °C and room temperature are the house's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lims.custody.excursions import Band, Fault, Read, band_for, judge

SILENT_STOP = timedelta(hours=4)
# A minus sign that is lost on the way turns -80 into 80; nothing is stored as warm as this.
TOO_WARM_CEL = Decimal(45)
_D = Decimal
_QUARTER = timedelta(minutes=15)

STORAGE: Mapping[str, Band] = {
    "room": Band(_D(2), _D(30), _D(25), timedelta(minutes=30), soft_low=_D(15)),
    "37C": Band(_D(30), _D(40), _D(38), _QUARTER, soft_low=_D(36)),
    "2-8C": Band(_D(0), _D(25), _D(8), _QUARTER, soft_low=_D(2)),
    "-20C": Band(None, _D(-10), _D(-15), _QUARTER),
    "-80C": Band(None, _D(-60), _D(-70), _QUARTER),
    "vapour": Band(None, _D(-135), _D(-150), timedelta(0)),
}


class Level(StrEnum):
    """How grave an episode is: `warn` is written down, `stop` holds what stood there."""

    WARN = "warn"
    STOP = "stop"


class Standing(StrEnum):
    """How a place stands now; `no-data` is never taken for good."""

    GOOD = "good"
    OUTSIDE = "outside"
    NO_DATA = "no-data"
    NO_LOGGER = "no-logger"


@dataclass(frozen=True)
class Found:
    """A part of the time of a place that wants a person's judgement.

    Attributes:
        ongoing: it lasts until the end of what was looked at.
        extreme: the reading farthest out; None of a silence.
    """

    kind: Fault
    level: Level
    start: datetime
    end: datetime
    ongoing: bool
    extreme: Decimal | None = None


def band_of(temperature_class: str) -> Band | None:
    """The limits of a place that stores; None where none are known."""
    return band_for(STORAGE, temperature_class)


def find(readings: Sequence[Read], band: Band, start: datetime, end: datetime) -> list[Found]:
    """Everything between two instants that is outside of the limits or without a reading.

    Args:
        readings: in the order of time.
    """
    judged = judge([readings], band, start, end)
    last = readings[-1] if readings else None
    # A reading at the very end has ended what was before it.
    heard = last is not None and last.at >= end
    good = last is not None and not (band.beyond(last.cel) > 0 or band.is_soft(last.cel))
    outside = [
        Found(
            Fault.EXCURSION,
            Level.STOP if band.beyond(each.extreme) > 0 else Level.WARN,
            each.start,
            each.end,
            each.end >= end and not (heard and good),
            each.extreme,
        )
        for each in judged.outside
    ]
    silent = [
        Found(
            Fault.GAP,
            Level.STOP if each.lasted > SILENT_STOP else Level.WARN,
            each.start,
            each.end,
            each.end >= end and not heard,
        )
        for each in judged.gaps
    ]
    return outside + silent


def standing(
    newest: Read | None, band: Band | None, every: timedelta | None, now: datetime
) -> Standing:
    """How a place stands by its newest reading; older than two of them is none.

    Args:
        every: how often its logger measures; None where it has none.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    >>> standing(Read(at, Decimal("-81")), STORAGE["-80C"], timedelta(minutes=10), at).value
    'good'
    """
    if every is None:
        return Standing.NO_LOGGER
    if newest is None or now - newest.at > 2 * every:
        return Standing.NO_DATA
    if band is None or band.beyond(newest.cel) > 0 or band.is_soft(newest.cel):
        return Standing.OUTSIDE
    return Standing.GOOD
