"""Boxes with their slots, putting a thing into one, and moving a whole place (H64)."""

import string
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import codes, db, mode
from lims.core.errors import BadInput, RuleBroken
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, places, storage
from lims.custody import permissions as may
from lims.custody.items import find
from lims.custody.models import Item, Place
from lims.custody.opentime import FROZEN
from lims.custody.rules import FINAL

_ROWS = string.ascii_uppercase


class PlaceInItself(RuleBroken):
    """A place would lie in itself."""

    code = "place_in_itself"


class NotEmptied(RuleBroken):
    """What stands in it would come into another temperature without a scan of its own."""

    code = "place_not_emptied"


@requires(may.PLACE)
def make_box(actor: Actor, *, name: str, parent: str, rows: int, columns: int) -> Place:
    """Make a box in a place with its grid of slots, named A1, A2, … by row and column.

    A label is printed for the box. Its slots hold one item each and are named by position.

    Raises:
        BadInput: more than 26 rows or columns.
    """
    if not (1 <= rows <= len(_ROWS) and 1 <= columns <= len(_ROWS)):
        raise BadInput(_("A box has 1 to 26 rows and 1 to 26 columns."), field="rows")
    with db.transaction() as session:
        around = places.place_by_code(session, parent, "parent")
        box = places.make_place(
            actor, name=name, kind="box", temperature_class=around.temperature_class, parent=parent
        )
        slots = [
            Place(
                code=code,
                name=f"{box.name} {position}"[:80],
                kind="slot",
                parent_id=box.id,
                temperature_class=box.temperature_class,
                one_item=True,
                work_area=False,
                position=position,
            )
            for code, position in zip(
                _fresh_codes(session, rows * columns),
                (f"{row}{column}" for row in _ROWS[:rows] for column in range(1, columns + 1)),
                strict=True,
            )
        ]
        session.add_all(slots)
        session.flush()
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.slots-made",
            {"rows": rows, "columns": columns},
            rows=slots,
        )
        return box


def _fresh_codes(session: Session, number: int) -> list[str]:
    """So many codes that no place carries (H09); the unique index has the last word."""
    practice = mode.is_practice(session)
    drawn: set[str] = set()
    while len(drawn) < number:
        more = {codes.draw("A", practice=practice) for _each in range(number - len(drawn))}
        drawn |= more - set(session.scalars(select(Place.code).where(Place.code.in_(more))))
    return sorted(drawn)


def slots_of(session: Session, place_id: UUID) -> list[tuple[Place, Item | None]]:
    """The slots of a box with what stands in each, row by row."""
    found = session.execute(
        select(Place, Item)
        .outerjoin(Item, Item.slot_id == Place.id)
        .where(Place.parent_id == place_id, Place.one_item, Place.position.is_not(None))
    )
    return sorted(
        ((row[0], row[1]) for row in found),
        key=lambda each: _row_and_column(each[0]),
    )


def _row_and_column(slot: Place) -> tuple[str, int]:
    position = slot.position or "A0"
    return position[0], int(position[1:])


@requires(may.MOVE)
def put(
    actor: Actor, *, code: str, to: str, position: str = "", kind: str | None = None
) -> places.Moved:
    """Move an item to a place; in a box with slots, to the slot named or else to the first free.

    Args:
        kind: of the place, where the caller has read it; a place never changes its kind.

    Raises:
        NoFreeSlot: the box has no such slot, or none is free.
        SlotTaken: another item stands in the slot named.
    """
    with db.transaction() as session:
        if not position and (kind or places.kind_of(session, to)) != "box":
            return places.move(actor, code=code, to=to)
        find(session, code, lock=True)
        place = places.place_by_code(session, to)
        slots = slots_of(session, place.id) if place.kind == "box" else []
        if not slots:
            if position:
                raise storage.NoFreeSlot(
                    _("%(place)s has no slots; leave the position empty.", place=place.name),
                    field="position",
                )
            return places.move(actor, code=code, to=place.code)
        # Whoever looks for a free slot of the same box waits here until it is booked.
        db.locked(session, select(Place).where(Place.id == place.id))
        slots = slots_of(session, place.id)
        wanted = position.strip().upper()
        chosen = next(
            (slot for slot, item in slots if (slot.position == wanted if wanted else item is None)),
            None,
        )
        if chosen is None:
            raise storage.NoFreeSlot(
                _(
                    "%(place)s has no slot %(position)s; its slots go from %(first)s to %(last)s.",
                    place=place.name,
                    position=wanted,
                    first=slots[0][0].position,
                    last=slots[-1][0].position,
                )
                if wanted
                else _("%(place)s has no free slot. Choose another box.", place=place.name),
                field="position" if wanted else "to",
            )
        return places.move(actor, code=code, to=chosen.code)


@requires(may.PLACE)
def move_place(actor: Actor, *, code: str, to: str) -> Place:
    """Put a place (a box, a rack) into another; what stands in it goes with it.

    Raises:
        PlaceInItself: the other lies in it.
        NotEmptied: it would come from a freezer into the warm or back, with things in it.
    """
    with db.transaction() as session:
        moved = places.place_by_code(session, code, "code")
        around = places.place_by_code(session, to)
        lay(session, moved, around)
        ledger.record(
            actor, areas.stream(moved.code), "custody.place-moved", {"to": around.code},
            rows=[moved],
        )  # fmt: skip
        return moved


def lay(session: Session, moved: Place, around: Place | None) -> None:
    """Let a place lie in another, or in none; the caller writes the entry.

    Raises:
        PlaceInItself, NotEmptied: as `move_place`.
    """
    # Two such moves that could close a ring share a row here, so the second sees the first.
    above = areas.path_of(session, around.id if around else None)
    both = {*areas.within(session, moved.id), *(each.id for each in above)}
    for each in sorted(both, key=str):
        db.locked(session, select(Place).where(Place.id == each))
    if around is None:
        moved.parent_id = None
        return
    inside = areas.within(session, moved.id)
    if around.id in inside:
        raise PlaceInItself(
            _(
                "%(inner)s lies in %(outer)s already, so %(outer)s cannot lie in it.",
                inner=around.name,
                outer=moved.name,
            ),
            field="to",
        )
    _require_same_class(session, moved, around, inside)
    moved.parent_id = around.id


def _require_same_class(session: Session, moved: Place, around: Place, inside: list[UUID]) -> None:
    frozen = moved.temperature_class in FROZEN
    if frozen is (around.temperature_class in FROZEN):
        return
    standing = session.scalar(
        select(Item.code).where(Item.place_id.in_(inside), Item.state.not_in(FINAL)).limit(1)
    )
    if standing is not None:
        raise NotEmptied(
            _(
                "Things stand in %(place)s, such as %(code)s, and each has a clock of its own. "
                "Scan them out one by one first.",
                place=moved.name,
                code=codes.grouped(standing),
            ),
            field="to",
        )
    raise NotEmptied(
        _(
            "%(place)s is a place of %(class)s; make another for %(other)s.",
            place=moved.name,
            other=around.temperature_class,
            **{"class": moved.temperature_class},
        ),
        field="to",
    )
