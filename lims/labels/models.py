"""What was asked for, which copies there are, and the printers."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored

# Progress of a machine, moved by conditional updates; `labels.printed`, `labels.uncertain` and the
# other entries of the label's stream say what came of it.
_PROGRESS = {"guarded": False}


class RequestState(StrEnum):
    """How far one print has come. It never goes back once a first byte may have left (H12)."""

    REQUESTED = "requested"
    DRAWING = "drawing"
    DRAWN = "drawn"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    VOID = "void"


class CopyState(StrEnum):
    """Whether a physical label may be scanned."""

    LIVE = "live"
    VOID = "void"


class PrinterKind(StrEnum):
    """How a printer takes its labels."""

    FILE = "file"
    SOCKET = "socket"


class LabelRequest(Base):
    """One label to be printed once: its content is frozen when it is asked for."""

    __tablename__ = "labels_request"
    __table_args__ = (UniqueConstraint("code", "copy"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    template: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, Any]]
    code: Mapped[str] = mapped_column(String(9))
    copy: Mapped[int]
    reason: Mapped[str]
    printer: Mapped[str | None] = mapped_column(String(60))
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    state: Mapped[RequestState] = mapped_column(
        stored(RequestState), default=RequestState.REQUESTED, index=True, info=_PROGRESS
    )
    moved_at: Mapped[datetime] = mapped_column(info=_PROGRESS)
    error: Mapped[str | None] = mapped_column(info=_PROGRESS)


class LabelCopy(Tracked, Base):
    """One physical label. At most one copy of a code lives (I6)."""

    __tablename__ = "labels_copy"
    __table_args__ = (
        UniqueConstraint("code", "copy"),
        CheckConstraint("copy > 0", name="never_by_hand"),
        Index(
            "uq_labels_copy_live",
            "code",
            unique=True,
            sqlite_where=text("state = 'live'"),
            postgresql_where=text("state = 'live'"),
        ),
    )

    code: Mapped[str] = mapped_column(String(9))
    copy: Mapped[int]
    state: Mapped[CopyState] = mapped_column(stored(CopyState), default=CopyState.LIVE)
    void_reason: Mapped[str | None]
    stuck_at: Mapped[datetime | None]


class LabelPrinter(Tracked, Base):
    """A printer: where it is, and for which labels it holds stock (none named: for all)."""

    __tablename__ = "labels_printer"

    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[PrinterKind] = mapped_column(stored(PrinterKind))
    address: Mapped[str] = mapped_column(String(200))
    templates: Mapped[list[Any]]
    in_use: Mapped[bool] = mapped_column(default=True)
