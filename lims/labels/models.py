"""What was asked for, which copies there are, and the printers."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, BigCounter, Tracked, stored

# Progress of a machine, moved by conditional updates; `labels.printed`, `labels.uncertain` and the
# other entries of the label's stream say what came of it.
_PROGRESS = {"guarded": False}


class RequestState(StrEnum):
    """How far one copy has come. It never goes back once a first byte may have left (H12).

    Waiting goes to sending, or to drawn where there is no printer and only a picture; sending to
    sent (handed over), printed (the printer says so) or uncertain, which a person settles. Verified
    is scanned back where it sticks; failed never came out; cancelled died before it was sent,
    destroyed afterwards.
    """

    WAITING = "waiting"
    DRAWN = "drawn"
    SENDING = "sending"
    SENT = "sent"
    PRINTED = "printed"
    VERIFIED = "verified"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DESTROYED = "destroyed"


NOT_SENT = (RequestState.WAITING, RequestState.DRAWN, RequestState.FAILED)
ON_PAPER = (
    RequestState.SENDING,
    RequestState.SENT,
    RequestState.PRINTED,
    RequestState.VERIFIED,
    RequestState.UNCERTAIN,
)
"""Where a label may lie somewhere."""


class CopyState(StrEnum):
    """Whether a physical label may be scanned."""

    LIVE = "live"
    VOID = "void"


class PrinterKind(StrEnum):
    """How a printer takes its labels: a folder, a raw socket, a print server, or by an agent."""

    FILE = "file"
    SOCKET = "socket"
    IPP = "ipp"
    AGENT = "agent"


class Health(StrEnum):
    """What a printer was like when it was last asked."""

    READY = "ready"
    STOPPED = "stopped"
    SILENT = "silent"


class DesignState(StrEnum):
    """How far a version of a label's description has come (H13)."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


MANY = frozenset("X")
"""Letters of which any number of copies live: a command is no thing, and all say the same."""
_ONE_LIVES = "state = 'live' AND substr(code, 1, 1) <> 'X'"


class LabelDesign(Tracked, Base):
    """One version of a label's description, kept whole; two persons approve it before it is used.

    Attributes:
        digest: SHA-256 of the description's bytes: UTF-8, lines ended by LF.
        source: the description itself, from which its labels are drawn for ever.
        decided_by: the second person, who approved it, or whoever rejected it.
    """

    __tablename__ = "labels_design"
    __table_args__ = (
        UniqueConstraint("template", "number"),
        UniqueConstraint("template", "digest"),
        CheckConstraint(
            "state <> 'approved' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="two_persons",
        ),
        Index(
            "uq_labels_design_approved",
            "template",
            unique=True,
            sqlite_where=text("state = 'approved'"),
            postgresql_where=text("state = 'approved'"),
        ),
    )

    template: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    source: Mapped[str]
    state: Mapped[DesignState] = mapped_column(stored(DesignState))
    proposed_by: Mapped[UUID]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class LabelJob(Base):
    """The labels that one act asked for on one printer; its number is their place in the queue."""

    __tablename__ = "labels_job"
    # It only groups requests; who asked for what stands in these and in their entries.
    __table_args__ = {"info": {"guarded": False}}  # noqa: RUF012

    number: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=True)
    template: Mapped[str] = mapped_column(String(60))
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]


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
    # Of its own texts and of its fields; None of a label from before there was a choice: English.
    language: Mapped[str | None] = mapped_column(String(2))
    # The version that it is drawn from; None until one is approved.
    design_id: Mapped[UUID | None] = mapped_column(ForeignKey("labels_design.id"))
    # Where it goes or went; `labels.moved` and `labels.sent` say so.
    printer: Mapped[str | None] = mapped_column(String(60), info={"guarded": False})
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    # Its job and place in the queue, and nothing that anybody could rely on later.
    job: Mapped[int | None] = mapped_column(
        BigCounter, ForeignKey("labels_job.number"), index=True, info={"guarded": False}
    )
    # The same.
    place: Mapped[int | None] = mapped_column(info={"guarded": False})
    state: Mapped[RequestState] = mapped_column(
        stored(RequestState), default=RequestState.WAITING, index=True, info=_PROGRESS
    )
    moved_at: Mapped[datetime] = mapped_column(info=_PROGRESS)
    error: Mapped[str | None] = mapped_column(info=_PROGRESS)
    # The number that a print server gave to it, while it has not said what came of it.
    remote: Mapped[int | None] = mapped_column(info={"guarded": False})


class LabelCopy(Tracked, Base):
    """One physical label. At most one copy of a thing's code lives (I6); of a command's, any."""

    __tablename__ = "labels_copy"
    __table_args__ = (
        UniqueConstraint("code", "copy"),
        CheckConstraint("copy > 0", name="never_by_hand"),
        Index(
            "uq_labels_copy_live",
            "code",
            unique=True,
            sqlite_where=text(_ONE_LIVES),
            postgresql_where=text(_ONE_LIVES),
        ),
    )

    code: Mapped[str] = mapped_column(String(9))
    copy: Mapped[int]
    state: Mapped[CopyState] = mapped_column(stored(CopyState), default=CopyState.LIVE)
    void_reason: Mapped[str | None]
    stuck_at: Mapped[datetime | None]


class LabelPrinter(Tracked, Base):
    """A printer: where it is, and for which labels it holds stock (none named: for all).

    Attributes:
        language: what it takes: `zpl`, `pdf` or `png`; None for ZPL.
        dpi: its dots per inch; None for 300.
        answers: whether it answers when it is asked for its state; None: to be found out.
        paused_at: since when a person holds it.
    """

    __tablename__ = "labels_printer"

    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[PrinterKind] = mapped_column(stored(PrinterKind))
    address: Mapped[str] = mapped_column(String(200))
    templates: Mapped[list[Any]]
    in_use: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None] = mapped_column(String(8))
    dpi: Mapped[int | None]
    answers: Mapped[bool | None]
    paused_at: Mapped[datetime | None]
    # The hash of the secret that its agent shows; the entry says that one was given.
    agent_hash: Mapped[str | None] = mapped_column(String(64), info={"guarded": False})


class LabelTurn(Base):
    """Whose turn it is at a printer, and what it was like when it was last asked."""

    __tablename__ = "labels_turn"
    # A machine's sign of life and its lease; what came of each label stands in the label's entries.
    __table_args__ = {"info": {"guarded": False}}  # noqa: RUF012

    printer: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(120))
    until: Mapped[datetime | None]
    health: Mapped[Health | None] = mapped_column(stored(Health))
    said: Mapped[str | None]
    since: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    answered: Mapped[bool | None]
    asked_at: Mapped[datetime | None]
    test_asked_at: Mapped[datetime | None]
    test_said: Mapped[str | None]
