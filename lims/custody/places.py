"""Places, and moving items between them."""

from contextlib import nullcontext
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import labels, ledger
from lims.core import codes, db, mode
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.errors import NotHere, StateRefused
from lims.custody.items import find, touch
from lims.custody.models import Item, Place
from lims.custody.rules import FINAL


class PlaceUnknown(NotFound):
    """No place carries this code."""

    code = "place_unknown"


class SlotTaken(NotHere):
    """Another item stands there."""

    code = "slot_taken"


@requires(may.PLACE)
def make_place(
    actor: Actor,
    *,
    name: str,
    kind: str,
    temperature_class: str,
    parent: str | None = None,
    one_item: bool = False,
) -> Place:
    """Make a place and print its label."""
    with db.transaction() as session:
        above = place_by_code(session, parent) if parent else None
        while True:
            place = Place(
                code=codes.draw("A", practice=mode.is_practice(session)),
                name=name.strip(),
                kind=kind,
                parent_id=above.id if above else None,
                temperature_class=temperature_class,
                one_item=one_item,
            )
            try:
                with session.begin_nested():
                    session.add(place)
            except IntegrityError as clash:
                # Drawn twice: the unique index says so, and another code is drawn (H09).
                if "code" not in str(clash.orig):
                    raise
                continue
            break
        ledger.record(actor, f"place/{place.code}", "custody.place-made", rows=[place])
        labels.request(
            actor,
            template="place_50x20",
            code=place.code,
            fields={"code": codes.grouped(place.code), "name": place.name},
        )
        return place


def place_by_code(session: Session, text: str, field: str | None = "to") -> Place:
    """The place a code names.

    Raises:
        PlaceUnknown: none carries it.
    """
    scanned = codes.expect(text, "A", field)
    mode.admit(session, scanned)
    found = session.scalar(select(Place).where(Place.code == scanned.code))
    if found is None:
        raise PlaceUnknown(
            _(
                "No place carries the code %(code)s. Scan the label of the place again.",
                code=codes.grouped(scanned.code),
            ),
            field=field,
        )
    return found


@requires(may.MOVE)
def move(actor: Actor, *, code: str, to: str, device_at: Any = None) -> Item:
    """An item stands at another place now.

    Raises:
        SlotTaken: the place holds one item, and one is there.
        StateRefused: the item is used up, destroyed or given.
    """
    with db.transaction() as session:
        item = find(session, code, lock=True)
        place = place_by_code(session, to)
        if item.state in FINAL:
            raise StateRefused(
                _("%(code)s is no longer there to be moved.", code=codes.grouped(item.code))
            )
        before = session.get(Place, item.place_id) if item.place_id else None
        try:
            # Changed inside the savepoint: entering one flushes what was changed before it. Only
            # a slot can be taken, so elsewhere no savepoint is paid for.
            with session.begin_nested() if place.one_item else nullcontext():
                item.place_id = place.id
                item.slot_id = place.id if place.one_item else None
                item.holder_id = actor.person
                session.flush()
        except IntegrityError:
            raise SlotTaken(
                _("Another item stands at %(place)s. Choose a free place.", place=place.name),
                field="to",
            ) from None
        touch(
            actor,
            item,
            "custody.moved",
            {"from": before.code if before else "", "to": place.code},
        )
        return item
