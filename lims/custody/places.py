"""Places, and moving items between them."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from lims import labels, ledger
from lims.core import codes, db, mode
from lims.core.errors import BadInput, NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, storage, telling, transit
from lims.custody import permissions as may
from lims.custody.errors import StateRefused
from lims.custody.items import unknown
from lims.custody.models import Item, Place
from lims.custody.rules import FINAL, LETTER, State
from lims.custody.streams import stream

_LETTERS = "".join(dict.fromkeys(LETTER.values()))
# A move is the commonest act of all, so it is two statements, built once.
_item = cast(Table, Item.__table__)
_there = cast(Table, Place.__table__).alias("there")
_before = cast(Table, Place.__table__).alias("before")
_STANDING = (
    select(
        _item.c.id,
        _item.c.state,
        _item.c.version,
        _item.c.place_id,
        _item.c.slot_id,
        _item.c.holder_id,
        _item.c.code,
        _item.c.kind,
        _item.c.donor_id,
        _item.c.thaw_count,
        # Asked by itself and not joined: a join would keep the place from before the wait for the
        # lock, and so say that an item came from where it had left.
        select(_before.c.code)
        .where(_before.c.id == _item.c.place_id)
        .scalar_subquery()
        .label("place"),
        select(_before.c.kind)
        .where(_before.c.id == _item.c.place_id)
        .scalar_subquery()
        .label("place_kind"),
        _there.c.id.label("to_id"),
        _there.c.name.label("to_name"),
        _there.c.one_item.label("to_slot"),
        _there.c.kind.label("to_kind"),
        _there.c.work_area.label("to_area"),
        _there.c.capacity.label("to_capacity"),
        _there.c.parent_id.label("to_parent"),
    )
    .select_from(_item.outerjoin(_there, _there.c.code == bindparam("to")))
    .where(_item.c.code == bindparam("code"))
    .with_for_update(of=_item)
)
_PLACE = select(Place).where(Place.code == bindparam("code"))
_KIND = select(_there.c.kind).where(_there.c.code == bindparam("code"))
_PUT = (
    update(_item)
    .where(_item.c.id == bindparam("item_id"), _item.c.version == bindparam("seen"))
    .values(
        place_id=bindparam("new_place"),
        slot_id=bindparam("new_slot"),
        holder_id=bindparam("new_holder"),
        version=_item.c.version + 1,
    )
)


# Where an item stands before a scan moves it, under its lock; asked by itself as above.
_box = cast(Table, Place.__table__).alias("box")
_FROM = (
    select(
        _item.c.place_id,
        _there.c.id.label("to_id"),
        _there.c.name.label("to_name"),
        _there.c.kind.label("to_kind"),
        _there.c.code.label("to"),
    )
    .select_from(_item.outerjoin(_there, _there.c.code == bindparam("to")))
    .where(_item.c.code == bindparam("code"))
    .with_for_update(of=_item)
)
_BEFORE = (
    select(
        _before.c.code,
        _before.c.name,
        _before.c.kind,
        _box.c.id.label("box_id"),
        _box.c.code.label("box"),
    )
    .select_from(_before.outerjoin(_box, _box.c.id == _before.c.parent_id))
    .where(_before.c.id == bindparam("id"))
)


class PlaceUnknown(NotFound):
    """No place carries this code."""

    code = "place_unknown"


@dataclass(frozen=True)
class Moved:
    """Where an item stands after a move, and who holds it."""

    id: UUID
    code: str
    state: State
    place: str
    holder_id: UUID | None


@dataclass(frozen=True)
class Standing:
    """Where an item stands, and the place it is to go into.

    Attributes:
        name: of the place; empty where it stands nowhere.
        holder: code of the place, of the box for a slot; empty where it stands nowhere.
        to, to_name, to_kind: code, name and kind of the place it is to go into.
        is_there: whether it stands there already, or in a slot of it.
    """

    code: str
    name: str
    holder: str
    to: str
    to_name: str
    to_kind: str
    is_there: bool


@requires(may.PLACE)
def make_place(
    actor: Actor,
    *,
    name: str,
    kind: str,
    temperature_class: str,
    parent: str | None = None,
    one_item: bool = False,
    work_area: bool = False,
    capacity: int | None = None,
) -> Place:
    """Make a place and print its label.

    Args:
        work_area: open for one donor at a time; a bench, a hood, an incubator or a shelf in one.
        capacity: how many items may stand there; any number unless given.
    """
    if work_area and kind not in areas.KINDS:
        raise BadInput(
            _("A work area is a bench, a hood, an incubator or a shelf; choose the kind."),
            field="kind",
        )
    with db.transaction() as session:
        above = place_by_code(session, parent) if parent else None
        place = mode.with_code(
            session,
            "A",
            lambda code: Place(
                code=code,
                name=name.strip(),
                kind=kind,
                parent_id=above.id if above else None,
                temperature_class=temperature_class,
                one_item=one_item,
                work_area=work_area,
                capacity=capacity,
            ),
        )
        ledger.record(actor, areas.stream(place.code), "custody.place-made", rows=[place])
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
    scanned = _scanned(session, text, field)
    found = session.scalar(_PLACE, {"code": scanned.code})
    if found is None:
        raise _unknown_place(scanned, field)
    return found


def place_locked(session: Session, text: str) -> Place:
    """The place a code names, held under the lock by which items are let in, and read afresh.

    Raises:
        PlaceUnknown: none carries it.
    """
    found = place_by_code(session, text, "code")
    held = db.locked(session, select(Place).where(Place.id == found.id))
    assert held is not None  # noqa: S101 - read a moment ago, and places are never deleted
    return held


def kind_of(session: Session, text: str) -> str | None:
    """What kind of place a code names; None where none carries it. One light statement."""
    return session.connection().scalar(_KIND, {"code": _scanned(session, text, "to").code})


def _scanned(session: Session, text: str, field: str | None) -> codes.Scanned:
    scanned = codes.expect(text, "A", field)
    mode.admit(session, scanned)
    return scanned


def _unknown_place(scanned: codes.Scanned, field: str | None) -> PlaceUnknown:
    return PlaceUnknown(
        _(
            "No place carries the code %(code)s. Scan the label of the place again.",
            code=codes.grouped(scanned.code),
        ),
        field=field,
    )


def before_move(session: Session, text: str, to: str) -> Standing:
    """Where an item stands that is about to be moved; its row is held until the act ends.

    Raises:
        ItemUnknown, PlaceUnknown: nothing carries the code.
        OldLabel: the symbol is of a copy that was cancelled.
    """
    scanned = codes.expect(text, _LETTERS)
    mode.admit(session, scanned)
    place = _scanned(session, to, "to")
    session.flush()  # Core statements do not flush what the act did before
    connection = session.connection()
    row = connection.execute(_FROM, {"code": scanned.code, "to": place.code}).one_or_none()
    if row is None:
        raise unknown(scanned)
    labels.check_copy(session, scanned)
    if row.to_id is None:
        raise _unknown_place(place, "to")
    if row.place_id is None:
        return Standing(scanned.code, "", "", row.to, row.to_name, row.to_kind, is_there=False)
    before = connection.execute(_BEFORE, {"id": row.place_id}).one()
    in_slot = before.kind == "slot"
    return Standing(
        scanned.code,
        before.name,
        (before.box or "") if in_slot else before.code,
        row.to,
        row.to_name,
        row.to_kind,
        is_there=row.to_id == row.place_id or (in_slot and row.to_id == before.box_id),
    )


@requires(may.MOVE)
def move(actor: Actor, *, code: str, to: str, device_at: Any = None) -> Moved:
    """An item stands at another place now, and whoever put it there holds it.

    Raises:
        SlotTaken: the place holds one item, and one is there.
        PlaceFull, NoFreeSlot, GateStopped: see `storage.let_in`.
        StateRefused: the item is used up, destroyed or given.
    """
    with db.transaction() as session:
        scanned = codes.expect(code, _LETTERS)
        mode.admit(session, scanned)
        place = _scanned(session, to, "to")
        session.flush()  # Core statements do not flush what the act did before
        connection = session.connection()
        found = connection.execute(_STANDING, {"code": scanned.code, "to": place.code})
        item = found.one_or_none()
        if item is None:
            raise unknown(scanned)
        labels.check_copy(session, scanned)
        if item.to_id is None:
            raise _unknown_place(place, "to")
        if item.state in FINAL:
            raise StateRefused(
                _("%(code)s is no longer there to be moved.", code=codes.grouped(scanned.code)),
                why=telling.last_act(session, stream(scanned.code)),
            )
        _let_in(actor, session, item)
        left = item.place
        if left is None and item.place_id:  # a place made while the lock was waited for
            left = session.scalar(select(Place.code).where(Place.id == item.place_id))
        key = _put(session, item, holder=actor.person)
        ledger.record(
            actor,
            stream(scanned.code),
            "custody.moved",
            {"from": left or "", "to": place.code},
            rows=[key],
            device_at=device_at,
        )
        return Moved(item.id, scanned.code, item.state, place.code, actor.person)


def _let_in(actor: Actor, session: Session, item: Any) -> None:
    """Ask a place whether it takes an item; most have no condition and cost no statement."""
    if item.place_kind == transit.TRANSPORT:
        transit.require_not_travelling(session, item.id, item.code)
    if (
        item.to_area
        or item.to_parent
        or item.to_capacity is not None
        or item.to_kind in ("box", transit.TRANSPORT)
        or item.thaw_count
    ):
        storage.let_in(actor, session, item, session.get_one(Place, item.to_id))


def _put(session: Session, item: Any, *, holder: UUID | None) -> tuple[str, str]:
    """Write the new place of a locked row of `_STANDING`, noting what changed."""
    after = {
        "place_id": item.to_id,
        "slot_id": item.to_id if item.to_slot else None,
        "holder_id": holder,
    }
    changes = {
        name: (getattr(item, name), new)
        for name, new in after.items()
        if getattr(item, name) != new
    }
    if not changes:
        return (_item.name, str(item.id))
    try:
        # Only a slot can be taken, so elsewhere no savepoint is paid for.
        with session.begin_nested() if item.to_slot else nullcontext():
            # Asked anew: the session begins the savepoint when a connection is asked for within it.
            done = session.connection().execute(
                _PUT,
                {
                    "item_id": item.id,
                    "seen": item.version,
                    "new_place": after["place_id"],
                    "new_slot": after["slot_id"],
                    "new_holder": after["holder_id"],
                },
            )
    except IntegrityError:
        raise storage.slot_taken(session, session.get_one(Place, item.to_id)) from None
    if done.rowcount != 1:
        raise StaleDataError(f"{item.id} changed while it was locked")
    kept = session.identity_map.get(session.identity_key(Item, item.id))
    if kept is not None:  # an earlier step of this act read it
        session.refresh(kept)
    return ledger.changed(_item, item.id, item.version + 1, changes)
