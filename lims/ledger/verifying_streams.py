"""Does the trail of a few streams hold, here and now? For a decision that stands on them.

The same look as the whole verification takes, at these streams alone: every digest and predecessor,
the heads, the parents, and every row that their entries name. A row that no entry made does not
show here; the whole verification finds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims.ledger import verifying_rows
from lims.ledger.spilling import Parts
from lims.ledger.verifying_entries import Break, Found, check_range

_LOOKS = 3


@dataclass(frozen=True)
class Named:
    """These streams and no others."""

    streams: tuple[str, ...]

    def where(self, column: str, mark: str) -> tuple[str, tuple[str, ...]]:
        """The condition in SQL, and its parameters."""
        return f"{column} IN ({', '.join([mark] * len(self.streams))})", self.streams


def breaks_in(db: Session, streams: Iterable[str]) -> list[Break]:
    """Where the trail of these streams does not hold; empty where it does.

    Rows that the open act has changed already are left out: their entries come at its end.
    """
    named = Named(tuple(sorted(set(streams))))
    if not named.streams:
        return []
    found = Found()
    for _look in range(_LOOKS):
        found = _looked(db, named)
        if not found.breaks:
            break
        # An act of another bench between two of our questions looks like a break, once.
    return found.breaks


def _looked(db: Session, named: Named) -> Found:
    connection = db.connection()
    parts = Parts(1)
    found = check_range(connection, named, parts, at_once=True)
    under_way = frozenset(db.info.get("changes", ()))
    found.add(verifying_rows.check_part(connection, parts, 0, only_rows=True, without=under_way))
    return found
