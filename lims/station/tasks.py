"""The eight tasks of a practice system: what is done, with what, and how it is seen to be done.

Codes are chosen afresh from what is there, so that a task can be done again and by the next person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, dosing, labels, people, studies
from lims.core import clock, codes
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State
from lims.station import cards, orders

BATCH_OF = 3


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        how: what to do, in the order of doing it.
        wants: names of what it is done with, in the order of scanning.
        url: where it is done.
    """

    id: str
    title: _
    how: _
    wants: tuple[str, ...]
    url: str = "/station"


TASKS = (
    Task(
        "move",
        _("Move a vial"),
        _("Scan the vial, then the box. It goes into the next free slot."),
        ("vial", "box"),
    ),
    Task(
        "undo",
        _("Undo"),
        _("Scan the same vial and another place, then UNDO. It stands where it stood before."),
        ("vial", "shelf", "UNDO"),
    ),
    Task(
        "batch",
        _("Move many vials at once"),
        _("Scan BATCH, the box, three vials, then DONE."),
        ("BATCH", "box", "second", "third", "fourth", "DONE"),
    ),
    Task(
        "look",
        _("Find out what something is, and touch nothing"),
        _("Scan LOOK, then the vial: it is shown, and nothing is recorded. DONE ends looking."),
        ("LOOK", "second", "DONE"),
    ),
    Task(
        "label",
        _("Scan a label back after sticking it on"),
        _("Scan the whole symbol of the vial, then VERIFY. It says which copy sticks there."),
        ("label", "VERIFY"),
    ),
    Task(
        "expired",
        _("Be warned of an expired vial"),
        _("Scan the vial. It has expired, and you are told before anything happens to it."),
        ("expired",),
    ),
    Task(
        "hand-over",
        _("Hand a vial over to a colleague"),
        _("Open the page of the vial, choose to hand it over, and scan your colleague's badge."),
        ("third", "badge"),
        "/items/",
    ),
    Task(
        "bedside",
        _("Be stopped from giving a dose to the wrong woman"),
        _(
            "At the bedside, scan the wristband, compare her name and birth date, then scan the "
            "dose of another woman. It must stop."
        ),
        ("band", "dose"),
        "/bedside",
    ),
)

NAMES: Mapping[str, _] = {
    "vial": _("vial"),
    "second": _("vial"),
    "third": _("vial"),
    "fourth": _("vial"),
    "label": _("symbol of the vial"),
    "box": _("box"),
    "shelf": _("another place"),
    "expired": _("expired vial"),
    "badge": _("badge of a colleague"),
    "band": _("wristband"),
    "dose": _("dose of another woman"),
    **{name: order.title for name, order in orders.ORDERS.items()},
}


def material(session: Session, practising: str = "") -> dict[str, str]:
    """What the tasks are done with now, by name; what is not there is left out.

    Args:
        practising: name of whoever does them; her colleague is another.
    """
    found = {name: orders.code_of(name, practice=True) for name in orders.ORDERS}
    vials = [each for each in _in_boxes(session) if not _expired(each)]
    for name, vial in zip(("vial", "second", "third", "fourth"), vials, strict=False):
        found[name] = vial.code
    if vials:
        found["label"] = labels.live_symbol(session, vials[0].code)
    expired = next((each for each in _in_boxes(session) if _expired(each)), None)
    if expired is not None:
        found["expired"] = expired.code
    for name, kind in (("box", "box"), ("shelf", "shelf")):
        place = session.scalar(
            select(Place.code).where(Place.kind == kind).order_by(Place.name.desc()).limit(1)
        )
        if place is not None:
            found[name] = place
    found |= _at_the_bed(session)
    for user in people.users(session):
        if user["name"] != practising and "technician" in user["roles"] and user["badge"]:
            found.setdefault("badge", user["badge"])
    return found


def _in_boxes(session: Session) -> list[Item]:
    """Vials that may be touched: in a slot, held by nothing, offered to nobody."""
    found = session.scalars(
        select(Item)
        .join(Place, Place.id == Item.place_id)
        .where(
            Item.kind == ItemKind.DOSE,
            Item.state == State.AVAILABLE,
            Place.kind == "slot",
        )
        .order_by(Item.name, Item.code)
    ).all()
    held = {each.item_id for each in custody.holds(session, [each.id for each in found])}
    return [
        each
        for each in found
        if each.id not in held and custody.open_offer(session, each.id) is None
    ]


def _expired(item: Item) -> bool:
    return item.expires_at is not None and item.expires_at <= clock.now()


def _at_the_bed(session: Session) -> dict[str, str]:
    """A dose that is out for one woman, and the band of another."""
    out = dosing.unconfirmed(session)
    if not out:
        return {}
    dose, meant = out[-1]
    for study in studies.studies(session):
        for her in studies.subjects(session, study.id):
            band = studies.live_band(session, her.id)
            if her.id != meant.subject_id and band is not None:
                return {
                    "dose": labels.live_symbol(session, dose.code),
                    "band": labels.live_symbol(session, band.code),
                }
    return {}


def about(session: Session, text: str) -> Item | None:
    """The item that a scanned text names; None where it names none."""
    if not codes.valid(text) or codes.parse(text).letter not in cards.ITEMS:
        return None
    try:
        return custody.find(session, codes.parse(text).code)
    except custody.ItemUnknown:
        return None
