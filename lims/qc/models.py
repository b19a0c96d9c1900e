"""Results, the files they were read from, and what did not meet its limit."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored


class ResultState(StrEnum):
    """How far a result has come (domain.md 6.7)."""

    ENTERED = "result-entered"
    APPROVED = "approved"


class Standing(StrEnum):
    """What the frozen limit says of a result, unrounded."""

    MET = "met"
    OUTSIDE = "outside"
    STOPS = "stops"
    REPORTED = "reported"


class InstrumentFile(Tracked, Base):
    """An instrument's file as it came. The same bytes are never taken twice (H20)."""

    __tablename__ = "qc_file"

    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    maker: Mapped[str] = mapped_column(String(80))
    parser_version: Mapped[str] = mapped_column(String(20))
    reading: Mapped[dict[str, Any]] = mapped_column(info={"guarded": False})  # follows from content
    # The digest above is guarded and names every bit of the content.
    content: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
    sample_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"))
    imported_at: Mapped[datetime]
    imported_by: Mapped[UUID]


class Result(Tracked, Base):
    """One result of one test of a lot. It is never overwritten and never averaged away."""

    __tablename__ = "qc_result"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    sample_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_item.id"))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("qc_file.id"))
    test: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(80))
    unit: Mapped[str] = mapped_column(String(30))
    comparator: Mapped[str] = mapped_column(String(3))
    details: Mapped[dict[str, Any]]
    dilution: Mapped[Decimal | None]
    standing: Mapped[Standing] = mapped_column(stored(Standing))
    state: Mapped[ResultState] = mapped_column(stored(ResultState))
    entered_at: Mapped[datetime]
    entered_by: Mapped[UUID]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]
    set_aside: Mapped[bool] = mapped_column(default=False)


class Finding(Tracked, Base):
    """An out-of-specification result or a deviation, open until it is decided."""

    __tablename__ = "qc_finding"

    reference: Mapped[str] = mapped_column(String(40), unique=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    result_id: Mapped[UUID | None] = mapped_column(ForeignKey("qc_result.id"))
    kind: Mapped[str] = mapped_column(String(20))
    description: Mapped[str]
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID]
    cause: Mapped[str | None]
    laboratory_error: Mapped[bool | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
