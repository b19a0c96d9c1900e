"""Standing somewhere: whether a place takes an item, and what was booked already (H19, H64)."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims.core import clock, codes, db, gate
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import areas, telling, transit
from lims.custody.errors import NotHere
from lims.custody.models import Item, Place
from lims.custody.opentime import FROZEN
from lims.custody.rules import FINAL, ItemKind
from lims.custody.streams import stream


class SlotTaken(NotHere):
    """Another item stands there."""

    code = "slot_taken"


class PlaceFull(NotHere):
    """As many items stand there as it holds."""

    code = "place_full"


class NoFreeSlot(NotHere):
    """The box has slots and the one wanted is not there, or none is free."""

    code = "no_free_slot"


def let_in(actor: Actor, session: Session, item: Any, place: Place) -> None:
    """Refuse a place that must not take an item; the caller holds the item's row.

    Args:
        item: its `id`, `code`, `kind`, `donor_id` and `thaw_count` are read.

    Raises:
        GateStopped: a thawed dose would be frozen again, or two donors would meet.
        InTransit: it is a box on its way.
        PlaceFull: as many items stand there as it holds.
        NoFreeSlot: the place has slots, and none was named.
    """
    _never_refrozen(item, place)
    if place.kind == transit.TRANSPORT:
        _not_sent_off(session, place)
    areas.admit(actor, session, item, place)
    if place.kind == "box" and _has_slots(session, place):
        raise NoFreeSlot(
            _("%(place)s has slots; name the one it stands in.", place=place.name), field="to"
        )
    if place.capacity is not None:
        _room_in(session, item, place)


def stand(actor: Actor, session: Session, item: Item, place: Place) -> None:
    """Let an item stand at a place; the caller holds its row and writes the entry.

    Raises:
        SlotTaken: the place holds one item, and one is there.
    """
    let_in(actor, session, item, place)
    try:
        # Changed inside the savepoint: entering one flushes what was changed before it. Only a
        # slot can be taken, so elsewhere no savepoint is paid for.
        with session.begin_nested() if place.one_item else nullcontext():
            item.place_id = place.id
            item.slot_id = place.id if place.one_item else None
            session.flush()
    except IntegrityError:
        raise slot_taken(session, place) from None


def slot_taken(session: Session, place: Place) -> SlotTaken:
    """The refusal of a place that holds one item, naming who put one there."""
    there = session.scalar(select(Item.code).where(Item.slot_id == place.id))
    return SlotTaken(
        _("Another item stands at %(place)s. Choose a free place.", place=place.name),
        field="to",
        why=telling.last_act(session, stream(there)) if there else None,
    )


def _never_refrozen(item: Any, place: Place) -> None:
    if not (item.kind is ItemKind.DOSE and item.thaw_count and place.temperature_class in FROZEN):
        return
    finding = gate.stopped(
        _("dose %(code)s into %(place)s", code=codes.grouped(item.code), place=place.name),
        _("it was thawed, and what was thawed is never frozen again"),
        _("Do not freeze it. Give it within its time or destroy it."),
        _("pharmacy"),
    )
    gate.demand(
        gate.Answer("custody.refreeze", clock.now(), (gate.Row("T01", finding),)),
        codes=[item.code, place.code],
    )


def _not_sent_off(session: Session, place: Place) -> None:
    # Whoever signs it off holds this row, so that nothing slips in beside the manifest.
    db.locked(session, select(Place).where(Place.id == place.id))
    if transit.open_shipment(session, place.id) is not None:
        raise transit.InTransit(
            _("%(place)s is on its way; nothing can be put into it.", place=place.name),
            field="to",
            why=telling.last_act(session, areas.stream(place.code)),
        )


def _has_slots(session: Session, place: Place) -> bool:
    found = select(Place.id).where(Place.parent_id == place.id, Place.one_item).limit(1)
    return session.scalar(found) is not None


def _room_in(session: Session, item: Any, place: Place) -> None:
    # Whoever comes second waits here, and then counts what the first put in.
    db.locked(session, select(Place).where(Place.id == place.id))
    standing = session.scalar(
        select(func.count())
        .select_from(Item)
        .where(Item.place_id == place.id, Item.id != item.id, Item.state.not_in(FINAL))
    )
    if (standing or 0) >= (place.capacity or 0):
        raise PlaceFull(
            _(
                "%(place)s holds %(capacity)s items and is full. Choose another place.",
                place=place.name,
                capacity=place.capacity,
            ),
            field="to",
            why=_last_in(session, place),
        )


def _last_in(session: Session, place: Place) -> _ | None:
    here: Iterable[str] = session.scalars(
        select(Item.code).where(Item.place_id == place.id, Item.state.not_in(FINAL)).limit(500)
    )
    newest = max(
        (entry for code in here if (entry := telling.last_entry(session, stream(code)))),
        key=lambda entry: entry.at,
        default=None,
    )
    return telling.said_of(session, newest) if newest else None
