"""From hand to hand: an item is offered by one person and accepted by another, in time."""

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import people
from lims.core import clock, codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import queries, storage, telling, transit
from lims.custody.errors import NotHere, StateRefused
from lims.custody.items import find
from lims.custody.models import Item, Transfer
from lims.custody.places import place_by_code
from lims.custody.rules import FINAL
from lims.custody.streams import stream, touch

WITHIN_MINUTES = 30


def transfers(session: Session, item_id: UUID) -> list[Transfer]:
    """Every hand-over of an item, oldest first."""
    return list(
        session.scalars(
            select(Transfer).where(Transfer.item_id == item_id).order_by(Transfer.offered_at)
        )
    )


def open_offer(session: Session, item_id: UUID) -> Transfer | None:
    """The hand-over that still waits for its receiver, if there is one."""
    return session.scalar(
        select(Transfer).where(
            Transfer.item_id == item_id,
            Transfer.accepted_at.is_(None),
            Transfer.refused_at.is_(None),
            Transfer.withdrawn_at.is_(None),
        )
    )


def due_at(offer: Transfer) -> datetime:
    """Until when an offer is to be accepted."""
    return offer.due_at or offer.offered_at + timedelta(minutes=WITHIN_MINUTES)


def is_overdue(offer: Transfer, now: datetime) -> bool:
    """Whether an offer still waits at or after its deadline."""
    return offer.is_open and due_at(offer) <= now


