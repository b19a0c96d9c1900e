"""Tampering at random by whoever owns the database, on a sealed world with doses ready (H23).

One connection with every guard out of the way; each tampering is looked at and then undone.
"""

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import db
from lims.ledger.models import LedgerEntry, LedgerHead, LedgerLeaf, LedgerPending, LedgerSeal
from lims.ledger.verifying_rows import guarded_tables
from lims.ledger.writing import guarded_columns
from tests.conftest import SOAK
from tests.interchange.made import sealing  # noqa: F401 - a key of this test's own
from tests.ledger.tampering import owned, rechain, streams

TRIALS = 500 if SOAK else 20
ENTRY, HEAD, LEAF, PENDING, SEAL = (
    each.__table__ for each in (LedgerEntry, LedgerHead, LedgerLeaf, LedgerPending, LedgerSeal)
)
COLUMNS = ("stream", "number", "kind", "command", "prev", "digest")


def some_row(line: Connection, chance: Random, table: Table) -> Any:
    """One row of a table at random, None of an empty one."""
    many = line.scalar(select(func.count()).select_from(table)) or 0
    if not many:
        return None
    keys = list(table.primary_key)
    statement = select(table).order_by(*keys).limit(1).offset(chance.randrange(many))
    return line.execute(statement).mappings().one()


def key_of(table: Table, row: Any) -> Any:
    return [column == row[column.name] for column in table.primary_key]


def another(chance: Random, value: Any, column: Any) -> Any:
    """Another value for a column; what the database refuses is tried again with something else."""
    kind = column.type.python_type
    if kind is bytes:
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    made: dict[type, Callable[[], Any]] = {
        str: lambda: (value or "") + "x", int: lambda: (value or 0) + chance.randint(1, 9),
        bool: lambda: not value, UUID: uuid4, list: lambda: [*(value or []), "x"],
    }  # fmt: skip
    return made[kind]() if kind in made else None


# The ways. Each says what it did, or nothing where there was nothing to do.


def edit_row(line: Connection, chance: Random) -> str:
    table = chance.choice(list(guarded_tables().values()))
    row = some_row(line, chance, table)
    named = [each for each in guarded_columns(table) if each != "version"]
    if row is None or not named:
        return ""
    column = chance.choice(named)
    value = another(chance, row[column], table.c[column])
    if value is None or (value == row[column]):
        return ""
    line.execute(update(table).where(*key_of(table, row)).values({column: value}))
    return f"{table.name}.{column}"


def empty_cell(line: Connection, chance: Random) -> str:
    table = chance.choice(list(guarded_tables().values()))
    row = some_row(line, chance, table)
    filled = [each for each in guarded_columns(table) if row and row[each] is not None]
    if not filled:
        return ""
    column = chance.choice(filled)
    line.execute(update(table).where(*key_of(table, row)).values({column: None}))
    return f"{table.name}.{column}"


def delete_row(line: Connection, chance: Random) -> str:
    table = chance.choice(list(guarded_tables().values()))
    row = some_row(line, chance, table)
    if row is None:
        return ""
    line.execute(delete(table).where(*key_of(table, row)))
    return table.name


def forge_row(line: Connection, chance: Random) -> str:
    table = chance.choice([each for each in guarded_tables().values() if "id" in each.c])
    row = some_row(line, chance, table)
    if row is None:
        return ""
    forged = {**row, "id": uuid4()}
    for column in table.columns:  # so that no unique index stands in the way
        if column.name != "id" and column.type.python_type is str and row[column.name]:
            forged[column.name] = another(chance, row[column.name], column)
    line.execute(insert(table).values(forged))
    return table.name


def edit_bytes(line: Connection, chance: Random) -> str:
    row = some_row(line, chance, ENTRY)
    body = another(chance, bytes(row["body"]), ENTRY.c.body)
    line.execute(update(ENTRY).where(*key_of(ENTRY, row)).values(body=body))
    return row["stream"]


def edit_column(line: Connection, chance: Random) -> str:
    row = some_row(line, chance, ENTRY)
    column = chance.choice(COLUMNS)
    held = row[column]
    value = another(chance, bytes(held) if column in ("prev", "digest") else held, ENTRY.c[column])
    line.execute(update(ENTRY).where(*key_of(ENTRY, row)).values({column: value}))
    return f"{row['stream']} {column}"


