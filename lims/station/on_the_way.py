"""What is between two people or two places: offered, overdue, sent, and the record of its way."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, people
from lims.core import clock, codes
from lims.core.permissions import Actor, Role
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, Item, Transfer
from lims.station.lines import Line

MOST = 500


def offered(session: Session, actor: Actor) -> list[Line]:
    """Handed over to me and not accepted yet."""
    found = session.execute(
        select(Item, Transfer)
        .join(Transfer, Transfer.item_id == Item.id)
        .where(
            Transfer.receiver_id == actor.person,
            Transfer.accepted_at.is_(None),
            Transfer.refused_at.is_(None),
            Transfer.withdrawn_at.is_(None),
        )
        .order_by(Transfer.offered_at)
        .limit(MOST)
    )
    return [
        Line(
            f"/items/{item.code}",
            item.code,
            _(
                "%(kind)s from %(giver)s",
                kind=KIND_NAMES[item.kind],
                giver=people.name_of(session, transfer.giver_id),
            ),
            transfer.offered_at,
            custody.is_overdue(transfer, clock.now()),
            _("overdue"),
        )
        for item, transfer in found
    ]


def overdue(session: Session, actor: Actor) -> list[Line]:
    """Hand-overs past their deadline: her own; all of them for those who watch over quality."""
    person = None if Role.QC_OFFICER in actor.roles else actor.person
    return [
        Line(
            f"/items/{item.code}",
            item.code,
            _(
                "%(kind)s from %(giver)s to %(receiver)s",
                kind=KIND_NAMES[item.kind],
                giver=people.name_of(session, transfer.giver_id),
                receiver=people.name_of(session, transfer.receiver_id),
            ),
            transfer.offered_at,
            late=True,
            late_word=_("overdue"),
        )
        for item, transfer in custody.overdue_offers(session, person=person, limit=MOST)
    ]


def shipments(session: Session, actor: Actor) -> list[Line]:
    """Boxes that nobody received by their deadline."""
    return [
        Line(
            f"/places/{place.code}",
            codes.grouped(place.code),
            _(
                "%(place)s, sent by %(name)s",
                place=place.name,
                name=people.name_of(session, shipment.sent_by),
            ),
            shipment.sent_at,
            late=True,
            late_word=_("overdue"),
        )
        for place, shipment in custody.overdue_shipments(session)[:MOST]
    ]


def records(session: Session, actor: Actor) -> list[Line]:
    """Shipments whose temperature record holds what came with them."""
    return [
        Line(
            f"/shipments/{shipment.id}",
            codes.grouped(place.code),
            _("%(place)s, temperature record", place=place.name),
            shipment.received_at,
        )
        for place, shipment in custody.to_assess(session, MOST)
    ]
