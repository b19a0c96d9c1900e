"""From hand to hand: an item is offered by one person and accepted by another."""

from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import people
from lims.core import clock, codes, db
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.errors import NotHere, StateRefused
from lims.custody.items import find, touch
from lims.custody.models import Item, Transfer
from lims.custody.places import place_by_code
from lims.custody.rules import FINAL


def transfers(session: Session, item_id: UUID) -> list[Transfer]:
    """Every hand-over of an item, oldest first."""
    return list(
        session.scalars(
            select(Transfer).where(Transfer.item_id == item_id).order_by(Transfer.offered_at)
        )
    )


def _open(session: Session, item_id: UUID) -> Transfer | None:
    return session.scalar(
        select(Transfer).where(Transfer.item_id == item_id, Transfer.accepted_at.is_(None))
    )


@requires(may.HAND_OVER)
def hand_over(
    actor: Actor, *, code: str, to: str, place: str | None = None, reason: str = ""
) -> Transfer:
    """Offer an item to the person whose badge is scanned; she accepts it with her own scan.

    Raises:
        NotHere: somebody else holds it, or it is offered already.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        receiver = people.by_badge(session, to)
        if item.state in FINAL:
            raise StateRefused(
                _("%(code)s is no longer there to be handed over.", code=codes.grouped(item.code))
            )
        if item.holder_id != actor.person:
            raise NotHere(
                _(
                    "%(code)s is held by another person; only she can hand it over.",
                    code=codes.grouped(item.code),
                )
            )
        if _open(session, item.id) or receiver.person_id == actor.person:
            raise NotHere(
                _(
                    "%(code)s is offered already, or would be handed to yourself. "
                    "Let the receiver accept it.",
                    code=codes.grouped(item.code),
                )
            )
        transfer = Transfer(
            item_id=item.id,
            giver_id=actor.person,
            receiver_id=receiver.person_id,
            from_place_id=item.place_id,
            to_place_id=place_by_code(session, place, "place").id if place else None,
            reason=reason,
            offered_at=clock.now(),
        )
        session.add(transfer)
        session.flush()
        touch(actor, item, "custody.offered", rows=[transfer], reason=reason)
        return transfer


@requires(may.HAND_OVER)
def accept(actor: Actor, *, code: str, condition: str = "") -> Item:
    """Accept an item that was offered to you; from now on you hold it.

    Raises:
        NotHere: it was not offered to you.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        transfer = _open(session, item.id)
        if transfer is None or transfer.receiver_id != actor.person:
            raise NotHere(
                _(
                    "%(code)s was not offered to you. The person who holds it hands it over first.",
                    code=codes.grouped(item.code),
                )
            )
        transfer.accepted_at = clock.now()
        transfer.condition = condition
        item.holder_id = actor.person
        if transfer.to_place_id:
            item.place_id = transfer.to_place_id
            item.slot_id = None
        touch(actor, item, "custody.accepted", rows=[transfer])
        return item


def custody_gaps(session: Session, item: Item) -> list[str]:
    """What is missing in an item's chain of hands: an offer nobody accepted, a break between.

    The first giver must be whoever made or last moved it; each next giver the receiver before.
    """
    gaps = []
    chain = transfers(session, item.id)
    for each in chain:
        if each.accepted_at is None:
            gaps.append("offered and not accepted")
    accepted = [each for each in chain if each.accepted_at]
    for before, after in pairwise(accepted):
        if after.giver_id != before.receiver_id:
            gaps.append("given by a person who had not received it")
    if accepted and item.holder_id != accepted[-1].receiver_id:
        gaps.append("held by a person who has not received it")
    return gaps
