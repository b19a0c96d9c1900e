"""From site to site: a transport box is dispatched by one person and received by another (H65).

The manifest is what stands in the box when it is signed off. On the way its sender holds it, it has
a deadline, and nothing comes in or goes out. The receiver scans everything; what is missing,
damaged or not on the manifest is recorded, and what is missing or damaged is held. The logger that
travelled along is read at the receipt or afterwards; until its record shows the whole way within
limits, or quality has assessed it, everything of the manifest is held (`loggers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock, codes, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import (
    areas,
    clearance,
    consigning,
    holding,
    loggers,
    queries,
    reasons,
    storage,
    telling,
    transit,
)
from lims.custody import permissions as may
from lims.custody.errors import NotTravelling
from lims.custody.handing import open_offer
from lims.custody.models import Item, Place, Shipment, ShipmentLine
from lims.custody.places import place_by_code, place_locked
from lims.custody.rules import FINAL, RecordState
from lims.custody.streams import stream, touch

LONGEST_HOURS = 48  # domain.md 6.8: on dry ice no longer


@dataclass(frozen=True)
class Received:
    """What came of a receipt, by code.

    Attributes:
        foreign: scanned, and not on the manifest; it stays where the system has it.
        temperature: how the record of the way stands.
    """

    place: str
    shipment: UUID
    received: Sequence[str]
    damaged: Sequence[str]
    missing: Sequence[str]
    foreign: Sequence[str]
    temperature: RecordState


@requires(may.SHIP)
def dispatch(actor: Actor, *, code: str, to: str, hours: int, password: str) -> Shipment:
    """Sign a transport box off: what stands in it now is its manifest.

    Args:
        code: the box, a place of the kind transport.
        to: the place it is sent to.
        hours: until when it must be received, at most 48.

    Raises:
        BadInput: no transport box, nothing in it, or too long a way.
        NotTravelling: it is on its way already.
    """
    if not 1 <= hours <= LONGEST_HOURS:
        raise BadInput(
            _("A box may be on its way for 1 to %(most)s hours.", most=LONGEST_HOURS),
            field="hours",
        )
    if actor.person is None:
        raise NotAllowed(_("Only a person sends a box; she answers for it on its way."))
    with db.transaction() as session:
        box = _locked_box(session, code)
        target = place_by_code(session, to)
        if target.id in areas.within(session, box.id):
            raise BadInput(_("A box cannot be sent into itself."), field="to")
        if transit.open_shipment(session, box.id) is not None:
            raise NotTravelling(
                _("%(place)s is on its way already.", place=box.name),
                why=telling.last_act(session, areas.stream(box.code)),
            )
        items = _inside(session, box)
        if not items:
            raise BadInput(_("Nothing stands in %(place)s.", place=box.name), field="code")
        for item in items:
            if open_offer(session, item.id) is not None:
                raise NotTravelling(
                    _(
                        "%(code)s is offered to somebody. Let it be accepted, or take the offer "
                        "back, before it is sent.",
                        code=codes.grouped(item.code),
                    )
                )
        signature = people.signature(actor, meaning="dispatched", password=password)
        now = clock.now()
        shipment = Shipment(
            place_id=box.id,
            to_place_id=target.id,
            sent_by=actor.person,
            sent_at=now,
            due_at=now + timedelta(hours=hours),
        )
        consigning.give_code(session, shipment)
        for item in items:
            line = ShipmentLine(shipment_id=shipment.id, item_id=item.id)
            session.add(line)
            item.holder_id = actor.person
            session.flush()
            touch(
                actor, item, "custody.dispatched", {"in": box.code, "to": target.code}, rows=[line]
            )
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.dispatched",
            {
                "manifest": [each.code for each in items],
                "to": target.code,
                "shipment": shipment.code,
                "signature": signature,
            },
            rows=[shipment],
        )
        return shipment


@requires(may.SHIP)
def receive(
    actor: Actor,
    *,
    code: str,
    seen: Sequence[str],
    damaged: Sequence[str] = (),
    to: str | None = None,
    password: str,
    logger: loggers.Brought | None = None,
) -> Received:
    """Count a box in: every item scanned, the damaged ones named; signed by another person.

    Args:
        code: the box; or the label of the way that it is on.
        seen: everything that was in the box, damaged or not.
        damaged: those of them that are damaged; they are received and held.
        to: where they stand now; the place the box was sent to unless given.
        logger: the file of the logger that travelled along; without, everything is held.

    Raises:
        NotTravelling: the box is not on its way, or the label is of a way that is over.
        NotReadable, BadInput: the logger's file; nothing is received with it.
        NotAllowed: the receiver is the one who sent it.
    """
    with db.transaction() as session:
        box = _locked_box(session, consigning.box_of(session, code))
        shipment = transit.open_shipment(session, box.id)
        if shipment is None or not consigning.is_of(shipment, code):
            raise NotTravelling(
                _("%(place)s is not on its way.", place=box.name),
                why=telling.last_act(session, areas.stream(box.code)),
            )
        if shipment.sent_by == actor.person:
            raise NotAllowed(_("You sent this box; another person receives it."))
        scanned = {codes.parse(each, "seen").code for each in (*seen, *damaged)}
        broken = {codes.parse(each, "damaged").code for each in damaged}
        signature = people.signature(actor, meaning="received", password=password)
        target = place_by_code(session, to) if to else queries.place(session, shipment.to_place_id)
        assert target is not None  # noqa: S101 - a foreign key
        listed = _manifest(session, shipment)
        came = {item.code for item, _line in listed} & scanned
        for item, line in listed:
            line.outcome = "missing"
            if item.code in came:
                line.outcome = "damaged" if item.code in broken else "received"
        session.flush()
        for item, line in listed:
            if item.code in came and item.state not in FINAL:
                storage.stand(actor, session, item, target)
                item.holder_id = actor.person
            touch(actor, item, f"custody.shipment-{line.outcome}", {"in": box.code}, rows=[line])
            if line.outcome != "received" and item.state not in FINAL:
                reason = reasons.RECEIPT.kept(came=line.outcome, box=box.code)
                holding.place_hold(actor, session, item, reason, "shipment")
        foreign = sorted(scanned - came)
        known = session.scalars(select(Item.code).where(Item.code.in_(foreign)))
        for each in sorted(known):
            ledger.record(actor, stream(each), "custody.shipment-foreign", {"in": box.code})
        shipment.received_at = clock.now()
        shipment.received_by = actor.person
        session.flush()
        record = loggers.take(actor, session, shipment, [logger] if logger else ())
        received, broke, missing = (
            sorted(item.code for item, line in listed if line.outcome == outcome)
            for outcome in ("received", "damaged", "missing")
        )
        answer = Received(box.code, shipment.id, received, broke, missing, foreign, record.state)
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.shipment-received",
            {"received": received, "damaged": broke, "missing": missing, "foreign": foreign,
             "signature": signature},
            rows=[shipment],
        )  # fmt: skip
        return answer


def _locked_box(session: Session, code: str) -> Place:
    box = place_locked(session, code)  # so that nothing slips in while it is signed
    if box.kind != transit.TRANSPORT:
        raise BadInput(
            _("%(place)s is no transport box; make one of that kind.", place=box.name),
            field="code",
        )
    return box


def _inside(session: Session, box: Place) -> list[Item]:
    found = session.scalars(
        select(Item.id)
        .where(Item.place_id.in_(areas.within(session, box.id)), Item.state.not_in(FINAL))
        .order_by(Item.code)
    )
    there = areas.within(session, box.id)
    locked = [_locked(session, each) for each in found]
    # What left the box while its row was waited for is not sent.
    return [each for each in locked if each.place_id in there and each.state not in FINAL]


def _locked(session: Session, item_id: UUID) -> Item:
    item = db.locked(session, select(Item).where(Item.id == item_id))
    assert item is not None  # noqa: S101 - read a moment ago, and items are never deleted
    return item


def _manifest(session: Session, shipment: Shipment) -> list[tuple[Item, ShipmentLine]]:
    found = session.execute(
        select(Item.id, ShipmentLine)
        .join(ShipmentLine, ShipmentLine.item_id == Item.id)
        .where(ShipmentLine.shipment_id == shipment.id)
        .order_by(Item.code)
    ).all()
    return [(_locked(session, row[0]), row[1]) for row in found]


def place_facts(session: Session, place: Place) -> list[tuple[Any, Any]]:
    """What a place's page says besides: a work area's donor, a box's way."""
    rows = clearance.area_facts(session, place)
    shipment = transit.open_shipment(session, place.id) if place.kind == "transport" else None
    if shipment is not None:
        target = queries.place(session, shipment.to_place_id)
        if shipment.code is not None:
            rows.append((_("Shipment"), codes.grouped(shipment.code)))
        rows += [
            (
                _("On its way"),
                _(
                    "to %(place)s, sent by %(name)s at %(time)s",
                    place=target.name if target else "-",
                    name=people.name_of(session, shipment.sent_by),
                    time=telling.Moment(shipment.sent_at),
                ),
            ),
            (
                _("To be received by"),
                _("%(time)s: overdue", time=telling.Moment(shipment.due_at))
                if shipment.due_at <= clock.now()
                else clock.printed(shipment.due_at),
            ),
        ]
    return rows
