"""Temperature loggers: their readings in the order of the file, and what is wrong with it.

None of these exports names a time zone and some name no unit; whoever reads the file gives them,
and what nobody gave stays None. Readings are never put into another order, doubled ones never
dropped, holes never filled: all three are named.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar

from lims.core import units
from lims.core.errors import BadInput
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.instruments import logger_layouts as layouts
from lims.instruments.errors import Truncated, UnitMissing
from lims.instruments.logger_layouts import Column, Stamp, Table
from lims.instruments.shapes import Hole, Kind, Logged, LoggerChannel, Sample
from lims.instruments.source import Source

TEMPERATURE = "temperature"
# A minus sign that is lost on the way turns -80 into 80; nothing is stored as warm as this.
_TOO_WARM = Decimal(45)
_COLDEST = Decimal("-273.15")
_NAMED = 3  # of each fault; the counts say how many there are


@dataclass(frozen=True)
class LoggerReader:
    """One maker's exports: how they are recognised, laid out, and written.

    Attributes:
        mark: the decimal mark of its locale.
        moments: how it writes date and time, as `strptime` reads them.
    """

    KIND: ClassVar[Kind] = Kind.TEMPERATURE
    MAKER: str
    recognised: Callable[[str], bool]
    laid_out: Callable[[Source], Table]
    moments: tuple[str, ...]
    mark: str = "."

    def recognises(self, text: str) -> bool:
        """Whether the text carries this maker's signature."""
        return self.recognised(text)

    def read(self, source: Source) -> tuple[str | None, str | None, tuple[Sample, ...]]:
        """Software, the file's own text for its first time, and every channel."""
        source.mark = self.mark
        table = self.laid_out(source)
        if not table.stamps:
            raise Truncated(
                source.file, _("readings"), _("there is none. Export the whole record again.")
            )
        times = [_moment(source, each, self.moments) for each in table.stamps]
        if source.zone is None:
            source.warn(
                "time zone",
                _("The file names no time zone; give the one that the logger's clock was set to."),
            )
        rhythm = _rhythm(source, table, times)
        channels = tuple(_channel(source, table, each, times, rhythm) for each in table.columns)
        if not any(each.quantity == TEMPERATURE for each in channels):
            raise UnitMissing(
                source.file,
                _("first lines"),
                _("no column is a temperature. Export the temperature channel as well."),
            )
        _order(source, table.stamps, times)
        gaps = max(channels, key=lambda each: len(each.gaps)).gaps
        if gaps:
            source.warn(
                "gaps",
                _(
                    "Readings are missing after %(times)s.",
                    times=_few([each.after for each in gaps]),
                ),
            )
        return table.software, table.stamps[0].text, channels


