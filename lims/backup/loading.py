"""Where a copy is loaded to, and how that place is left empty again.

Until it is kept, nobody can open what was loaded: on SQLite it is not in its place yet, on
PostgreSQL the row that says which form the tables have is written last, together with the fact
that the copy is closed.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lims import labels, migrations, people
from lims.backup import server
from lims.backup.errors import NotEmpty
from lims.backup.manifest import Manifest
from lims.core import clock, copied, db
from lims.core.errors import TemporaryFailure
from lims.core.words import Text as _
from lims.settings import Settings

# Rows in these are no record: the form, what this installation is, signs of life.
_NO_RECORD = {"alembic_version", "core_heartbeat", "core_system_fact", "people_attempt"}
_WAIT_S = 30


class Target(Protocol):
    """An empty database."""

    kind: str

    def refuse_unless_empty(self) -> None:
        """Raise `NotEmpty` where something is recorded."""

    def load(self, payload: Path, said: Manifest) -> db.Database:
        """Load a copy, bring it to this program's form, guard and close it."""

    def keep(self) -> None:
        """Put what was loaded in its place."""

    def leave_empty(self) -> None:
        """Take away what was loaded."""


def target(settings: Settings) -> Target:
    """The database that the settings name."""
    if make_url(settings.database_url).get_backend_name() == "sqlite":
        return _File(settings)
    return _Server(settings)


class _File:
    kind = "sqlite"

    def __init__(self, settings: Settings) -> None:
        self.place = Path(make_url(settings.database_url).database or "").absolute()
        self.loaded: tuple[Path, db.Database] | None = None

    def refuse_unless_empty(self) -> None:
        if not self.place.exists():
            return
        opened = db.open_database(f"sqlite:///{self.place}")
        try:
            with opened.engine.connect() as connection:
                _refuse_records(connection, str(self.place))
        finally:
            opened.engine.dispose()

    def load(self, payload: Path, said: Manifest) -> db.Database:
        database = db.open_database(f"sqlite:///{payload}")
        self.loaded = payload, database
        with database.engine.begin() as connection:
            _finish(connection, said, None)
        return database

    def keep(self) -> None:
        if self.loaded is None:
            raise RuntimeError("nothing was loaded")
        payload, database = self.loaded
        database.engine.dispose()
        self.place.parent.mkdir(parents=True, exist_ok=True)
        # Into the file that is there: a process that has it open sees the copy, and finds it
        # closed. SQLite does it as one transaction.
        with (
            closing(sqlite3.connect(payload)) as here,
            closing(sqlite3.connect(self.place, timeout=_WAIT_S)) as there,
        ):
            here.backup(there)

    def leave_empty(self) -> None:
        if self.loaded is not None:
            self.loaded[1].engine.dispose()


class _Server:
    kind = "postgresql"

    def __init__(self, settings: Settings) -> None:
        self.url = settings.owner_database_url or settings.database_url
        owned = settings.owner_database_url is not None
        self.role = make_url(settings.database_url).username if owned else None
        self.database: db.Database | None = None

    def refuse_unless_empty(self) -> None:
        opened = db.open_database(self.url)
        try:
            with opened.engine.connect() as connection:
                _refuse_records(connection, str(opened.engine.url.database))
        except OperationalError as away:
            raise TemporaryFailure(
                _(
                    "The database %(where)s does not answer; start it, or correct "
                    "LIMS_DATABASE_URL.",
                    where=opened.engine.url.database,
                )
            ) from away
        finally:
            opened.engine.dispose()

    def load(self, payload: Path, said: Manifest) -> db.Database:
        self.database = db.open_database(self.url)
        self._drop()
        server.load(self.url, payload, server=said.server)
        with self.database.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO alembic_version (version_num) VALUES (:form)"),
                {"form": said.revision},
            )
            _finish(connection, said, self.role)
        return self.database

    def keep(self) -> None:
        if self.database is not None:
            self.database.engine.dispose()

    def leave_empty(self) -> None:
        if self.database is not None:
            self._drop()
            self.database.engine.dispose()

    def _drop(self) -> None:
        if self.database is None:
            return
        with self.database.engine.begin() as connection:
            quote = connection.dialect.identifier_preparer.quote
            tables = ", ".join(quote(each) for each in inspect(connection).get_table_names())
            if tables:
                connection.execute(text(f"DROP TABLE {tables} CASCADE"))
            for function in connection.scalars(
                text(
                    "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'ledger\\_%' "
                    "AND pronamespace = 'public'::regnamespace"
                )
            ).all():
                connection.execute(text(f"DROP FUNCTION {function} CASCADE"))


def _refuse_records(connection: Connection, where: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    for name in inspect(connection).get_table_names():
        if name not in _NO_RECORD and connection.scalar(
            text(f"SELECT EXISTS (SELECT 1 FROM {quote(name)})")  # noqa: S608 - a table's name
        ):
            raise NotEmpty(
                _(
                    "The database %(where)s is not empty (%(table)s); restore into an empty one, "
                    "for nothing is ever written over.",
                    where=where,
                    table=name,
                )
            )


def _finish(connection: Connection, said: Manifest, role: str | None) -> None:
    migrations.bring_up(connection, application_role=role, repair=True)
    with Session(connection) as session:
        copied.close(
            session,
            copied.Closed(
                at=clock.text(clock.now()),
                made_at=said.made_at,
                entries=said.entries,
                leaves=said.leaves,
                highest_copy=said.highest_copy,
            ),
        )
        people.end_every_sign_in(session)
        labels.doubt_unfinished(session)
        session.commit()  # of the session; the connection's transaction is the caller's
