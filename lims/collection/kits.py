"""Kits: prepared in the lab, bound to one woman in her presence."""

from datetime import date

from sqlalchemy.orm import Session

from lims import custody, labels, studies
from lims.collection import permissions as may
from lims.collection import queries
from lims.collection.errors import KitBound
from lims.collection.identity import stated_rows
from lims.collection.models import Kit, Specimen, SpecimenKind
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State


@requires(may.PREPARE)
def prepare_kit(actor: Actor, *, study: str, device_lot: str, device_expires_on: date) -> Item:
    """Prepare a kit and print its label.

    Raises:
        BadInput: the cup's lot has expired.
    """
    if device_expires_on < clock.now().date():
        raise BadInput(
            _("The cup's lot %(lot)s has expired; take another.", lot=device_lot),
            field="device_expires_on",
        )
    with db.transaction() as session:
        row = studies.study_by_code(session, study)
        item = custody.make(actor, ItemKind.KIT, study_id=row.id, step="kit")
        kit = Kit(item_id=item.id, device_lot=device_lot, device_expires_on=device_expires_on)
        session.add(kit)
        session.flush()
        custody.touch(actor, item, "collection.kit-prepared", rows=[kit])
        labels.request(
            actor,
            template="kit_75x40",
            code=item.code,
            fields={
                "code": codes.grouped(item.code),
                "study": row.code,
                "device_lot": device_lot,
                "expires": device_expires_on.isoformat(),
            },
        )
        return item


@requires(may.ISSUE)
def issue_kit(
    actor: Actor, *, code: str, participant: str, stated_name: str, stated_birth_date: date
) -> Item:
    """Bind a kit to a participant in her presence, and label her tube there (H01).

    Returns:
        Her tube: a specimen that is ordered.

    Raises:
        KitBound: the kit is bound already, to whomever.
        GateStopped: what she states is not on her record; no consent; cup expired.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.KIT], lock=True)
        kit = queries.kit_of(session, item.id)
        subject = studies.subject_by_number(session, participant)
        if kit.subject_id is not None or item.state is not State.PREPARED:
            raise KitBound(
                _(
                    "The kit %(code)s is bound already; a kit is bound once. Take a fresh kit.",
                    code=codes.grouped(item.code),
                ),
                why=custody.last_act(session, custody.stream(item.code)),
            )
        if subject.study_id != item.study_id:
            raise BadInput(
                _(
                    "%(number)s is not in the study of this kit; take a kit of her study.",
                    number=subject.number,
                ),
                field="participant",
            )
        rows = [
            *stated_rows(session, subject, stated_name, stated_birth_date),
            *_may_collect(session, subject),
            gate.bounds(
                "C01",
                _("days until the cup expires"),
                (kit.device_expires_on - clock.now().date()).days,
                stop_below=0,
                do_now=_("Take a fresh kit."),
                call=_("laboratory"),
            ),
        ]
        gate.demand(gate.Answer("collection.kit", clock.now(), tuple(rows)), codes=[item.code])
        now = clock.now()
        tube = custody.make(
            actor,
            ItemKind.SPECIMEN,
            study_id=subject.study_id,
            donor_id=subject.id,
            state=State.ORDERED,
            step="kit-issue",
            data={"kit": item.code},
        )
        specimen = Specimen(
            item_id=tube.id,
            kind=SpecimenKind.MENSTRUAL_FLUID,
            subject_id=subject.id,
            details={},
        )
        session.add(specimen)
        kit.subject_id = subject.id
        kit.specimen_id = tube.id
        kit.identity_checked_at = now
        session.flush()
        custody.touch(actor, tube, "collection.tube-labelled", rows=[specimen])
        custody.set_state(
            actor,
            item,
            State.ISSUED,
            "collection.kit-issued",
            {"participant": subject.number, "tube": tube.code},
            rows=[kit],
        )
        request_tube_label(actor, tube, subject, _("menstrual fluid"))
        return tube


def request_tube_label(actor: Actor, tube: Item, subject: studies.Subject, material: Text) -> None:
    """Ask for a specimen's label; it is printed in the donor's presence."""
    labels.request(
        actor,
        template="specimen_tube_50x20",
        code=tube.code,
        fields={
            "code": codes.grouped(tube.code),
            "subject": subject.number,
            "chain_id": subject.chain_id,
            "material": material,
        },
    )


def _may_collect(session: Session, subject: studies.Subject) -> list[gate.Row]:
    """Consent that covers collection, and an arm that has a collection of her own."""
    what = _("participant %(number)s", number=subject.number)
    consent = studies.consent_in_force(session, subject.id)
    read = studies.protocol_of(studies.study(session, subject.study_id))
    if consent is None or "collection" not in consent.covers:
        consented = gate.stopped(
            what,
            _("has no consent in force that covers collection"),
            _("Record her signed consent first."),
            _("investigator"),
        )
    else:
        consented = gate.passed(what, _("consented to collection"))
    if subject.arm is not None and not read.arm(subject.arm).own_collection:
        armed = gate.stopped(
            what,
            _("her arm has no collection of her own"),
            _("Put the kit back."),
            _("investigator"),
        )
    else:
        armed = gate.passed(what, _("a collection is planned for her"))
    return [gate.Row("C02", consented), gate.Row("C03", armed)]
