"""Bringing a database to the newest form, and its guards into place."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from lims import ledger
from lims.core.db import Database
from lims.core.errors import Conflict
from lims.core.words import Text as _
from lims.ledger import guards

_ADVISORY_LOCK = 7_064_037  # any number that every process of ours agrees on


class GuardsOpen(Conflict):
    """The database's guards, just put in place, refuse less than they must."""

    code = "guards_open"


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made in code: an installation has no ini file."""
    config = Config()
    config.set_main_option("script_location", str(files("lims") / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str | None:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def revision(connection: Connection) -> str | None:
    """The revision a database is at; None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(
    database: Database, *, application_role: str | None = None, repair: bool = False
) -> tuple[str, str]:
    """Upgrade and guard a database; safe when several processes start at once.

    Args:
        database: opened with the owner's address.
        repair: put the guards back where nothing was to be upgraded as well. An operator asks for
            it; opening a database does not, or a dropped guard would never be reported.
        application_role: the role that may only read and insert in the ledger (PostgreSQL).

    Returns:
        The revisions before and after.
    """
    with database.turn(), database.engine.begin() as connection:
        return bring_up(connection, application_role=application_role, repair=repair)


def bring_up(
    connection: Connection, *, application_role: str | None = None, repair: bool = False
) -> tuple[str, str]:
    """`upgrade` on an open connection, as a part of its transaction."""
    if connection.dialect.name == "postgresql":
        # Another process's upgrade may take longer than an act may wait for a row.
        connection.execute(text("SET LOCAL lock_timeout = '120s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '3s'"))
    before = revision(connection)
    with guards.upgrading(connection):
        if before != head():
            command.upgrade(configuration(connection), "head")
        if repair or before != head():
            ledger.install_guards(connection)
        if application_role and connection.dialect.name == "postgresql":
            guards.restrict(connection, application_role)
            guards.watch_form(connection)
    if repair or before != head():
        through = ledger.attack(connection, tables=True)
        if through:
            raise GuardsOpen(
                _(
                    "The guards of the ledger let through: %(what)s. Nothing was upgraded; "
                    "look what stands in their way.",
                    what=", ".join(through),
                )
            )
    return before or "", revision(connection) or ""
