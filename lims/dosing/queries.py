"""Finding doses, checks and what was given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import db
from lims.core.words import Text as _
from lims.custody import Item, State, genealogy
from lims.dosing.errors import CheckUnknown
from lims.dosing.models import (
    Administration,
    Assignment,
    BedsideCheck,
    OutcomeRecord,
    PaperRecord,
    PreDose,
    Thawing,
)
from lims.studies import Subject


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


def assessment_of(
    session: Session, subject_id: UUID, *, before: datetime | None = None
) -> PreDose | None:
    """The newest pre-dose assessment; of those signed by then, where an instant is given."""
    statement = select(PreDose).where(PreDose.subject_id == subject_id)
    if before is not None:
        statement = statement.where(PreDose.signed_at <= before)
    return session.scalar(statement.order_by(PreDose.signed_at.desc()).limit(1))


def unconfirmed(session: Session) -> list[tuple[Item, Assignment]]:
    """Doses out for giving that are neither given, returned nor destroyed, longest out first."""
    found = session.execute(
        select(Item, Assignment)
        .join(Assignment, Assignment.item_id == Item.id)
        .where(
            Item.state.in_((State.ISSUED, State.THAWED)),
            Assignment.ended_at.is_(None),
            Assignment.issued_at.is_not(None),
        )
        .order_by(Assignment.issued_at, Item.code)
    )
    return [(row[0], row[1]) for row in found]


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


def given_in(session: Session, check_id: UUID) -> tuple[Item, Administration]:
    """The dose that a check gave, and its administration."""
    row = session.execute(
        select(Item, Administration)
        .join(Administration, Administration.item_id == Item.id)
        .where(Administration.check_id == check_id)
    ).one()
    return row[0], row[1]


def paper_of(session: Session, item_id: UUID) -> PaperRecord | None:
    """How a dose was entered from paper, if it was."""
    return session.scalar(
        select(PaperRecord)
        .join(Administration, Administration.check_id == PaperRecord.check_id)
        .where(Administration.item_id == item_id)
    )


def outcomes_of(session: Session, subject_id: UUID) -> list[OutcomeRecord]:
    """The outcomes of a participant, in their order."""
    return list(
        session.scalars(
            select(OutcomeRecord)
            .where(OutcomeRecord.subject_id == subject_id)
            .order_by(OutcomeRecord.recorded_at)
        )
    )


@dataclass(frozen=True)
class Given:
    """A dose that reached a participant."""

    code: str
    participant: str
    at: datetime
    from_paper: bool


def given_among(session: Session, items: Iterable[UUID]) -> list[Given]:
    """Which of these items were given, to whom and when; one question for thousands."""
    found: list[Any] = []
    for some in genealogy.chunks(items):
        found += session.execute(
            select(Item.code, Subject.number, Administration.ended_at, PaperRecord.id)
            .join(Administration, Administration.item_id == Item.id)
            .join(Subject, Subject.id == Administration.subject_id)
            .outerjoin(PaperRecord, PaperRecord.check_id == Administration.check_id)
            .where(Item.id.in_(some))
        ).all()
    found.sort(key=lambda row: (row[2], row[0]))
    return [Given(row[0], row[1], row[2], row[3] is not None) for row in found]


def assignments_of(session: Session, items: Sequence[UUID]) -> list[tuple[Item, Assignment]]:
    """Open assignments of these items."""
    rows = session.execute(
        select(Item, Assignment)
        .join(Assignment, Assignment.item_id == Item.id)
        .where(Item.id.in_(items), Assignment.ended_at.is_(None))
        .order_by(Item.code)
    )
    return [(row[0], row[1]) for row in rows]


def meant_among(session: Session, items: Iterable[UUID]) -> list[tuple[str, str, Assignment]]:
    """Code, participant and open assignment of those items that are meant for somebody."""
    found: list[tuple[str, str, Assignment]] = []
    for some in genealogy.chunks(items):
        rows = session.execute(
            select(Item.code, Subject.number, Assignment)
            .join(Assignment, Assignment.item_id == Item.id)
            .join(Subject, Subject.id == Assignment.subject_id)
            .where(Item.id.in_(some), Assignment.ended_at.is_(None))
            .order_by(Item.code)
        )
        found += [(row[0], row[1], row[2]) for row in rows]
    return found


def received_by(session: Session, subject_id: UUID) -> list[UUID]:
    """The doses that were given to a participant or meant for her, by id."""
    meant = select(Assignment.item_id).where(Assignment.subject_id == subject_id)
    given = select(Administration.item_id).where(Administration.subject_id == subject_id)
    return list(session.scalars(meant.union(given)))


def recalled_and_out(session: Session) -> list[tuple[Item, Assignment]]:
    """Blocked doses that had been issued and whose end nobody has recorded."""
    rows = session.execute(
        select(Item, Assignment)
        .join(Assignment, Assignment.item_id == Item.id)
        .where(
            Item.state == State.BLOCKED,
            Assignment.ended_at.is_(None),
            Assignment.issued_at.is_not(None),
        )
        .order_by(Assignment.issued_at, Item.code)
    )
    return [(row[0], row[1]) for row in rows]
