"""What a scanned code is: its kind, a few lines about it, and what can be done next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from lims import custody, dosing, labels, people, studies
from lims.core import codes, db, isbt128, mode
from lims.core import scanned as scanned_text
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, STATE_NAMES, Item, Place, Shipment
from lims.custody.permissions import READ
from lims.web.doors import ACTS, acts_for

ITEMS = frozenset("SCLVQK")


class NothingKnown(NotFound):
    """A well-formed code that nothing here carries."""

    code = "code_unknown"


def next_for(
    letter: str, state: str | None, actor: Actor, thing: Any = None, **path: Any
) -> list[dict[str, Any]]:
    """The next acts as a scan answers them."""
    return [
        {"name": f"{act.feature}.{act.name}", "title": act.title, "url": act.url(**path)}
        for act in acts_for(letter, state, actor, thing)
    ]


@dataclass(frozen=True)
class Known:
    """What a scanned code is.

    Attributes:
        kind: of an item its kind, else `place`, `shipment`, `pack`, `wristband`, `badge`, `gs1`,
            `isbt128`, `supplier`.
        code: nine characters; what a supplier printed is its own text.
        copy: None when typed.
        url: of its page; None for what a supplier printed.
        thing: the item, the place or the shipment itself.
        told: asks for the card.
    """

    kind: str
    code: str
    copy: int | None = None
    url: str | None = None
    thing: Item | Place | Shipment | None = None
    told: Callable[[], Sequence[tuple[Any, Any]]] = tuple

    @cached_property
    def card(self) -> Sequence[tuple[Any, Any]]:
        """Label and value; asked for only where somebody will see it, while its session is open."""
        return self.told()


@requires(READ)
def scanned(actor: Actor, *, code: str, station: str = "") -> dict[str, Any]:
    """What was scanned; nothing is recorded.

    Args:
        station: where, as the device says; it changes nothing and is for the device's own log.

    Returns:
        `kind`, `code`, `copy` (None when typed), `card`, `next`, `url`. What a supplier printed
        has the kind `gs1` or `supplier`, its own text as `code`, and no `url`.

    Raises:
        BadInput: damaged.
        NotFound: nothing carries it.
        OldLabel: a cancelled copy.
    """
    with db.reading() as session:
        found = known(session, code, actor)
        return {
            "kind": found.kind,
            "code": found.code,
            "copy": found.copy,
            "card": [{"label": label, "value": value} for label, value in found.card],
            "next": _next(found, actor),
            "url": found.url,
        }


def known(session: Session, text: str, reader: Actor) -> Known:
    """What a scanned or typed text is; for who has asked whether the reader may know.

    Raises:
        BadInput, NotFound, OldLabel: as `scanned` says.
    """
    read = scanned_text.tell(text, "code")
    if not isinstance(read, codes.Scanned):
        mode.admit_number(session, read.text)
        return _foreign(read)
    mode.admit(session, read)
    kind = "S" if read.letter in ITEMS else read.letter
    if kind not in _OURS:
        raise nothing_known(codes.grouped(read.code))
    return _OURS[kind](session, read, reader)


def _item(session: Session, read: codes.Scanned, reader: Actor) -> Known:
    labels.check_copy(session, read)
    item = custody.find(session, read.code, field="code")
    url = f"/items/{quote(item.code)}"
    return Known(
        item.kind.value, read.code, read.copy, url, item, lambda: card_of(session, item, reader)
    )


def _shipment(session: Session, read: codes.Scanned, _reader: Actor) -> Known:
    labels.check_copy(session, read)
    shipment = custody.shipment_of(session, read.code)
    url = f"/shipments/{shipment.id}"
    return Known(
        "shipment", read.code, read.copy, url, shipment,
        lambda: custody.shipment_facts(session, shipment),
    )  # fmt: skip


def _pack(session: Session, read: codes.Scanned, _reader: Actor) -> Known:
    labels.check_copy(session, read)
    packed = dosing.pack_by_code(session, read.code)

    def card() -> list[tuple[Any, Any]]:
        return [
            (_("What to do"), _("Take the vial out and scan the vial itself.")),
            (_("Dose"), codes.grouped(packed.item.code)),
            (_("State"), STATE_NAMES[packed.item.state]),
            (_("Participant"), packed.subject.number),
        ]

    return Known("pack", read.code, read.copy, f"/items/{quote(packed.item.code)}", told=card)


def _band(_session: Session, read: codes.Scanned, _reader: Actor) -> Known:
    return _stop(read, "wristband", "/bedside", _("Wristbands are for the bedside page."))


def _badge(session: Session, read: codes.Scanned, _reader: Actor) -> Known:
    people.by_badge(session, read.code)
    said = _("Sign in with this badge and its PIN, or scan it in a form.")
    return _stop(read, "badge", "/sign-in", said)


def _stop(read: codes.Scanned, kind: str, url: str, said: _) -> Known:
    return Known(kind, read.code, read.copy, url, told=lambda: [(_("What to do"), said)])


def _next(found: Known, actor: Actor) -> list[dict[str, Any]]:
    if found.thing is None:
        return []
    if isinstance(found.thing, Shipment):
        return steps_of(found.thing, found.code, actor)
    state = found.thing.state.value if isinstance(found.thing, Item) else None
    return next_for(found.code[0], state, actor, found.thing, code=found.thing.code)


def steps_of(shipment: Shipment, code: str, actor: Actor) -> list[dict[str, Any]]:
    """What can be done next with a shipment; on its way its box is received by its own label."""
    steps = next_for("shipment", None, actor, shipment, shipment_id=shipment.id)
    receive = ACTS["custody", "receive-shipment"]
    if shipment.received_at is None and receive.allowed(actor):
        name = f"{receive.feature}.{receive.name}"
        steps.insert(0, {"name": name, "title": receive.title, "url": receive.url(code=code)})
    return steps


def nothing_known(code: str) -> NothingKnown:
    """The refusal of a code that nothing here carries."""
    return NothingKnown(
        _(
            "Nothing here carries the code %(code)s. Scan the label again, or set the thing aside.",
            code=code,
        ),
        field="code",
    )


def _foreign(read: scanned_text.Gs1 | isbt128.Isbt128 | scanned_text.Supplier) -> Known:
    if isinstance(read, scanned_text.Supplier):
        return Known("supplier", read.text)
    if isinstance(read, isbt128.Isbt128):
        structures = [(f"{each.number} {each.name}", each.value) for each in read.structures]
        return Known("isbt128", read.text, told=lambda: structures)
    elements = [(f"({each.ai}) {each.title}", each.day or each.value) for each in read.elements]
    return Known("gs1", read.text, told=lambda: elements)


def card_of(session: Session, item: Item, reader: Actor) -> list[tuple[Any, Any]]:
    """Identity, state, place, holder and expiry of an item, as shown to `reader`."""
    place = custody.place(session, item.place_id)
    donor = studies.subject(session, item.donor_id).number if item.donor_id else None
    holder = reader.name if item.holder_id == reader.person else None
    if holder is None and item.holder_id:
        holder = people.name_of(session, item.holder_id)
    shown: list[tuple[Any, Any]] = [
        (_("What"), KIND_NAMES[item.kind]),
        (_("State"), STATE_NAMES[item.state]),
        (_("Name"), item.name),
        (_("Place"), place.name if place else None),
        (_("Held by"), holder),
        (_("Donor"), donor),
        (_("Expires"), item.expires_at),
    ]
    return [(label, value) for label, value in shown if value is not None]


def _place(session: Session, read: codes.Scanned, _reader: Actor) -> Known:
    place = custody.place_by_code(session, read.code, "code")

    def card() -> list[tuple[Any, Any]]:
        return [
            (_("Place"), place.name),
            (_("Temperature"), custody.temperature_name(place.temperature_class)),
            *custody.monitoring.said.now_facts(session, place),
            (_("Items here"), custody.how_many_at(session, place.id)),
            *custody.place_facts(session, place),
        ]

    return Known("place", read.code, read.copy, f"/places/{quote(place.code)}", place, card)


_OURS: Mapping[str, Callable[[Session, codes.Scanned, Actor], Known]] = {
    "S": _item,
    "A": _place,
    "T": _shipment,
    "B": _pack,
    "W": _band,
    "P": _badge,
}
