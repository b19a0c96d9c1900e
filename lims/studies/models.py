"""Tables of studies: the trial, its people by number, their consent, arm and dates."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored


class SubjectKind(StrEnum):
    """Why a person is known to a study."""

    PARTICIPANT = "participant"
    DONOR = "donor"  # a mother whose cord was given: she is tested, the tissue is her child's


class SubjectState(StrEnum):
    """How far a participant has come."""

    SCREENING = "screening"
    ELIGIBLE = "eligible"
    ALLOCATED = "allocated"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class Study(Tracked, Base):
    """A trial under one version of its file, pinned with the site's defaults it was read with."""

    __tablename__ = "studies_study"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    site_digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[str]
    site_document: Mapped[str]
    units_confirmed_by: Mapped[UUID | None]
    units_confirmed_at: Mapped[datetime | None]


class Subject(Tracked, Base):
    """A participant or donor, by number only; who she is stands in `Identity`."""

    __tablename__ = "studies_subject"
    __table_args__ = (UniqueConstraint("study_id", "serial", "kind"),)

    study_id: Mapped[UUID] = mapped_column(ForeignKey("studies_study.id"))
    number: Mapped[str] = mapped_column(String(40), unique=True)
    serial: Mapped[int]
    kind: Mapped[SubjectKind] = mapped_column(stored(SubjectKind))
    state: Mapped[SubjectState] = mapped_column(stored(SubjectState))
    # The chain-of-identity id stands on every label from collection to dose.
    chain_id: Mapped[str] = mapped_column(String(20), unique=True)
    arm: Mapped[str | None] = mapped_column(String(40))
    allocated_at: Mapped[datetime | None]
    allocation_ground: Mapped[str | None]
    eligibility_signed_at: Mapped[datetime | None]
    registered_at: Mapped[datetime]


class Identity(Base):
    """Who a subject is, under a key of her own. Destroying the key erases her."""

    __tablename__ = "studies_identity"
    # Not in the ledger: no name or birth date may stand where nothing can be erased (H49).
    __table_args__ = ({"info": {"guarded": False}},)

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), primary_key=True)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    birth_date: Mapped[bytes] = mapped_column(LargeBinary)


class Wristband(Tracked, Base):
    """A printed band. A reprint cancels the one before."""

    __tablename__ = "studies_wristband"
    __table_args__ = (
        Index(
            "uq_studies_wristband_live",
            "subject_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"))
    code: Mapped[str] = mapped_column(String(9), unique=True)
    live: Mapped[bool]
    issued_at: Mapped[datetime]
    reason: Mapped[str | None]


class Consent(Tracked, Base):
    """One signed consent and what it covers."""

    __tablename__ = "studies_consent"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    form_version: Mapped[str] = mapped_column(String(40))
    covers: Mapped[list[Any]]
    signed_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None]
    material: Mapped[str | None] = mapped_column(String(40))


class Eligibility(Tracked, Base):
    """A signed judgement of every criterion, with the fields it was made from."""

    __tablename__ = "studies_eligibility"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    fields: Mapped[dict[str, Any]]
    judged: Mapped[dict[str, Any]]
    items: Mapped[list[Any]]
    eligible: Mapped[bool]
    signed_by: Mapped[UUID]
    signed_at: Mapped[datetime]


class AllocationRow(Tracked, Base):
    """One row of a randomisation list: sealed until its turn, revealed once, never skipped."""

    __tablename__ = "studies_allocation_row"
    __table_args__ = (
        UniqueConstraint("study_id", "position"),
        UniqueConstraint("subject_id"),
        CheckConstraint("position > 0", name="position_positive"),
    )

    study_id: Mapped[UUID] = mapped_column(ForeignKey("studies_study.id"))
    list_digest: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_arm: Mapped[bytes] = mapped_column(LargeBinary)
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("studies_subject.id"))
    revealed_at: Mapped[datetime | None]


class TransferPlan(Tracked, Base):
    """When an embryo transfer is planned. A new plan never changes an old one."""

    __tablename__ = "studies_transfer_plan"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    planned_at: Mapped[datetime]
    zone: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    replaced: Mapped[bool] = mapped_column(default=False)


class CycleDayOne(Tracked, Base):
    """The first day of full-flow bleeding: a date of the site, and where it is known from."""

    __tablename__ = "studies_cycle_day_one"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    day: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(40))
    recorded_at: Mapped[datetime]


class WindowOverride(Tracked, Base):
    """An investigator's signed permission to leave a time window, seconded by another person."""

    __tablename__ = "studies_window_override"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    check_id: Mapped[str] = mapped_column(String(10))
    deviation: Mapped[str]
    signed_by: Mapped[UUID]
    seconded_by: Mapped[UUID | None]
    signed_at: Mapped[datetime]
    seconded_at: Mapped[datetime | None]


class Delegation(Tracked, Base):
    """Who may act in which role on a study, trained, until when."""

    __tablename__ = "studies_delegation"

    study_id: Mapped[UUID] = mapped_column(ForeignKey("studies_study.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(40))
    trained_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
