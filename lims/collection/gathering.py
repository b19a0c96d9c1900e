"""Collecting: menstrual fluid in a kit's cup, blood, a cord."""

from datetime import date, datetime, timedelta
from typing import Any

from lims import custody, studies
from lims.collection import permissions as may
from lims.collection import queries
from lims.collection.errors import KitBound
from lims.collection.identity import stated_rows
from lims.collection.kits import request_tube_label
from lims.collection.models import Specimen, SpecimenKind
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.ledger.rules import plain
from lims.studies.protocol import DonorRule, ProductKind

_LATE_ENTRY = timedelta(hours=24)


def _time_rows(collected_at: datetime) -> list[gate.Row]:
    now = clock.now()
    what = _("time of collection")
    if collected_at > now:
        found = gate.stopped(
            what, _("lies in the future"), _("Enter when it was."), _("laboratory")
        )
    elif now - collected_at > _LATE_ENTRY:
        found = gate.warned(
            what,
            _("is entered more than 24 h late"),
            _("Say why it is late."),
            _("investigator"),
        )
    else:
        found = gate.passed(what, _("entered in time"))
    return [gate.Row("C04", found)]


@requires(may.COLLECT)
def collect(
    actor: Actor,
    *,
    kit: str,
    code: str,
    stated_name: str,
    stated_birth_date: date,
    collected_at: datetime,
    cycle_day: int,
    cup_in_place: Quantity,
    active_infection: bool,
    medium: str,
    medium_lot: str,
    medium_expires_on: date,
    reason: str = "",
) -> Item:
    """Menstrual fluid was collected: kit and tube scanned, identity stated again (H01).

    Args:
        kit, code: the kit and her tube, both scanned; they must belong together.
        cup_in_place: how long the cup was worn.
        reason: why to go on where a limit only warns.

    Raises:
        KitBound: kit and tube do not belong together.
        GateStopped: identity, cycle day, time in place, infection, medium.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN], lock=True, field="code")
        box = custody.find(session, kit, kinds=[ItemKind.KIT], lock=True, field="kit")
        bound = queries.kit_of(session, box.id)
        specimen = queries.specimen_of(session, item.id)
        subject = studies.subject(session, specimen.subject_id)
        belongs = bound.specimen_id == item.id and bound.subject_id == subject.id
        what = _(
            "kit %(kit)s with tube %(tube)s",
            kit=codes.grouped(box.code),
            tube=codes.grouped(item.code),
        )
        rows = [
            gate.Row(
                "C05",
                gate.passed(what, _("belong together"))
                if belongs
                else gate.stopped(
                    what,
                    _("do not belong together"),
                    _("Put both aside and find the kit of this tube."),
                    _("investigator"),
                ),
            )
        ]
        gate.demand(
            gate.Answer("collection.collect", clock.now(), tuple(rows)),
            codes=[item.code, box.code],
        )
        if box.state is not State.ISSUED:
            raise KitBound(_("The kit %(code)s was used already.", code=codes.grouped(box.code)))
        limit = studies.protocol_of(studies.study(session, subject.study_id)).limit
        at = "collection.menstrual."
        first, accept, last = (
            limit(at + "cycle_day_first"),
            limit(at + "cycle_day_accept_last"),
            limit(at + "cycle_day_warn_last"),
        )
        repeat = _("Do not use the sample; plan another collection.")
        rows += [
            *stated_rows(session, subject, stated_name, stated_birth_date),
            *_time_rows(collected_at),
            gate.bounds("C06", _("cycle day"), cycle_day, stop_below=first, warn_above=accept,
                        stop_above=last, do_now=repeat, call=_("investigator")),
            gate.bounds("C07", _("time the cup was in place"), cup_in_place,
                        warn_above=limit(at + "cup_in_place_warn_above"),
                        stop_above=limit(at + "cup_in_place_stop_above"),
                        do_now=repeat, call=_("laboratory")),
            gate.bounds("C08", _("days until the transport medium expires"),
                        (medium_expires_on - collected_at.date()).days, stop_below=0,
                        do_now=repeat, call=_("laboratory")),
            gate.Row(
                "C09",
                gate.stopped(_("infection"), _("she has an active infection"), repeat,
                             _("investigator"))
                if active_infection
                else gate.passed(_("infection"), _("none is known")),
            ),
        ]  # fmt: skip
        answer = gate.demand(
            gate.Answer("collection.collect", clock.now(), tuple(rows)),
            codes=[item.code, box.code],
            reasons=reason,
        )
        specimen.collected_at = collected_at
        specimen.details = plain(
            {
                "cycle_day": cycle_day,
                "cup_in_place": str(cup_in_place),
                "medium": medium,
                "medium_lot": medium_lot,
                "medium_expires_on": medium_expires_on,
            }
        )
        custody.set_state(actor, box, State.USED, "collection.kit-used", {"tube": item.code})
        custody.set_state(
            actor,
            item,
            State.COLLECTED,
            "collection.collected",
            {"kit": box.code, "gate": answer.as_record()},
            rows=[specimen],
            reason=reason,
        )
        return item


@requires(may.COLLECT)
def collect_blood(
    actor: Actor,
    *,
    participant: str,
    purpose: SpecimenKind,
    stated_name: str,
    stated_birth_date: date,
    drawn_at: datetime,
    volume: Quantity,
    anticoagulant: str,
    anticoagulant_lot: str,
    reason: str = "",
) -> Item:
    """Blood was drawn, for PRP or for tests; the tube is labelled in her presence.

    Raises:
        GateStopped: identity, consent, an anticoagulant that PRP forbids.
    """
    if purpose not in (SpecimenKind.PRP_BLOOD, SpecimenKind.TEST_BLOOD):
        raise BadInput(_("Blood is drawn for PRP or for tests; choose one."), field="purpose")
    with db.transaction() as session:
        subject = studies.subject_by_number(session, participant)
        read = studies.protocol_of(studies.study(session, subject.study_id))
        rows = [
            *stated_rows(session, subject, stated_name, stated_birth_date),
            *_time_rows(drawn_at),
            *_consent_rows(session, subject),
        ]
        if purpose is SpecimenKind.PRP_BLOOD:
            rows += _prp_rows(subject, read, anticoagulant)
        answer = gate.demand(
            gate.Answer("collection.blood", clock.now(), tuple(rows)),
            codes=[subject.number],
            reasons=reason,
        )
        details = {"anticoagulant": anticoagulant, "anticoagulant_lot": anticoagulant_lot}
        item = _collected(
            actor, subject, purpose, drawn_at, volume.count("uL", "volume"), details, answer
        )
        request_tube_label(actor, item, subject, _("blood"))
        return item


@requires(may.COLLECT)
def collect_cord(
    actor: Actor, *, donor: str, collected_at: datetime, length: Quantity, medium_lot: str
) -> Item:
    """A cord was collected from a consented donor (its mother is the tested person).

    Raises:
        GateStopped: no consent in force; the time lies in the future.
    """
    with db.transaction() as session:
        subject = studies.subject_by_number(session, donor)
        if subject.kind is not studies.SubjectKind.DONOR:
            raise BadInput(
                _("%(number)s is a participant; a cord comes from a donor.", number=donor),
                field="donor",
            )
        rows = [*_time_rows(collected_at), *_consent_rows(session, subject)]
        answer = gate.demand(
            gate.Answer("collection.cord", clock.now(), tuple(rows)), codes=[subject.number]
        )
        details = {"length": str(length), "medium_lot": medium_lot}
        item = _collected(actor, subject, SpecimenKind.CORD, collected_at, None, details, answer)
        request_tube_label(actor, item, subject, _("umbilical cord"))
        return item


def _collected(
    actor: Actor,
    subject: studies.Subject,
    kind: SpecimenKind,
    at: datetime,
    volume_ul: int | None,
    details: dict[str, Any],
    answer: gate.Answer,
) -> Item:
    with db.transaction() as session:
        item = custody.make(
            actor,
            ItemKind.SPECIMEN,
            study_id=subject.study_id,
            donor_id=subject.id,
            state=State.COLLECTED,
            volume_ul=volume_ul,
            step="collection",
        )
        specimen = Specimen(
            item_id=item.id,
            kind=kind,
            subject_id=subject.id,
            collected_at=at,
            details=plain(details),
        )
        session.add(specimen)
        session.flush()
        custody.touch(
            actor, item, "collection.collected", {"gate": answer.as_record()}, rows=[specimen]
        )
        return item


def _consent_rows(session: db.Session, subject: studies.Subject) -> list[gate.Row]:
    what = _("participant %(number)s", number=subject.number)
    if studies.consent_in_force(session, subject.id) is None:
        found = gate.stopped(
            what,
            _("has no consent in force"),
            _("Record her signed consent first."),
            _("investigator"),
        )
    else:
        found = gate.passed(what, _("consented"))
    return [gate.Row("C02", found)]


def _prp_rows(
    subject: studies.Subject, read: studies.Protocol, anticoagulant: str
) -> list[gate.Row]:
    what = _("blood for PRP of %(number)s", number=subject.number)
    arm = read.arm(subject.arm) if subject.arm else None
    of_prp = (
        arm is not None and arm.product is ProductKind.PRP and arm.donor_rule is DonorRule.RECIPIENT
    )
    allowed = read.limit("prp.anticoagulants")
    return [
        gate.Row(
            "C10",
            gate.passed(what, _("her arm is given PRP"))
            if of_prp
            else gate.stopped(
                what, _("her arm is not given PRP"), _("Draw no blood for it."), _("investigator")
            ),
        ),
        gate.Row(
            "C11",
            gate.passed(what, _("the anticoagulant is allowed"))
            if anticoagulant in allowed  # type: ignore[operator]
            else gate.stopped(
                what,
                _("%(name)s is not allowed; EDTA never is", name=anticoagulant),
                _("Draw again into citrate or ACD-A."),
                _("laboratory"),
            ),
        ),
    ]
