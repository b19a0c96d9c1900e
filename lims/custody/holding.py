"""Holds: a reason not to use an item, found by every later step."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import because, clock, codes, db, events
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import queries, reasons, telling
from lims.custody.errors import OnHold
from lims.custody.items import find
from lims.custody.models import Hold, Item
from lims.custody.rules import FINAL, State, may_become
from lims.custody.streams import stream, touch
from lims.studies import Subject


@requires(may.HOLD)
def hold(actor: Actor, *, code: str, reason: str, source: str = "person") -> Hold:
    """Put a hold on an item; everything made from it is held with it."""
    if not reason.strip():
        raise BadInput(_("Say why the item is held."), field="reason")
    with db.transaction() as session:
        return place_hold(actor, session, find(session, code, lock=True), reason, source)


def place_hold(
    actor: Actor,
    session: Session,
    item: Item,
    reason: str,
    source: str,
    *,
    shipment_id: UUID | None = None,
    episode_id: UUID | None = None,
) -> Hold:
    """Put a hold on an item whose row the caller holds; for steps that hear of a reason.

    Args:
        shipment_id, episode_id: the way, or the part of a place's time, that puts it there; then
            nothing but its assessment lifts it.
    """
    placed = Hold(
        item_id=item.id,
        reason=reason.strip(),
        source=source,
        shipment_id=shipment_id,
        episode_id=episode_id,
        placed_at=clock.now(),
        placed_by=actor.person,
    )
    session.add(placed)
    session.flush()
    touch(actor, item, "custody.held", rows=[placed], reason=reason)
    return placed


def hold_each(
    actor: Actor, session: Session, item_ids: Iterable[UUID], reason: str, source: str, **by: UUID
) -> None:
    """Put a hold on each of these items, whose rows are locked in the order of their ids.

    Args:
        by: `shipment_id` or `episode_id`, as `place_hold` takes it.
    """
    for item_id in sorted(item_ids):
        item = db.locked(session, select(Item).where(Item.id == item_id))
        assert item is not None  # noqa: S101 - items are never deleted
        place_hold(actor, session, item, reason, source, **by)


def free_each(actor: Actor, session: Session, placed_by: ColumnElement[bool], because: str) -> None:
    """Lift the holds that something put there and that still stand, and nothing else.

    Args:
        placed_by: which holds, such as those of one shipment.
    """
    found = session.execute(
        select(Hold, Item)
        .join(Item, Item.id == Hold.item_id)
        .where(placed_by, Hold.lifted_at.is_(None))
        .order_by(Item.id)
    ).all()
    for placed, item in found:
        placed.lifted_at, placed.lifted_by = clock.now(), actor.person
        placed.lifted_because = because
        session.flush()
        touch(actor, item, "custody.hold-lifted", rows=[placed], reason=because)


@events.subscribe("consent.withdrawn")
def hold_her_material(*, actor: Actor, subject: Subject, material: str) -> None:
    """She withdrew: whatever is left of her material is held, in the same commit (X8, H24)."""
    with db.transaction() as session:
        reason = reasons.CONSENT.kept(material=material)
        for item in queries.items_of(session, donor_id=subject.id, limit=100_000):
            if item.state not in FINAL:
                place_hold(actor, session, item, reason, "consent")


@requires(may.LIFT)
def lift_hold(actor: Actor, *, code: str, reason: str) -> Item:
    """Lift every hold on an item that a person may lift without a signature.

    Raises:
        OnHold: there is none, or only such as want the assessment of a temperature record.
    """
    if not reason.strip():
        raise BadInput(_("Say why the hold is lifted."), field="reason")
    with db.transaction() as session:
        item = find(session, code, lock=True)
        standing = queries.holds(session, [item.id])
        found = [each for each in standing if not wants_assessment(each)]
        if standing and not found:
            raise OnHold(
                _(
                    "%(code)s is held by the temperature record of its way. Assess the shipment, "
                    "and the hold ends with it.",
                    code=codes.grouped(item.code),
                )
                if standing[0].shipment_id
                else _(
                    "%(code)s is held by the temperature of the place where it stood. Assess that, "
                    "and the hold ends with it.",
                    code=codes.grouped(item.code),
                ),
                why=_("%(reason)s", reason=because.said(standing[0].reason)),
            )
        if not found:
            raise OnHold(
                _("%(code)s has no hold to lift.", code=codes.grouped(item.code)),
                why=telling.last_act(session, stream(item.code)),
            )
        for each in found:
            each.lifted_at = clock.now()
            each.lifted_by = actor.person
            each.lifted_because = reason.strip()
        touch(actor, item, "custody.hold-lifted", rows=found, reason=reason)
        return item


def wants_assessment(hold: Hold) -> bool:
    """Whether only a signed assessment of a temperature record lifts it."""
    return hold.shipment_id is not None or hold.episode_id is not None


def block_descendants(actor: Actor, item: Item, *, reason: str) -> list[Item]:
    """Block everything made from an item that can still be used (X3)."""
    blocked = []
    with db.transaction() as session:
        for each in queries.descendants(session, [item.id]):
            if each.state not in FINAL and may_become(each.kind, each.state, State.BLOCKED):
                each.state = State.BLOCKED
                ledger.record(
                    actor, stream(each.code), "custody.blocked", rows=[each], reason=reason
                )
                blocked.append(each)
    return blocked
