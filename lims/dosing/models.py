"""Doses on their way to a woman, the checks at her bed, what was given, what became of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored


class CheckState(StrEnum):
    """Where a bedside check stands."""

    OPEN = "open"
    GIVEN = "given"
    NOT_GIVEN = "not-given"


class Assignment(Tracked, Base):
    """A dose is meant for one participant and visit."""

    __tablename__ = "dosing_assignment"
    __table_args__ = (
        # A returned dose may be assigned again; at any time it is meant for one woman.
        Index(
            "uq_dosing_assignment_open",
            "item_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    visit: Mapped[str] = mapped_column(String(40))
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[UUID]
    issued_at: Mapped[datetime | None]
    issued_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]


class Pack(Tracked, Base):
    """The pack around a dose on its way to one participant; its code is no dose's at any bed."""

    __tablename__ = "dosing_pack"

    code: Mapped[str] = mapped_column(String(9), unique=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_assignment.id"), unique=True)
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None]


class Thawing(Tracked, Base):
    """One thaw of one container."""

    __tablename__ = "dosing_thaw"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    thawed_at: Mapped[datetime]
    thawed_by: Mapped[UUID]
    kept: Mapped[str] = mapped_column(String(10))


class PreDose(Tracked, Base):
    """The pre-dose assessment of one day, signed by the investigator."""

    __tablename__ = "dosing_assessment"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    allergies: Mapped[list[Any]]
    fever: Mapped[bool]
    infection: Mapped[bool]
    bleeding: Mapped[bool]
    pregnancy_test: Mapped[str] = mapped_column(String(20))
    pregnancy_tested_on: Mapped[date | None] = mapped_column(Date)
    signed_by: Mapped[UUID]
    signed_at: Mapped[datetime]


class BedsideCheck(Tracked, Base):
    """One check at one bed, from its first scan; what was seen and who joined."""

    __tablename__ = "dosing_check"

    dose: Mapped[str] = mapped_column(String(12))
    participant: Mapped[str] = mapped_column(String(40))
    band: Mapped[str | None] = mapped_column(String(12))
    state: Mapped[CheckState] = mapped_column(stored(CheckState))
    operator_id: Mapped[UUID]
    station: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    verdict: Mapped[str] = mapped_column(String(10))
    seen: Mapped[dict[str, Any]]
    witness_id: Mapped[UUID | None]
    witness_band: Mapped[str | None] = mapped_column(String(12))
    witness_dose: Mapped[str | None] = mapped_column(String(12))
    figures_right: Mapped[bool | None]
    wrong_figures: Mapped[int] = mapped_column(default=0)
    witnessed_at: Mapped[datetime | None]


class Administration(Tracked, Base):
    """A dose was given: once per dose, once per participant (B28, H31)."""

    __tablename__ = "dosing_administration"
    __table_args__ = (UniqueConstraint("item_id"), UniqueConstraint("subject_id"))

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"))
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"))
    check_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_check.id"), unique=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    sites: Mapped[list[Any]]
    delivered_ul: Mapped[int]
    residual_ul: Mapped[int]
    wasted_ul: Mapped[int]
    operator_id: Mapped[UUID]
    witness_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class PaperRecord(Tracked, Base):
    """A dose that was given while the system could not be used, entered afterwards from paper."""

    __tablename__ = "dosing_paper"

    check_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_check.id"), unique=True)
    given_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID]
    reason: Mapped[str]
    # Rows of the bedside gate that had not passed at the time it was given: id, result, why.
    failed: Mapped[list[Any]]
    finding: Mapped[str | None] = mapped_column(String(60))
    sheet_name: Mapped[str | None] = mapped_column(String(200))
    sheet_kind: Mapped[str | None] = mapped_column(String(40))
    sheet_sha256: Mapped[str | None] = mapped_column(String(64))
    # The digest above is guarded and names every bit of the sheet.
    sheet: Mapped[bytes | None] = mapped_column(LargeBinary, info={"guarded": False})


class NotGiven(Tracked, Base):
    """A check that ended without a dose, and where the dose went."""

    __tablename__ = "dosing_not_given"

    check_id: Mapped[UUID] = mapped_column(ForeignKey("dosing_check.id"), unique=True)
    reason: Mapped[str]
    dose_went: Mapped[str] = mapped_column(String(40))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID]


class OutcomeRecord(Tracked, Base):
    """One outcome of one participant; a later record stands beside an earlier one."""

    __tablename__ = "dosing_outcome"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, Any]]
    observed_on: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID]
