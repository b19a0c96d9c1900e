"""Certificates of analysis, as they were signed; recalls and their drills."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored
from lims.custody import State


class Certificate(Tracked, Base):
    """The certificate of one release or rejection."""

    __tablename__ = "release_certificate"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    meaning: Mapped[str] = mapped_column(String(40))
    signed_by: Mapped[UUID]
    signed_at: Mapped[datetime]
    specification_digest: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    # The digest above is guarded and names every bit of the file.
    pdf: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})


class Outcome(StrEnum):
    """How a recall ended."""

    FREED = "freed"
    REJECTED = "rejected"


class Recall(Tracked, Base):
    """An item or a donor was recalled, or it was rehearsed that she is."""

    __tablename__ = "release_recall"
    __table_args__ = (
        CheckConstraint("(item_id IS NULL) <> (subject_id IS NULL)", name="one_source"),
    )

    reference: Mapped[str] = mapped_column(String(20), unique=True)
    # Code of the item, or number of the donor.
    source: Mapped[str] = mapped_column(String(40))
    item_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_item.id"), index=True)
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    whole: Mapped[bool]
    reason: Mapped[str]
    drill: Mapped[bool]
    started_at: Mapped[datetime]
    started_by: Mapped[UUID | None]
    reached: Mapped[int]
    blocked: Mapped[int]
    took_ms: Mapped[int]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    outcome: Mapped[Outcome | None] = mapped_column(stored(Outcome))
    closed_because: Mapped[str | None]


class Recalled(Base):
    """An item that a recall blocked, and the state it had."""

    __tablename__ = "release_recalled"
    # Both follow from the item's own entry `custody.blocked`, which names the recall; guarded
    # here as well, thousands of rows would stand in one entry.
    __table_args__ = ({"info": {"guarded": False}},)

    recall_id: Mapped[UUID] = mapped_column(ForeignKey("release_recall.id"), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), primary_key=True)
    was: Mapped[State] = mapped_column(stored(State))
