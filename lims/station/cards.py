"""What a scanned code is: its kind, a few lines about it, and what can be done next."""

from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from lims import custody, labels, people, studies
from lims.core import codes, db, isbt128, mode
from lims.core import scanned as scanned_text
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, STATE_NAMES, Item
from lims.custody.permissions import READ
from lims.web.doors import acts_for

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
    read = scanned_text.tell(code, "code")
    if not isinstance(read, codes.Scanned):
        with db.reading() as session:
            mode.admit_number(session, read.text)
        return _foreign(read)
    with db.reading() as session:
        mode.admit(session, read)
        if read.letter in ITEMS:
            labels.check_copy(session, read)
            return _item(session, actor, read)
        if read.letter == "A":
            return _place(session, actor, read)
        if read.letter == "W":
            return _answer(
                read,
                "wristband",
                [(_("What to do"), _("Wristbands are for the bedside page."))],
                "/bedside",
            )
        if read.letter == "P":
            people.by_badge(session, read.code)
            return _answer(
                read,
                "badge",
                [
                    (
                        _("What to do"),
                        _("Sign in with this badge and its PIN, or scan it in a form."),
                    )
                ],
                "/sign-in",
            )
    raise nothing_known(codes.grouped(read.code))


def nothing_known(code: str) -> NothingKnown:
    """The refusal of a code that nothing here carries."""
    return NothingKnown(
        _(
            "Nothing here carries the code %(code)s. Scan the label again, or set the thing aside.",
            code=code,
        ),
        field="code",
    )


def _foreign(
    read: scanned_text.Gs1 | isbt128.Isbt128 | scanned_text.Supplier,
) -> dict[str, Any]:
    card: list[dict[str, Any]] = []
    if isinstance(read, scanned_text.Supplier):
        kind, text = "supplier", read.text
    elif isinstance(read, isbt128.Isbt128):
        kind, text = "isbt128", read.text
        card = [
            {"label": f"{each.number} {each.name}", "value": each.value} for each in read.structures
        ]
    else:
        kind, text = "gs1", read.text
        card = [
            {"label": f"({each.ai}) {each.title}", "value": each.day or each.value}
            for each in read.elements
        ]
    return {"kind": kind, "code": text, "copy": None, "card": card, "next": [], "url": None}


def _answer(
    read: codes.Scanned, kind: str, card: list[tuple[Any, Any]], url: str, next_: Any = ()
) -> dict[str, Any]:
    return {
        "kind": kind,
        "code": read.code,
        "copy": read.copy,
        "card": [{"label": label, "value": value} for label, value in card],
        "next": list(next_),
        "url": url,
    }


def card_of(session: Session, item: Item) -> list[tuple[Any, Any]]:
    """Identity, state, place, holder and expiry of an item."""
    place = custody.place(session, item.place_id)
    donor = studies.subject(session, item.donor_id).number if item.donor_id else None
    holder = people.name_of(session, item.holder_id) if item.holder_id else None
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


def _item(session: Session, actor: Actor, read: codes.Scanned) -> dict[str, Any]:
    item = custody.find(session, read.code, field="code")
    return _answer(
        read,
        item.kind.value,
        card_of(session, item),
        f"/items/{quote(item.code)}",
        next_for(read.letter, item.state.value, actor, item, code=item.code),
    )


def _place(session: Session, actor: Actor, read: codes.Scanned) -> dict[str, Any]:
    place = custody.place_by_code(session, read.code, "code")
    standing = custody.items_at(session, place.id)
    card = [
        (_("Place"), place.name),
        (_("Temperature"), custody.temperature_name(place.temperature_class)),
        (_("Items here"), len(standing)),
        *custody.place_facts(session, place),
    ]
    return _answer(
        read,
        "place",
        card,
        f"/places/{quote(place.code)}",
        next_for("A", None, actor, place, code=place.code),
    )
