"""What is on its way, and that nothing of it is elsewhere meanwhile (H65)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import clock, codes
from lims.core.words import Text as _
from lims.custody import areas, telling
from lims.custody.errors import NotHere
from lims.custody.models import Place, Shipment, ShipmentLine

TRANSPORT = "transport"


class InTransit(NotHere):
    """It is on its way; the receiver counts it in first."""

    code = "in_transit"


def open_shipment(session: Session, place_id: UUID) -> Shipment | None:
    """The shipment of a transport box that was not received yet."""
    return session.scalar(
        select(Shipment).where(Shipment.place_id == place_id, Shipment.received_at.is_(None))
    )


def require_not_travelling(session: Session, item_id: UUID, code: str) -> None:
    """Refuse what is on its way.

    Raises:
        InTransit: it stands on the manifest of a shipment that was not received.
    """
    box = session.scalar(
        select(Place)
        .join(Shipment, Shipment.place_id == Place.id)
        .join(ShipmentLine, ShipmentLine.shipment_id == Shipment.id)
        .where(ShipmentLine.item_id == item_id, ShipmentLine.outcome.is_(None))
    )
    if box is not None:
        raise InTransit(
            _(
                "%(code)s is on its way in %(place)s. Receive the box first.",
                code=codes.grouped(code),
                place=box.name,
            ),
            why=telling.last_act(session, areas.stream(box.code)),
        )


def overdue(session: Session) -> list[tuple[Place, Shipment]]:
    """Boxes that were to be received by now, the longest overdue first."""
    now: datetime = clock.now()
    found = session.execute(
        select(Place, Shipment)
        .join(Shipment, Shipment.place_id == Place.id)
        .where(Shipment.received_at.is_(None), Shipment.due_at <= now)
        .order_by(Shipment.due_at)
    )
    return [(row[0], row[1]) for row in found]
