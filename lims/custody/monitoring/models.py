"""The loggers of places, what they measured, and the parts of it that somebody has to judge."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored
from lims.custody.excursions import Fault
from lims.custody.monitoring.rules import Level
from lims.custody.rules import Outcome, RecordState


class PlaceLogger(Tracked, Base):
    """A logger that measures a place, from when on and how often."""

    __tablename__ = "custody_place_logger"
    __table_args__ = (
        *(
            Index(
                f"uq_custody_place_logger_{each}",
                each,
                unique=True,
                sqlite_where=text("ended_at IS NULL"),
                postgresql_where=text("ended_at IS NULL"),
            )
            for each in ("place_id", "serial")
        ),
        CheckConstraint("every_s > 0", name="every"),
    )

    place_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place.id"))
    serial: Mapped[str] = mapped_column(String(80))
    every_s: Mapped[int]
    # From when on its readings are those of this place; when somebody said so.
    since: Mapped[datetime]
    linked_at: Mapped[datetime]
    linked_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]


class PlaceRecord(Tracked, Base):
    """Readings of a place as they came: a logger's file, or what a program delivered."""

    __tablename__ = "custody_place_record"
    __table_args__ = (
        Index("ix_custody_place_record_time", "logger_id", "last_at"),
        Index("uq_custody_place_record_file", "logger_id", "sha256", unique=True),
    )

    logger_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place_logger.id"))
    # Of the file, or of the readings where a program delivered them.
    sha256: Mapped[str] = mapped_column(String(64))
    # Of a file: what it is called, who made it, what was said of it; empty of a delivery.
    name: Mapped[str] = mapped_column(String(200))
    maker: Mapped[str] = mapped_column(String(80))
    parser_version: Mapped[str] = mapped_column(String(20))
    zone: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(80))
    readings: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    last_cel: Mapped[Decimal]
    minimum_cel: Mapped[Decimal]
    maximum_cel: Mapped[Decimal]
    points_sha256: Mapped[str] = mapped_column(String(64))
    # The digest above is guarded and names every bit of the readings; they are checked as read.
    points: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
    # As the file came; `sha256` is guarded and names every bit of it. None of a delivery.
    content: Mapped[bytes | None] = mapped_column(LargeBinary, info={"guarded": False})
    taken_at: Mapped[datetime]
    taken_by: Mapped[UUID | None]


class Episode(Tracked, Base):
    """A part of a place's time outside of its limits, or without a reading, and its assessment."""

    __tablename__ = "custody_episode"
    __table_args__ = (
        Index("ix_custody_episode_time", "place_id", "began_at"),
        CheckConstraint("agreed_by <> signed_by", name="two_people"),
    )

    logger_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place_logger.id"), index=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place.id"))
    kind: Mapped[Fault] = mapped_column(stored(Fault))
    level: Mapped[Level] = mapped_column(stored(Level))
    began_at: Mapped[datetime]
    # None while it lasts.
    ended_at: Mapped[datetime | None]
    # The reading farthest out; None of a silence.
    extreme_cel: Mapped[Decimal | None]
    # `clear` is a silence that a later file filled.
    state: Mapped[RecordState] = mapped_column(stored(RecordState), index=True)
    outcome: Mapped[Outcome | None] = mapped_column(stored(Outcome))
    reason: Mapped[str]
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[UUID | None]
    # The investigator, for what is to be given at a bed all the same.
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[UUID | None]
