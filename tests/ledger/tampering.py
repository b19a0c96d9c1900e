"""What somebody can do who owns the database: as superuser, every guard out of the way."""

import json
from contextlib import contextmanager
from random import Random
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from lims import ledger
from lims.core import db
from lims.ledger import rules


@contextmanager
def outside(database: db.Database):
    """A connection of another program than ours to the same database, which no hook knows."""
    engine = create_engine(database.engine.url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


@contextmanager
def owned(database: db.Database):
    """A connection that no trigger or key of ours stops; the guards are put back after it."""
    with outside(database) as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN")  # the driver opens none before a change of schema
            guards = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _made in guards:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            yield connection
            for _name, made in guards:
                connection.exec_driver_sql(made)
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            guarded = connection.execute(
                text(
                    "SELECT tgrelid::regclass::text, tgname FROM pg_trigger "
                    "WHERE NOT tgisinternal AND tgenabled = 'A'"
                )
            ).all()
            for table, name in guarded:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
            yield connection
            for table, name in guarded:
                connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def entry(connection: Connection, stream: str, number: int) -> Any:
    """One entry's row."""
    return connection.execute(
        text("SELECT * FROM ledger_entry WHERE stream = :stream AND number = :number"),
        {"stream": stream, "number": number},
    ).one()


def rewrite(connection: Connection, stream: str, number: int, body: bytes, prev: bytes) -> bytes:
    """Put other bytes in, with the digest that they give; the digest."""
    digest = rules.digest(body)
    connection.execute(
        text(
            "UPDATE ledger_entry SET body = :body, prev = :prev, digest = :digest "
            "WHERE stream = :stream AND number = :number"
        ),
        {"body": body, "prev": prev, "digest": digest, "stream": stream, "number": number},
    )
    return digest


def rechain(connection: Connection, stream: str, start: int, change: dict[str, Any]) -> None:
    """Change one entry and make every later one of its stream, and the head, agree with it."""
    last = connection.execute(
        text("SELECT number FROM ledger_head WHERE stream = :stream"), {"stream": stream}
    ).scalar_one()
    first = entry(connection, stream, start)
    prev = bytes(first.prev)
    for number in range(start, last + 1):
        content = json.loads(bytes(entry(connection, stream, number).body))
        if number == start:
            content |= change
        content["prev"] = prev.hex()
        body = rules.rfc8785.dumps(content)
        prev = rewrite(connection, stream, number, body, prev)
    connection.execute(
        text("UPDATE ledger_head SET digest = :digest WHERE stream = :stream"),
        {"digest": prev, "stream": stream},
    )


def streams(connection: Connection, chance: Random, *, least: int = 1) -> tuple[str, int]:
    """A stream of at least so many entries, and how many it has."""
    rows = connection.execute(
        text("SELECT stream, number FROM ledger_head WHERE number >= :least ORDER BY stream"),
        {"least": least},
    ).all()
    return tuple(chance.choice(rows))  # type: ignore[return-value]


def named(found: ledger.Verified) -> set[tuple[str, int]]:
    """The places that a verification names."""
    return {(each.stream, each.number) for each in found.breaks}


def verified() -> ledger.Verified:
    """A fresh look."""
    with db.reading() as session:
        return ledger.verify(session)