@requires(may.HAND_OVER)
def hand_over(
    actor: Actor,
    *,
    code: str,
    to: str,
    place: str | None = None,
    reason: str = "",
    minutes: int = WITHIN_MINUTES,
) -> Transfer:
    """Offer an item to the person whose badge is scanned; she accepts it with her own scan.

    Args:
        minutes: how long she has; afterwards the offer is overdue and shows as such.

    Raises:
        NotHere: somebody else holds it, or it is offered already.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        receiver = people.by_badge(session, to)
        _require_there(session, item)
        transit.require_not_travelling(session, item.id, item.code)
        if item.holder_id != actor.person:
            raise NotHere(
                _(
                    "%(code)s is held by another person; only she can hand it over.",
                    code=codes.grouped(item.code),
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        if open_offer(session, item.id) or receiver.person_id == actor.person:
            raise NotHere(
                _(
                    "%(code)s is offered already, or would be handed to yourself. "
                    "Let the receiver accept it.",
                    code=codes.grouped(item.code),
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        now = clock.now()
        transfer = Transfer(
            item_id=item.id,
            giver_id=actor.person,
            receiver_id=receiver.person_id,
            from_place_id=item.place_id,
            to_place_id=place_by_code(session, place, "place").id if place else None,
            reason=reason,
            offered_at=now,
            due_at=now + timedelta(minutes=minutes),
        )
        session.add(transfer)
        session.flush()
        touch(actor, item, "custody.offered", rows=[transfer], reason=reason)
        return transfer


@requires(may.HAND_OVER)
def accept(actor: Actor, *, code: str, condition: str = "") -> Item:
    """Accept an item that was offered to you; from now on you hold it.

    Raises:
        NotHere: it was not offered to you, or left the giver's hands meanwhile.
        SlotTaken, PlaceFull, NoFreeSlot, GateStopped: see `storage.stand`.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        _require_there(session, item)
        transfer = _offered_to(session, item, actor)
        if item.holder_id != transfer.giver_id:
            raise NotHere(
                _(
                    "%(code)s is no longer with the person who offered it to you. "
                    "Find out who has it.",
                    code=codes.grouped(item.code),
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        transfer.accepted_at = clock.now()
        transfer.condition = condition
        item.holder_id = actor.person
        to = queries.place(session, transfer.to_place_id)
        if to is not None:
            storage.stand(actor, session, item, to)
        touch(actor, item, "custody.accepted", rows=[transfer])
        return item


@requires(may.HAND_OVER)
def refuse(actor: Actor, *, code: str, reason: str) -> Item:
    """Refuse an item that was offered to you; the giver goes on holding it.

    Raises:
        NotHere: it was not offered to you.
    """
    if not reason.strip():
        raise BadInput(_("Say why you do not take it."), field="reason")
    with db.transaction() as session:
        item = find(session, code, lock=True)
        transfer = _offered_to(session, item, actor)
        transfer.refused_at = clock.now()
        transfer.ended_because = reason.strip()
        touch(actor, item, "custody.hand-over-refused", rows=[transfer], reason=reason.strip())
        return item


@requires(may.HAND_OVER)
def withdraw(actor: Actor, *, code: str, reason: str = "") -> Item:
    """Take back an offer of your own that nobody accepted.

    Raises:
        NotHere: you offered it to nobody, or it was accepted or refused meanwhile.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        transfer = open_offer(session, item.id)
        if transfer is None or transfer.giver_id != actor.person:
            raise NotHere(
                _(
                    "You have no offer of %(code)s that could be withdrawn.",
                    code=codes.grouped(item.code),
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        transfer.withdrawn_at = clock.now()
        transfer.ended_because = reason.strip()
        touch(actor, item, "custody.offer-withdrawn", rows=[transfer], reason=reason.strip())
        return item


def _require_there(session: Session, item: Item) -> None:
    if item.state in FINAL:
        raise StateRefused(
            _("%(code)s is no longer there to be handed over.", code=codes.grouped(item.code)),
            why=telling.last_act(session, stream(item.code)),
        )


def _offered_to(session: Session, item: Item, actor: Actor) -> Transfer:
    transfer = open_offer(session, item.id)
    if transfer is None or transfer.receiver_id != actor.person:
        raise NotHere(
            _(
                "%(code)s was not offered to you. The person who holds it hands it over first.",
                code=codes.grouped(item.code),
            ),
            why=telling.last_act(session, stream(item.code)),
        )
    return transfer


def overdue_offers(
    session: Session, *, person: UUID | None = None, limit: int = 500
) -> list[tuple[Item, Transfer]]:
    """Hand-overs past their deadline, the longest waiting first.

    Args:
        person: only those she gives or is to receive.
    """
    now = clock.now()
    statement = (
        select(Item, Transfer)
        .join(Transfer, Transfer.item_id == Item.id)
        .where(
            Transfer.accepted_at.is_(None),
            Transfer.refused_at.is_(None),
            Transfer.withdrawn_at.is_(None),
        )
        .order_by(Transfer.offered_at)
    )
    if person is not None:
        statement = statement.where(
            (Transfer.giver_id == person) | (Transfer.receiver_id == person)
        )
    late = [(row[0], row[1]) for row in session.execute(statement) if is_overdue(row[1], now)]
    return sorted(late, key=lambda each: due_at(each[1]))[:limit]


def custody_gaps(session: Session, item: Item) -> list[_]:
    """What is missing in an item's chain of hands: an offer nobody accepted, a break between.

    The first giver must be whoever made or last moved it; each next giver the receiver before.
    """
    gaps = []
    now = clock.now()
    chain = transfers(session, item.id)
    for each in chain:
        if is_overdue(each, now):
            gaps.append(
                _(
                    "offered to %(name)s and not accepted; overdue since %(time)s",
                    name=people.name_of(session, each.receiver_id),
                    time=telling.Moment(due_at(each)),
                )
            )
        elif each.is_open:
            gaps.append(
                _(
                    "offered to %(name)s and not accepted yet",
                    name=people.name_of(session, each.receiver_id),
                )
            )
    accepted = [each for each in chain if each.accepted_at]
    for before, after in pairwise(accepted):
        if after.giver_id != before.receiver_id:
            gaps.append(_("given by a person who had not received it"))
    if accepted and item.holder_id != accepted[-1].receiver_id:
        gaps.append(_("held by a person who has not received it"))
    return gaps
