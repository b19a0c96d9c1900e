"""Finding studies and their people."""

from functools import lru_cache
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.core.words import Text as _
from lims.studies import protocol
from lims.studies.errors import StudyUnknown, SubjectUnknown
from lims.studies.models import (
    Consent,
    CycleDayOne,
    Delegation,
    Eligibility,
    Study,
    Subject,
    SubjectKind,
    TransferPlan,
    WindowOverride,
    Wristband,
)
from lims.studies.protocol import Protocol


def study_by_code(session: Session, code: str, *, lock: bool = False) -> Study:
    """The study of a code.

    Raises:
        StudyUnknown: none such was loaded.
    """
    statement = select(Study).where(Study.code == code)
    found = db.locked(session, statement) if lock else session.scalar(statement)
    if found is None:
        raise StudyUnknown(
            _("No study %(code)s has been loaded; load its file first.", code=code), field="study"
        )
    return found


def study(session: Session, study_id: UUID) -> Study:
    """The study of an id."""
    found = session.get(Study, study_id)
    if found is None:
        raise StudyUnknown(_("No such study has been loaded."))
    return found


def studies(session: Session) -> list[Study]:
    """Every study, by code."""
    return list(session.scalars(select(Study).order_by(Study.code)))


def protocol_of(pinned: Study) -> Protocol:
    """What the study's file says, as it was when it was loaded."""
    return _read(pinned.digest, pinned.site_digest, pinned.document, pinned.site_document)


@lru_cache(maxsize=16)
def _read(_digest: str, _site_digest: str, document: str, site_document: str) -> Protocol:
    return protocol.load(document, protocol.load_site(site_document))


def subject_by_number(session: Session, number: str, *, lock: bool = False) -> Subject:
    """The participant or donor of a number.

    Raises:
        SubjectUnknown: nobody has it.
    """
    statement = select(Subject).where(Subject.number == number.strip().upper())
    found = db.locked(session, statement) if lock else session.scalar(statement)
    if found is None:
        raise SubjectUnknown(
            _("Nobody has the number %(number)s; check it against her papers.", number=number),
            field="participant",
        )
    return found


def subject(session: Session, subject_id: UUID) -> Subject:
    """The subject of an id."""
    found = session.get(Subject, subject_id)
    if found is None:
        raise SubjectUnknown(_("No such participant is known."))
    return found


def subjects(session: Session, study_id: UUID, kind: SubjectKind | None = None) -> list[Subject]:
    """The people of a study, by number."""
    statement = select(Subject).where(Subject.study_id == study_id).order_by(Subject.number)
    if kind:
        statement = statement.where(Subject.kind == kind)
    return list(session.scalars(statement))


def next_serial(session: Session, study_id: UUID, kind: SubjectKind) -> int:
    """The next number of a study, whose row is locked."""
    last = session.scalar(
        select(func.max(Subject.serial)).where(Subject.study_id == study_id, Subject.kind == kind)
    )
    return (last or 0) + 1


def subject_by_band(session: Session, code: str) -> tuple[Subject, Wristband] | None:
    """Whose wristband this is, and the band."""
    band = session.scalar(select(Wristband).where(Wristband.code == code))
    return (subject(session, band.subject_id), band) if band else None


def cancelled_bands(session: Session) -> list[Wristband]:
    """Bands that another took the place of, by code."""
    found = select(Wristband).where(Wristband.live.is_(False)).order_by(Wristband.code)
    return list(session.scalars(found))


def live_band(session: Session, subject_id: UUID) -> Wristband | None:
    """The band that is on the arm."""
    return session.scalar(
        select(Wristband).where(Wristband.subject_id == subject_id, Wristband.live.is_(True))
    )


def consents(session: Session, subject_id: UUID) -> list[Consent]:
    """Every consent of a subject, newest first."""
    return list(
        session.scalars(
            select(Consent)
            .where(Consent.subject_id == subject_id)
            .order_by(Consent.signed_at.desc())
        )
    )


def consent_in_force(session: Session, subject_id: UUID) -> Consent | None:
    """The newest consent, unless it was withdrawn."""
    newest = next(iter(consents(session, subject_id)), None)
    return newest if newest and newest.withdrawn_at is None else None


def eligibility(session: Session, subject_id: UUID) -> Eligibility | None:
    """The newest signed judgement."""
    return session.scalar(
        select(Eligibility)
        .where(Eligibility.subject_id == subject_id)
        .order_by(Eligibility.signed_at.desc())
        .limit(1)
    )


def transfer_plan(session: Session, subject_id: UUID) -> TransferPlan | None:
    """The plan in force."""
    return session.scalar(
        select(TransferPlan)
        .where(TransferPlan.subject_id == subject_id, TransferPlan.replaced.is_(False))
        .order_by(TransferPlan.made_at.desc())
        .limit(1)
    )


def transfer_plans(session: Session, subject_id: UUID) -> list[TransferPlan]:
    """Every plan ever made of her transfer, newest first; replaced ones too."""
    return list(
        session.scalars(
            select(TransferPlan)
            .where(TransferPlan.subject_id == subject_id)
            .order_by(TransferPlan.made_at.desc())
        )
    )


def cycle_day_one(session: Session, subject_id: UUID) -> CycleDayOne | None:
    """The newest recorded first day."""
    return session.scalar(
        select(CycleDayOne)
        .where(CycleDayOne.subject_id == subject_id)
        .order_by(CycleDayOne.day.desc(), CycleDayOne.recorded_at.desc())
        .limit(1)
    )


def override(session: Session, subject_id: UUID, check_id: str) -> WindowOverride | None:
    """A seconded permission to leave a window."""
    return session.scalar(
        select(WindowOverride)
        .where(
            WindowOverride.subject_id == subject_id,
            WindowOverride.check_id == check_id,
            WindowOverride.seconded_by.is_not(None),
        )
        .order_by(WindowOverride.signed_at.desc())
        .limit(1)
    )


def unseconded(session: Session, subject_id: UUID, person: UUID | None) -> WindowOverride | None:
    """A permission to leave a window that waits for this person, who did not sign it first."""
    return session.scalar(
        select(WindowOverride)
        .where(
            WindowOverride.subject_id == subject_id,
            WindowOverride.seconded_by.is_(None),
            WindowOverride.signed_by != person,
        )
        .order_by(WindowOverride.signed_at.desc())
        .limit(1)
    )


def delegations(session: Session, study_id: UUID, person_id: UUID) -> list[Delegation]:
    """What a person may do on a study now."""
    now = clock.now()
    return list(
        session.scalars(
            select(Delegation).where(
                Delegation.study_id == study_id,
                Delegation.person_id == person_id,
                Delegation.ended_at.is_(None),
                Delegation.valid_until > now,
            )
        )
    )
