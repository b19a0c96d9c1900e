"""Loggers of places: linked, ended, and their readings taken, from files or from a program."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import instruments, ledger
from lims.core import clock, codes, db, mode
from lims.core.errors import BadInput, Conflict, RuleBroken
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, loggers, places
from lims.custody import permissions as may
from lims.custody.errors import LoggerKnown, OtherTime
from lims.custody.excursions import Fault, Read
from lims.custody.loggers import Brought
from lims.custody.models import Place
from lims.custody.monitoring import episodes, rules
from lims.custody.monitoring import queries as known
from lims.custody.monitoring.models import PlaceLogger, PlaceRecord
from lims.custody.monitoring.rules import Found, Level

_AHEAD = timedelta(minutes=2)  # a logger's clock may run so much ahead of ours
_COLDEST, _WARMEST = -274, 1000


class NoLogger(RuleBroken):
    """No logger measures the place."""

    code = "no_logger"


class LoggerTaken(Conflict):
    """The place has a logger, or the logger measures another place."""

    code = "logger_taken"


@dataclass(frozen=True)
class Taken:
    """What came of readings.

    Attributes:
        taken: how many of them were new.
    """

    place: Place
    taken: int
    newest: Read | None


@requires(may.LINK_LOGGER)
def link(
    actor: Actor, *, code: str, serial: str, minutes: int, since: datetime | None = None
) -> Place:
    """Say which logger measures a place.

    Args:
        serial: as it stands on the logger and in its files.
        minutes: how often it measures; older than two readings is no data.
        since: from when on its readings are those of this place; now, unless given.

    Raises:
        LoggerTaken: the place has one, or this one measures another place.
    """
    named = serial.strip().upper()
    if not named:
        raise BadInput(_("Write the serial number that stands on the logger."), field="serial")
    with db.transaction() as session:
        place = places.place_locked(session, code)
        if rules.band_of(place.temperature_class) is None:
            raise BadInput(
                _("No limits are known for the temperature of %(place)s.", place=place.name),
                field="code",
            )
        begins = since or clock.now()
        if begins > clock.now():
            raise BadInput(_("It cannot measure from later than now on."), field="since")
        there = known.logger_of(session, place.id)
        if there is not None:
            raise LoggerTaken(
                _(
                    "Logger %(serial)s measures %(place)s. End it there first.",
                    serial=there.serial,
                    place=place.name,
                ),
                field="code",
            )
        before = known.loggers_of(session, place.id)
        if before and before[0].ended_at is not None and begins < before[0].ended_at:
            raise BadInput(
                _(
                    "Logger %(serial)s measured this place until %(time)s; begin with that.",
                    serial=before[0].serial,
                    time=clock.printed(before[0].ended_at),
                ),
                field="since",
            )
        row = PlaceLogger(
            place_id=place.id,
            serial=named,
            every_s=minutes * 60,
            since=begins,
            linked_at=clock.now(),
            linked_by=actor.person,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            raise _elsewhere(session, named) from None
        ledger.record(
            actor, areas.stream(place.code), "custody.logger-linked", {"serial": named}, rows=[row]
        )
        return place


def _elsewhere(session: Session, serial: str) -> LoggerTaken:
    other = session.scalar(
        select(Place)
        .join(PlaceLogger, PlaceLogger.place_id == Place.id)
        .where(PlaceLogger.serial == serial, PlaceLogger.ended_at.is_(None))
    )
    return LoggerTaken(
        _(
            "Logger %(serial)s measures %(place)s. End it there first.",
            serial=serial,
            place=other.name if other else "?",
        ),
        field="serial",
    )


@requires(may.LINK_LOGGER)
def end(actor: Actor, *, code: str, reason: str) -> Place:
    """Say that a logger measures its place no longer; what was silent until now is judged.

    Raises:
        NoLogger: none measures it.
    """
    if not reason.strip():
        raise BadInput(_("Say why the logger is taken away."), field="reason")
    with db.transaction() as session:
        place, row = _linked(session, code)
        row.ended_at, row.ended_by = clock.now(), actor.person
        session.flush()
        ledger.record(
            actor,
            areas.stream(place.code),
            "custody.logger-ended",
            {"serial": row.serial},
            rows=[row],
            reason=reason.strip(),
        )
        episodes.look(actor, session, row)
        return place


@requires(may.READ_PLACE_LOGGER)
def read_file(
    actor: Actor,
    *,
    code: str,
    file: tuple[str, bytes],
    zone: str = "",
    unit: str = "",
    channel: str = "",
) -> Taken:
    """Read a file of the logger that measures a place.

    Files may overlap: what is known already counts once.

    Raises:
        NotReadable, BadInput: not a logger's file, one of another logger, or one whose zone or
            unit nobody said.
        NoLogger: none measures the place.
        LoggerKnown: the same bytes were read before.
        OtherTime: none of its readings is from when the logger measured this place.
    """
    brought = Brought(file[0], file[1], zone, unit, channel)
    reading = instruments.read(brought.content, brought.name, "temperature", zone=zone, unit=unit)
    with db.transaction() as session:
        place, logger = _linked(session, code)
        instruments.admit(reading, practice=mode.is_practice(session))
        measured = loggers.channel_of(reading, brought)
        serial = (measured.serial or "").strip().upper()
        if serial and serial != logger.serial:
            raise BadInput(
                _(
                    "The file is of logger %(found)s; %(place)s is measured by %(wanted)s. Take "
                    "that one's file, or link this logger.",
                    found=measured.serial,
                    place=place.name,
                    wanted=logger.serial,
                ),
                field="file",
            )
        _require_new(session, logger, reading.sha256)
        every = loggers.readings_of(measured)
        _require_past(max(every, key=lambda each: each.at), "file")
        mine = [each for each in every if logger.since <= each.at]
        if not mine:
            raise OtherTime(
                _(
                    "Its readings run from %(first)s to %(last)s, and logger %(serial)s measures "
                    "%(place)s since %(since)s. Find another file, or correct the time zone.",
                    first=clock.printed(min(each.at for each in every)),
                    last=clock.printed(max(each.at for each in every)),
                    serial=logger.serial,
                    place=place.name,
                    since=clock.printed(logger.since),
                ),
                field="file",
            )
        row = _kept(
            actor,
            logger,
            mine,
            sha256=reading.sha256,
            name=brought.name[:200],
            maker=reading.maker,
            parser_version=instruments.PARSER_VERSION,
            zone=zone.strip(),
            unit=unit.strip(),
            channel=measured.name[:80],
            content=brought.content,
        )
        _taken(actor, session, place, row)
        if measured.duplicates or measured.backwards:
            _out_of_order(actor, session, logger, place, row)
        episodes.look(actor, session, logger, since=row.first_at)
        return Taken(place, len(mine), _newest(session, logger))


@requires(may.READ_PLACE_LOGGER)
def deliver(actor: Actor, *, code: str, readings: Sequence[Read], serial: str = "") -> Taken:
    """Take readings from a program that stands between loggers and this one.

    What was delivered before is left out, so a delivery may be sent again.

    Args:
        serial: of the logger that measured them; asked against the one that is linked.

    Raises:
        NoLogger: no logger measures the place.
        BadInput: a reading from the future, from before the logger was linked, or of another one.
    """
    with db.transaction() as session:
        place, logger = _linked(session, code)
        if serial and serial.strip().upper() != logger.serial:
            raise BadInput(
                _(
                    "These readings are of logger %(found)s; %(place)s is measured by %(wanted)s.",
                    found=serial,
                    place=place.name,
                    wanted=logger.serial,
                ),
                field="serial",
            )
        asked = [Read(each.at.replace(microsecond=0), each.cel) for each in readings]
        for each in asked:
            _require_possible(logger, each)
        first, last = min(each.at for each in asked), max(each.at for each in asked)
        there = set(known.readings(session, [logger.id], first, last))
        new = sorted(set(asked) - there, key=lambda each: (each.at, each.cel))
        if new:
            row = _kept(actor, logger, new, sha256=hashlib.sha256(known.packed(new)).hexdigest())
            _taken(actor, session, place, row)
            episodes.look(actor, session, logger, since=row.first_at)
        return Taken(place, len(new), _newest(session, logger))


def _require_past(each: Read, field: str) -> None:
    if each.at > clock.now() + _AHEAD:
        raise BadInput(
            _(
                "The reading of %(time)s lies in the future. Set the logger's clock, or its time "
                "zone.",
                time=clock.printed(each.at),
            ),
            field=field,
        )


def _require_possible(logger: PlaceLogger, each: Read) -> None:
    _require_past(each, "readings")
    if each.at < logger.since:
        raise BadInput(
            _(
                "The reading of %(time)s is from before logger %(serial)s was linked, at "
                "%(since)s.",
                time=clock.printed(each.at),
                serial=logger.serial,
                since=clock.printed(logger.since),
            ),
            field="readings",
        )
    if not _COLDEST < each.cel < _WARMEST:
        raise BadInput(
            _("%(value)s °C is no temperature of a place.", value=each.cel), field="readings"
        )


def _linked(session: Session, code: str) -> tuple[Place, PlaceLogger]:
    """A place and its logger, whose row is held."""
    place = places.place_by_code(session, code, "code")
    found = known.logger_of(session, place.id)
    row = episodes.locked(session, found.id) if found else None
    if row is None or row.ended_at is not None:
        raise NoLogger(
            _(
                "No logger measures %(place)s (%(code)s). Link one first.",
                place=place.name,
                code=codes.grouped(place.code),
            ),
            field="code",
        )
    return place, row


def _require_new(session: Session, logger: PlaceLogger, sha256: str) -> None:
    before = session.scalar(
        select(PlaceRecord).where(PlaceRecord.logger_id == logger.id, PlaceRecord.sha256 == sha256)
    )
    if before is not None:
        raise LoggerKnown(
            _(
                "This file was read on %(date)s as %(name)s; nothing of it is new.",
                date=clock.printed(before.taken_at),
                name=before.name,
            ),
            field="file",
        )


def _kept(
    actor: Actor,
    logger: PlaceLogger,
    readings: Sequence[Read],
    *,
    sha256: str,
    name: str = "",
    maker: str = "",
    parser_version: str = "",
    zone: str = "",
    unit: str = "",
    channel: str = "",
    content: bytes | None = None,
) -> PlaceRecord:
    last = max(readings, key=lambda each: each.at)
    cels = [each.cel for each in readings]
    points = known.packed(readings)
    return PlaceRecord(
        logger_id=logger.id,
        sha256=sha256,
        name=name,
        maker=maker,
        parser_version=parser_version,
        zone=zone,
        unit=unit,
        channel=channel,
        content=content,
        readings=len(readings),
        first_at=min(each.at for each in readings),
        last_at=last.at,
        last_cel=last.cel,
        minimum_cel=min(cels),
        maximum_cel=max(cels),
        points=points,
        points_sha256=hashlib.sha256(points).hexdigest(),
        taken_at=clock.now(),
        taken_by=actor.person,
    )


def _taken(actor: Actor, session: Session, place: Place, row: PlaceRecord) -> None:
    session.add(row)
    session.flush()
    ledger.record(
        actor,
        areas.stream(place.code),
        "custody.temperature-read",
        {"readings": row.readings},
        rows=[row],
    )


def _out_of_order(
    actor: Actor, session: Session, logger: PlaceLogger, place: Place, row: PlaceRecord
) -> None:
    """Times that stand twice or go back: nobody knows when it was how warm until one has looked."""
    found = Found(Fault.ORDER, Level.WARN, row.first_at, row.last_at, ongoing=False)
    episodes.written(
        actor, session, place, episodes.begin(session, logger, found, found.start, found.end)
    )


def _newest(session: Session, logger: PlaceLogger) -> Read | None:
    return known.newest(session, [logger.id]).get(logger.id)
