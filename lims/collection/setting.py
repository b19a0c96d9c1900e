"""The large label of a kit's set: what she does, until when, whom to call, room for her times.

It carries the code of the kit, for the box and what lies in it are one kit; so it takes the place
of the small label, and a scan of that one stops from then on.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, labels, studies
from lims.collection import permissions as may
from lims.collection import queries
from lims.collection.models import Kit
from lims.core import clock, codes, db
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State

TEMPLATE = "kit_set_100x70"
LABELLED = (State.PREPARED, State.ISSUED)
_AT = "collection.menstrual."
_LOOKED_AT = 20  # earlier kits of a study, for what a form holds at first


@requires(may.PREPARE)
def label_set(
    actor: Actor, *, code: str, contact: str, reason: str = "", printer: str | None = None
) -> Item:
    """Print the label of a kit's set; the label that the kit has dies.

    Args:
        contact: whom she calls, and when.
        reason: why another is needed, once the set has its large label.

    Raises:
        StateRefused: she has used it, it came back, or its cup has expired.
        BadInput: it has its large label, and no reason was given for another.
        DoesNotFit: a text has no room.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.KIT], lock=True)
        kit = queries.kit_of(session, item.id)
        if item.state not in LABELLED:
            raise custody.StateRefused(
                _(
                    "The kit %(code)s is %(state)s; only one that was not used yet is labelled.",
                    code=codes.grouped(item.code),
                    state=custody.STATE_NAMES[item.state],
                )
            )
        if kit.device_expires_on < clock.now().date():
            raise custody.StateRefused(
                _(
                    "The cup of the kit %(code)s has expired; take a fresh kit.",
                    code=codes.grouped(item.code),
                )
            )
        study = studies.study(session, item.study_id)  # type: ignore[arg-type]
        read = studies.protocol_of(study)
        subject = studies.subject(session, kit.subject_id) if kit.subject_id else None
        custody.touch(actor, item, "collection.set-labelled")
        labels.request(
            actor,
            template=TEMPLATE,
            code=item.code,
            fields={
                "study": study.code,
                "subject": subject.number if subject else "",
                "expires": kit.device_expires_on.isoformat(),
                "device_lot": kit.device_lot,
                "instruction": _instruction(read),
                "contact": contact,
                "site": _site(read),
            },
            reason=_reason(session, item, reason),
            printer=printer,
        )
        return item


def _reason(session: Session, item: Item, given: str) -> str:
    """Why the label that the kit has is cancelled: the first large one says it by itself."""
    last = labels.newest_request(session, item.code)
    if last is None or last.template == TEMPLATE:
        return given
    return given.strip() or str(_("The large label of the set takes its place."))


def _instruction(read: studies.Protocol) -> Text:
    return _(
        "Wash your hands. Put the cup in on day %(first)s to %(last)s and take it out after "
        "%(wearing)s hours at most. Close it, keep it upright and cool, write down both times, and "
        "bring it to the clinic within %(way)s hours.",
        first=read.limit(_AT + "cycle_day_first"),
        last=read.limit(_AT + "cycle_day_accept_last"),
        wearing=_hours(read, "cup_in_place_warn_above"),
        way=_hours(read, "to_processing_warn_above"),
    )


def _hours(read: studies.Protocol, name: str) -> str:
    limit = read.limit(_AT + name)
    assert isinstance(limit, Quantity)  # noqa: S101 - its shape is checked when the file is loaded
    return f"{limit.to('h').value:f}"


def _site(read: studies.Protocol) -> str:
    where = read.establishment
    return where if labels.has_room(TEMPLATE, "site", where) else ""


def first_contact(session: Session, item: Item) -> str:
    """What the form holds at first: what the newest set of the study said."""
    newest = session.scalars(
        select(Item.code)
        .join(Kit, Kit.item_id == Item.id)
        .where(Item.study_id == item.study_id)
        .order_by(Item.made_at.desc())
        .limit(_LOOKED_AT)
    )
    said = labels.said_last(session, newest, TEMPLATE)
    return said["contact"] if said else ""