def chain_anew(line: Connection, chance: Random) -> str:
    """Every digest of the stream holds again."""
    stream, last = streams(line, chance)
    rechain(line, stream, chance.randint(1, last), {"reason": uuid4().hex})
    return stream


def cut_tail(line: Connection, chance: Random) -> str:
    """The newest entries of a stream go, and the head forgets them."""
    stream, last = streams(line, chance, least=2)
    kept = chance.randint(1, last - 1)
    gone = select(ENTRY.c.id).where(ENTRY.c.stream == stream, ENTRY.c.number > kept)
    ids = list(line.scalars(gone))
    digest = line.scalar(
        select(ENTRY.c.digest).where(ENTRY.c.stream == stream, ENTRY.c.number == kept)
    )
    for table, column in ((PENDING, "entry_id"), (LEAF, "entry_id"), (ENTRY, "id")):
        line.execute(delete(table).where(table.c[column].in_(ids)))
    line.execute(
        update(HEAD).where(HEAD.c.stream == stream).values(number=kept, digest=digest)
    )  # fmt: skip
    return stream


def drop_stream(line: Connection, chance: Random) -> str:
    stream, _last = streams(line, chance)
    for table in (ENTRY, HEAD):
        line.execute(delete(table).where(table.c.stream == stream))
    return stream


def drop_entry(line: Connection, chance: Random) -> str:
    row = some_row(line, chance, ENTRY)
    line.execute(delete(ENTRY).where(*key_of(ENTRY, row)))
    return row["stream"]


def swap_entries(line: Connection, chance: Random) -> str:
    stream, last = streams(line, chance, least=2)
    one, two = chance.sample(range(1, last + 1), 2)
    ids = [
        line.scalar(select(ENTRY.c.id).where(ENTRY.c.stream == stream, ENTRY.c.number == each))
        for each in (one, two)
    ]
    for id_, number in ((ids[0], 10**6), (ids[1], one), (ids[0], two)):
        line.execute(update(ENTRY).where(ENTRY.c.id == id_).values(number=number))
    return stream


def other_head(line: Connection, chance: Random) -> str:
    stream, last = streams(line, chance)
    forged = {"digest": uuid4().bytes * 2} if chance.random() < 0.5 else {"number": last + 1}
    line.execute(update(HEAD).where(HEAD.c.stream == stream).values(forged))
    return stream


def other_leaf(line: Connection, chance: Random) -> str:
    row = some_row(line, chance, LEAF)
    line.execute(delete(LEAF).where(*key_of(LEAF, row)))
    return "a leaf"


def other_seal(line: Connection, chance: Random) -> str:
    row = some_row(line, chance, SEAL)
    at = chance.randrange(len(row["jws"]) - 3)
    letter = chance.choice([each for each in "ABCDEFGHabcdefgh0123" if each != row["jws"][at]])
    jws = row["jws"][:at] + letter + row["jws"][at + 1 :]
    line.execute(update(SEAL).where(*key_of(SEAL, row)).values(jws=jws))
    return "a seal"


WAYS = (
    edit_row, edit_row, edit_row, empty_cell, delete_row, forge_row, edit_bytes, edit_column,
    chain_anew, cut_tail, drop_stream, drop_entry, swap_entries, other_head, other_leaf, other_seal,
)  # fmt: skip


def test_H23_whatever_is_tampered_with_at_random_shows(bed, sealing, measured):  # noqa: F811
    seed = uuid4().int % 10**6
    chance = Random(seed)
    with db.reading() as session:
        assert ledger.verify(session).ok
    ledger.seal()
    missed, done = [], Counter()

    def breaks(line: Connection) -> list[Any]:
        with Session(line) as session:
            found = ledger.verify(session, jobs=1).breaks
        return [each for each in found if not each.what.startswith("guard missing")]

    with owned(db.current()) as line:
        assert breaks(line) == []
        while done.total() < TRIALS:
            way = chance.choice(WAYS)
            trial = line.begin_nested()
            try:
                what = way(line, chance)
            except (DBAPIError, StatementError):
                what = ""  # a check, a unique index or a type of the table refuses this value
            else:
                if what and not breaks(line):
                    missed.append((way.__name__, what))
            trial.rollback()
            done[way.__name__] += bool(what)
        assert breaks(line) == []  # all was undone, so each was seen alone

    print(json.dumps(done))
    measured("H23", trials=done.total(), failures=len(missed), seed=seed, what="at random")
    assert missed == [], seed
    assert len(done) >= 6
