"""Is the trail whole, and do the tables follow from it?

Everything is asked of one instant. The entries are read once, by ranges of streams, and what they
say of rows and of each other is brought together in parts (`spilling`); both on all cores where it
is worth it. Memory holds one range or one part for each process, however long the trail is.
"""

import multiprocessing
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from lims.core.db import Base
from lims.ledger import verifying_rows
from lims.ledger.guards import missing_guards
from lims.ledger.keys import STREAM
from lims.ledger.models import LedgerEntry, LedgerHead
from lims.ledger.spilling import Parts
from lims.ledger.verifying_entries import Break, Found, Range, check_range
from lims.ledger.verifying_seals import Held, check_seals, start_of

WORTH_IT = 30_000  # entries from which on other processes are asked to help
_RANGE = 20_000  # entries in a range, about
_PART = 10_000  # entries whose changes go into one part, about
_MOST_PARTS = 2000
_NOTHING = Held()
Progress = Callable[[int, int], None]
Further = Callable[[Connection], Iterable[Break]]
_further: list[Further] = []


def also_verify(check: Further) -> Further:
    """Let a feature look for what only it can judge: `verify` asks it of a trail that holds."""
    _further.append(check)
    return check


@dataclass
class Verified:
    """What `verify` found.

    Attributes:
        unsealed: entries that no seal covers yet.
        trusted: the keys of the seals were compared with one from outside.
    """

    entries: int = 0
    streams: int = 0
    breaks: list[Break] = field(default_factory=list)
    seals: int = 0
    unsealed: int = 0
    trusted: bool = False

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
            "seals": self.seals,
            "unsealed": self.unsealed,
            "trusted": self.trusted,
            "breaks": [vars(each) for each in self.breaks],
        }


def verify(
    db: Session,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    held: Held = _NOTHING,
) -> Verified:
    """Check every entry, every seal and every guarded row, as they stood at one instant.

    From a seal on, the entries before it are only read for the changes of rows that they carry.

    Args:
        held: a key, a seal from outside, or the seal to go on from.
        jobs: processes that share the work; as many as there are cores where the trail is long,
            none beside this one where it is short.
        progress: told what is done and what there is to do.

    Raises:
        NoSuchSeal: there is no seal of this number.
        BadSignature: the seal from outside is none.
    """
    bind = db.get_bind()
    if bind.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        # Each statement of such a session sees another instant: an act committed between two of
        # them would look like a break.
        with Session(bind) as snapshot:
            snapshot.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            snapshot.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            return _verified(snapshot, jobs, progress, held)
    return _verified(db, jobs, progress, held)


def _verified(db: Session, jobs: int | None, progress: Progress | None, held: Held) -> Verified:
    start = start_of(db, held)
    found = Found()
    for missing in missing_guards(db):
        found.broken("ledger", 0, f"guard missing: {missing}")
    connection = db.connection()
    entries = connection.scalar(select(func.count()).select_from(LedgerEntry)) or 0
    jobs = _jobs(connection, entries, jobs)
    told = _Told(progress, 2 * entries)
    if jobs == 1:
        parts = Parts(1) if entries < WORTH_IT else None
        with _folder(parts) as folder:
            alone = _Alone(connection, parts or Parts(_part_count(entries), folder))
            _look(connection, alone, found, told, held, start)
    else:
        with _folder(None) as folder, _instant(db, folder) as (source, here):
            parts = Parts(_part_count(entries), folder)
            with _Crew(source, parts, jobs) as crew:
                _look(here, crew, found, told, held, start)
    breaks = sorted(found.breaks, key=lambda each: (each.stream, each.number))
    if found.unnamed:
        breaks.append(Break("ledger", 0, f"{found.unnamed} further breaks are not named"))
    trusted = held.key is not None and not any(each.stream == STREAM for each in breaks)
    return Verified(found.entries, found.streams, breaks, found.seals, found.unsealed, trusted)


