"""What a page draws of a temperature over time: of a place, or of a thing in all its places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from lims.custody import queries
from lims.custody.curve import Curve, curve
from lims.custody.excursions import Band, Judged, Read, Stretch, judge
from lims.custody.models import Place
from lims.custody.monitoring import queries as known
from lims.custody.monitoring import rules
from lims.custody.monitoring.models import PlaceLogger
from lims.custody.monitoring.queries import Span
from lims.web import calendars

LISTED = 1000  # readings in a table
_AS_LONG = timedelta(days=40)


def edges(start: datetime, end: datetime, zone: ZoneInfo) -> Callable[[datetime], str]:
    """How instants along a curve are written: the hour, or the day where there are many of them."""
    if end - start <= timedelta(days=2):
        return lambda at: f"{at.astimezone(zone):%H:%M}"
    return lambda at: calendars.spoken_day(at.astimezone(zone).date())


@dataclass(frozen=True)
class Drawn:
    """A curve and its figures.

    Attributes:
        outside: in all.
        readings: the first thousand.
        silent: parts of the time without a reading, although a logger was there.
        unmeasured: parts of the time in places that no logger measures.
    """

    curve: Curve
    readings: Sequence[Read]
    count: int
    lowest: Read | None
    highest: Read | None
    outside: timedelta
    silent: Sequence[Stretch]
    unmeasured: Sequence[Stretch]
    start: datetime
    end: datetime


def of_place(
    session: Session, loggers: Sequence[PlaceLogger], place: Place, start: datetime, end: datetime
) -> Drawn:
    """A place's temperature between two instants, as far as loggers measured it."""
    begins = min((each.since for each in loggers), default=start)
    since = max(start, min(begins, end))
    read = known.readings(session, [each.id for each in loggers], since, end)
    return of_readings(read, place, start, end, since)


def of_readings(
    read: list[Read], place: Place, start: datetime, end: datetime, since: datetime | None = None
) -> Drawn:
    """Readings of a place between two instants.

    Args:
        since: from when on it was measured; from the start unless given.
    """
    begins = since or start
    band = rules.band_of(place.temperature_class)
    before = [Stretch(start, begins)] if begins > start else []
    return _drawn([(judge([read], band, begins, end), read)], before, band, start, end, ())


def of_item(session: Session, ever: Sequence[Span]) -> Drawn | None:
    """How warm it was where a thing stood in its last forty days; None where nothing measured it.

    Args:
        ever: as `stood.measured` gives them.
    """
    if not ever:
        return None
    end = ever[-1].end
    start = max(ever[0].start, end - _AS_LONG)
    spans = [Span(max(each.start, start), each.end, each.place_id) for each in ever
             if each.end > start]  # fmt: skip
    if not any(each.place_id for each in spans):
        return None
    parts: list[tuple[Judged, list[Read]]] = []
    unmeasured: list[Stretch] = []
    band: Band | None = None
    for each in spans:
        place = queries.place(session, each.place_id)
        if place is None:
            unmeasured.append(Stretch(each.start, each.end))
            continue
        loggers = [one for one in known.loggers_of(session, place.id) if
                   one.since <= each.end and (one.ended_at or end) >= each.start]  # fmt: skip
        read = known.readings(session, [one.id for one in loggers], each.start, each.end)
        band = rules.band_of(place.temperature_class)
        parts.append((judge([read], band, each.start, each.end), read))
    moves = [each.start for each in spans[1:]]
    return _drawn(parts, unmeasured, band, start, end, moves)


def _drawn(
    parts: Sequence[tuple[Judged, Sequence[Read]]],
    unmeasured: Sequence[Stretch],
    band: Band | None,
    start: datetime,
    end: datetime,
    moves: Sequence[datetime],
) -> Drawn:
    readings = [each for _judged, read in parts for each in read]
    silent = [gap for judged, _read in parts for gap in judged.gaps]
    whole = Judged(
        readings=len(readings),
        minimum=None,
        maximum=None,
        outside=tuple(each for judged, _read in parts for each in judged.outside),
        gaps=(*silent, *unmeasured),
        disordered=0,
        known=band is not None,
    )
    return Drawn(
        curve([read for _judged, read in parts], band, whole, start, end, moves),
        readings[:LISTED],
        len(readings),
        min(readings, key=lambda each: each.cel, default=None),
        max(readings, key=lambda each: each.cel, default=None),
        whole.time_outside,
        silent,
        unmeasured,
        start,
        end,
    )
