"""The ledger's tables: entries that only grow, and the head of each stream to lock."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, BigCounter


class LedgerEntry(Base):
    """One entry: its canonical bytes, and columns copied from them for finding it."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("stream", "number"),
        UniqueConstraint("stream", "prev"),
        UniqueConstraint("digest"),
    )

    # Order of insertion, for paging only; the order that counts is `number` within a stream.
    id: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=True)
    stream: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    command: Mapped[str] = mapped_column(String(120), index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class LedgerHead(Base):
    """The newest entry of a stream: what an append locks. It may be rebuilt from the entries."""

    __tablename__ = "ledger_head"

    stream: Mapped[str] = mapped_column(String(100), primary_key=True)
    number: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
