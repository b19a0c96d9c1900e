"""The pack around a dose: a label of its own, with what a vial has no room for.

A pack has a code that is neither the vial's nor another copy of it: printing its label cancels no
vial's, and scanned at the bed it is no dose (B06). It stands for one assignment, so once its dose
was given, destroyed or is meant for somebody else, a scan of it stops.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, isolation, labels, studies
from lims.core import clock, codes, db, mode
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.dosing import permissions as may
from lims.dosing import queries
from lims.dosing.checks_words import PHARMACY
from lims.dosing.errors import PackOver, PackUnknown
from lims.dosing.models import Assignment, Pack
from lims.studies import Subject

TEMPLATE = "secondary_pack_100x60"
LETTER = "B"
PACKED = (State.ALLOCATED, State.ISSUED)
_LOOKED_AT = 20  # earlier packs of a study, for what a form holds at first


@dataclass(frozen=True)
class Packed:
    """A pack as a scan finds it: its dose, and whom that is meant for."""

    code: str
    item: Item
    subject: Subject


@requires(may.PACK)
def label_pack(
    actor: Actor, *, code: str, contact: str, reason: str = "", printer: str | None = None
) -> Pack:
    """Print the label of the pack around a dose; an older label of the pack dies, the vial's never.

    Args:
        contact: the establishment, the investigator and a number that answers.
        reason: why another label is needed, once the pack has one.

    Raises:
        BadInput: the dose is meant for nobody.
        StateRefused: it is past being packed, has expired, or is held.
        DoesNotFit: a text has no room.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        custody.require_free(session, item)
        row = queries.assignment_of(session, item.id)
        if row is None:
            raise BadInput(
                _(
                    "The dose %(code)s is not assigned to anybody; assign it first.",
                    code=codes.grouped(item.code),
                ),
                field="code",
            )
        if item.state not in PACKED:
            raise custody.StateRefused(
                _(
                    "%(code)s is %(state)s; a pack is made for a dose that is assigned or issued.",
                    code=codes.grouped(item.code),
                    state=custody.STATE_NAMES[item.state],
                )
            )
        if item.expires_at and item.expires_at <= clock.now():
            raise custody.StateRefused(
                _("The dose %(code)s has expired; destroy it.", code=codes.grouped(item.code))
            )
        pack = _pack_of(session, row) or _made(actor, session, item, row)
        subject = studies.subject(session, row.subject_id)
        labels.request(
            actor,
            template=TEMPLATE,
            code=pack.code,
            fields={
                **isolation.pack_texts(session, item, TEMPLATE),
                "subject": subject.number,
                "chain_id": subject.chain_id,
                "contact": contact,
            },
            reason=reason,
            printer=printer,
        )
        return pack


def _pack_of(session: Session, assignment: Assignment) -> Pack | None:
    return session.scalar(select(Pack).where(Pack.assignment_id == assignment.id))


def _made(actor: Actor, session: Session, item: Item, assignment: Assignment) -> Pack:
    pack = mode.with_code(
        session,
        LETTER,
        lambda code: Pack(
            code=code, assignment_id=assignment.id, made_at=clock.now(), made_by=actor.person
        ),
    )
    custody.touch(actor, item, "dosing.packed", {"pack": pack.code}, rows=[pack])
    return pack


def pack_around(session: Session, item_id: UUID) -> Pack | None:
    """The pack of a dose as it is meant now; None where it is meant for nobody or has none."""
    row = queries.assignment_of(session, item_id)
    return _pack_of(session, row) if row else None


def pack_by_code(session: Session, text: str) -> Packed:
    """The dose that a pack stands around, and whom it is meant for.

    Raises:
        OldLabel: a label in whose place another was printed.
        PackUnknown: none carries this code.
        PackOver: its dose was given, destroyed, returned or is meant for another.
    """
    scanned = codes.expect(text, LETTER, "code")
    mode.admit(session, scanned)
    labels.check_copy(session, scanned)
    found = session.execute(
        select(Pack, Assignment)
        .join(Assignment, Assignment.id == Pack.assignment_id)
        .where(Pack.code == scanned.code)
    ).one_or_none()
    if found is None:
        raise PackUnknown(
            _(
                "No pack carries the code %(code)s. Take the vial out and scan the vial itself.",
                code=codes.grouped(scanned.code),
            ),
            field="code",
        )
    row: Assignment = found[1]
    item = custody.item(session, row.item_id)
    if row.ended_at is not None or item.state in custody.FINAL:
        raise PackOver(
            _(
                "The pack %(code)s is over: its dose was given, destroyed, returned, or is meant "
                "for somebody else. Take out what is in it, scan that, and destroy the label.",
                code=codes.grouped(scanned.code),
            ),
            call=PHARMACY,
            why=custody.last_act(session, custody.stream(item.code)),
            field="code",
        )
    return Packed(scanned.code, item, studies.subject(session, row.subject_id))


def first_contact(session: Session, item: Item) -> str:
    """What the form holds at first: what the newest pack of the study said, else where it runs."""
    study = studies.study(session, item.study_id)  # type: ignore[arg-type]
    newest = session.scalars(
        select(Pack.code)
        .join(Assignment, Assignment.id == Pack.assignment_id)
        .join(Item, Item.id == Assignment.item_id)
        .where(Item.study_id == study.id)
        .order_by(Pack.made_at.desc())
        .limit(_LOOKED_AT)
    )
    said = labels.said_last(session, newest, TEMPLATE)
    return said["contact"] if said else studies.protocol_of(study).establishment[:200]
