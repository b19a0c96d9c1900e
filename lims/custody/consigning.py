"""The label of a shipment: a code of its own for one way, apart from the one of its box.

A box keeps its label for as long as it lasts and travels many times; the label of a shipment is
for one way. Whoever scans it comes to that way, and receives the box by it while it is on that way.
So printing it never cancels the label of the box, and one that was left on a box tells of a way
that is over instead of opening the next.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import labels, ledger, people
from lims.core import clock, codes, db, mode, numbers
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text
from lims.core.words import Text as _
from lims.custody import areas, queries, telling, ways
from lims.custody import permissions as may
from lims.custody.errors import NotTravelling, ShipmentUnknown
from lims.custody.excursions import band_of
from lims.custody.models import Item, Place, Shipment
from lims.custody.place_kinds import temperature_name
from lims.custody.rules import KIND_NAMES

TEMPLATE = "shipment_100x150"
LETTER = "T"
# Proper shipping names, which are said in English on every way.
MATERIALS: Mapping[str, str] = {
    "un3373": "UN 3373 BIOLOGICAL SUBSTANCE, CATEGORY B",
    "exempt": "EXEMPT HUMAN SPECIMEN",
    "none": "",
}
_LOOKED_AT = 20  # earlier ways, for what a form holds at first

Hazard = Callable[[Session, Collection[UUID]], bool]
_hazards: list[Hazard] = []


def hazardous_if(found: Hazard) -> Hazard:
    """Ask this of the donors of what is sent; where one says yes, the label warns of it."""
    _hazards.append(found)
    return found


def give_code(session: Session, shipment: Shipment) -> None:
    """Give a shipment its code."""
    session.add(shipment)
    session.flush()

    def coded(code: str) -> Shipment:
        shipment.code = code
        return shipment

    mode.with_code(session, LETTER, coded)


def shipment_of(session: Session, text: str, field: str | None = "code") -> Shipment:
    """The shipment that a label names.

    Raises:
        ShipmentUnknown: none carries this code.
        OldLabel: a label in whose place another was printed.
    """
    scanned = codes.expect(text, LETTER, field)
    mode.admit(session, scanned)
    labels.check_copy(session, scanned)
    found = session.scalar(select(Shipment).where(Shipment.code == scanned.code))
    if found is None:
        raise ShipmentUnknown(
            _(
                "No shipment carries the code %(code)s. Scan the label of the box itself.",
                code=codes.grouped(scanned.code),
            ),
            field=field,
        )
    return found


def box_of(session: Session, text: str) -> str:
    """The code of the box that a box's label names, or the label of the way it is on now.

    Raises:
        NotTravelling: the label is of a way that is over.
    """
    if codes.expect(text, "A" + LETTER, "code").letter != LETTER:
        return text
    shipment = shipment_of(session, text)
    box = queries.place(session, shipment.place_id)
    assert box is not None  # noqa: S101 - a foreign key
    if shipment.received_at is not None:
        raise NotTravelling(
            _(
                "The label %(code)s is of a shipment that was received at %(time)s. Take it off "
                "the box, and scan the box itself or its newest shipment's label.",
                code=codes.grouped(shipment.code or ""),
                time=telling.Moment(shipment.received_at),
            ),
            field="code",
            why=telling.last_act(session, areas.stream(box.code)),
        )
    return box.code


@requires(may.SHIP)
def label_shipment(
    actor: Actor,
    *,
    shipment_id: UUID,
    sender: str,
    recipient: str,
    contact: str,
    material: str,
    dry_ice_kg: Decimal | None = None,
    seal: str = "",
    reason: str = "",
    printer: str | None = None,
) -> Shipment:
    """Print the label of a shipment that is on its way; an older label of it dies.

    Args:
        sender, recipient: name and address, as a carrier reads them.
        contact: whom to call at any hour.
        material: a key of `MATERIALS`, as the sender declares it.
        dry_ice_kg: how much dry ice lies in it, which its outside must say.
        reason: why another label is needed, once it has one.

    Raises:
        NotTravelling: it was received.
        DoesNotFit: a text has no room.
    """
    if material not in MATERIALS:
        raise BadInput(
            _("A material is one of %(list)s.", list=", ".join(MATERIALS)), field="material"
        )
    with db.transaction() as session:
        shipment = ways.shipment_by_id(session, shipment_id, lock=True)
        box = queries.place(session, shipment.place_id)
        assert box is not None  # noqa: S101 - a foreign key
        if shipment.received_at is not None:
            raise NotTravelling(
                _(
                    "%(place)s was received, so this shipment needs no label any more.",
                    place=box.name,
                ),
                why=telling.last_act(session, areas.stream(box.code)),
            )
        if shipment.code is None:  # sent before shipments had codes
            give_code(session, shipment)
            ledger.record(
                actor,
                areas.stream(box.code),
                "custody.shipment-coded",
                {"code": shipment.code},
                rows=[shipment],
            )
        items = ways.manifest(session, shipment)
        labels.request(
            actor,
            template=TEMPLATE,
            code=shipment.code or "",
            fields={
                "sender": sender,
                "recipient": recipient,
                "contact": contact,
                "content": _content(items),
                "storage": _storage(box),
                "due": clock.printed(shipment.due_at),
                "regulation": _declared(material, dry_ice_kg),
                "number": _("Seal %(seal)s", seal=seal.strip()) if seal.strip() else "",
                "frozen": "yes" if _is_cold(box) else "no",
                "biohazard": "yes" if _is_hazard(session, items) else "no",
            },
            reason=reason,
            printer=printer,
        )
        return shipment


def _content(items: Sequence[Item]) -> Text:
    """What is in it by kind, or by count alone where the kinds have no room; never whose it is."""
    counted = Counter(item.kind for item in items)
    places = ", ".join(f"%(k{at})s × %(n{at})s" for at in range(len(counted)))
    named: dict[str, object] = {}
    for at, (kind, number) in enumerate(sorted(counted.items())):
        named |= {f"k{at}": KIND_NAMES[kind], f"n{at}": number}
    said = _(
        "%(things)s; human material for a clinical trial, of no commercial value",
        things=Text(places, **named),
    )
    if labels.has_room(TEMPLATE, "content", said):
        return said
    return _(
        "Things: %(count)s; human material for a clinical trial, of no commercial value",
        count=len(items),
    )


def _storage(box: Place) -> str | Text:
    """The temperatures of the box as its label says them: `≤ -70 °C`, `2-8 °C`."""
    band = band_of(box.temperature_class)
    if band is None:
        return temperature_name(box.temperature_class)
    high = numbers.plain(band.high if band.soft_high is None else band.soft_high)
    return f"≤ {high} °C" if band.low is None else f"{numbers.plain(band.low)}-{high} °C"


def _is_cold(box: Place) -> bool:
    band = band_of(box.temperature_class)
    return band is not None and band.high < 0


def _is_hazard(session: Session, items: Sequence[Item]) -> bool:
    donors = {item.donor_id for item in items if item.donor_id is not None}
    return bool(donors) and any(found(session, donors) for found in _hazards)


def _declared(material: str, dry_ice_kg: Decimal | None) -> str:
    declared = [MATERIALS[material]] if MATERIALS[material] else []
    if dry_ice_kg is not None:
        declared.append(f"UN 1845 DRY ICE {numbers.plain(dry_ice_kg)} kg")
    return "; ".join(declared)


def facts_of(session: Session, row: Shipment) -> list[tuple[Any, Any]]:
    """What is said of a shipment wherever it is shown, before its temperature record."""
    box, target = (queries.place(session, each) for each in (row.place_id, row.to_place_id))
    assert box is not None and target is not None  # noqa: S101, PT018 - foreign keys
    rows: list[tuple[Any, Any]] = [
        (_("Transport box"), f"{box.name} {codes.grouped(box.code)}"),
        (_("Temperature"), temperature_name(box.temperature_class)),
        (_("Where to"), target.name),
        (_("Sent by"), said_by(session, row.sent_by, row.sent_at)),
    ]
    if row.code is not None:
        rows.insert(0, (_("Shipment"), codes.grouped(row.code)))
    if row.received_at is None:
        return [*rows, (_("To be received by"), row.due_at)]
    return [*rows, (_("Received by"), said_by(session, row.received_by, row.received_at))]


def said_by(session: Session, person: UUID | None, at: datetime) -> Text:
    """Who did it, and when."""
    if person is None:
        return _("nobody")
    return _("%(name)s at %(time)s", name=people.name_of(session, person), time=telling.Moment(at))


def is_of(shipment: Shipment, text: str) -> bool:
    """Whether what was scanned is this shipment's label, where it is a shipment's at all."""
    scanned = codes.parse(text)
    return scanned.letter != LETTER or scanned.code == shipment.code


def first_words(session: Session, shipment: Shipment) -> dict[str, str]:
    """What the form of a label holds at first.

    What was printed last on this way or on the newest earlier ones, the recipient only of a way to
    the same place; otherwise the places by their names.
    """
    box, to = (queries.place(session, each) for each in (shipment.place_id, shipment.to_place_id))
    assert box is not None and to is not None  # noqa: S101, PT018 - foreign keys
    said = {
        "sender": _path(session, box.parent_id),
        "recipient": _path(session, to.id),
        "contact": "",
    }
    found: dict[str, str] = {}
    for each in [shipment, *_earlier(session, shipment)]:
        asked = labels.newest_request(session, each.code) if each.code else None
        if asked is None or asked.template != TEMPLATE:
            continue
        same = each.to_place_id == shipment.to_place_id
        for name in ("sender", "contact", *(["recipient"] if same else [])):
            found.setdefault(name, asked.fields[name])
        if len(found) == len(said):
            break
    return said | found


def _earlier(session: Session, shipment: Shipment) -> list[Shipment]:
    return list(
        session.scalars(
            select(Shipment)
            .where(Shipment.code.is_not(None), Shipment.id != shipment.id)
            .order_by(Shipment.sent_at.desc())
            .limit(_LOOKED_AT)
        )
    )


def _path(session: Session, place_id: UUID | None) -> str:
    """A place and what it stands in, the innermost first, as an address is read."""
    return ", ".join(each.name for each in reversed(areas.path_of(session, place_id)))[:200]
