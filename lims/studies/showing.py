"""What stands on a participant's page and in her journey; steps above add what they know.

A feature above this one registers a function once, at import, and is never imported from here:

    @studies.on_participant(order=20)
    def doses(session, subject): return Part(...)

    @studies.in_journey(order=20)
    def kit(session, study, people): return {subject.id: [Step(...)]}
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core.words import Text
from lims.studies import queries
from lims.studies.models import Consent, Study, Subject, SubjectKind, SubjectState

_ = Text


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a text, a code as printed, or an instant."""

    text: Any
    href: str = ""
    code: bool = False

    @property
    def moment(self) -> bool:
        """Whether it is drawn in local form."""
        return isinstance(self.text, date | datetime)


@dataclass(frozen=True)
class Part:
    """One table of a participant's page."""

    title: Text
    columns: tuple[Text, ...]
    rows: Sequence[tuple[Cell, ...]]
    empty: Text


class Mark(StrEnum):
    """How far one step of a journey is."""

    DONE = "done"
    OPEN = "open"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One step of a journey: a word and a mark, and when it was."""

    word: Text
    mark: Mark
    at: datetime | None = None
    note: Text | str = ""

    def shown(self) -> dict[str, Any]:
        """The step as JSON."""
        return {"step": str(self.word), "mark": self.mark, "at": self.at, "note": str(self.note)}


Tabled = Callable[[Session, Subject], Part | None]
Walked = Callable[[Session, Study, Sequence[Subject]], Mapping[UUID, Sequence[Step]]]
_parts: dict[str, tuple[int, Tabled]] = {}
_steps: dict[str, tuple[int, Walked]] = {}


def on_participant(order: int) -> Callable[[Tabled], Tabled]:
    """Show what the function gives on every participant's page; lower order stands first."""

    def register(function: Tabled) -> Tabled:
        _parts[f"{function.__module__}.{function.__name__}"] = (order, function)
        return function

    return register


def in_journey(order: int) -> Callable[[Walked], Walked]:
    """Add steps to the journeys of a study's people, all of them in one call."""

    def register(function: Walked) -> Walked:
        _steps[f"{function.__module__}.{function.__name__}"] = (order, function)
        return function

    return register


def parts_of(session: Session, subject: Subject) -> list[Part]:
    """Every table of a participant's page that has something to say of her."""
    told = sorted(_parts.values(), key=lambda each: each[0])
    found = [function(session, subject) for _order, function in told]
    return [each for each in found if each is not None]


def journeys(session: Session, study: Study, people: Sequence[Subject]) -> dict[UUID, list[Step]]:
    """The steps of each person, in the order in which they are taken."""
    walked: dict[UUID, list[Step]] = {each.id: [] for each in people}
    for _order, function in sorted(_steps.values(), key=lambda each: each[0]):
        for person, steps in function(session, study, people).items():
            walked[person].extend(steps)
    return walked


@in_journey(order=0)
def joining(
    session: Session, study: Study, people: Sequence[Subject]
) -> Mapping[UUID, Sequence[Step]]:
    """Consent, eligibility, arm."""
    newest: dict[UUID, Consent] = {}
    for consent in session.scalars(
        select(Consent)
        .where(Consent.subject_id.in_([each.id for each in people]))
        .order_by(Consent.signed_at)
    ):
        newest[consent.subject_id] = consent
    return {each.id: _joined(each, newest.get(each.id)) for each in people}


def _joined(subject: Subject, consent: Consent | None) -> list[Step]:
    if subject.state is SubjectState.WITHDRAWN or (consent and consent.withdrawn_at):
        at = consent.withdrawn_at if consent else None
        steps = [Step(_("consent"), Mark.STOPPED, at, _("withdrawn"))]
    else:
        steps = [_step(_("consent"), consent.signed_at if consent else None)]
    if subject.kind is SubjectKind.PARTICIPANT:
        steps.append(_step(_("eligible"), subject.eligibility_signed_at))
        steps.append(_step(_("arm"), subject.allocated_at, subject.arm or ""))
    return steps


def _step(word: Text, at: datetime | None, note: Text | str = "") -> Step:
    return Step(word, Mark.DONE if at else Mark.OPEN, at, note)


def enrolment(study: Study, people: Sequence[Subject]) -> list[dict[str, Any]]:
    """How many each arm has and should have: `arm, title, allocated, target`."""
    read = queries.protocol_of(study)
    return [
        {
            "arm": arm.code,
            "title": arm.title,
            "allocated": sum(each.arm == arm.code for each in people),
            "target": arm.target,
        }
        for arm in read.arms.values()
    ]
