"""What dosing adds to a participant's page and to her journey."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, studies
from lims.core.words import Text as _
from lims.dosing import queries
from lims.dosing.models import Administration, Assignment, OutcomeRecord
from lims.studies import Cell, Mark, Part, Step


@studies.in_journey(order=40)
def steps(
    session: Session, study: studies.Study, people: Sequence[studies.Subject]
) -> Mapping[UUID, Sequence[Step]]:
    """Dose assigned, dose given, outcome; a control has an outcome only."""
    read = studies.protocol_of(study)
    ids = [each.id for each in people if each.kind is studies.SubjectKind.PARTICIPANT]
    assigned = {
        row.subject_id: row.assigned_at
        for row in session.scalars(
            select(Assignment)
            .where(Assignment.subject_id.in_(ids), Assignment.ended_at.is_(None))
            .order_by(Assignment.assigned_at)
        )
    }
    given = {
        row.subject_id: row.ended_at
        for row in session.scalars(select(Administration).where(Administration.subject_id.in_(ids)))
    }
    observed = {
        row.subject_id: row.recorded_at
        for row in session.scalars(
            select(OutcomeRecord)
            .where(OutcomeRecord.subject_id.in_(ids))
            .order_by(OutcomeRecord.recorded_at)
        )
    }
    arms = {each.id: read.arms.get(each.arm or "") for each in people}
    found: dict[UUID, list[Step]] = {}
    for each in ids:
        arm = arms[each]
        words = [(_("outcome"), observed.get(each))]
        if arm is None or arm.dose is not None:
            words = [(_("dose ready"), assigned.get(each)), (_("given"), given.get(each)), *words]
        found[each] = [
            Step(word, Mark.DONE if at is not None else Mark.OPEN, at) for word, at in words
        ]
    return found


@studies.on_participant(order=30)
def doses(session: Session, subject: studies.Subject) -> Part | None:
    """The doses that are meant for her, and whether one was given."""
    if subject.kind is not studies.SubjectKind.PARTICIPANT:
        return None
    rows = []
    for meant in queries.assignments_to(session, subject.id):
        item = custody.item(session, meant.item_id)
        given = queries.given_of(session, item.id)
        if given is not None and given.subject_id != subject.id:
            given = None  # it went to another woman; her own page says so
        paper = queries.paper_of(session, item.id) if given else None
        rows.append(
            (
                Cell(item.code, f"/items/{item.code}", code=True),
                Cell(meant.visit),
                Cell(custody.STATE_NAMES[item.state]),
                Cell(meant.assigned_at),
                Cell(given.ended_at if given else _("no longer meant") if meant.ended_at else ""),
                Cell(paper.recorded_at if paper else ""),
            )
        )
    return Part(
        _("Doses meant for her"),
        (_("Dose"), _("Visit"), _("State"), _("Assigned"), _("Given"), _("From paper")),
        rows,
        _("No dose is meant for her."),
    )


@studies.on_participant(order=40)
def outcomes(session: Session, subject: studies.Subject) -> Part | None:
    """What became of it."""
    if subject.kind is not studies.SubjectKind.PARTICIPANT:
        return None
    read = studies.protocol_of(studies.study(session, subject.study_id))
    recorded = queries.outcomes_of(session, subject.id)
    known = {row.outcome for row in recorded}

    def asked(outcome: str, title: str) -> Cell:
        return Cell(title, f"/participants/{subject.number}/outcomes/{outcome}")

    titles = {each.id: each.title for each in read.outcomes}
    return Part(
        _("Outcomes"),
        (_("Outcome"), _("Observed"), _("Recorded")),
        [
            (
                asked(row.outcome, titles.get(row.outcome, row.outcome)),
                Cell(row.observed_on),
                Cell(row.recorded_at),
            )
            for row in recorded
        ]
        # The others wait, each behind the form that its study declares.
        + [
            (asked(each.id, each.title), Cell(""), Cell(_("not yet")))
            for each in read.outcomes
            if each.id not in known
        ],
        _("The study asks for none."),
    )