READERS: Sequence[LoggerReader] = (
    LoggerReader("Gemini Tinytag", layouts.is_tinytag, layouts.tinytag, ("%Y-%m-%d %H:%M:%S",)),
    LoggerReader("Rotronic", layouts.is_rotronic, layouts.rotronic, ("%d/%m/%Y %H:%M:%S",)),
    LoggerReader("Meaco", layouts.is_meaco, layouts.meaco, ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")),
    LoggerReader("T&D", layouts.is_tandd, layouts.tandd, ("%Y-%m-%d %H:%M:%S",)),
)


def _moment(source: Source, stamp: Stamp, forms: Sequence[str]) -> datetime:
    """A time of the logger's clock; aware where the zone was given.

    Raises:
        NotReadable: no such time, or one that the zone has twice or never.
    """
    where = f"line {stamp.line}"
    for form in forms:
        try:
            naive = datetime.strptime(stamp.text, form)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        if not 1990 <= naive.year <= 2100:
            break
        if source.zone is None:
            return naive
        first, second = (naive.replace(tzinfo=source.zone, fold=each) for each in (0, 1))
        if first.utcoffset() != second.utcoffset():
            raise source.refuse(
                where,
                _(
                    "%(time)s is there twice or never in %(zone)s, where the clocks were changed. "
                    "Give the offset of the logger's clock, such as +01:00.",
                    time=stamp.text,
                    zone=str(source.zone),
                ),
            )
        return first.astimezone(UTC)
    raise source.refuse(
        where,
        _(
            "%(time)s is no date and time as this maker writes them. Export the record again.",
            time=stamp.text[:40] or "''",
        ),
    )


def _rhythm(source: Source, table: Table, times: Sequence[datetime]) -> timedelta | None:
    """How far apart readings are meant to be: as the file says, else what is commonest."""
    steps = [
        step for step in (other - one for one, other in pairwise(times)) if step > timedelta(0)
    ]
    found = Counter(steps).most_common(1)[0][0] if steps else None
    if table.interval is not None and found is not None and found != table.interval:
        source.warn(
            "interval",
            _(
                "The file says a reading every %(said)s, and they are %(found)s apart.",
                said=str(table.interval),
                found=str(found),
            ),
        )
    return table.interval or found


def _channel(
    source: Source,
    table: Table,
    column: Column,
    times: Sequence[datetime],
    rhythm: timedelta | None,
) -> LoggerChannel:
    is_warmth = column.quantity == TEMPERATURE
    unit = _unit(source, column) if is_warmth else column.unit
    points = [
        Logged(stamp.text, time, source.number(cell, f"line {stamp.line}, {column.name}"))
        for stamp, time, cell in zip(table.stamps, times, column.cells, strict=True)
        if cell.strip()
    ]
    if not points:
        raise Truncated(
            source.file, column.name, _("the column is empty. Export the record again.")
        )
    if len(points) < len(column.cells):
        source.warn(
            column.name,
            _(
                "%(count)s of %(all)s readings are empty and are not there.",
                count=len(column.cells) - len(points),
                all=len(column.cells),
            ),
        )
    values = [each.value for each in points]
    if is_warmth:
        _plausible(source, column, values, unit)
    return LoggerChannel(
        name=column.name,
        quantity=column.quantity,
        unit=unit,
        device=table.device,
        serial=table.serial,
        readings=len(points),
        first=points[0],
        last=points[-1],
        minimum=min(values),
        maximum=max(values),
        interval_seconds=None if rhythm is None else int(rhythm.total_seconds()),
        gaps=tuple(_holes(points, rhythm)),
        duplicates=tuple(_doubled(points)),
        backwards=tuple(_backwards(points)),
        alarm_low=column.alarm_low,
        alarm_high=column.alarm_high,
        alarms=_alarms(source, column, points),
        points=tuple(points),
    )


def _unit(source: Source, column: Column) -> str | None:
    """`Cel`; None where neither the file nor anybody says it.

    Raises:
        UnitMissing: the figures are in another unit.
    """
    if column.unit is None and source.unit is None:
        source.warn(column.name, _("The file does not say the unit of its temperatures; give it."))
        return None
    said = column.unit or source.unit or ""
    try:
        read = units.ucum(said)
        given = units.ucum(source.unit) if source.unit else read
    except BadInput:
        read = given = ""
    if read != "Cel" or given != "Cel":
        raise UnitMissing(
            source.file,
            column.name,
            _(
                "its temperatures are in %(unit)s and are read in °C alone. "
                "Set the logger's software to °C and export again.",
                unit=said if read != "Cel" else source.unit or "",
            ),
        )
    return read


def _plausible(source: Source, column: Column, values: Iterable[Decimal], unit: str | None) -> None:
    for each in values:
        if each < _COLDEST or abs(each) > 1000:
            raise source.refuse(
                column.name, _("%(value)s is no temperature. Export the record again.", value=each)
            )
    if unit == "Cel" and max(values) > _TOO_WARM:
        source.warn(
            column.name,
            _(
                "Readings are above %(most)s °C. Look whether a minus sign was lost.",
                most=_TOO_WARM,
            ),
        )


def _holes(points: Sequence[Logged], rhythm: timedelta | None) -> Iterable[Hole]:
    """Where a reading is missing: more than half a step later than it was due."""
    for one, other in pairwise(points):
        step = other.instant - one.instant
        if rhythm is not None and step * 2 > rhythm * 3:
            yield Hole(one.at, other.at, Decimal(int(step.total_seconds())) / 60)


def _doubled(points: Sequence[Logged]) -> Iterable[str]:
    times = Counter(each.instant for each in points)
    seen: set[datetime] = set()
    for each in points:
        if times[each.instant] > 1 and each.instant not in seen:
            seen.add(each.instant)
            yield each.at


def _backwards(points: Sequence[Logged]) -> Iterable[Hole]:
    """Where the record goes back in time, so that two stretches of it overlap."""
    for one, other in pairwise(points):
        step = other.instant - one.instant
        if step < timedelta(0):
            yield Hole(one.at, other.at, Decimal(int(step.total_seconds())) / 60)


def _order(source: Source, stamps: Sequence[Stamp], times: Sequence[datetime]) -> None:
    doubled = [stamp.text for stamp, many in _counted(stamps, times) if many > 1]
    if doubled:
        source.warn(
            "order",
            _("Times that stand there more than once: %(times)s.", times=_few(doubled)),
        )
    back = [
        stamp.text
        for stamp, (one, other) in zip(stamps[1:], pairwise(times), strict=True)
        if other < one
    ]
    if back:
        source.warn(
            "order",
            _(
                "The record goes back in time at %(times)s, so that stretches of it overlap.",
                times=_few(back),
            ),
        )


def _counted(stamps: Sequence[Stamp], times: Sequence[datetime]) -> Iterable[tuple[Stamp, int]]:
    many = Counter(times)
    seen: set[datetime] = set()
    for stamp, time in zip(stamps, times, strict=True):
        if time not in seen:
            seen.add(time)
            yield stamp, many[time]


def _alarms(source: Source, column: Column, points: Sequence[Logged]) -> int | None:
    """How many readings are beyond the logger's own alarm limits; None where it has none."""
    if column.alarm_low is None and column.alarm_high is None:
        return None
    beyond = [
        each
        for each in points
        if (column.alarm_low is not None and each.value < column.alarm_low)
        or (column.alarm_high is not None and each.value > column.alarm_high)
    ]
    if beyond:
        source.warn(
            column.name,
            _(
                "The logger's own alarm limits were passed at %(times)s.",
                times=_few([each.at for each in beyond]),
            ),
        )
    return len(beyond)


def _few(texts: Sequence[str]) -> Exact:
    shown = ", ".join(texts[:_NAMED])
    return Exact(shown if len(texts) <= _NAMED else f"{shown}, … ({len(texts)})")
