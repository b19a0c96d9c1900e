"""Kits, specimens and donors' infectious markers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored


class SpecimenKind(StrEnum):
    """What was collected."""

    MENSTRUAL_FLUID = "menstrual-fluid"
    CORD = "umbilical-cord"
    PRP_BLOOD = "blood-for-prp"
    TEST_BLOOD = "blood-for-tests"


class MarkerState(StrEnum):
    """Where one infectious marker stands. Only `negative` passes by itself (domain.md 3.5)."""

    NEGATIVE = "negative"
    REACTIVE = "reactive-unconfirmed"
    POSITIVE = "positive"
    INDETERMINATE = "indeterminate"
    INVALID = "invalid"
    PENDING = "pending"


class Kit(Tracked, Base):
    """A collection kit: bound to one participant, once (H01)."""

    __tablename__ = "collection_kit"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    device_lot: Mapped[str] = mapped_column(String(40))
    device_expires_on: Mapped[date] = mapped_column(Date)
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("studies_subject.id"))
    specimen_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    identity_checked_at: Mapped[datetime | None]


class Specimen(Tracked, Base):
    """What was collected, how, and how it arrived."""

    __tablename__ = "collection_specimen"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    kind: Mapped[SpecimenKind] = mapped_column(stored(SpecimenKind))
    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    collected_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]]
    received_at: Mapped[datetime | None]
    receipt: Mapped[dict[str, Any] | None]
    decision: Mapped[str | None] = mapped_column(String(20))
    reason_code: Mapped[str | None] = mapped_column(String(40))


class Marker(Tracked, Base):
    """One infectious-marker result of a donor. A later result stands beside the earlier."""

    __tablename__ = "collection_marker"

    subject_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    specimen_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"))
    marker: Mapped[str] = mapped_column(String(30))
    state: Mapped[MarkerState] = mapped_column(stored(MarkerState))
    material: Mapped[str] = mapped_column(String(20))
    nucleic_acid: Mapped[bool]
    sampled_at: Mapped[datetime]
    entered_at: Mapped[datetime]
    entered_by: Mapped[UUID]
