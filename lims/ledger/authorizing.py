"""What this program's own connections to a SQLite file may not even ask for.

Triggers refuse to rewrite a row; this refuses to rewrite the triggers. It is asked when a statement
is prepared, never for each row, and knows nothing of whoever opens the file with another program:
for that there are seals.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lims.core import db

_ONCE = frozenset(
    {"ledger_entry", "ledger_leaf", "ledger_tile", "ledger_seal", "ledger_cosignature"}
)
_NEVER_DELETED = _ONCE | {"ledger_head"}
# Which of the two names that come with an action is the table's.
_FORM = {
    sqlite3.SQLITE_DROP_TABLE: 0,
    sqlite3.SQLITE_DROP_TRIGGER: 1,
    sqlite3.SQLITE_DROP_INDEX: 1,
    sqlite3.SQLITE_ALTER_TABLE: 1,
    sqlite3.SQLITE_CREATE_TRIGGER: 1,
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER: 1,
}
# Switches by which a trigger or a schema is walked round.
_SWITCHES = frozenset({"writable_schema", "recursive_triggers"})
_upgrading: ContextVar[bool] = ContextVar("upgrading", default=False)


@contextmanager
def upgrading() -> Iterator[None]:
    """Let what is prepared here change the form of the ledger."""
    token = _upgrading.set(True)
    try:
        yield
    finally:
        _upgrading.reset(token)


def guard(connection: sqlite3.Connection) -> None:
    """Let this connection only read and add in the ledger."""
    connection.set_authorizer(_answer)


def _answer(
    action: int, one: str | None, two: str | None, _database: str | None, _source: str | None
) -> int:
    refused = (
        (action == sqlite3.SQLITE_UPDATE and one in _ONCE)
        or (action == sqlite3.SQLITE_DELETE and one in _NEVER_DELETED)
        or (action in _FORM and ((one, two)[_FORM[action]] or "").startswith("ledger_"))
        or (action == sqlite3.SQLITE_PRAGMA and one in _SWITCHES and two is not None)
    )
    return sqlite3.SQLITE_DENY if refused and not _upgrading.get() else sqlite3.SQLITE_OK


db.when_connected(guard)
