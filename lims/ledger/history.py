"""What a column held at an earlier instant, from the changes in the entries since."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
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
