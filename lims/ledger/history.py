"""Asking the trail about the past: what a column held, where a text occurs, what a person wrote."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from lims.ledger import rules
from lims.ledger.models import LedgerEntry


def value_at(
    db: Session, stream: str, table: str, row_id: UUID, column: str, at: datetime, *, now: Any
) -> Any:
    """What a column of a row held at `at`, as entries write it (text, whole number, true, null).

    Args:
        stream: where the row's changes are written.
        now: what it holds at present, as entries write it; the answer where nothing changed since.
    """
    later = db.scalars(
        select(LedgerEntry.body)
        .where(LedgerEntry.stream == stream, LedgerEntry.at > at)
        .order_by(LedgerEntry.number)
    )
    for body in later:
        for row in rules.read(body).rows:
            if (row["table"], row["id"]) == (table, str(row_id)) and column in row["set"]:
                return row["set"][column][0]
    return now


def entries_with(
    db: Session, needles: Sequence[str], *, until: datetime | None = None
) -> Iterator[rules.Entry]:
    """Entries whose bytes hold any of some texts, in the order they were written.

    A search through all entries: for a question that somebody asks now and then.
    """
    found: dict[int, bytes] = {}
    for start in range(0, len(needles), 50):
        some = needles[start : start + 50]
        statement = select(LedgerEntry.id, LedgerEntry.body).where(
            or_(*(_holds(db, each) for each in some))
        )
        if until is not None:
            statement = statement.where(LedgerEntry.at <= until)
        found.update((row[0], row[1]) for row in db.execute(statement))
    for each in sorted(found):
        yield rules.read(found[each])


def entries_from(db: Session, since: datetime, stream: str, needle: str) -> Iterator[rules.Entry]:
    """Entries written from an instant on whose bytes hold a text, in the order of their ids.

    Args:
        stream: how the names of their streams begin, such as `item/`.
    """
    found = db.scalars(
        select(LedgerEntry.body)
        .where(
            LedgerEntry.at >= since,
            LedgerEntry.stream.startswith(stream, autoescape=True),
            _holds(db, needle),
        )
        .order_by(LedgerEntry.id)
    )
    return (rules.read(body) for body in found)


def entries_by(db: Session, person: str, since: datetime) -> list[rules.Entry]:
    """What a person wrote after an instant, newest first."""
    found = db.scalars(
        select(LedgerEntry.body)
        .where(LedgerEntry.at > since, _holds(db, f'"person":"{person}"'))
        .order_by(LedgerEntry.id.desc())
    )
    read = (rules.read(body) for body in found)
    # An id of hers may stand elsewhere in another person's entry.
    return [each for each in read if each.person == person]


def streams_of(db: Session, person: str, kind: str) -> list[str]:
    """The streams of a kind (`item/`) on which a person has written."""
    found = db.scalars(
        select(LedgerEntry.stream)
        .where(LedgerEntry.stream.startswith(kind), _holds(db, f'"person":"{person}"'))
        .distinct()
        .order_by(LedgerEntry.stream)
    )
    return list(found)


def _holds(db: Session, text: str) -> ColumnElement[bool]:
    # The two databases call the same function by two names.
    if db.get_bind().dialect.name == "postgresql":
        return func.pg_catalog.position(LedgerEntry.body, text.encode()) > 0
    return func.instr(LedgerEntry.body, text.encode()) > 0
