"""The database: one Base, one transaction, one way to lock.

`transaction()` is opened by services and joins the one already open; the outermost commits. An
inner failure dooms the whole, even where somebody catches it on the way. `reading()` is for
answers that change nothing.

SQLite: libraries 3.7.0-3.51.2 can corrupt a database in WAL mode, so they get the rollback journal
with synchronous EXTRA (hazard H39). Writers stand in one fair line inside the process, since
SQLite's own waiting is a lottery.
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    Uuid,
    create_engine,
    event,
)
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column

from lims.core.connections import look_before_use
from lims.core.errors import BadInput, Conflict, TemporaryFailure
from lims.core.words import Text as _

T = TypeVar("T")

Json = JSON().with_variant(JSONB(), "postgresql")
BigCounter = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DecimalText(TypeDecorator[Decimal]):
    """A decimal kept as its own text: SQLite would keep NUMERIC as a float."""

    impl = String(60)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is not None and not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is not a Decimal")
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Base(DeclarativeBase):
    """Every table. Constraints have names, so that migrations can find them on SQLite as well."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: Instant(),
        Decimal: DecimalText(),
        UUID: Uuid(),
        dict[str, Any]: Json,
        list[Any]: Json,
        str: Text(),
    }


class Tracked:
    """A row with a random id and a version that counts its changes."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    version: Mapped[int] = mapped_column(default=1, nullable=False)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def stored(states: type[T]) -> SqlEnum:
    """A column type for a `StrEnum`, stored by value."""
    return SqlEnum(
        states,  # type: ignore[arg-type]
        native_enum=False,
        length=40,
        create_constraint=False,
        values_callable=lambda each: [state.value for state in each],
    )


# What the ledger's guards say in a restored copy that nobody has opened.
CLOSED = "a restored copy takes no entry"


class CopyClosed(Conflict):
    """The database is a restored copy that nobody has opened yet."""

    code = "copy_closed"


class _Line:
    """A fair lock: whoever asked first is served first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._busy = False

    @contextmanager
    def turn(self, seconds: float = 20) -> Iterator[None]:
        mine = threading.Event()
        with self._guard:
            if self._busy or self._waiting:
                self._waiting.append(mine)
            else:
                self._busy = True
                mine.set()
        if not mine.wait(seconds):
            with self._guard:
                if not mine.is_set():
                    self._waiting.remove(mine)
                    raise TemporaryFailure(
                        _("The database is busy; nothing was recorded. Try again in a moment.")
                    )
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._busy = False


class Database:
    """An opened database: its engine, and how writers and readers get a session."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        # What this process has learnt of the database and nobody can change any more.
        self.known: dict[str, Any] = {}
        self._line = _Line()
        self._reader = (
            engine.execution_options(sqlite_begin="DEFERRED")
            if self.is_sqlite
            else engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    def turn(self) -> Any:
        """The writers' line; empty where the server orders them."""
        return self._line.turn() if self.is_sqlite else nullcontext()

    def writer(self) -> Session:
        """A session that will write."""
        return Session(self.engine, expire_on_commit=False)

    def reader(self) -> Session:
        """A session that only reads."""
        return Session(self._reader, expire_on_commit=False, autoflush=False)


def needs_rollback_journal(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can corrupt a WAL database (the WAL-reset defect, fixed in 3.51.3)."""
    return (3, 7, 0) <= version <= (3, 51, 2)


def open_database(url: str, *, pool: int = 8) -> Database:
    """Open a database by its address.

    Raises:
        BadInput: no address, or of a database that is not supported.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() not in ("sqlite", "postgresql"):
        raise BadInput(
            _("LIMS_DATABASE_URL is no address of a SQLite or PostgreSQL database; correct it.")
        )
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, connect_args={"timeout": 10})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_size=pool,
            max_overflow=4,
            connect_args={
                # A walk over a genealogy is guessed to be huge and compiled for a second before
                # it finds its few rows; nothing here is large enough to gain by that.
                "options": "-c jit=off -c timezone=UTC -c lock_timeout=3000 "
                "-c idle_in_transaction_session_timeout=9000",
                "connect_timeout": 5,
            },
        )
        look_before_use(engine)
    return Database(engine)


_when_connected: list[Callable[[sqlite3.Connection], None]] = []


def when_connected(hook: Callable[[sqlite3.Connection], None]) -> None:
    """Let `hook` prepare every connection to a SQLite file: the ledger guards its tables there."""
    _when_connected.append(hook)


def _prepare_sqlite(engine: Engine) -> None:
    journal = (
        ("journal_mode=DELETE", "synchronous=EXTRA")
        if needs_rollback_journal(sqlite3.sqlite_version_info)
        else ("journal_mode=WAL", "synchronous=FULL")
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            *journal,
            "foreign_keys=ON",
            "recursive_triggers=ON",
            # What is erased is overwritten in the file as well (H49).
            "secure_delete=ON",
            "busy_timeout=10000",
        ):
            connection.execute("PRAGMA " + pragma)
        for hook in _when_connected:
            hook(connection)

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql("BEGIN " + how)