def _look(
    connection: Connection,
    who: "_Alone | _Crew",
    found: Found,
    told: "_Told",
    held: Held,
    start: int,
) -> None:
    entries = (partial(_range, streams=each, sealed=start) for each in _ranges(connection))
    for one in who.each([partial(_seals, held=held), *entries]):
        found.add(one)
        told.done(one.entries)
    share = max(1, found.entries // who.parts.count)
    for one in who.each(partial(_part, part=each) for each in who.parts.all()):
        found.add(one)
        told.done(share)
    extra = False
    for name, table in verifying_rows.guarded_tables().items():
        if verifying_rows.count(connection, table) != found.rows.get(name, 0):
            verifying_rows.keep_ids(connection, table, who.parts)
            extra = True
    if extra:
        for one in who.each(partial(_strangers, part=each) for each in who.parts.all()):
            found.add(one)
    if found.breaks:
        return  # a trail that does not hold says nothing further
    for check in _further:
        for each in check(connection):
            found.broken(each.stream, each.number, each.what)


# What is done in whichever process: one range of streams, one part of the rows, the seals.

Task = Callable[[Connection, Parts], Found]


def _range(connection: Connection, parts: Parts, *, streams: Range, sealed: int) -> Found:
    return check_range(connection, streams, parts, sealed=sealed)


def _part(connection: Connection, parts: Parts, *, part: int) -> Found:
    return verifying_rows.check_part(connection, parts, part)


def _strangers(_connection: Connection, parts: Parts, *, part: int) -> Found:
    return verifying_rows.strangers(parts, part)


def _seals(connection: Connection, _parts: Parts, *, held: Held) -> Found:
    return check_seals(connection, held)


@dataclass
class _Told:
    progress: Progress | None
    total: int
    so_far: int = 0

    def done(self, entries: int) -> None:
        self.so_far = min(self.total, self.so_far + entries)
        if self.progress:
            self.progress(self.so_far, self.total)


@dataclass
class _Alone:
    """This process does everything, on the connection it was given."""

    connection: Connection
    parts: Parts

    def each(self, tasks: Iterable[Task]) -> Iterator[Found]:
        for task in tasks:
            yield task(self.connection, self.parts)


class _Crew:
    """Several processes, each with a connection of its own that sees the same instant.

    They are spawned and not forked: a fork would share our open connections.
    """

    def __init__(self, source: "_Source", parts: Parts, jobs: int) -> None:
        self.parts = parts
        models = sorted({each.class_.__module__ for each in Base.registry.mappers})
        self._pool = ProcessPoolExecutor(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(source, parts.count, parts.folder, models),
        )

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, *failure: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def each(self, tasks: Iterable[Task]) -> Iterator[Found]:
        waiting = [self._pool.submit(_do, task) for task in tasks]
        for done in as_completed(waiting):
            yield done.result()


@dataclass(frozen=True)
class _Source:
    """How another process sees the same instant."""

    url: str
    snapshot: str | None = None


_here: list[tuple[Connection, Parts]] = []


def _begin(source: _Source, count: int, folder: Path | None, models: list[str]) -> None:
    for name in models:
        import_module(name)  # so that the tables are known here as well
    engine = create_engine(source.url, poolclass=NullPool)
    if source.snapshot:
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    connection = engine.connect()
    if source.snapshot:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{source.snapshot}'")
    _here[:] = [(connection, Parts(count, folder))]


def _do(task: Task) -> Found:
    connection, parts = _here[0]
    return task(connection, parts)


def _jobs(connection: Connection, entries: int, asked: int | None) -> int:
    """How many processes share the work."""
    if multiprocessing.current_process().daemon:
        return 1  # it may have no children
    if connection.dialect.name == "sqlite":
        how = connection.get_execution_options().get("sqlite_begin")
        if how != "DEFERRED" or connection.engine.url.database in (None, "", ":memory:"):
            return 1  # what this session wrote, or holds in memory, no other process can see
    if asked is not None:
        return max(1, asked)
    return (os.cpu_count() or 1) if entries >= WORTH_IT else 1


def _part_count(entries: int) -> int:
    return min(_MOST_PARTS, 1 + entries // _PART)


@contextmanager
def _folder(parts: Parts | None) -> Iterator[Path | None]:
    if parts is not None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="lims-verify-") as folder:
        yield Path(folder)


@contextmanager
def _instant(db: Session, folder: Path | None) -> Iterator[tuple[_Source, Connection]]:
    """The instant that this session sees, for others, and a connection of this process to it.

    PostgreSQL hands its snapshot on. A SQLite file is copied under one short lock: whoever read it
    for minutes would keep every bench from committing.
    """
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        snapshot = connection.scalar(select(func.pg_export_snapshot()))
        url = connection.engine.url.render_as_string(hide_password=False)
        yield _Source(url, snapshot), connection
        return
    if folder is None:
        raise RuntimeError("a copy needs a folder")
    copy = f"sqlite:///{folder / 'copy.db'}"
    driver: Any = connection.connection.driver_connection
    into = sqlite3.connect(folder / "copy.db")
    driver.backup(into)
    into.close()
    db.rollback()
    engine = create_engine(copy, poolclass=NullPool)
    with engine.connect() as here:
        yield _Source(copy), here


def _ranges(connection: Connection) -> Iterator[Range]:
    """Ranges of streams that together are all, of about the same number of entries."""
    head = LedgerHead.__table__
    asked = select(head.c.stream, head.c.number).order_by(head.c.stream)
    rows = connection.execute(asked.execution_options(yield_per=2000))
    after, size = None, 0
    for stream, number in rows:
        size += number
        if size >= _RANGE:
            yield Range(after, stream)
            after, size = stream, 0
    yield Range(after, None)
