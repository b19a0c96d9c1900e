"""Finding loggers, readings and episodes; how warm a place is now. Nothing here writes."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session, defer

from lims import ledger
from lims.core import clock
from lims.core.errors import Conflict
from lims.core.words import Text as _
from lims.custody import areas, queries
from lims.custody.excursions import Read
from lims.custody.models import Place
from lims.custody.monitoring import rules
from lims.custody.monitoring.models import Episode, PlaceLogger, PlaceRecord
from lims.custody.monitoring.rules import Standing
from lims.custody.rules import RecordState

_COLUMNS = (PlaceRecord.points, PlaceRecord.points_sha256)


class RecordAltered(Conflict):
    """Readings of a place were altered outside of the program."""

    code = "readings_altered"


@dataclass(frozen=True)
class Now:
    """How warm a place is.

    Attributes:
        place: the one whose logger measures it: itself, or the nearest around it.
        newest: the last reading; None where there is none yet.
    """

    place: Place
    logger: PlaceLogger
    newest: Read | None
    standing: Standing

    @property
    def age(self) -> timedelta | None:
        """How old the last reading is."""
        return None if self.newest is None else clock.now() - self.newest.at


@dataclass(frozen=True)
class Span:
    """A part of a thing's time.

    Attributes:
        place_id: the nearest place around it of those that were asked for; None elsewhere.
    """

    start: datetime
    end: datetime
    place_id: UUID | None


def packed(readings: Iterable[Read]) -> bytes:
    """Readings as they are kept: a second since 1970 and degrees Celsius, one a line."""
    return b"".join(f"{int(each.at.timestamp())} {each.cel}\n".encode() for each in readings)


def unpacked(points: bytes, sha256: str) -> list[Read]:
    """Kept readings.

    Raises:
        RecordAltered: they are not those whose digest was written down.
    """
    if hashlib.sha256(points).hexdigest() != sha256:
        raise RecordAltered(
            _(
                "Readings of this place were altered outside of this program. Trust none of them; "
                "ask for a verification of the trail."
            )
        )
    pairs = (line.split(" ", 1) for line in points.decode("ascii").splitlines())
    return [Read(datetime.fromtimestamp(int(at), UTC), Decimal(cel)) for at, cel in pairs]


def logger_of(session: Session, place_id: UUID) -> PlaceLogger | None:
    """The logger that measures a place now, by itself."""
    return session.scalar(
        select(PlaceLogger).where(PlaceLogger.place_id == place_id, PlaceLogger.ended_at.is_(None))
    )


def loggers_of(session: Session, place_id: UUID) -> list[PlaceLogger]:
    """All loggers that ever measured a place, the newest first."""
    return list(
        session.scalars(
            select(PlaceLogger)
            .where(PlaceLogger.place_id == place_id)
            .order_by(PlaceLogger.since.desc())
        )
    )


def in_use(session: Session) -> list[tuple[PlaceLogger, Place]]:
    """Every logger that measures a place now."""
    found = session.execute(
        select(PlaceLogger, Place)
        .join(Place, Place.id == PlaceLogger.place_id)
        .where(PlaceLogger.ended_at.is_(None))
        .order_by(Place.name, Place.code)
    )
    return [(row[0], row[1]) for row in found]


def around(session: Session, place: Place) -> tuple[Place, PlaceLogger] | None:
    """The nearest place that a logger measures: itself, or one that it lies in."""
    for each in reversed(areas.path_of(session, place.id)):
        logger = logger_of(session, each.id)
        if logger is not None:
            return each, logger
    return None


def newest(session: Session, logger_ids: Sequence[UUID]) -> dict[UUID, Read]:
    """The last reading of each logger."""
    last = (
        select(PlaceRecord.logger_id, func.max(PlaceRecord.last_at).label("at"))
        .where(PlaceRecord.logger_id.in_(logger_ids))
        .group_by(PlaceRecord.logger_id)
        .subquery()
    )
    found = session.execute(
        select(PlaceRecord.logger_id, PlaceRecord.last_at, PlaceRecord.last_cel).join(
            last,
            (last.c.logger_id == PlaceRecord.logger_id) & (last.c.at == PlaceRecord.last_at),
        )
    )
    return {row[0]: Read(row[1], row[2]) for row in found}


def now_in(session: Session, place: Place) -> Now | None:
    """How warm it is in a place; None where no logger measures it or what it lies in."""
    found = around(session, place)
    if found is None:
        return None
    measured, logger = found
    last = newest(session, [logger.id]).get(logger.id)
    return _now(measured, logger, last)


def everywhere(session: Session) -> Mapping[UUID, Now]:
    """How warm every place is that a logger measures, by the id of the place."""
    linked = in_use(session)
    last = newest(session, [logger.id for logger, _place in linked])
    return {place.id: _now(place, logger, last.get(logger.id)) for logger, place in linked}


def _now(place: Place, logger: PlaceLogger, last: Read | None) -> Now:
    band = rules.band_of(place.temperature_class)
    every = timedelta(seconds=logger.every_s)
    return Now(place, logger, last, rules.standing(last, band, every, clock.now()))


def readings(
    session: Session, logger_ids: Sequence[UUID], start: datetime, end: datetime
) -> list[Read]:
    """What loggers measured between two instants, once each, in the order of time.

    Raises:
        RecordAltered: see `unpacked`.
    """
    found = session.execute(
        select(*_COLUMNS).where(
            PlaceRecord.logger_id.in_(logger_ids),
            PlaceRecord.last_at >= start,
            PlaceRecord.first_at <= end,
        )
    )
    once = {each for row in found for each in unpacked(*row) if start <= each.at <= end}
    return sorted(once, key=lambda each: (each.at, each.cel))


def last_before(session: Session, logger: PlaceLogger, at: datetime) -> datetime:
    """The last reading at or before an instant; where there is none, since when it measures.

    Before its first file nobody can know what it measured until it was linked.
    """
    found = session.execute(
        select(*_COLUMNS)
        .where(PlaceRecord.logger_id == logger.id, PlaceRecord.first_at <= at)
        .order_by(PlaceRecord.last_at.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        silent = session.scalar(select(func.count()).where(PlaceRecord.logger_id == logger.id)) == 0
        return max(logger.since, logger.linked_at) if silent else logger.since
    return max([logger.since, *(each.at for each in unpacked(*found) if each.at <= at)])


def records_of(session: Session, logger_ids: Sequence[UUID], limit: int) -> list[PlaceRecord]:
    """Files that were read of a place, the newest first; deliveries of programs are not listed.

    Their bytes and readings are not loaded.
    """
    return list(
        session.scalars(
            select(PlaceRecord)
            .where(PlaceRecord.logger_id.in_(logger_ids), PlaceRecord.name != "")
            .order_by(PlaceRecord.taken_at.desc())
            .limit(limit)
            .options(defer(PlaceRecord.content), defer(PlaceRecord.points))
        )
    )


def content_of(session: Session, logger_ids: Sequence[UUID], sha256: str) -> bytes | None:
    """A file that was read of a place, to the byte; None where there is none of this digest."""
    return session.scalar(
        select(PlaceRecord.content).where(
            PlaceRecord.logger_id.in_(logger_ids), PlaceRecord.sha256 == sha256
        )
    )


def episodes_of(session: Session, place_id: UUID, limit: int = 100) -> list[Episode]:
    """What befell a place's temperature, the newest first."""
    return list(
        session.scalars(
            select(Episode)
            .where(Episode.place_id == place_id)
            .order_by(Episode.began_at.desc())
            .limit(limit)
        )
    )


