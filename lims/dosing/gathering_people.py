"""What the bedside gate is told of people and their papers."""

from datetime import datetime

from sqlalchemy.orm import Session

from lims import collection, custody, labels, people, studies
from lims.core import codes
from lims.core.errors import NotFound
from lims.custody import Item, ItemKind
from lims.dosing import facts as told
from lims.dosing import permissions as may
from lims.dosing import queries
from lims.dosing.asked import Asked
from lims.dosing.facts_product import Donor
from lims.studies.protocol import Arm


def subject_named(session: Session, text: str) -> studies.Subject | None:
    """The participant, by number or by the code of her band."""
    folded = codes.fold(text)
    if folded[:1] == "W" and len(folded) in (codes.LENGTH, codes.SYMBOL_LENGTH):
        found = studies.subject_by_band(session, codes.expect(text, "W", "participant").code)
        return found[0] if found else None
    try:
        return studies.subject_by_number(session, text)
    except NotFound:
        return None


def participant_facts(
    session: Session,
    read: studies.Protocol | None,
    subject: studies.Subject | None,
    asked: Asked,
) -> told.Participant:
    if subject is None or read is None:
        return told.Participant(code=asked.participant, found=False)
    given = queries.given_to(session, subject.id)
    codes_given = (custody.item(session, given.item_id).code,) if given else ()
    assigned = queries.assignments_to(session, subject.id)
    return told.Participant(
        code=subject.number,
        found=True,
        study=read.code,
        enrolled=subject.state is studies.SubjectState.ALLOCATED,
        withdrawn=subject.state is studies.SubjectState.WITHDRAWN,
        eligible=subject.eligibility_signed_at is not None,
        ask_again="other_trial_date" in read.fields,
        asked_again=asked.seen.get("other_trial_asked"),
        visit=next((each.visit for each in assigned if each.ended_at is None), None),
        given=codes_given,
        last_given_at=given.ended_at if given else None,
    )


def consent_facts(session: Session, subject: studies.Subject, item: Item | None) -> told.Consent:
    all_ = studies.consents(session, subject.id)
    if not all_:
        return told.Consent(signed_at=None)
    newest = all_[0]
    acts = [subject.allocated_at] if subject.allocated_at else []
    line = custody.ancestors(session, [item.id]) if item else []
    acts += [
        specimen.collected_at
        for each in line
        if each.kind is ItemKind.SPECIMEN and each.donor_id == subject.id
        and (specimen := collection.specimen_of(session, each.id)).collected_at
    ]  # fmt: skip
    return told.Consent(
        # The first consent counts for the order of acts; the newest for what is in force.
        signed_at=min(each.signed_at for each in all_),
        current=True,
        covers_giving="administration" in newest.covers,
        withdrawn=newest.withdrawn_at is not None,
        first_study_act_at=min(acts) if acts else None,
    )


def allocation_facts(arm: Arm | None, subject: studies.Subject) -> told.Allocation:
    if arm is None or subject.arm is None:
        return told.Allocation(revealed=False)
    return told.Allocation(
        revealed=True,
        product=arm.product.value if arm.product else None,
        mechanical=arm.mechanical,
        donor=Donor(arm.donor_rule.value) if arm.donor_rule else None,
    )


def operator_facts(
    session: Session, subject: studies.Subject | None, asked: Asked, at: datetime
) -> told.Operator | None:
    actor = asked.operator
    if actor is None:
        return None
    given = studies.delegations(session, subject.study_id, actor.person) if subject else []
    giving = [each for each in given if each.role in may.GIVES]
    return told.Operator(
        person=str(actor.person),
        name=people.name_of(session, actor.person),
        signed_in=actor.signed_in,
        may_give=bool(actor.roles & may.GIVES),
        trained=any(each.trained_at <= at for each in giving),
        delegated=bool(giving),
        valid_until=max((each.valid_until for each in giving), default=None),
        signed=asked.operator_signed,
    )


def witness_facts(
    session: Session, subject: studies.Subject | None, asked: Asked
) -> told.Witness | None:
    actor = asked.witness
    if actor is None:
        return None
    given = studies.delegations(session, subject.study_id, actor.person) if subject else []
    return told.Witness(
        person=str(actor.person),
        name=people.name_of(session, actor.person),
        own_credentials=True,
        trained=any(each.role in may.WITNESSES for each in given)
        and bool(actor.roles & may.WITNESSES),
        band=code_of(asked.witness_band),
        dose=code_of(asked.witness_dose),
        figures_right=asked.figures_right,
        wrong_figures=asked.wrong_figures,
        signed=asked.witness_signed,
    )


def code_of(text: str | None) -> str | None:
    return codes.parse(text).code if text else None


def band_facts(session: Session, asked: Asked) -> told.Band | None:
    if asked.band is None:
        return None
    scanned = codes.parse(asked.band, "band")
    found = studies.subject_by_band(session, scanned.code) if scanned.letter == "W" else None
    live = found is not None and found[1].live
    if live and scanned.copy is not None:
        live = labels.live_copy(session, scanned.code) == scanned.copy
    return told.Band(
        code=scanned.code,
        copy=scanned.copy,
        live=live,
        participant=found[0].number if found else None,
    )


def spoken_facts(asked: Asked) -> told.Spoken | None:
    name, birth = asked.seen.get("name_agrees"), asked.seen.get("birth_date_agrees")
    if asked.band is None or (name is None and birth is None) or asked.started_at is None:
        return None
    scanned = codes.parse(asked.band, "band")
    return told.Spoken(
        name_agrees=name,
        birth_date_agrees=birth,
        at=asked.started_at,
        band=scanned.code,
        copy=scanned.copy,
    )


def assessment_facts(
    session: Session,
    subject: studies.Subject | None,
    at: datetime,
    zone: str,
    *,
    then: bool = False,
) -> told.Assessment | None:
    """Her newest assessment; with `then`, the newest that had been signed at `at`."""
    if subject is None:
        return None
    row = queries.assessment_of(session, subject.id, before=at if then else None)
    if row is None:
        return None
    return told.Assessment(
        at=row.signed_at,
        signed=True,
        allergies=tuple(row.allergies),
        fever=row.fever,
        infection=row.infection,
        bleeding=row.bleeding,
        pregnancy_test=None if row.pregnancy_test == "none" else row.pregnancy_test,
        pregnancy_tested_on=row.pregnancy_tested_on,
    )


def overrides_facts(session: Session, subject: studies.Subject | None) -> tuple[told.Override, ...]:
    if subject is None:
        return ()
    found = []
    for check_id in ("B21", "B22"):
        row = studies.override(session, subject.id, check_id)
        if row is not None:
            found.append(
                told.Override(
                    check=check_id,
                    role="investigator",
                    by=str(row.signed_by),
                    second=str(row.seconded_by),
                    deviation=row.deviation,
                )
            )
    return tuple(found)
