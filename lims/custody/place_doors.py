"""The doors of places: making them, their boxes and slots, counting them, clearing work areas."""

from collections.abc import Sequence
from typing import Any

from lims.core import codes, db
from lims.core.permissions import PEOPLE, Actor, requires
from lims.core.words import Text as _
from lims.custody import (
    areas,
    boxes,
    clearance,
    consigning,
    counting,
    places,
    queries,
    shipment_doors,
    shipment_schemas,
    shipping,
    transit,
)
from lims.custody import permissions as may
from lims.custody import schemas as of
from lims.custody.loggers import Brought
from lims.custody.models import Opening, Place
from lims.custody.place_kinds import temperature_name
from lims.custody.rules import RecordState
from lims.web import nav
from lims.web.doors import Doors


@requires(may.PLACE)
def make_place(actor: Actor, **given: Any) -> dict[str, Any]:
    """Make a place."""
    place: Place = places.make_place(actor, **given)
    return {"code": place.code, "name": place.name}


@requires(may.PLACE)
def make_box(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Make a box with its slots in this place."""
    box = boxes.make_box(actor, parent=code, **given)
    return {"code": box.code, "name": box.name}


@requires(may.PLACE)
def move_place(actor: Actor, *, code: str, to: str) -> dict[str, Any]:
    """Put this place into another."""
    place = boxes.move_place(actor, code=code, to=to)
    return {"code": place.code, "name": place.name}


@requires(may.MOVE)
def count(actor: Actor, *, code: str, seen: Sequence[str]) -> dict[str, Any]:
    """Count what stands here."""
    return vars(counting.count(actor, code=code, seen=seen))


@requires(may.CLEAR)
def ask_clearance(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Say that a work area is empty and clean."""
    clearance.ask_clearance(actor, code=code, **given)
    return {"code": code, "state": "asked"}


@requires(may.CLEAR)
def clear(actor: Actor, *, code: str, password: str) -> dict[str, Any]:
    """Sign as the second person."""
    clearance.clear(actor, code=code, password=password)
    return {"code": code, "state": "clear"}


@requires(may.SHIP)
def dispatch(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Sign this box off."""
    shipment = shipping.dispatch(actor, code=code, **given)
    return {"code": code, "shipment": str(shipment.id), "label": shipment.code,
            "due_at": shipment.due_at}  # fmt: skip


@requires(may.SHIP)
def receive(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Count this box in."""
    brought = {name: given.pop(name, "") for name in ("zone", "unit", "channel")}
    file = given.pop("file", None)
    logger = Brought(file[0], file[1], **brought) if file else None
    received = shipping.receive(actor, code=code, logger=logger, **given)
    return {
        **vars(received),
        "shipment": str(received.shipment),
        "temperature": received.temperature.value,
    }


def about_place(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """Which place it is, and how it stands as a work area."""
    with db.reading() as session:
        place = places.place_by_code(session, consigning.box_of(session, code), "code")
        around = queries.place(session, place.parent_id)
        rows: list[tuple[Any, Any]] = [(_("Place"), place.name)]
        if around is not None:
            rows.append((_("Inside of"), around.name))
        rows.append((_("Temperature"), temperature_name(place.temperature_class)))
        return rows + shipping.place_facts(session, place)


def _opening(place: Place) -> Opening | None:
    with db.reading() as session:
        return areas.opening_of(session, place.id)


def _is_open(place: Place) -> bool:
    return _opening(place) is not None


def _is_asked(place: Place) -> bool:
    opening = _opening(place)
    return opening is not None and opening.asked_at is not None


def _travels(place: Place) -> bool:
    with db.reading() as session:
        return transit.open_shipment(session, place.id) is not None


def _may_travel(place: Place) -> bool:
    return place.kind == transit.TRANSPORT and not _travels(place)


def _came(answer: dict[str, Any]) -> _:
    return _(
        "Received: %(received)s; damaged: %(damaged)s; missing: %(missing)s; "
        "not on the manifest: %(foreign)s; temperature record: %(temperature)s",
        received=len(answer["received"]),
        temperature=shipment_doors.STATES[RecordState(answer["temperature"])],
        **{
            name: ", ".join(codes.grouped(each) for each in answer[name]) or "0"
            for name in ("damaged", "missing", "foreign")
        },
    )


def _holds_boxes(place: Place) -> bool:
    return not place.one_item and place.kind not in ("box", "slot")


def _is_movable(place: Place) -> bool:
    return place.kind in ("rack", "box", "shelf", "transport")


def _at_place(answer: dict[str, Any]) -> str:
    return f"/places/{answer['code']}"


def counted(answer: dict[str, Any]) -> _:
    """What a count came to, in one sentence."""
    return _(
        "%(matched)s as expected; missing: %(missing)s; not expected: %(unexpected)s; "
        "unknown: %(not_known)s",
        matched=len(answer["matched"]),
        **{
            name: ", ".join(codes.grouped(each) for each in answer[name]) or "0"
            for name in ("missing", "unexpected", "not_known")
        },
    )


def _made(answer: dict[str, Any]) -> _:
    return _("Made: %(name)s, %(code)s", name=answer["name"], code=codes.grouped(answer["code"]))


def declare(doors: Doors) -> None:
    """Declare the acts that are done to places."""
    nav.add(_("Make a place"), "/places", may.PLACE.granted_to & PEOPLE, order=70)
    doors.act(
        "/places",
        make_place,
        takes=of.PlaceIn,
        gives=of.PlaceOut,
        name="make-place",
        title=_("Make a place"),
        intro=_("A label is printed; put it where scanners reach it."),
        after=_at_place,
        said=_made,
    )
    doors.act(
        "/places/<code>/counts",
        count,
        takes=of.CountIn,
        gives=of.CountOut,
        name="count",
        title=_("Count what stands here"),
        intro=_("Scan everything that is here, also in boxes. Nothing is moved by it."),
        on="A",
        about=about_place,
        after=lambda answer: f"/places/{answer['place']}",
        said=counted,
        order=10,
    )
    doors.act(
        "/places/<code>/clearing",
        ask_clearance,
        takes=of.ClearingIn,
        gives=of.AreaOut,
        name="ask-clearance",
        title=_("Say it is empty and clean"),
        intro=_("Then another person looks and signs; until then no other donor's item may come."),
        on="A",
        about=about_place,
        after=_at_place,
        order=4,
        fits=_is_open,
    )
    doors.act(
        "/places/<code>/clearance",
        clear,
        takes=of.SignIn,
        gives=of.AreaOut,
        name="clear",
        title=_("Sign the line clearance"),
        intro=_("Look for yourself: nothing lies there, no label, no waste."),
        on="A",
        about=about_place,
        after=_at_place,
        order=2,
        fits=_is_asked,
    )
    doors.act(
        "/places/<code>/boxes",
        make_box,
        takes=of.BoxIn,
        gives=of.PlaceOut,
        name="make-box",
        title=_("Make a box with slots in it"),
        intro=_("A label is printed for the box; its slots are called A1, A2 and so on."),
        on="A",
        about=about_place,
        after=_at_place,
        said=_made,
        order=30,
        fits=_holds_boxes,
    )
    doors.act(
        "/places/<code>/place-moves",
        move_place,
        takes=of.PlaceMoveIn,
        gives=of.PlaceOut,
        name="move-place",
        title=_("Put it into another place"),
        intro=_("Everything in it goes with it."),
        on="A",
        about=about_place,
        after=_at_place,
        order=32,
        fits=_is_movable,
    )
    doors.act(
        "/places/<code>/dispatch",
        dispatch,
        takes=shipment_schemas.DispatchIn,
        gives=shipment_schemas.DispatchOut,
        name="dispatch",
        title=_("Send this box"),
        intro=_("What stands in it now is its manifest. You answer for it until it is received."),
        on="A",
        about=about_place,
        after=lambda answer: f"/shipments/{answer['shipment']}",
        said=lambda _answer: _("It is on its way; print the label of this shipment now."),
        order=6,
        fits=_may_travel,
    )
    doors.act(
        "/places/<code>/receipt",
        receive,
        takes=shipment_schemas.ShipmentIn,
        gives=shipment_schemas.ShipmentOut,
        name="receive-shipment",
        title=_("Receive this box"),
        intro=_("Scan everything that is in it, damaged or not, and read its temperature logger."),
        on="A",
        letters={"code": "A" + consigning.LETTER},
        about=about_place,
        after=lambda answer: f"/shipments/{answer['shipment']}",
        said=_came,
        order=5,
        fits=_travels,
    )
