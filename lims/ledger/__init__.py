"""The ledger: one trail that only grows. It knows no feature.

Each thing (an item, a participant, a study, a person) has a stream of entries, each carrying the
digest of the one before. A service calls `record` for what it did; when the act ends, all its
entries are written together, with the heads of their streams locked in sorted order, and every
changed row of a guarded table is found in one of them. `verify` recomputes every digest and
rebuilds those rows from the entries, so an edit made by hand shows, whichever side it touched.

Start reading at `rules` (the bytes of an entry), then `writing`.
"""

from lims.ledger.guards import install_guards, missing_guards
from lims.ledger.history import value_at
from lims.ledger.ordering import ClockBehind, behind, require_clock, trust_clock
from lims.ledger.queries import entries_of, entries_since, entry_count, last_of, newest
from lims.ledger.rules import Entry
from lims.ledger.verifying import Break, Verified, verify
from lims.ledger.writing import changed, record, unguarded

__all__ = [
    "Break",
    "ClockBehind",
    "Entry",
    "Verified",
    "behind",
    "changed",
    "entries_of",
    "entries_since",
    "entry_count",
    "install_guards",
    "last_of",
    "missing_guards",
    "newest",
    "record",
    "require_clock",
    "trust_clock",
    "unguarded",
    "value_at",
    "verify",
]
