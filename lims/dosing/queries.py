"""Finding doses, checks and what was given."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import db
from lims.core.words import Text as _
from lims.dosing.errors import CheckUnknown
from lims.dosing.models import (
    Administration,
    Assignment,
    BedsideCheck,
    OutcomeRecord,
    PreDose,
    Thawing,
)


def assignment_of(session: Session, item_id: UUID) -> Assignment | None:
    """Whom a dose is meant for."""
    return session.scalar(
        select(Assignment).where(Assignment.item_id == item_id, Assignment.ended_at.is_(None))
    )


def assignments_to(session: Session, subject_id: UUID) -> list[Assignment]:
    """Doses meant for a participant, newest first."""
    return list(
        session.scalars(
            select(Assignment)
            .where(Assignment.subject_id == subject_id)
            .order_by(Assignment.assigned_at.desc())
        )
    )


def thaw_of(session: Session, item_id: UUID) -> Thawing | None:
    """The thaw of a container."""
    return session.scalar(select(Thawing).where(Thawing.item_id == item_id))


def assessment_of(session: Session, subject_id: UUID) -> PreDose | None:
    """The newest pre-dose assessment."""
    return session.scalar(
        select(PreDose)
        .where(PreDose.subject_id == subject_id)
        .order_by(PreDose.signed_at.desc())
        .limit(1)
    )


def check_by_id(session: Session, check_id: UUID, *, lock: bool = False) -> BedsideCheck:
    """A bedside check.

    Raises:
        CheckUnknown: there is none of this id.
    """
    statement = select(BedsideCheck).where(BedsideCheck.id == check_id)
    found = db.locked(session, statement) if lock else session.scalar(statement)
    if found is None:
        raise CheckUnknown(_("No bedside check has this number; start at step 1."))
    return found


def open_checks(session: Session, operator_id: UUID | None = None) -> list[BedsideCheck]:
    """Checks that have not ended, newest first."""
    statement = (
        select(BedsideCheck)
        .where(BedsideCheck.state == "open")
        .order_by(BedsideCheck.started_at.desc())
        .limit(50)
    )
    if operator_id is not None:
        statement = statement.where(BedsideCheck.operator_id == operator_id)
    return list(session.scalars(statement))


def given_to(session: Session, subject_id: UUID) -> Administration | None:
    """What was given to a participant."""
    return session.scalar(select(Administration).where(Administration.subject_id == subject_id))


def given_of(session: Session, item_id: UUID) -> Administration | None:
    """Whether a dose was given."""
    return session.scalar(select(Administration).where(Administration.item_id == item_id))


def outcomes_of(session: Session, subject_id: UUID) -> list[OutcomeRecord]:
    """The outcomes of a participant, in their order."""
    return list(
        session.scalars(
            select(OutcomeRecord)
            .where(OutcomeRecord.subject_id == subject_id)
            .order_by(OutcomeRecord.recorded_at)
        )
    )
