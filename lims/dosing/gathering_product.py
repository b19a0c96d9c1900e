"""What the bedside gate is told of the thing in hand and where it came from."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from lims import collection, custody, isolation, labels, ledger, qc, studies
from lims.core import codes
from lims.custody import Item, ItemKind, State, blocking
from lims.dosing import facts as told
from lims.dosing import queries
from lims.dosing.asked import Asked
from lims.dosing.facts_product import Donor, Kept
from lims.studies.protocol import DonorRule, ProductKind


def dose_facts(session: Session, scanned: codes.Scanned, item: Item | None) -> told.Dose:
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


def lot_facts(session: Session, lot: isolation.Lot, dose: Item) -> told.Lot:
    item = custody.item(session, lot.item_id)
    read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    arm = next(
        each
        for each in read.arms.values()
        if each.product == lot.product and each.mechanical in (None, lot.mechanical)
    )
    line = [dose, *custody.ancestors(session, [dose.id])]
    holds = custody.holds(session, [each.id for each in line])
    residual = qc.standing_result(session, lot.item_id, "S18")
    return told.Lot(
        name=lot.name,
        state=item.state.value,
        product=lot.product,
        donor=Donor.RECIPIENT if arm.donor_rule is DonorRule.RECIPIENT else Donor.OTHER,
        mechanical=lot.mechanical if arm.mechanical is not None else None,
        expires_at=item.expires_at,
        recalled=any(each.source in blocking.RECALLS for each in holds),
        held=bool(holds) or any(each.state in (State.BLOCKED, State.REJECTED) for each in line),
        open_findings=len(qc.findings_of(session, [each.id for each in line])),
        antibiotic_clear=None if residual is None else residual.standing is qc.Standing.MET,
        residuals=tuple(lot.residuals),
        prp=lot.product == ProductKind.PRP.value,
        drawn_at=lot.drawn_at,
    )


def lineage_facts(
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
    return told.Lineage(
        donors=tuple(sorted(each.number for each in donors.values())),
        identity_matched=None
        if matched is None or matched.state is not qc.ResultState.APPROVED
        else matched.standing is qc.Standing.MET,
        chains=tuple(sorted(each.chain_id for each in donors.values())),
        cleared=complete and not reactive and collection.nucleic_acid_tested(found),
        consent=all(studies.consent_in_force(session, donor) is not None for donor in donors),
        markers_complete=complete,
        markers_reactive=reactive,
        biohazard_label=False,
        precautions=asked.seen.get("precautions"),
    )


def thaw_facts(session: Session, item: Item) -> told.Thaw:
    thawing = queries.thaw_of(session, item.id)
    return told.Thaw(
        at=item.thawed_at,
        count=item.thaw_count,
        refrozen=custody.was_refrozen(session, item),
        out=custody.open_time(session, item),
        kept=Kept(thawing.kept) if thawing else None,
    )


def transport_facts(session: Session, item: Item) -> told.Transport:
    """How every way stands that it went, or what it was made from."""
    line = [item, *custody.ancestors(session, [item.id])]
    return transport_of(session, item, custody.ways_of(session, [each.id for each in line]))


def transport_of(
    session: Session, item: Item, ways: Sequence[custody.Way], at: datetime | None = None
) -> told.Transport:
    """Ways by their state; agreement as of `at`, where it is given."""
    own = [
        each
        for each in ways
        if each.item_id == item.id and each.state is custody.RecordState.ASSESSED
    ]
    agreed = [each for each in own if _agreed(session, each, at)]
    return told.Transport(
        ways=len(ways),
        travelling=sum(each.received_at is None for each in ways),
        open=sum(
            custody.not_shown_good(each) and each.state is not custody.RecordState.UNUSABLE
            for each in ways
        ),
        unusable=sum(each.state is custody.RecordState.UNUSABLE for each in ways),
        unagreed=len(own) - len(agreed),
        agreed=len(agreed),
    )


def storage_facts(session: Session, item: Item, at: datetime | None = None) -> told.Storage:
    """What was found of the places where it stood; as it stood at `at`, where that is given.

    A warm spell within the hard limits is written down and stops nobody; a silence does (13.21).
    """
    spans = custody.monitoring.measured(session, item, at)
    grave = [
        (each, state)
        for each in custody.monitoring.befell(session, spans)
        if (state := custody.monitoring.state_at(session, each, at)) is not None
        and (
            each.kind is not custody.excursions.Fault.EXCURSION
            or each.level is custody.monitoring.Level.STOP
            or state is custody.RecordState.UNUSABLE
        )
    ]
    states = [state for _each, state in grave]
    usable = [each for each, state in grave if state is custody.RecordState.ASSESSED]
    agreed = [
        each for each in usable
        if each.agreed_at is not None and (at is None or each.agreed_at <= at)
    ]  # fmt: skip
    return told.Storage(
        measured=any(span.place_id for span in spans),
        open=states.count(custody.RecordState.OPEN),
        unusable=states.count(custody.RecordState.UNUSABLE),
        unagreed=len(usable) - len(agreed),
        agreed=len(agreed),
    )


def _agreed(session: Session, way: custody.Way, at: datetime | None) -> bool:
    found = custody.assessment_of(session, way.record_id) if way.record_id else None
    when = found.agreed_at if found else None
    return when is not None and (at is None or when <= at)


def custody_facts(session: Session, item: Item, asked: Asked) -> told.Custody:
    here = item.holder_id == asked.operator.person if asked.operator is not None else None
    line = [item, *custody.ancestors(session, [item.id])]
    # The yes stands on these records, so they are proven here and not only at night (H23).
    broken = ledger.breaks_in(session, [custody.stream(each.code) for each in line])
    return told.Custody(
        incomplete=len(custody.custody_gaps(session, item)),
        here=here,
        altered=broken[0].stream if broken else None,
    )
