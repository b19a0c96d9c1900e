"""The temperature record of a shipment: files of its loggers, read, kept and judged (B16, H19).

A record is judged at the receipt and again with every file that comes later. Whatever is not shown
to have been good by readings alone holds the whole manifest, and everything made from it, until
quality has assessed it under a signature (`assessing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import instruments, ledger
from lims.core import clock, db, mode
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, holding, queries, reasons
from lims.custody import permissions as may
from lims.custody.errors import LoggerKnown, OtherTime
from lims.custody.excursions import Fault, Judged, Read, band_of, judge
from lims.custody.models import Hold, LoggerFile, Place, Shipment
from lims.custody.models import TransportRecord as Record
from lims.custody.rules import RecordState
from lims.custody.ways import files_of, manifest, record_of, shipment_by_id
from lims.instruments import LoggerChannel, Reading

SOURCE = "temperature"
_LISTED = 100  # stretches of a fault that a record lists; a logger that fails has thousands


@dataclass(frozen=True)
class Brought:
    """A logger's file as a person brings it.

    Attributes:
        zone, unit: of the logger, where the file says neither.
        channel: which one lay in the box, where the file has several temperatures.
    """

    name: str
    content: bytes
    zone: str = ""
    unit: str = ""
    channel: str = ""


@requires(may.READ_LOGGER)
def read_logger(
    actor: Actor,
    *,
    shipment_id: UUID,
    file: tuple[str, bytes],
    zone: str = "",
    unit: str = "",
    channel: str = "",
) -> Record:
    """Read a logger's file into the record of a shipment that was received before.

    Raises:
        NotReadable, BadInput: not a logger's file, or one whose zone or unit nobody said.
        LoggerKnown: the same bytes were read before, for whatever shipment.
        OtherTime: none of its readings lies on the way.
    """
    with db.transaction() as session:
        shipment = shipment_by_id(session, shipment_id, lock=True)
        if shipment.received_at is None:
            raise BadInput(
                _("The shipment is still on its way; its logger is read when it is received.")
            )
        brought = Brought(file[0], file[1], zone, unit, channel)
        return take(actor, session, shipment, [brought])


def take(actor: Actor, session: Session, shipment: Shipment, brought: Sequence[Brought]) -> Record:
    """Keep what was brought, none at all included, and judge the way by all files together.

    The caller holds the shipment's row; it was received.
    """
    box = queries.place(session, shipment.place_id)
    assert box is not None  # noqa: S101 - a foreign key
    new = [_keep(actor, session, shipment, each) for each in brought]
    judged = judged_by(session, shipment, box)
    record = record_of(session, shipment.id, lock=True)
    if record is None:
        record = Record(shipment_id=shipment.id, state=RecordState.OPEN, faults=[])
        session.add(record)
    was = record.state
    record.faults = faults_of(judged)
    record.judged_at = clock.now()
    if was is not RecordState.UNUSABLE:
        record.state = RecordState.OPEN if judged.faults else RecordState.CLEAR
    session.flush()
    ledger.record(
        actor,
        areas.stream(box.code),
        "custody.temperature-judged",
        {
            "files": [each.sha256 for each in new],
            "state": record.state.value,
            "readings": judged.readings,
            "minimum_cel": str(judged.minimum),
            "maximum_cel": str(judged.maximum),
            "seconds_outside": int(judged.time_outside.total_seconds()),
        },
        rows=[record, *new],
    )
    if record.state is RecordState.CLEAR:
        free(actor, session, shipment, reasons.WAY_GOOD.kept())
    elif record.state is RecordState.OPEN:
        hold(actor, session, shipment, box, judged.faults)
    return record


def hold(
    actor: Actor, session: Session, shipment: Shipment, box: Place, faults: Iterable[Fault]
) -> None:
    """Hold the manifest for the way it came; what is used up as well, for what was made of it."""
    reason = reasons.WAY.kept(box=box.code, faults=", ".join(faults))
    ids = [each.id for each in manifest(session, shipment)]
    held = {each.item_id for each in queries.holds(session, ids) if each.shipment_id == shipment.id}
    new = set(ids) - held
    holding.hold_each(actor, session, new, reason, SOURCE, shipment_id=shipment.id)


def free(actor: Actor, session: Session, shipment: Shipment, because: str) -> None:
    """Lift what this way holds, and nothing else."""
    holding.free_each(actor, session, Hold.shipment_id == shipment.id, because)


def _keep(actor: Actor, session: Session, shipment: Shipment, brought: Brought) -> LoggerFile:
    reading = instruments.read(
        brought.content, brought.name, "temperature", zone=brought.zone, unit=brought.unit
    )
    before = session.scalar(select(LoggerFile).where(LoggerFile.sha256 == reading.sha256))
    if before is not None:
        raise _known(before)
    instruments.admit(reading, practice=mode.is_practice(session))
    channel = channel_of(reading, brought)
    points = readings_of(channel)
    start, end = shipment.sent_at, shipment.received_at or clock.now()
    if not any(start <= each.at <= end for each in points):
        raise OtherTime(
            _(
                "Its readings run from %(first)s to %(last)s, and the shipment was on its way from "
                "%(start)s to %(end)s. Find the file of this way, or correct the time zone.",
                first=clock.printed(min(each.at for each in points)),
                last=clock.printed(max(each.at for each in points)),
                start=clock.printed(start),
                end=clock.printed(end),
            ),
            field="file",
        )
    row = LoggerFile(
        shipment_id=shipment.id,
        sha256=reading.sha256,
        name=brought.name[:200],
        maker=reading.maker,
        parser_version=instruments.PARSER_VERSION,
        zone=brought.zone.strip(),
        unit=brought.unit.strip(),
        channel=channel.name[:80],
        readings=channel.readings,
        first_at=min(each.at for each in points),
        last_at=max(each.at for each in points),
        minimum_cel=channel.minimum,
        maximum_cel=channel.maximum,
        reading=reading.as_json(),
        content=brought.content,
        taken_at=clock.now(),
        taken_by=actor.person,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another act read the same bytes meanwhile
        before = session.scalar(select(LoggerFile).where(LoggerFile.sha256 == reading.sha256))
        if before is None:
            raise
        raise _known(before) from None
    return row


def _known(before: LoggerFile) -> LoggerKnown:
    return LoggerKnown(
        _(
            "This file was read on %(date)s as %(name)s; a record is read once, for one "
            "shipment. Find the file of this one.",
            date=clock.printed(before.taken_at),
            name=before.name,
        ),
        field="file",
    )


def channel_of(reading: Reading, brought: Brought) -> LoggerChannel:
    """The temperature of the box, with its unit and its time zone known.

    Raises:
        BadInput: the file says one of them not and neither does whoever brought it.
    """
    found = [
        each
        for each in reading.samples
        if isinstance(each, LoggerChannel) and each.quantity == SOURCE
    ]
    names = ", ".join(each.name for each in found)
    if brought.channel:
        found = [each for each in found if each.name == brought.channel.strip()]
    if len(found) != 1:
        raise BadInput(
            _("Say which of its temperatures lay in the box: %(names)s.", names=names),
            field="channel",
        )
    if found[0].first.instant.tzinfo is None:
        raise BadInput(
            _(
                "The file names no time zone. Say which one the logger's clock was set to, such as "
                "Asia/Tehran, UTC or +03:30."
            ),
            field="zone",
        )
    if found[0].unit is None:
        raise BadInput(
            _("The file does not say the unit of its temperatures. Look at the logger and say it."),
            field="unit",
        )
    return found[0]


def readings_of(channel: LoggerChannel) -> list[Read]:
    """The readings of a channel, in the order of the file."""
    return [Read(each.instant, each.value) for each in channel.points]


def read_again(file: LoggerFile) -> Reading:
    """A kept file, read again from its bytes as it was read then."""
    return instruments.read(file.content, file.name, "temperature", zone=file.zone, unit=file.unit)


def points_of(file: LoggerFile, reading: Reading | None = None) -> list[Read]:
    """A kept file's readings."""
    chosen = Brought(file.name, b"", file.zone, file.unit, file.channel)
    return readings_of(channel_of(reading or read_again(file), chosen))


def judged_by(session: Session, shipment: Shipment, box: Place) -> Judged:
    """What all files of a shipment come to; of one on its way, up to now."""
    files = [points_of(each) for each in files_of(session, shipment.id)]
    end = shipment.received_at or clock.now()
    return judge(files, band_of(box.temperature_class), shipment.sent_at, end)


def faults_of(judged: Judged) -> list[Mapping[str, Any]]:
    """What was found, as record and entry keep it."""
    listed: list[Mapping[str, Any]] = []
    for fault in judged.faults:
        stretches = {Fault.EXCURSION: judged.outside, Fault.GAP: judged.gaps}.get(fault, ())
        if not stretches:
            listed.append({"kind": fault.value})
        for each in stretches[:_LISTED]:
            listed.append(
                {
                    "kind": fault.value,
                    "from": clock.text(each.start),
                    "to": clock.text(each.end),
                    **({"cel": str(each.extreme)} if fault is Fault.EXCURSION else {}),
                }
            )
    return listed
