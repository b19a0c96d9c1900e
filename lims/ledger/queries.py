"""Finding entries."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.orm import Session

from lims.ledger import rules
from lims.ledger.models import LedgerEntry, LedgerHead

_entry = cast(Table, LedgerEntry.__table__)
_FIRST_OF_ACT = select(func.min(_entry.c.number)).where(
    _entry.c.command == bindparam("command"), _entry.c.stream == bindparam("stream")
)


def entries_of(db: Session, stream: str, *, limit: int | None = 500) -> list[rules.Entry]:
    """The entries of a stream, oldest first."""
    found = db.scalars(
        select(LedgerEntry.body)
        .where(LedgerEntry.stream == stream)
        .order_by(LedgerEntry.number)
        .limit(limit)
    )
    return [rules.read(body) for body in found]


def bodies_of_kind(connection: Connection, kind: str, streams: Iterable[str]) -> Iterator[bytes]:
    """The exact bytes of the entries of one kind on some streams, by stream and number."""
    found = connection.execute(
        select(LedgerEntry.body)
        .where(LedgerEntry.stream.in_(list(streams)), LedgerEntry.kind == kind)
        .order_by(LedgerEntry.stream, LedgerEntry.number)
    )
    return (row[0] for row in found)


def entries_since(db: Session, stream: str, since: datetime) -> list[rules.Entry]:
    """The entries of a stream written after an instant, oldest first."""
    found = db.scalars(
        select(LedgerEntry.body)
        .where(LedgerEntry.stream == stream, LedgerEntry.at > since)
        .order_by(LedgerEntry.number)
    )
    return [rules.read(body) for body in found]


def entry_at(db: Session, stream: str, number: int) -> rules.Entry | None:
    """One entry by its stream and number; None where there is none."""
    body = db.scalar(
        select(LedgerEntry.body).where(LedgerEntry.stream == stream, LedgerEntry.number == number)
    )
    return None if body is None else rules.read(body)


def first_of_act(db: Session, stream: str, command: str) -> int | None:
    """The number of the first entry that an act wrote on a stream; None where it wrote none.

    Args:
        command: the act's key.
    """
    return db.scalar(_FIRST_OF_ACT, {"command": command, "stream": stream})


def last_of(db: Session, stream: str) -> rules.Entry | None:
    """The last entry of a stream that changed anything: not a refusal."""
    body = db.scalar(
        select(LedgerEntry.body)
        .where(LedgerEntry.stream == stream, LedgerEntry.kind != "refused")
        .order_by(LedgerEntry.number.desc())
        .limit(1)
    )
    return None if body is None else rules.read(body)


def newest(
    db: Session, *, kind: str | None = None, since: datetime | None = None, limit: int = 50
) -> list[rules.Entry]:
    """The last entries written, newest first; of one kind, and from an instant on, where given."""
    statement = select(LedgerEntry.body).order_by(LedgerEntry.id.desc()).limit(limit)
    if kind:
        statement = statement.where(LedgerEntry.kind == kind)
    if since is not None:
        statement = statement.where(LedgerEntry.at >= since)
    return [rules.read(body) for body in db.scalars(statement)]


def entry_count(db: Session) -> int:
    """How many entries there are."""
    return db.scalar(select(func.count()).select_from(LedgerEntry)) or 0


def heads(db: Session, streams: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Number and digest of the newest entry of each stream, as they stood at one instant."""
    table = LedgerHead.__table__
    statement = select(table.c.stream, table.c.number, table.c.digest)
    found = db.execute(statement.where(table.c.stream.in_(sorted(streams))))
    return {row.stream: (row.number, row.digest) for row in found}


def bodies(db: Session, upto: Mapping[str, int]) -> list[bytes]:
    """The exact bytes of whole streams up to a number each, by stream and number."""
    found: list[bytes] = []
    for stream in sorted(upto):
        found += db.scalars(
            select(LedgerEntry.body)
            .where(LedgerEntry.stream == stream, LedgerEntry.number <= upto[stream])
            .order_by(LedgerEntry.number)
        )
    return found
