"""What collection adds to a participant's page and to her journey."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import studies
from lims.collection.models import Kit, Marker, Specimen, SpecimenKind
from lims.collection.receipt import REJECTION_REASONS, Decision
from lims.collection.schemas import MARKER_NAMES, MARKER_STATE_NAMES
from lims.core.words import Text as _
from lims.studies import Mark, Part, Step


def _steps(
    session: Session, study: studies.Study, people: Sequence[studies.Subject]
) -> Mapping[UUID, Sequence[Step]]:
    """Kit, collected, received: for those whose own material is used."""
    read = studies.protocol_of(study)
    # Before she has an arm, the steps of an arm that collects are those she may have to take.
    collecting = {arm.code for arm in read.arms.values() if arm.own_collection}
    hers = [
        each.id
        for each in people
        if each.kind is studies.SubjectKind.PARTICIPANT
        and (each.arm in collecting if each.arm else collecting)
    ]
    kits: dict[UUID, Kit] = {}
    for kit in session.scalars(
        select(Kit).where(Kit.subject_id.in_(hers)).order_by(Kit.identity_checked_at)
    ):
        if kit.subject_id:
            kits[kit.subject_id] = kit
    specimens: dict[UUID, Specimen] = {}
    for specimen in session.scalars(
        select(Specimen)
        .where(Specimen.subject_id.in_(hers), Specimen.kind == SpecimenKind.MENSTRUAL_FLUID)
        .order_by(Specimen.collected_at.is_not(None), Specimen.collected_at)
    ):
        specimens[specimen.subject_id] = specimen
    return {
        each: [*_kit_steps(kits.get(each)), *_specimen_steps(specimens.get(each))] for each in hers
    }


def _kit_steps(kit: Kit | None) -> list[Step]:
    at = kit.identity_checked_at if kit else None
    return [Step(_("kit"), Mark.DONE if at else Mark.OPEN, at)]


def _specimen_steps(specimen: Specimen | None) -> list[Step]:
    collected = specimen.collected_at if specimen else None
    steps = [Step(_("collected"), Mark.DONE if collected else Mark.OPEN, collected)]
    if specimen is None or specimen.received_at is None:
        return [*steps, Step(_("received"), Mark.OPEN)]
    if specimen.decision == Decision.ACCEPT.value:
        return [*steps, Step(_("received"), Mark.DONE, specimen.received_at)]
    why = REJECTION_REASONS.get(specimen.reason_code or "", _("on hold"))
    return [*steps, Step(_("received"), Mark.STOPPED, specimen.received_at, why)]


def _markers(session: Session, subject: studies.Subject) -> Part | None:
    """Her infectious markers, newest of each."""
    newest: dict[str, Marker] = {}
    for row in session.scalars(
        select(Marker).where(Marker.subject_id == subject.id).order_by(Marker.entered_at)
    ):
        newest[row.marker] = row
    return Part(
        _("Infectious markers"),
        (_("Marker"), _("Result"), _("Drawn")),
        [
            (
                studies.Cell(MARKER_NAMES.get(row.marker, row.marker)),
                studies.Cell(MARKER_STATE_NAMES[row.state]),
                studies.Cell(row.sampled_at),
            )
            for row in newest.values()
        ],
        _("No marker is recorded."),
    )


def register() -> None:
    """Stand on the page and in the journey."""
    studies.in_journey(order=20)(_steps)
    studies.on_participant(order=60)(_markers)
