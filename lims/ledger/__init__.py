"""The ledger: one trail that only grows. It knows no feature.

Each thing (an item, a participant, a study, a person) has a stream of entries, each carrying the
digest of the one before. A service calls `record` for what it did; when the act ends, all its
entries are written together, with the heads of their streams locked in sorted order, and every
changed row of a guarded table is found in one of them. `verify` recomputes every digest and
rebuilds those rows from the entries, so an edit made by hand shows, whichever side it touched.

What is written is sealed: every entry becomes a leaf of one Merkle tree (`tree`, `tiles`), whose
root the sealer signs (`sealing`, `keys`, `signatures`), so that a trail cut off or rewritten as a
whole shows to whoever kept a seal.

Start reading at `rules` (the bytes of an entry), then `writing`, then `sealing`.
"""

from lims.ledger.attacking import attack, lately_open, open_guards
from lims.ledger.cosigning import (
    Cosigned,
    WitnessPlace,
    ask_witness,
    cosignatures,
    newest_cosigned,
    witnesses,
)
from lims.ledger.cosigning import use as witnessed_by
from lims.ledger.countering import COUNTERS, counter, countered, counters
from lims.ledger.guards import form_watched, install_guards, missing_guards
from lims.ledger.history import entries_by, entries_from, entries_with, streams_of, value_at
from lims.ledger.keys import KeyPlace, KnownKey, NoSealKey, right_key
from lims.ledger.keys import history as key_history
from lims.ledger.keys import missing as key_missing
from lims.ledger.keys import use as seal_with
from lims.ledger.ordering import ClockBehind, behind, require_clock, trust_clock
from lims.ledger.queries import (
    bodies,
    bodies_of_kind,
    entries_of,
    entries_since,
    entry_at,
    entry_count,
    first_of_act,
    heads,
    last_of,
    newest,
)
from lims.ledger.rotating import rotate as rotate_key
from lims.ledger.rules import Entry, read
from lims.ledger.sealing import (
    MISSED_AFTER,
    Seal,
    Sealed,
    SealRefused,
    newest_seal,
    seal,
    seal_soon,
    unsealed,
)
from lims.ledger.signatures import PublicKey
from lims.ledger.tiles import NotSealed, consistency, inclusion, leaf_of
from lims.ledger.verifying import Break, Verified, also_verify, verify
from lims.ledger.verifying_seals import Held, read_held
from lims.ledger.verifying_streams import breaks_in
from lims.ledger.writing import changed, record, unguarded

__all__ = [
    "COUNTERS",
    "MISSED_AFTER",
    "Break",
    "ClockBehind",
    "Cosigned",
    "Entry",
    "Held",
    "KeyPlace",
    "KnownKey",
    "NoSealKey",
    "NotSealed",
    "PublicKey",
    "Seal",
    "SealRefused",
    "Sealed",
    "Verified",
    "WitnessPlace",
    "also_verify",
    "ask_witness",
    "attack",
    "behind",
    "bodies",
    "bodies_of_kind",
    "breaks_in",
    "changed",
    "consistency",
    "cosignatures",
    "counter",
    "countered",
    "counters",
    "entries_by",
    "entries_from",
    "entries_of",
    "entries_since",
    "entries_with",
    "entry_at",
    "entry_count",
    "first_of_act",
    "form_watched",
    "heads",
    "inclusion",
    "install_guards",
    "key_history",
    "key_missing",
    "last_of",
    "lately_open",
    "leaf_of",
    "missing_guards",
    "newest",
    "newest_cosigned",
    "newest_seal",
    "open_guards",
    "read",
    "read_held",
    "record",
    "require_clock",
    "right_key",
    "rotate_key",
    "seal",
    "seal_soon",
    "seal_with",
    "streams_of",
    "trust_clock",
    "unguarded",
    "unsealed",
    "value_at",
    "verify",
    "witnessed_by",
    "witnesses",
]
