"""Trying the guards: each statement that would rewrite history, in a transaction that is undone.

A guard can stand there and be empty (a function replaced by one that lets pass), so its presence
says less than its refusal.
"""

import time
from contextlib import suppress
from secrets import token_bytes, token_hex
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from lims.core import db
from lims.core.errors import TemporaryFailure
from lims.ledger import authorizing, rules

_FAR = 2**62  # numbers of rows that are there for the attack only
_PROBES = {
    "ledger_entry": (
        "INSERT INTO ledger_entry (id, stream, number, kind, at, command, body, prev, digest) "
        "VALUES (:far, :stream, 1, 'attack', :at, 'attack', :body, :zero, :digest)"
    ),
    "ledger_head": (
        "INSERT INTO ledger_head (stream, number, digest) VALUES (:stream, 7, :digest)"
    ),
    "ledger_leaf": "INSERT INTO ledger_leaf (number, entry_id) VALUES (:far, :far)",
    "ledger_tile": "INSERT INTO ledger_tile (level, number, hashes) VALUES (99, :far, :zero)",
    "ledger_seal": (
        "INSERT INTO ledger_seal (number, size, root, at, prev, key_id, jws) "
        "VALUES (:far, :far, :zero, :at, :digest, 'attack', 'attack')"
    ),
    "ledger_cosignature": (
        "INSERT INTO ledger_cosignature (seal_number, key_id, jws, at) "
        "VALUES (:far, 'attack', 'attack', :at)"
    ),
}
_WHERE = {
    "ledger_entry": "id = :far",
    "ledger_head": "stream = :stream",
    "ledger_leaf": "number = :far",
    "ledger_tile": "level = 99 AND number = :far",
    "ledger_seal": "number = :far",
    "ledger_cosignature": "seal_number = :far",
}
_CHANGE = {
    "ledger_entry": "body = :zero",
    "ledger_head": "number = number - 1",
    "ledger_leaf": "number = number - 1",
    "ledger_tile": "hashes = :digest",
    "ledger_seal": "size = size - 1",
    "ledger_cosignature": "jws = 'forged'",
}
_DROP = "DROP TRIGGER ledger_entry_no_update"
_GOOD_FOR_S = 300
_lately: WeakKeyDictionary[db.Database, tuple[float, list[str]]] = WeakKeyDictionary()


def open_guards(database: db.Database) -> list[str]:
    """The attacks that go through on this database, as the role that the application has.

    Nothing is left of them. A table's lock is never taken, so the bench does not wait.
    """
    with database.turn(), database.engine.connect() as connection:
        under_way = connection.begin()
        try:
            return attack(connection)
        finally:
            under_way.rollback()


def lately_open(database: db.Database) -> list[str]:
    """`open_guards`, asked anew every five minutes; the last answer while the database is busy."""
    kept = _lately.get(database)
    answer = kept[1] if kept else []
    if kept and time.monotonic() - kept[0] < _GOOD_FOR_S:
        return answer
    try:
        answer = open_guards(database)
    except (OperationalError, TemporaryFailure):
        return answer
    _lately[database] = (time.monotonic(), answer)
    return answer


def attack(connection: Connection, *, tables: bool = False) -> list[str]:
    """Attack inside the open transaction, each statement in a savepoint that is undone.

    Args:
        tables: try as well what locks a whole table (PostgreSQL); for an upgrade.

    Returns:
        What went through, as `table: attack`.
    """
    given = _given(connection)
    through: list[str] = []
    there = []
    outer = connection.begin_nested()
    # Past the authorizer of our own connections: another program has none.
    with authorizing.upgrading():
        for table, probe in _PROBES.items():
            # A copy that nobody opened takes nothing in: there is nothing to attack.
            with suppress(DBAPIError), connection.begin_nested():
                if connection.execute(text(probe), _named(probe, given)).rowcount == 1:
                    there.append(table)
                else:
                    through.append(f"{table}: insert that stores nothing")
        for name, statement in _attacks(connection.dialect.name, there, tables=tables):
            if _goes_through(connection, statement, given):
                through.append(name)
    if connection.dialect.name == "sqlite" and _goes_through(connection, _DROP, given):
        through.append("ledger_entry: drop a trigger")
    outer.rollback()
    return through


def _given(connection: Connection) -> dict[str, Any]:
    body = token_bytes(16)
    return {
        "far": _FAR,
        "stream": f"ledger/attack/{token_hex(8)}",
        "at": "2000-01-01 00:00:00.000000",
        "body": body,
        "zero": bytes(32),
        "digest": rules.digest(body),
    }


def _named(statement: str, given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if f":{name}" in statement}


def _attacks(dialect: str, there: list[str], *, tables: bool) -> list[tuple[str, str]]:
    made = []
    for table in there:
        where, change = _WHERE[table], _CHANGE[table]
        made += [
            (f"{table}: update", f"UPDATE {table} SET {change} WHERE {where}"),  # noqa: S608
            (f"{table}: delete", f"DELETE FROM {table} WHERE {where}"),  # noqa: S608
        ]
        if dialect == "postgresql" and tables:
            made.append((f"{table}: truncate", f"TRUNCATE {table} CASCADE"))
        if dialect == "sqlite" and table != "ledger_head":
            again = f"REPLACE INTO {table} SELECT * FROM {table} WHERE {where}"  # noqa: S608
            made.append((f"{table}: replace", again))
    if dialect == "postgresql" and "ledger_entry" in there:
        forged = _PROBES["ledger_entry"].replace(":far", ":far - 1").replace(":digest", ":zero")
        made.append(("ledger_entry: digest of other bytes", forged.replace(":stream", "'x'")))
    return made


def _goes_through(connection: Connection, statement: str, given: dict[str, Any]) -> bool:
    point = connection.begin_nested()
    try:
        connection.execute(text(statement), _named(statement, given))
    except DBAPIError:
        return False
    finally:
        point.rollback()
    return True
