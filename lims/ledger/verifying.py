"""Is the trail whole, and do the tables follow from it?

Two passes. The chain: every entry's digest, number and predecessor, and the head of its stream.
The rebuild: every guarded row, column by column, from the changes that entries carry.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import clock
from lims.core.db import Base
from lims.ledger import rules
from lims.ledger.guards import missing_guards
from lims.ledger.models import LedgerEntry, LedgerHead
from lims.ledger.writing import guarded_columns, unguarded

_PAGE = 2000


@dataclass(frozen=True)
class Break:
    """One place where the trail does not hold."""

    stream: str
    number: int
    what: str


@dataclass
class Verified:
    """What `verify` found."""

    entries: int = 0
    streams: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.breaks

    def as_json(self) -> dict[str, Any]:
        """The document of `lims ledger verify --json`."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "streams": self.streams,
            "seals": 0,
            "unsealed": self.entries,
            "breaks": [vars(each) for each in self.breaks],
        }


Folded = dict[tuple[str, str], tuple[dict[str, Any], str, int]]


def verify(db: Session) -> Verified:
    """Check every entry and every guarded row, as they stood at one instant."""
    bind = db.get_bind()
    if bind.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        # Each statement of such a session sees another instant: an act committed between two of
        # them would look like a break.
        with Session(bind) as snapshot:
            snapshot.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return _verified(snapshot)
    return _verified(db)


def _verified(db: Session) -> Verified:
    found = Verified()
    for missing in missing_guards(db):
        found.breaks.append(Break("ledger", 0, f"guard missing: {missing}"))
    folded: Folded = {}
    heads: dict[str, tuple[int, bytes]] = {}
    order: dict[tuple[str, str], int] = {}
    for row in _entries(db):
        found.entries += 1
        expected = heads.get(row.stream, (0, rules.FIRST))
        entry = _check_entry(row, expected, found)
        heads[row.stream] = (row.number, row.digest)
        if entry is not None:
            _fold(entry, folded, order, found)
    found.streams = len(heads)
    _check_heads(db, heads, found)
    _check_rows(db, folded, found)
    return found


def _entries(db: Session) -> Iterator[Any]:
    table = LedgerEntry.__table__
    last: tuple[str, int] = ("", -1)
    while True:
        page = db.execute(
            select(table)
            .where(
                (table.c.stream > last[0])
                | ((table.c.stream == last[0]) & (table.c.number > last[1]))
            )
            .order_by(table.c.stream, table.c.number)
            .limit(_PAGE)
        ).all()
        if not page:
            return
        yield from page
        last = (page[-1].stream, page[-1].number)


def _check_entry(row: Any, head: tuple[int, bytes], found: Verified) -> rules.Entry | None:
    def broken(what: str) -> None:
        found.breaks.append(Break(row.stream, row.number, what))

    if rules.digest(row.body) != row.digest:
        broken("the bytes do not give the digest")
    if row.number != head[0] + 1:
        broken(f"entry {head[0] + 1} is missing")
    elif row.prev != head[1]:
        broken("it does not follow from the entry before")
    try:
        entry = rules.read(row.body)
    except (ValueError, KeyError, TypeError):
        broken("the bytes are no entry")
        return None
    copied = {
        "stream": (entry.stream, row.stream),
        "number": (entry.number, row.number),
        "prev": (entry.prev, row.prev.hex()),
        "kind": (entry.kind, row.kind),
        "command": (entry.command, row.command),
        "at": (clock.text(entry.at), clock.text(row.at)),
    }
    for name, (said, stands) in copied.items():
        if said != stands:
            broken(f"{name} stands as {stands}, the entry says {said}")
    return entry


def _fold(
    entry: rules.Entry, folded: Folded, order: dict[tuple[str, str], int], found: Verified
) -> None:
    for change in entry.rows:
        key = (change["table"], change["id"])
        values, stream, number = folded.get(key, ({}, entry.stream, entry.number))
        version = change["set"].get("version", [None, 0])[1] or 0
        newer = version >= order.get(key, -1)
        for column, (_old, new) in change["set"].items():
            # Entries of one row may stand in several streams; its version orders them.
            if newer or column not in values:
                values[column] = new
        if newer:
            order[key] = version
            stream, number = entry.stream, entry.number
        folded[key] = (values, stream, number)


def _check_heads(db: Session, heads: dict[str, tuple[int, bytes]], found: Verified) -> None:
    table = LedgerHead.__table__
    for row in db.execute(select(table)):
        number, digest = heads.pop(row.stream, (0, rules.FIRST))
        if row.number != number:
            what = f"the head says {row.number} entries, {number} are there"
            found.breaks.append(Break(row.stream, max(row.number, number), what))
        elif row.digest != digest:
            found.breaks.append(Break(row.stream, number, "the head has another digest"))
    for stream, (number, _digest) in sorted(heads.items()):
        found.breaks.append(Break(stream, number, "the stream has no head"))


def _check_rows(db: Session, folded: Folded, found: Verified) -> None:
    for table in Base.metadata.sorted_tables:
        if unguarded(table):
            continue
        columns = guarded_columns(table)
        keys = [each.name for each in table.primary_key]
        for row in db.execute(select(table).execution_options(yield_per=_PAGE)).mappings():
            row_id = "/".join(str(row[name]) for name in keys)
            said = folded.pop((table.name, row_id), None)
            if said is None:
                what = f"{table.name} {row_id} stands in the table, no entry made it"
                found.breaks.append(Break(table.name, 0, what))
                continue
            values, stream, number = said
            for name in columns:
                if name == "version" and len(columns) < len(table.columns):
                    continue  # it counts changes of the columns that nobody guards as well
                stands = rules.plain(row[name])
                if values.get(name) != stands:
                    what = (
                        f"{table.name}.{name} of {row_id} stands as {stands!r}, "
                        f"the entries say {values.get(name)!r}"
                    )
                    found.breaks.append(Break(stream, number, what))
    for (table_name, row_id), (_values, stream, number) in sorted(folded.items()):
        what = f"{table_name} {row_id} is missing from the table"
        found.breaks.append(Break(stream, number, what))
