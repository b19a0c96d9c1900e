"""Strikes an act at one of its statements, and a fingerprint of everything that is stored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import InvalidRequestError

from lims.core import db
from lims.core.db import Base

SIDES = ("before", "after")


class Struck(BaseException):
    """The process ends here. No service catches it, as none could catch a lost process."""


class Strikes:
    """Counts the statements of acts on an engine, and strikes at one of them.

    Attributes:
        seen: statements of the act so far.
    """

    def __init__(self, database: db.Database) -> None:
        self.engine = database.engine
        self.seen = 0
        self._at: tuple[int, str] | None = None
        self._how: Callable[[Any], None] = _raise
        event.listen(self.engine, "before_cursor_execute", self._before)
        event.listen(self.engine, "after_cursor_execute", self._after)
        dialect = self.engine.dialect
        self._commit = dialect.do_commit
        dialect.do_commit = self._committing  # type: ignore[method-assign]

    def close(self) -> None:
        """Listen no more."""
        event.remove(self.engine, "before_cursor_execute", self._before)
        event.remove(self.engine, "after_cursor_execute", self._after)
        self.engine.dialect.do_commit = self._commit  # type: ignore[method-assign]

    @contextmanager
    def armed(self, at: int, side: str, how: Callable[[Any], None] | None = None) -> Iterator[None]:
        """Strike `before` or `after` statement `at`, or around the commit, which is statement 0."""
        self.seen, self._at, self._how = 0, (at, side), how or _raise
        try:
            yield
        finally:
            self._at = None

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count, and strike nothing."""
        self.seen, self._at = 0, None
        yield

    def _strike(self, number: int, side: str, connection: Any) -> None:
        if self._at == (number, side):
            self._at = None  # what the rollback itself sends is let through
            self._how(connection)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if _is_acts(connection.connection) and not statement.startswith("BEGIN"):
            self.seen += 1
            self._strike(self.seen, "before", connection)

    def _after(self, connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        if _is_acts(connection.connection) and not statement.startswith("BEGIN"):
            if self._at == (self.seen, "after"):
                cursor.close()  # or SQLite keeps a closed connection, and its lock, for the answer
            self._strike(self.seen, "after", connection)

    def _committing(self, dbapi_connection: Any) -> None:
        acts = _is_acts(dbapi_connection)
        if acts:
            if self._at == (0, "before"):
                # A process that ends takes its transaction with it; an object may live on.
                self.engine.dialect.do_rollback(dbapi_connection)
            self._strike(0, "before", None)
        self._commit(dbapi_connection)
        if acts:
            self._strike(0, "after", None)


def _is_acts(connection: Any) -> bool:
    """Whether this is the connection of the act that is open.

    A try of a password is counted beside it, in a transaction of its own, so that it stays counted
    whatever becomes of the act.
    """
    if not db.in_transaction():
        return False
    try:
        own = db.open_act().connection().connection.dbapi_connection
    except InvalidRequestError:  # it is being committed
        return True
    return own is getattr(connection, "dbapi_connection", connection)


def _raise(_connection: Any) -> None:
    raise Struck


def fingerprint(database: db.Database) -> dict[str, str]:
    """By table, all that it holds; read by a connection of its own, past every session.

    Tries of passwords are left out: they are counted beside the act.
    """
    asked = " UNION ALL ".join(
        _of_sqlite(each) if database.is_sqlite else _of_postgresql(each)
        for each in Base.metadata.sorted_tables
        if each.name != "people_attempt"
    )
    with database.engine.connect() as connection:
        found = dict(connection.execute(text(asked)).all())
        connection.rollback()
    return found


def _of_postgresql(table: Any) -> str:
    return (
        f"SELECT '{table.name}', count(*)::text || md5(coalesce("
        f"string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table.name} r"
    )


def _of_sqlite(table: Any) -> str:
    line = " || ',' || ".join(f'quote("{each.name}")' for each in table.columns)
    return (
        f"SELECT '{table.name}', count(*) || coalesce(group_concat(line, '|'), '') FROM "
        f"(SELECT {line} AS line FROM {table.name} ORDER BY line)"
    )
