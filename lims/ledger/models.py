"""The ledger's tables: entries that only grow, the head of each stream to lock, and seals."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
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
    # The newest of all is the mark behind which no clock may be.
    at: Mapped[datetime] = mapped_column(index=True)
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


class LedgerPending(Base):
    """An entry that no seal covers yet: written by a trigger, taken away by the sealer.

    No foreign key: it would be paid by every append, and verification asks every entry for its
    leaf anyhow.
    """

    __tablename__ = "ledger_pending"

    entry_id: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=False)


class LedgerLeaf(Base):
    """The place of an entry in the Merkle tree, given after its commit by the sealer alone (H41).

    Never by the order of `ledger_entry.id`: ids are drawn before a commit and come in any order.
    """

    __tablename__ = "ledger_leaf"
    __table_args__ = (UniqueConstraint("entry_id"),)

    number: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigCounter, ForeignKey("ledger_entry.id"))


class LedgerTile(Base):
    """256 hashes side by side: full parts of the tree, so that proofs need not read all leaves.

    Level 0 holds the digests of leaves 256 * number on; level n holds the roots of full tiles of
    level n - 1. What does not fill a tile is read from the leaves.
    """

    __tablename__ = "ledger_tile"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerSeal(Base):
    """A signed size and root of the tree, chained to the seal before."""

    __tablename__ = "ledger_seal"
    __table_args__ = (UniqueConstraint("prev"),)

    number: Mapped[int] = mapped_column(BigCounter, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigCounter)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime]
    # The digest of the payload of the seal before; 32 zero bytes for the first.
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    key_id: Mapped[str] = mapped_column(String(64))
    jws: Mapped[str]


class LedgerCosignature(Base):
    """A witness's signature over a seal: somebody outside of the administrator's reach saw it."""

    __tablename__ = "ledger_cosignature"

    seal_number: Mapped[int] = mapped_column(
        BigCounter, ForeignKey("ledger_seal.number"), primary_key=True, autoincrement=False
    )
    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    jws: Mapped[str]
    at: Mapped[datetime]
