"""Work areas: open for one donor at a time, so that two women's material never meets (H02)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from lims import labels, ledger
from lims.core import clock, codes, db, gate, mode, space
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import queries
from lims.custody.errors import DiskNearlyFull
from lims.custody.models import Item, Opening, Place
from lims.custody.rules import FINAL, ItemKind

GATE = "custody.work-area"
KINDS = frozenset({"bench", "hood", "incubator", "shelf"})
_DEEPEST = 50  # a place lies in a place, a few times over; never in itself
# What a clinic holds for her was not made at a bench that is open here.
_ELSEWHERE = (ItemKind.KIT, ItemKind.SPECIMEN)


@dataclass(frozen=True)
class Remaining:
    """What keeps an open area from being cleared.

    Attributes:
        items: the donor's, scanned in here and not out, or made meanwhile and put nowhere yet.
        labels: codes whose label was printed meanwhile and not scanned back.
    """

    items: Sequence[Item]
    labels: Sequence[str]


def stream(code: str) -> str:
    """The stream of a place."""
    return f"place/{code}"


def area_around(session: Session, place: Place) -> Place | None:
    """The work area that a place is, or lies in."""
    here: Place | None = place
    for _level in range(_DEEPEST):
        if here is None or here.work_area:
            return here
        here = queries.place(session, here.parent_id)
    return None


def opening_of(session: Session, place_id: UUID) -> Opening | None:
    """For whom a work area is open now."""
    return session.scalar(
        select(Opening).where(Opening.place_id == place_id, Opening.cleared_at.is_(None))
    )


def within(session: Session, place_id: UUID) -> list[UUID]:
    """A place and every place inside of it."""
    walk = select(Place.id).where(Place.id == place_id).cte("inside", recursive=True)
    further = aliased(Place)
    # UNION, not UNION ALL: it ends even where places were made to lie in each other.
    walk = walk.union(select(further.id).join(walk, further.parent_id == walk.c.id))
    return list(session.scalars(select(walk.c.id)))


def path_of(session: Session, place_id: UUID | None) -> list[Place]:
    """The places around a place and itself, the outermost first."""
    found: list[Place] = []
    here = queries.place(session, place_id)
    while here is not None and here not in found:
        found.append(here)
        here = queries.place(session, here.parent_id)
    return found[::-1]


def admit(actor: Actor, session: Session, item: Any, place: Place) -> None:
    """Let an item into a work area, or stop; the first of a donor's opens it for her.

    Args:
        item: its `code` and `donor_id` are read; the caller holds its row.

    Raises:
        GateStopped: the area is open for another donor, or another's material stands there. The
            mismatch itself is recorded.
        DiskNearlyFull: it would have to be opened, and the records may have no room for the work.
    """
    area = area_around(session, place)
    if area is None or item.donor_id is None:
        return
    # Whoever comes second waits here, and then finds it open.
    db.locked(session, select(Place).where(Place.id == area.id))
    opening = opening_of(session, area.id)
    if opening is None:
        if _others_there(session, area, item.donor_id):
            _stop(item, area, _("material of another donor stands there"))
        _ask_for_room(session, area)
        opening = Opening(
            place_id=area.id,
            donor_id=item.donor_id,
            opened_at=clock.now(),
            opened_by=actor.person,
        )
        session.add(opening)
        session.flush()
        ledger.record(
            actor, stream(area.code), "custody.area-opened", {"by": item.code}, rows=[opening]
        )
    elif opening.donor_id != item.donor_id:
        _stop(item, area, _("it is open for another donor and was not cleared"))
    elif opening.asked_at is not None:
        opening.asked_at = opening.asked_by = None
        ledger.record(
            actor, stream(area.code), "custody.clearing-void", {"by": item.code}, rows=[opening]
        )


def _ask_for_room(session: Session, area: Place) -> None:
    """Work that is begun must be able to be recorded to its end (H37)."""
    low = None if mode.is_practice(session) else space.low()
    if low is not None:
        raise DiskNearlyFull(
            _(
                "%(place)s is not opened: %(percent)s %% of the disk under the records is free and "
                "new work needs %(least)s %%. Finish what is open, and tell who runs this system.",
                place=area.name,
                percent=low.percent,
                least=space.LEAST_PERCENT,
            )
        )


def _stop(item: Any, area: Place, why: _) -> None:
    finding = gate.stopped(
        _(
            "%(code)s at the work area %(place)s",
            code=codes.grouped(item.code),
            place=area.name,
        ),
        why,
        _("Stop. Take it away from this area and check every label that lies there."),
        _("QC officer"),
    )
    gate.demand(
        gate.Answer(GATE, clock.now(), (gate.Row("W01", finding),)),
        codes=[item.code, area.code],
    )


def _others_there(session: Session, area: Place, donor_id: UUID) -> bool:
    return (
        session.scalar(
            select(Item.id)
            .where(
                Item.place_id.in_(within(session, area.id)),
                Item.donor_id != donor_id,
                Item.state.not_in(FINAL),
            )
            .limit(1)
        )
        is not None
    )


def remaining(session: Session, area: Place, opening: Opening) -> Remaining:
    """What of the donor's is still here: items not scanned out, labels not accounted for."""
    made_here = (
        Item.place_id.is_(None) & (Item.made_at >= opening.opened_at) & Item.kind.not_in(_ELSEWHERE)
    )
    items = list(
        session.scalars(
            select(Item)
            .where(
                Item.donor_id == opening.donor_id,
                Item.state.not_in(FINAL),
                or_(Item.place_id.in_(within(session, area.id)), made_here),
            )
            .order_by(Item.code)
        )
    )
    hers = session.scalars(select(Item.code).where(Item.donor_id == opening.donor_id))
    return Remaining(items, labels.not_stuck(session, hers, since=opening.opened_at))
