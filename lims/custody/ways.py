"""The ways that items went: shipments, their manifests, the files and records of their loggers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import db
from lims.core.words import Text as _
from lims.custody.errors import ShipmentUnknown
from lims.custody.models import Item, LoggerFile, Place, Shipment, ShipmentLine
from lims.custody.models import TransportAssessment as Assessment
from lims.custody.models import TransportRecord as Record
from lims.custody.rules import RecordState


def record_of(session: Session, shipment_id: UUID, *, lock: bool = False) -> Record | None:
    """The temperature record of a shipment; none where it was received before there were any."""
    statement = select(Record).where(Record.shipment_id == shipment_id)
    return db.locked(session, statement) if lock else session.scalar(statement)


def files_of(session: Session, shipment_id: UUID) -> list[LoggerFile]:
    """What its loggers gave, in the order it came."""
    return list(
        session.scalars(
            select(LoggerFile)
            .where(LoggerFile.shipment_id == shipment_id)
            .order_by(LoggerFile.taken_at, LoggerFile.sha256)
        )
    )


def shipment_by_id(session: Session, shipment_id: UUID, *, lock: bool = False) -> Shipment:
    """A shipment.

    Raises:
        ShipmentUnknown: none has this number.
    """
    statement = select(Shipment).where(Shipment.id == shipment_id)
    found = db.locked(session, statement) if lock else session.scalar(statement)
    if found is None:
        raise ShipmentUnknown(_("No shipment has this number. Open it from its box's page."))
    return found


def shipments_of(session: Session, place_id: UUID, limit: int = 20) -> list[Shipment]:
    """The ways of a box, the newest first."""
    return list(
        session.scalars(
            select(Shipment)
            .where(Shipment.place_id == place_id)
            .order_by(Shipment.sent_at.desc())
            .limit(limit)
        )
    )


def manifest(session: Session, shipment: Shipment) -> list[Item]:
    """What was sent."""
    return list(
        session.scalars(
            select(Item)
            .join(ShipmentLine, ShipmentLine.item_id == Item.id)
            .where(ShipmentLine.shipment_id == shipment.id)
            .order_by(Item.code)
        )
    )


@dataclass(frozen=True)
class Way:
    """A way that an item went.

    Attributes:
        state: of its record as it stands; None where there is none.
        received_at: None on the way.
    """

    shipment_id: UUID
    item_id: UUID
    box: str
    sent_at: datetime
    received_at: datetime | None
    record_id: UUID | None
    state: RecordState | None


def ways_of(session: Session, item_ids: Iterable[UUID]) -> list[Way]:
    """Every way that these items went, the oldest first."""
    found = session.execute(
        select(Shipment, ShipmentLine.item_id, Place.code, Record.id, Record.state)
        .join(ShipmentLine, ShipmentLine.shipment_id == Shipment.id)
        .join(Place, Place.id == Shipment.place_id)
        .outerjoin(Record, Record.shipment_id == Shipment.id)
        .where(ShipmentLine.item_id.in_(list(item_ids)))
        .order_by(Shipment.sent_at, Place.code)
    )
    return [
        Way(row[0].id, row[1], row[2], row[0].sent_at, row[0].received_at, row[3], row[4])
        for row in found
    ]


def not_shown_good(way: Way) -> bool:
    """Whether a way stands against using what went it: unrecorded, unassessed or assessed so."""
    return way.received_at is not None and way.state not in (
        RecordState.CLEAR,
        RecordState.ASSESSED,
    )


def assessment_of(session: Session, record_id: UUID) -> Assessment | None:
    """The newest assessment of a record."""
    return session.scalar(
        select(Assessment)
        .where(Assessment.record_id == record_id)
        .order_by(Assessment.signed_at.desc())
        .limit(1)
    )


def to_assess(session: Session, limit: int = 500) -> list[tuple[Place, Shipment]]:
    """Received shipments whose record waits for quality, the oldest first."""
    found = session.execute(
        select(Place, Shipment)
        .join(Shipment, Shipment.place_id == Place.id)
        .join(Record, Record.shipment_id == Shipment.id)
        .where(Record.state == RecordState.OPEN)
        .order_by(Shipment.received_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in found]
