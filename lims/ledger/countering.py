"""Counter-entries: an entry that names an earlier one of its stream and answers it.

Nothing is ever edited. What was done by mistake is undone, and what was written wrongly is
corrected, by one more entry; the first stays. An entry is answered at most once, so that of two
who undo or correct the same thing one is told of the other; a correction of a correction names the
newest.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.ledger import rules
from lims.ledger.models import LedgerEntry

COUNTERS = "counters"


def counter(db: Session, entry: rules.Entry) -> dict[str, Any]:
    """How a counter-entry names the entry it answers; put into its data under `COUNTERS`."""
    digest = db.scalars(
        select(LedgerEntry.digest).where(
            LedgerEntry.stream == entry.stream, LedgerEntry.number == entry.number
        )
    ).one()
    return {"stream": entry.stream, "number": entry.number, "digest": digest.hex()}


def counters(entry: rules.Entry) -> int | None:
    """The number of the entry that this one answers; None where it answers none."""
    named = entry.data.get(COUNTERS)
    return int(named["number"]) if isinstance(named, Mapping) else None


def countered(entries: Iterable[rules.Entry]) -> dict[int, rules.Entry]:
    """Of the entries of one stream: what answers each, by the number of the answered."""
    return {number: each for each in entries if (number := counters(each)) is not None}