@contextmanager
def hurrying(database: Database) -> Iterator[None]:
    """Let SQLite not wait for the disk at each commit, for what can simply be made again.

    A machine that dies meanwhile may leave a file that nobody can use. At the end it is on disk.
    """
    if not database.is_sqlite:
        yield
        return

    def hurried(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(database.engine, "connect", hurried)
    database.engine.dispose()  # the connections that wait for the disk
    try:
        yield
    finally:
        event.remove(database.engine, "connect", hurried)
        database.engine.dispose()
        file = database.engine.url.database
        if file and file != ":memory:":
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


_database: list[Database] = []
_opener: list[Callable[[], Database]] = []
_session: ContextVar[Session | None] = ContextVar("session", default=None)
_reading: ContextVar[Session | None] = ContextVar("reading", default=None)
_before_commit: list[Callable[[Session], None]] = []


def use(database: Database) -> None:
    """Make this the process's database."""
    _database[:] = [database]


def open_when_needed(opener: Callable[[], Database]) -> None:
    """Open the process's database at the first question to it: many commands ask none."""
    _opener[:] = [opener]


def forget() -> None:
    """Have no database any more, as before a fork."""
    _database.clear()


def current() -> Database:
    """The process's database."""
    if not _database and _opener:
        use(_opener[0]())
    if not _database:
        raise RuntimeError("no database has been opened")
    return _database[0]


@contextmanager
def transaction() -> Iterator[Session]:
    """Join the open transaction, or open one that commits at the end.

    What was asked for by `after_commit` runs once the commit has succeeded.
    """
    joined = _session.get()
    if joined is not None:
        try:
            yield joined
        except BaseException:
            joined.info["doomed"] = True
            raise
        return
    database = current()
    if _reading.get() is not None and database.is_sqlite:
        # A commit waits until nobody reads, so this one would wait for itself.
        raise RuntimeError("a transaction inside of reading; close the reading first")
    with database.turn(), database.writer() as session:
        session.info["then"] = []
        token = _session.set(session)
        try:
            yield session
            if session.info.get("doomed"):
                raise RuntimeError("an inner step failed; the whole act is undone")
            for hook in _before_commit:
                hook(session)
            session.commit()
        except DBAPIError as refused:
            session.rollback()
            if CLOSED in str(refused.orig):
                raise CopyClosed(
                    _(
                        "This database is a restored copy that nobody has opened yet, so nothing "
                        "was recorded. The operator compares it with the newest seal and opens it "
                        "by lims db open."
                    )
                ) from refused
            raise
        except BaseException:
            session.rollback()
            raise
        finally:
            _session.reset(token)
    for call in session.info["then"]:
        call()


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reading: the open one, or a light one of its own.

    A reading inside of another joins it. With a rollback journal a commit waits for those who
    read and lets no new reader in, so whoever reads and asks to read again would wait for the
    commit that waits for her.
    """
    joined = _session.get() or _reading.get()
    if joined is not None:
        yield joined
        return
    with current().reader() as session:
        token = _reading.set(session)
        try:
            yield session
        finally:
            _reading.reset(token)


def in_transaction() -> bool:
    """Whether a transaction is open here."""
    return _session.get() is not None


def open_act() -> Session:
    """The session of the transaction that is open here.

    Raises:
        RuntimeError: none is; whoever writes opens one first.
    """
    session = _session.get()
    if session is None:
        raise RuntimeError("no act is open")
    return session


def command() -> str:
    """The key of the act being written: the door's idempotency key, or a fresh one."""
    known = open_act().info
    if "command" not in known:
        known["command"] = uuid4().hex
    return str(known["command"])


def before_commit(hook: Callable[[Session], None]) -> None:
    """Let `hook` finish every transaction of this process: the ledger writes its entries there."""
    _before_commit.append(hook)


def after_commit(call: Callable[[], None]) -> None:
    """Do this when, and only when, the open transaction has been committed."""
    open_act().info["then"].append(call)


def locked(db: Session, statement: Select[T], asked: dict[str, Any] | None = None) -> T | None:
    """The one row of a statement, locked and read afresh.

    Args:
        asked: values of the parameters of a statement that was built once.

    A locking read alone may give back the stale object that the session already holds: without
    `populate_existing` 130 of 200 parents were overdrawn (hazard H07). SQLite's writers hold the
    whole database, so there the fresh read is all that matters.
    """
    return db.execute(
        statement.with_for_update(), asked, execution_options={"populate_existing": True}
    ).scalar_one_or_none()


def locked_all(db: Session, statement: Select[T]) -> list[T]:
    """The rows of a statement, locked in its order and read afresh; see `locked`."""
    return list(
        db.execute(
            statement.with_for_update(), execution_options={"populate_existing": True}
        ).scalars()
    )
