"""What the bedside gate is told, read from the records inside the deciding transaction.

What nobody has asked yet stays None and leaves its row pending; what was asked for and is not
there is told as such, and stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import collection, custody, isolation, labels, people, qc, studies
from lims.core import clock, codes, units
from lims.core.errors import NotFound
from lims.core.permissions import Actor, Role
from lims.custody import Item, ItemKind, State
from lims.dosing import facts as told
from lims.dosing import permissions as may
from lims.dosing import queries
from lims.dosing.facts_people import Session as CheckSession
from lims.dosing.facts_product import Donor, Kept
from lims.studies.protocol import Arm, DonorRule, ProductKind, WindowKind

_SERIOUS = ("anti_hiv_1_2", "hbsag", "anti_hcv")


@dataclass(frozen=True)
class Present:
    """A person at the bed: who she is and what she is trusted with. Nobody acts through it."""

    person: UUID
    roles: frozenset[Role]
    signed_in: bool = True
    station: str = ""

    @classmethod
    def of(cls, actor: Actor) -> "Present | None":
        """Whoever is signed in; None for a machine."""
        if actor.person is None:
            return None
        how = actor.signed_in_by in ("password", "badge", "token", "practice")
        return cls(actor.person, actor.roles, how, actor.station)

    @classmethod
    def known(cls, session: Session, person: UUID | None) -> "Present | None":
        """A person on the record of the check."""
        return cls(person, people.roles_of(session, person)) if person else None


@dataclass(frozen=True)
class Asked:
    """What one asking of the gate brings: scans, people, what was seen. None: not asked.

    Attributes:
        dose, participant, band: as scanned or typed.
        seen: what the operator looked at and entered; keys as in `start_check`.
        operator, witness: signed-in people.
        started_at, stations: of the check.
        witness_band, witness_dose, figures_right, wrong_figures: the witness's own scans.
        operator_signed, witness_signed: with a password, in this check.
        verdict_at: when the gate last said yes, for the drawing up.
        interrupted: another person goes on with it than the one who began.
    """

    dose: str
    participant: str
    band: str | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    operator: Present | None = None
    witness: Present | None = None
    started_at: datetime | None = None
    stations: tuple[str, ...] = ()
    witness_band: str | None = None
    witness_dose: str | None = None
    figures_right: bool | None = None
    wrong_figures: int = 0
    operator_signed: bool | None = None
    witness_signed: bool | None = None
    verdict_at: datetime | None = None
    interrupted: bool = False


def facts_of(session: Session, asked: Asked, *, now: datetime | None = None) -> told.BedsideFacts:
    """Everything the gate wants to know, as it stands at `now`."""
    at = now or clock.now()
    scanned = codes.parse(asked.dose, "dose")
    item = session.scalar(select(Item).where(Item.code == scanned.code))
    subject = _subject(session, asked.participant)
    study = studies.study(session, subject.study_id) if subject else None
    read = studies.protocol_of(study) if study else None
    arm = read.arm(subject.arm) if read and subject and subject.arm else None
    vial = isolation.vial_of(session, item.id) if item and item.kind is ItemKind.DOSE else None
    lot = isolation.lot_of(session, vial.lot_id) if vial else None
    zone = read.document["site"]["time_zone"] if read else "UTC"
    return told.BedsideFacts(
        now=at,
        time_zone=zone,
        limits=_limits(read),
        participant=_participant(session, read, subject, asked),
        consent=_consent(session, subject, item) if subject else None,
        allocation=_allocation(arm, subject) if subject else None,
        operator=_operator(session, subject, asked, at),
        witness=_witness(session, subject, asked),
        band=_band(session, asked),
        spoken=_spoken(asked),
        dose=_dose(session, scanned, item),
        lot=_lot(session, lot, item) if lot and item else None,
        lineage=_lineage(session, item, lot, read, asked) if item and lot else None,
        thaw=_thaw(session, item) if item and lot else None,
        custody=_custody(session, item, asked) if item and lot else None,
        inspection=told.Inspection(
            **{
                name: asked.seen.get(name)
                for name in (
                    "seal_intact",
                    "cap_matches",
                    "appearance_good",
                    "fully_thawed",
                    "label_readable",
                    "label_matches",
                )
            }
        ),
        window=_window(session, read, arm, subject),
        plan=_plan(read, arm, asked),
        device=_device(asked),
        route=asked.seen.get("route"),
        assessment=_assessment(session, subject, at, zone),
        session=CheckSession(
            started_at=asked.started_at, interrupted=asked.interrupted, devices=asked.stations
        )
        if asked.started_at
        else None,
        draw_up=told.DrawUp(
            verdict_at=asked.verdict_at,
            drawn_at=_instant(asked.seen.get("drawn_up_at")),
            witnessed=bool(asked.seen.get("draw_up_witnessed")),
        )
        if asked.seen.get("drawn_up_at")
        else None,
        emergency=told.Emergency(
            kit=asked.seen.get("emergency_kit"), staff=asked.seen.get("emergency_staff")
        ),
        overrides=_overrides(session, subject),
    )


def of_band(session: Session, band: str) -> told.BedsideFacts:
    """What is known after the first scan alone."""
    asked = Asked(dose="", participant="", band=band)
    return told.BedsideFacts(
        now=clock.now(), time_zone="UTC", limits=_limits(None), band=_band(session, asked)
    )


def _instant(value: Any) -> datetime | None:
    return clock.parse(value) if isinstance(value, str) else value


def _subject(session: Session, text: str) -> studies.Subject | None:
    """The participant, by number or by the code of her band."""
    folded = codes.fold(text)
    if folded[:1] == "W" and len(folded) in (codes.LENGTH, codes.SYMBOL_LENGTH):
        found = studies.subject_by_band(session, codes.expect(text, "W", "participant").code)
        return found[0] if found else None
    try:
        return studies.subject_by_number(session, text)
    except NotFound:
        return None


def _span(read: studies.Protocol | None, name: str, otherwise: str) -> timedelta:
    quantity = read.quantity(name) if read else units.Quantity.parse(otherwise)
    return timedelta(seconds=int(quantity.to("s").value))


def _limits(read: studies.Protocol | None) -> told.Limits:
    before = (
        next((w for w in read.windows.values() if w.kind is WindowKind.BEFORE_TRANSFER), None)
        if read
        else None
    )

    def window(value: units.Quantity | None) -> timedelta:
        # An arm without this window never asks it.
        return timedelta(seconds=int(value.to("s").value)) if value else timedelta(0)

    warn_at = read.quantity("thaw.warn_at").value / 100 if read else Decimal("0.75")
    return told.Limits(
        check=_span(read, "bedside.verdict_valid", "15 min"),
        sedated_identity=_span(read, "bedside.identity_before_anaesthesia_valid", "120 min"),
        thaw_room=_span(read, "thaw.room_time_max", "60 min"),
        thaw_cold=_span(read, "thaw.cold_time_max", "4 h"),
        thaw_warn=warn_at,
        thaws=int(str(read.limit("thaw.dose_thaws_max"))) if read else 1,
        prp_age=_span(read, "prp.use_from_draw_stop_above", "4 h"),
        window_silent=window(before.silent if before else None),
        window_warn=window(before.warn if before else None),
        lead_shortest=window(before.override_min if before else None),
        lead_longest=window(before.override_max if before else None),
        custody_gap=_span(read, "bedside.custody_gap_override_max", "30 min"),
        pregnancy_test_days=0,
        figures_tries=2,
    )


def _participant(
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


def _consent(session: Session, subject: studies.Subject, item: Item | None) -> told.Consent:
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


def _allocation(arm: Arm | None, subject: studies.Subject) -> told.Allocation:
    if arm is None or subject.arm is None:
        return told.Allocation(revealed=False)
    return told.Allocation(
        revealed=True,
        product=arm.product.value if arm.product else None,
        mechanical=arm.mechanical,
        donor=Donor(arm.donor_rule.value) if arm.donor_rule else None,
    )


def _operator(
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


def _witness(
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
        band=_code(asked.witness_band),
        dose=_code(asked.witness_dose),
        figures_right=asked.figures_right,
        wrong_figures=asked.wrong_figures,
        signed=asked.witness_signed,
    )


def _code(text: str | None) -> str | None:
    return codes.parse(text).code if text else None


def _band(session: Session, asked: Asked) -> told.Band | None:
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


def _spoken(asked: Asked) -> told.Spoken | None:
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


def _dose(session: Session, scanned: codes.Scanned, item: Item | None) -> told.Dose:
    if item is None or item.kind is not ItemKind.DOSE:
        return told.Dose(code=scanned.code, found=False)
    assignment = queries.assignment_of(session, item.id)
    given = queries.given_of(session, item.id)
    thawing = queries.thaw_of(session, item.id)
    study = studies.study(session, item.study_id)  # type: ignore[arg-type]
    meant = studies.subject(session, assignment.subject_id).number if assignment else None
    live = scanned.copy is None or labels.live_copy(session, scanned.code) == scanned.copy
    return told.Dose(
        code=item.code,
        label_live=live,
        study=study.code,
        state=item.state.value,
        allocated_to=meant,
        visit=assignment.visit if assignment else None,
        given_at=given.ended_at if given else None,
        prepared_by=tuple(
            str(each) for each in (item.made_by, thawing.thawed_by if thawing else None) if each
        ),
        fill_ul=item.volume_ul or 0,
        expires_at=item.expires_at,
    )


def _lot(session: Session, lot: isolation.Lot, dose: Item) -> told.Lot:
    item = custody.item(session, lot.item_id)
    read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    arm = next(
        each
        for each in read.arms.values()
        if each.product == lot.product and each.mechanical in (None, lot.mechanical)
    )
    line = [dose, *custody.ancestors(session, [dose.id])]
    residual = qc.standing_result(session, lot.item_id, "S18")
    return told.Lot(
        name=lot.name,
        state=item.state.value,
        product=lot.product,
        donor=Donor.RECIPIENT if arm.donor_rule is DonorRule.RECIPIENT else Donor.OTHER,
        mechanical=lot.mechanical if arm.mechanical is not None else None,
        expires_at=item.expires_at,
        held=bool(custody.holds(session, [each.id for each in line]))
        or any(each.state in (State.BLOCKED, State.REJECTED) for each in line),
        open_findings=len(qc.findings_of(session, [each.id for each in line])),
        antibiotic_clear=None if residual is None else residual.standing is qc.Standing.MET,
        residuals=tuple(lot.residuals),
        prp=lot.product == ProductKind.PRP.value,
        drawn_at=lot.drawn_at,
    )


def _lineage(
    session: Session,
    item: Item,
    lot: isolation.Lot,
    read: studies.Protocol | None,
    asked: Asked,
) -> told.Lineage:
    line = [item, *custody.ancestors(session, [item.id])]
    donors = {
        each.donor_id: studies.subject(session, each.donor_id) for each in line if each.donor_id
    }
    matched = qc.standing_result(session, lot.item_id, "S09")
    found = {
        name: marker
        for donor in donors
        for name, marker in collection.markers_of(session, donor).items()
    }
    required: tuple[str, ...] = tuple(read.limit("markers.required")) if read else ()  # type: ignore[arg-type]
    states = {name: found[name].state for name in required if name in found}
    incomplete = (
        collection.MarkerState.PENDING,
        collection.MarkerState.INVALID,
        collection.MarkerState.INDETERMINATE,
    )
    complete = len(states) == len(required) and not any(
        state in incomplete for state in states.values()
    )
    reactive = any(state is not collection.MarkerState.NEGATIVE for state in states.values())
    nucleic = all(name in found and found[name].nucleic_acid for name in _SERIOUS)
    return told.Lineage(
        donors=tuple(sorted(each.number for each in donors.values())),
        identity_matched=None
        if matched is None or matched.state is not qc.ResultState.APPROVED
        else matched.standing is qc.Standing.MET,
        chains=tuple(sorted(each.chain_id for each in donors.values())),
        cleared=complete and not reactive and nucleic,
        consent=all(studies.consent_in_force(session, donor) is not None for donor in donors),
        markers_complete=complete,
        markers_reactive=reactive,
        biohazard_label=False,
        precautions=asked.seen.get("precautions"),
    )


def _thaw(session: Session, item: Item) -> told.Thaw:
    thawing = queries.thaw_of(session, item.id)
    return told.Thaw(
        at=item.thawed_at,
        count=item.thaw_count,
        kept=Kept(thawing.kept) if thawing else None,
    )


def _custody(session: Session, item: Item, asked: Asked) -> told.Custody:
    here = item.holder_id == asked.operator.person if asked.operator is not None else None
    return told.Custody(incomplete=len(custody.custody_gaps(session, item)), here=here)


def _window(
    session: Session,
    read: studies.Protocol | None,
    arm: Arm | None,
    subject: studies.Subject | None,
) -> told.TransferWindow | told.CycleWindow | told.AnyTime | None:
    if read is None or arm is None or subject is None:
        return None
    window = read.window(arm)
    if window is None:
        return told.AnyTime()
    if window.kind is WindowKind.BEFORE_TRANSFER:
        plan = studies.transfer_plan(session, subject.id)
        nominal = window.nominal
        lead = timedelta(seconds=int(nominal.to("s").value)) if nominal else timedelta(0)
        if plan is None or plan.cancelled_at:
            return told.TransferWindow(lead=lead, planned_at=None)
        return told.TransferWindow(
            lead=lead,
            planned_at=plan.planned_at,
            confirmed_at=plan.confirmed_at,
            done=plan.done_at is not None,
        )
    day = studies.cycle_day_one(session, subject.id)
    return told.CycleWindow(
        day1=day.day if day else None, first=window.first or 0, last=window.last or 0
    )


def _plan(read: studies.Protocol | None, arm: Arm | None, asked: Asked) -> told.Plan | None:
    if read is None or arm is None or arm.dose is None:
        return None
    dose = arm.dose
    low, high = dose.delivered_min.count("uL"), dose.delivered_max.count("uL")
    sites: list[int] | None = asked.seen.get("sites_ul")
    dead = arm.device_dead_volume
    allergy = read.document.get("allergy", {})
    return told.Plan(
        total_low_ul=low,
        total_high_ul=high * dose.sites_max if dose.per_site else high,
        device=arm.device or "",
        route=arm.route or "",
        site_low_ul=low if dose.per_site else None,
        site_high_ul=high if dose.per_site else None,
        most_sites=dose.sites_max,
        sites_ul=None if sites is None else tuple(sites),
        dead_volume_ul=dead.count("uL") if dead and asked.seen.get("device") else None,
        # Where no test can show the lot to be free of it, any match stops (domain.md 13.7).
        allergy_match_stops="unless_test_below_loq" not in allergy,
        refused_allergies=tuple(allergy.get("refused", ())),
    )


def _device(asked: Asked) -> told.Device | None:
    kind = asked.seen.get("device")
    if not kind:
        return None
    expires = asked.seen.get("device_expires_on")
    if isinstance(expires, str):
        expires = date.fromisoformat(expires)
    end = (
        datetime.combine(expires + timedelta(days=1), datetime.min.time(), clock.now().tzinfo)
        if isinstance(expires, date)
        else None
    )
    return told.Device(kind=kind, lot=asked.seen.get("device_lot") or "", expires_at=end)


def _assessment(
    session: Session, subject: studies.Subject | None, at: datetime, zone: str
) -> told.Assessment | None:
    row = queries.assessment_of(session, subject.id) if subject else None
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


def _overrides(session: Session, subject: studies.Subject | None) -> tuple[told.Override, ...]:
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
