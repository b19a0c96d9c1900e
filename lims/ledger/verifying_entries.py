"""Is every entry whole, and is every stream one chain? One range of streams at a time.

This reads through the driver itself: a ledger is read to its last byte again and again, and the
copies of its columns are compared as the driver gives them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from lims.ledger import rules
from lims.ledger.countering import COUNTERS
from lims.ledger.spilling import Parts

_PAGE = 2000
_AT_ONCE = 500  # digests asked for in one statement
# By digest: stream and number of what is named, and of the entry that names it.
Named = dict[str, tuple[str, int, str, int]]
MOST = 1000  # breaks that one range or part names; what is beyond is counted


@dataclass(frozen=True)
class Break:
    """One place where the trail does not hold."""

    stream: str
    number: int
    what: str


@dataclass
class Found:
    """What a look at one range or part gave."""

    entries: int = 0
    streams: int = 0
    breaks: list[Break] = field(default_factory=list)
    unnamed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seals: int = 0
    unsealed: int = 0

    def broken(self, stream: str, number: int, what: str) -> None:
        """Name a break; beyond a thousand, count it."""
        if len(self.breaks) < MOST:
            self.breaks.append(Break(stream, number, what))
        else:
            self.unnamed += 1

    def add(self, other: "Found") -> None:
        """Take in what another look gave."""
        self.entries += other.entries
        self.streams += other.streams
        self.breaks += other.breaks
        self.unnamed += other.unnamed
        self.seals += other.seals
        self.unsealed += other.unsealed
        for table, count in other.rows.items():
            self.rows[table] = self.rows.get(table, 0) + count


class Streams(Protocol):
    """Which streams are looked at."""

    def where(self, column: str, mark: str) -> tuple[str, tuple[str, ...]]:
        """The condition in SQL, and its parameters."""


@dataclass(frozen=True)
class Range:
    """Streams above `after` up to and with `last`; None is without end."""

    after: str | None = None
    last: str | None = None

    def where(self, column: str, mark: str) -> tuple[str, tuple[str, ...]]:
        """The condition in SQL, and its parameters."""
        asked = {">": self.after, "<=": self.last}
        given = {sign: value for sign, value in asked.items() if value is not None}
        condition = " AND ".join(f"{column} {sign} {mark}" for sign in given) or "1 = 1"
        return condition, tuple(given.values())


def check_range(
    connection: Connection,
    streams: Streams,
    parts: Parts,
    *,
    sealed: int = 0,
    at_once: bool = False,
) -> Found:
    """Check the entries of a range of streams, and their heads.

    Args:
        parts: takes the changes of rows and the peers that entries name.
        sealed: entries whose leaf is below this number are only read for their changes: a seal
            that was verified before covers them.
        at_once: the entries are few, so they need no cursor on the server.
    """
    found = Found()
    heads = _heads(connection, streams)
    parents: Named = {}
    counters: Named = {}
    answered: set[int] = set()  # numbers of the stream at hand that a counter-entry names
    stream, number, digest = "", 0, rules.FIRST

    def ended() -> None:
        if number == 0:
            return
        found.streams += 1
        _check_head(found, stream, number, digest, heads.pop(stream, None))

    for row in _entries(connection, streams, with_leaf=bool(sealed), at_once=at_once):
        found.entries += 1
        if row[0] != stream:
            ended()
            stream, number, digest = row[0], 0, rules.FIRST
            answered.clear()
        covered = sealed and row[8] is not None and row[8] < sealed
        content = _read(row) if covered else _checked(row, number, digest, found)
        number, digest = row[1], row[7]
        if content is None:
            continue
        try:
            _keep(content, row, parts, parents, covered=bool(covered))
            if COUNTERS in content["data"]:
                _keep_counter(content["data"][COUNTERS], row, counters, answered, found)
        except (KeyError, TypeError, AttributeError, ValueError):
            found.broken(row[0], row[1], "the bytes are no entry")
        if len(parents) >= _PAGE:
            _check_named(connection, parents, found, "parent")
        if len(counters) >= _PAGE:
            _check_named(connection, counters, found, "answered entry")
    ended()
    _check_named(connection, parents, found, "parent")
    _check_named(connection, counters, found, "answered entry")
    for name, (said, _digest) in sorted(heads.items()):
        found.broken(name, said, f"the head says {said} entries, 0 are there")
    parts.flush()
    return found


def _heads(connection: Connection, streams: Streams) -> dict[str, tuple[int, bytes]]:
    condition, given = streams.where("stream", _mark(connection))
    statement = f"SELECT stream, number, digest FROM ledger_head WHERE {condition}"  # noqa: S608
    cursor = connection.connection.cursor()
    cursor.execute(statement, given)
    heads = {stream: (number, digest) for stream, number, digest in cursor.fetchall()}
    cursor.close()
    return heads


def _entries(
    connection: Connection, streams: Streams, *, with_leaf: bool, at_once: bool
) -> Iterator[tuple[Any, ...]]:
    condition, given = streams.where("e.stream", _mark(connection))
    leaf = ", l.number" if with_leaf else ""
    join = "LEFT JOIN ledger_leaf l ON l.entry_id = e.id" if with_leaf else ""
    statement = (
        "SELECT e.stream, e.number, e.kind, e.at, e.command, e.body, e.prev, e.digest"  # noqa: S608
        f"{leaf} FROM ledger_entry e {join} WHERE {condition} ORDER BY e.stream, e.number"
    )
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        # Many stay on the server's side: the whole range would not fit into memory.
        cursor = driver.cursor("" if at_once else "entries", binary=True)
    else:
        cursor = driver.cursor()
    cursor.execute(statement, given)
    while page := cursor.fetchmany(_PAGE):
        yield from page
    cursor.close()


def _mark(connection: Connection) -> str:
    return "%s" if connection.dialect.name == "postgresql" else "?"


def _bytes(value: Any) -> bytes:
    # SQLite gives back whatever was put in, text included.
    return value if isinstance(value, bytes) else str(value).encode()


def _read(row: tuple[Any, ...]) -> Any:
    try:
        return orjson.loads(_bytes(row[5]))
    except ValueError:
        return None


def _checked(row: tuple[Any, ...], number: int, digest: bytes, found: Found) -> Any:
    """Check one entry against its own bytes and the entry before it; its content."""
    body = row[5] if type(row[5]) is bytes else _bytes(row[5])
    if hashlib.sha256(b"\x00" + body).digest() != row[7]:
        found.broken(row[0], row[1], "the bytes do not give the digest")
    if row[1] != number + 1:
        found.broken(row[0], row[1], f"entry {number + 1} is missing")
    elif row[6] != digest:
        found.broken(row[0], row[1], "the digest of its predecessor is another")
    try:
        content = orjson.loads(body)
        said = (
            content["stream"],
            content["number"],
            content["kind"],
            content["command"],
            content["prev"],
        )
        if content["v"] != rules.VERSION:
            raise ValueError("an entry of an unknown version")
        if said != (row[0], row[1], row[2], row[4], row[6].hex()) or not _at(content["at"], row[3]):
            _name_copies(content, row, found)
    except (KeyError, TypeError, AttributeError, ValueError):
        found.broken(row[0], row[1], "the bytes are no entry")
        return None
    return content


def _at(said: str, stands: Any) -> bool:
    """Whether the column holds the instant that the entry says."""
    if isinstance(stands, datetime):
        return datetime.fromisoformat(said) == stands
    return said == f"{str(stands).replace(' ', 'T')}Z"


def _name_copies(content: Any, row: tuple[Any, ...], found: Found) -> None:
    prev = row[6].hex() if isinstance(row[6], bytes) else row[6]
    stands = {
        "stream": row[0],
        "number": row[1],
        "kind": row[2],
        "command": row[4],
        "prev": prev,
    }
    for name, value in stands.items():
        if content[name] != value:
            what = f"{name} stands as {value}, the entry says {content[name]}"
            found.broken(row[0], row[1], what)
    if not _at(content["at"], row[3]):
        found.broken(row[0], row[1], f"at stands as {row[3]}, the entry says {content['at']}")


def _check_head(
    found: Found, stream: str, number: int, digest: bytes, head: tuple[int, bytes] | None
) -> None:
    if head is None:
        found.broken(stream, number, "the stream has no head")
    elif head[0] != number:
        what = f"the head says {head[0]} entries, {number} are there"
        found.broken(stream, max(head[0], number), what)
    elif head[1] != digest:
        found.broken(stream, number, "the head has another digest")


def _keep(
    content: Any,
    row: tuple[Any, ...],
    parts: Parts,
    parents: Named,
    *,
    covered: bool,
) -> None:
    """Put what an entry says of others where it meets them again."""
    stream, number = row[0], row[1]
    for change in content["rows"]:
        table, row_id = change["table"], change["id"]
        values = change["set"]
        version = values["version"][1] if "version" in values else 0
        parts.put(f"{table}/{row_id}", ("row", table, row_id, version or 0, stream, number, values))
    if covered:
        return
    if content["peers"]:
        places = [(each["stream"], each["number"]) for each in content["peers"]]
        parts.put(content["command"], ("peers", content["command"], stream, number, places))
    for parent in content["parents"]:
        parents[parent["digest"]] = (parent["stream"], parent["number"], stream, number)


def _keep_counter(
    named: Any, row: tuple[Any, ...], counters: Named, answered: set[int], found: Found
) -> None:
    """A counter-entry answers an earlier entry of its own stream, and no other answers the same."""
    stream, number = row[0], row[1]
    if named["stream"] != stream or not 0 < named["number"] < number:
        what = f"it answers {named['stream']} {named['number']}, no earlier entry of its stream"
        found.broken(stream, number, what)
        return
    if named["number"] in answered:
        found.broken(stream, number, f"entry {named['number']} was answered before")
    answered.add(named["number"])
    counters[named["digest"]] = (stream, named["number"], stream, number)


def _check_named(connection: Connection, named: Named, found: Found, what: str) -> None:
    """Each entry that another one names is there, with the digest that it says."""
    wanted = list(named)
    stand: dict[str, tuple[str, int]] = {}
    cursor = connection.connection.cursor()
    for start in range(0, len(wanted), _AT_ONCE):
        digests = [bytes.fromhex(each) for each in wanted[start : start + _AT_ONCE]]
        marks = ", ".join([_mark(connection)] * len(digests))
        cursor.execute(
            f"SELECT digest, stream, number FROM ledger_entry WHERE digest IN ({marks})",  # noqa: S608
            digests,
        )
        stand |= {digest.hex(): (stream, number) for digest, stream, number in cursor.fetchall()}
    cursor.close()
    for digest, (there, at, stream, number) in named.items():
        if stand.get(digest) != (there, at):
            found.broken(stream, number, f"its {what} {there} {at} is not there as it says")
    named.clear()
