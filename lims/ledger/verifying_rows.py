"""Do the tables follow from the entries? One part of the rows at a time.

A row is folded from the changes that entries carry and compared with what stands in its table,
column by column; a row that no entry made, and one that is gone, show as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, String, Table, func, select, tuple_, type_coerce

from lims.core.db import Base
from lims.ledger import rules
from lims.ledger.spilling import Parts
from lims.ledger.verifying_entries import Found
from lims.ledger.writing import guarded_columns, unguarded

_AT_ONCE = 500  # rows asked for in one statement

Change = tuple[int, str, int, dict[str, Any]]  # version, stream, number, {column: [old, new]}
Place = tuple[str, int]


def check_part(
    connection: Connection,
    parts: Parts,
    part: int,
    *,
    only_rows: bool = False,
    without: frozenset[tuple[str, str]] = frozenset(),
) -> Found:
    """Compare the rows of one part with their tables, and the entries of one act with each other.

    Args:
        only_rows: the peers of these entries are not all here.
        without: rows to leave out, by table and id.

    Returns:
        Breaks, and how many rows of each table were found; the rest of a table no entry made.
    """
    found = Found()
    changes: dict[str, dict[str, list[Change]]] = {}
    acts: dict[str, dict[Place, set[Place]]] = {}
    for record in parts.read(part):
        if record[0] == "row":
            _kind, table, row_id, version, stream, number, values = record
            if (table, row_id) in without:
                continue
            rows = changes.setdefault(table, {})
            rows.setdefault(row_id, []).append((version, stream, number, values))
        elif record[0] == "peers" and not only_rows:
            _kind, command, stream, number, places = record
            named = {(each[0], each[1]) for each in places}
            acts.setdefault(command, {})[(stream, number)] = named
    _check_peers(acts, found)
    tables = guarded_tables()
    for name, rows in sorted(changes.items()):
        if name in tables:
            found.rows[name] = _compare(connection, tables[name], rows, found)
        else:
            for row_id, made in rows.items():
                _version, stream, number, _values = max(made, key=lambda each: each[:3])
                found.broken(stream, number, f"{name} {row_id} is missing: there is no such table")
    return found


def guarded_tables() -> dict[str, Table]:
    """The tables whose rows must follow from entries."""
    return {each.name: each for each in Base.metadata.sorted_tables if not unguarded(each)}


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def keep_ids(connection: Connection, table: Table, parts: Parts) -> None:
    """Put the keys of all rows of a table where the changes of these rows are."""
    keys = [type_coerce(each, String) for each in table.primary_key]
    rows = connection.execute(select(*keys).execution_options(yield_per=2000))
    for number, row in enumerate(rows):
        row_id = "/".join(_key_text(each) for each in row)
        parts.put(f"{table.name}/{row_id}", ["stands", table.name, row_id])
        if number % 20_000 == 0:
            parts.flush()
    parts.flush()


def strangers(parts: Parts, part: int) -> Found:
    """Rows that stand in a table and that no entry made."""
    found = Found()
    made: set[tuple[str, str]] = set()
    stand: set[tuple[str, str]] = set()
    for record in parts.read(part):
        if record[0] in ("row", "stands"):
            (made if record[0] == "row" else stand).add((record[1], record[2]))
    for table, row_id in sorted(stand - made):
        found.broken(table, 0, f"{table} {row_id} stands in the table, no entry made it")
    return found


def _key_text(value: Any) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        return str(value)


def _check_peers(acts: dict[str, dict[Place, set[Place]]], found: Found) -> None:
    for entries in acts.values():
        for (stream, number), named in entries.items():
            for peer in sorted(named):
                if (stream, number) not in entries.get(peer, ()):
                    what = f"its peer {peer[0]} {peer[1]} is not there or does not name it"
                    found.broken(stream, number, what)


def _compare(
    connection: Connection, table: Table, changes: dict[str, list[Change]], found: Found
) -> int:
    columns = guarded_columns(table)
    if len(columns) < len(table.columns):
        # It counts changes of the columns that nobody guards as well.
        columns = [each for each in columns if each != "version"]
    there = 0
    for row_ids in _batches(list(changes)):
        stand: dict[str, Any] = {}
        for row_id, row in _rows(connection, table, row_ids):
            there += 1
            if row_id in stand:
                found.broken(*_newest(changes[row_id]), f"{table.name} {row_id} stands twice")
            stand[row_id] = row
        for row_id in row_ids:
            stream, number = _newest(changes[row_id])
            if row_id not in stand:
                what = f"{table.name} {row_id} is missing from the table"
                found.broken(stream, number, what)
            elif stand[row_id] is None:
                what = f"{table.name} {row_id} holds what cannot be read"
                found.broken(stream, number, what)
            else:
                _compare_row(table.name, row_id, columns, stand[row_id], changes[row_id], found)
    return there


def _compare_row(
    table: str,
    row_id: str,
    columns: Sequence[str],
    row: Any,
    changes: list[Change],
    found: Found,
) -> None:
    # Entries of one row may stand in several streams; its version orders them.
    changes.sort(key=lambda each: each[:3])
    said: dict[str, Any] = {}
    for change in changes:
        said |= {column: new for column, (_old, new) in change[3].items()}
    for name in columns:
        try:
            stands = rules.plain(row[name])
        except TypeError:
            stands = repr(row[name])
        if said.get(name) != stands:
            what = (
                f"{table}.{name} of {row_id} stands as {stands!r}, "
                f"the entries say {said.get(name)!r}"
            )
            found.broken(changes[-1][1], changes[-1][2], what)


def _newest(changes: list[Change]) -> Place:
    _version, stream, number, _values = max(changes, key=lambda each: each[:3])
    return stream, number


def _batches(row_ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(row_ids), _AT_ONCE):
        yield row_ids[start : start + _AT_ONCE]


def _rows(
    connection: Connection, table: Table, row_ids: Sequence[str]
) -> Iterable[tuple[str, Any]]:
    """The rows with these keys; None for one whose values cannot be read."""
    keys = list(table.primary_key)
    wanted = [each for each in (_key_of(table, row_id) for row_id in row_ids) if each is not None]
    if not wanted:
        return []
    if len(keys) == 1:
        condition = keys[0].in_([each[0] for each in wanted])
    else:
        condition = tuple_(*keys).in_(wanted)
    try:
        rows = connection.execute(select(table).where(condition)).mappings().all()
        return [("/".join(str(row[each.name]) for each in keys), row) for row in rows]
    except (ValueError, TypeError, LookupError, ArithmeticError):
        # Somebody put in what the column's type cannot read: find the row.
        if len(row_ids) == 1:
            return [(row_ids[0], None)]
        return [pair for each in row_ids for pair in _rows(connection, table, [each])]


def _key_of(table: Table, row_id: str) -> tuple[Any, ...] | None:
    """The primary key that an entry names as text; None where it cannot be one."""
    keys = list(table.primary_key)
    texts = row_id.split("/") if len(keys) > 1 else [row_id]
    if len(texts) != len(keys):
        return None
    try:
        return tuple(each.type.python_type(text) for each, text in zip(keys, texts, strict=True))
    except ValueError:
        return None
