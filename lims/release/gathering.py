"""What the release gate is told, read from the records inside the deciding transaction."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.orm import Session

from lims import collection, custody, isolation, ledger, qc, studies
from lims.core import clock, codes, db, gate
from lims.core.permissions import Actor, requires
from lims.custody import Item, ItemKind, State
from lims.release import facts as told
from lims.release import permissions as may
from lims.release.checks import RELEASE
from lims.studies.protocol import Arm, DonorRule, ProductKind
from lims.web.happenings import words_of

# Acts on a lot and its ancestors that count as steps: whoever did one does not release (H21).
_STEPS = ("collection.", "culture.", "isolation.", "qc.")


@requires(may.SEE)
def answer(actor: Actor, *, code: str) -> gate.Answer:
    """What the gate would say if this person signed now; writes nothing."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        return RELEASE.ask(facts_of(session, item, actor, None))


def arm_of(read: studies.Protocol, lot: isolation.Lot) -> Arm:
    """The arm a lot is made for, by product and mechanical flag."""
    return next(
        arm
        for arm in read.arms.values()
        if arm.product == lot.product and arm.mechanical in (None, lot.mechanical)
    )


def facts_of(
    session: Session, item: Item, actor: Actor | None, signature: told.Signature | None
) -> told.ReleaseFacts:
    """Everything that decides on a lot, as it stands now."""
    lot = isolation.lot_of(session, item.id)
    study = studies.study(session, item.study_id)  # type: ignore[arg-type]
    read = studies.protocol_of(study)
    arm = arm_of(read, lot)
    line = [item, *custody.ancestors(session, [item.id])]
    prp = lot.product == ProductKind.PRP.value
    autologous = arm.donor_rule is DonorRule.RECIPIENT
    donors = sorted(
        {studies.subject(session, each.donor_id).number for each in line if each.donor_id}
    )
    donor = studies.subject(session, item.donor_id)  # type: ignore[arg-type]
    findings = qc.findings_of(session, [each.id for each in line])
    fill = isolation.fill_of(session, item.id)
    frozen = isolation.specification_of(read, lot.product)
    pinned = lot.specification_digest
    return told.ReleaseFacts(
        now=clock.now(),
        time_zone=read.document["site"]["time_zone"],
        lot=lot.name,
        state="processing" if prp and item.state is State.AWAITING_REVIEW else item.state.value,
        prp=prp,
        autologous=autologous,
        recipient=donor.number if autologous else None,
        donors=tuple(donors),
        expires_at=item.expires_at,
        specification=tuple(
            told.SpecTest(
                id=each["id"],
                title=each["title"],
                severity=told.Severity(each["severity"]),
                mandatory=each["mandatory"],
                late=each["late"],
            )
            for each in lot.specification
            if each["id"] not in ("S22", "S24")
        ),
        specification_pinned=pinned,
        specification_signed=isolation.digest_of(frozen),
        results=tuple(_result(each) for each in qc.results_of(session, item.id)),
        markers=_markers(session, read, donor, line, prp=prp),
        donor_consent=studies.consent_in_force(session, donor.id) is not None,
        batch_complete=isolation.run_of(session, item.id) is not None and fill is not None,
        steps=tuple((person, words_of(kind)) for person, kind in _steps(session, line)),
        held=tuple(_held(session, line)),
        sample_retained=bool(qc.samples_of(session, item.id, ItemKind.RETAINED)),
        open_oos=tuple(each.reference for each in findings if each.kind == "out-of-specification"),
        open_deviations=tuple(each.reference for each in findings if each.kind == "deviation"),
        unit_confirmed=(
            study.units_confirmed_at is not None
            if arm.dose and arm.dose.unit_confirmed_by_required
            else None
        ),
        mechanical_wanted=None if arm.mechanical is None else lot.mechanical,
        mechanical_lot=lot.mechanical if arm.mechanical is not None else None,
        mechanical_record=told.MechanicalRecord(lot.mechanical_record),
        labels=None if fill is None else _labels(session, item),
        mass_balance_closed=None if fill is None else isolation.adds_up(item, fill),
        releaser=str(actor.person) if actor else None,
        signature=signature,
    )


def _result(row: qc.Result) -> told.TestResult:
    return told.TestResult(
        test=row.test,
        value=qc.value_of(row),
        judged=told.Judged(row.standing.value),
        state=row.state.value,
        entered_by=str(row.entered_by),
        reviewed_by=str(row.reviewed_by) if row.reviewed_by else None,
        invalidated=row.set_aside,
    )


def _labels(session: Session, item: Item) -> told.Labels:
    standing = isolation.labels_of(session, item)
    return told.Labels(
        standing.printed, standing.applied, standing.destroyed, 0,
        tuple(codes.grouped(each) for each in standing.open),
        tuple(codes.grouped(each) for each in standing.bare),
    )  # fmt: skip


def _markers(
    session: Session,
    read: studies.Protocol,
    donor: studies.Subject,
    line: list[Item],
    *,
    prp: bool,
) -> told.Markers:
    found = collection.markers_of(session, donor.id)
    required: tuple[str, ...] = tuple(read.limit("markers.required"))  # type: ignore[arg-type]
    within = read.quantity("markers.sample_within").span()
    donated = [
        specimen.collected_at
        for each in line
        if each.kind is ItemKind.SPECIMEN
        and (specimen := collection.specimen_of(session, each.id)).collected_at
    ]
    first = min(donated, default=None)

    def in_time(marker: collection.Marker) -> bool:
        if first is None:
            return False
        if prp:
            before = read.quantity("prp.markers_sample_before_draw_max").span()
            return timedelta(0) <= first - marker.sampled_at <= before
        return abs(marker.sampled_at - first) <= within

    return told.Markers(
        required=required,
        results=tuple(
            told.Marker(
                name=name,
                state=told.MarkerState(marker.state.value),
                right_specimen=True,  # another is refused where it is entered
                in_time=in_time(marker),
            )
            for name, marker in sorted(found.items())
        ),
        repeated_or_nat=collection.nucleic_acid_tested(found),
    )


def _steps(session: Session, line: Iterable[Item]) -> list[tuple[str, str]]:
    """Who did what on the lot, on what it came from, and on its donor's markers."""
    streams = [custody.stream(each.code) for each in line]
    donors = {each.donor_id for each in line if each.donor_id}
    streams += [studies.stream(studies.subject(session, donor)) for donor in donors]
    return sorted(
        {
            (entry.person, entry.kind)
            for stream in streams
            for entry in ledger.entries_of(session, stream)
            if entry.kind.startswith(_STEPS)
        }
    )


def _held(session: Session, line: list[Item]) -> list[str]:
    names = {each.id: each.code for each in line}
    held = {names[hold.item_id] for hold in custody.holds(session, list(names))}
    # A way without a whole record or an assessment counts, also where it was received before ways
    # held anything (H19).
    held |= {
        names[way.item_id]
        for way in custody.ways_of(session, list(names))
        if custody.not_shown_good(way)
    }
    bad = (State.BLOCKED, State.REJECTED)
    return sorted(held | {each.code for each in line if each.state in bad})