def episodes_within(
    session: Session, place_id: UUID, start: datetime, end: datetime
) -> list[Episode]:
    """Episodes of a place that touch a part of its time, but those that a file filled."""
    return list(
        session.scalars(
            select(Episode)
            .where(
                Episode.place_id == place_id,
                Episode.began_at <= end,
                Episode.ended_at.is_(None) | (Episode.ended_at >= start),
                Episode.state != RecordState.CLEAR,
            )
            .order_by(Episode.began_at)
        )
    )


def befell(session: Session, spans: Iterable[Span]) -> list[Episode]:
    """Every episode of a place while a thing stood there, the oldest first; none twice.

    Args:
        spans: of the thing, as `stood.measured` gives them.
    """
    found: dict[UUID, Episode] = {}
    for span in spans:
        if span.place_id is not None:
            for each in episodes_within(session, span.place_id, span.start, span.end):
                found[each.id] = each
    return sorted(found.values(), key=lambda each: each.began_at)


def state_at(session: Session, episode: Episode, at: datetime | None = None) -> RecordState | None:
    """How an episode stood at an instant, now unless given; None where nobody knew of it yet."""
    if at is None:
        return episode.state
    was = ledger.value_at(
        session, areas.stream(place_of(session, episode).code), "custody_episode", episode.id,
        "state", at, now=episode.state.value,
    )  # fmt: skip
    return RecordState(was) if was else None


def to_assess(session: Session, limit: int = 500) -> list[tuple[Place, Episode]]:
    """Episodes that nobody has assessed: those that hold things first, then the oldest."""
    found = session.execute(
        select(Place, Episode)
        .join(Episode, Episode.place_id == Place.id)
        .where(Episode.state == RecordState.OPEN)
        .order_by(Episode.level, Episode.began_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in found]


def place_of(session: Session, found: Episode | PlaceLogger) -> Place:
    """The place of an episode or of a logger."""
    place = queries.place(session, found.place_id)
    assert place is not None  # noqa: S101 - a foreign key
    return place


@ledger.also_verify
def altered(connection: Connection) -> Iterator[ledger.Break]:
    """Readings that are not those whose digest was written down, as breaks on their places."""
    found = connection.execute(
        select(
            Place.code,
            PlaceRecord.points,
            PlaceRecord.points_sha256,
            PlaceRecord.content,
            PlaceRecord.sha256,
        )
        .join(PlaceLogger, PlaceLogger.id == PlaceRecord.logger_id)
        .join(Place, Place.id == PlaceLogger.place_id)
        .order_by(Place.code),
        execution_options={"yield_per": 200},
    )
    for code, points, points_sha256, content, sha256 in found:
        if hashlib.sha256(points).hexdigest() != points_sha256 or (
            content is not None and hashlib.sha256(content).hexdigest() != sha256
        ):
            yield ledger.Break(areas.stream(code), 1, "readings of this place were altered")
