"""PostgreSQL's own `pg_dump` and `pg_restore`; a password never stands on a command line."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from lims.backup.errors import ToolMissing
from lims.core.words import Text as _

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Connection, str]]:
    """A connection that sees one instant, and the name by which others can see the same."""
    # A connection of the application would be ended while it waits for the dump.
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=0",
        },
    )
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        connection.begin(),
    ):
        connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection, str(connection.scalar(text("SELECT pg_export_snapshot()")))


def version(connection: Connection) -> str:
    """The server's version, as `15.20`."""
    return str(connection.scalar(text("SHOW server_version"))).split()[0]


def dump(url: str, seen: str, target: Path, *, server: str) -> None:
    """Dump what a snapshot sees.

    The row that says which form the tables have is left out: a restore writes it last, so that a
    database that was loaded in part is never opened.

    Raises:
        ToolMissing: no `pg_dump`, one older than the server, or one that failed.
    """
    _run(
        _program("pg_dump", int(server.split(".", maxsplit=1)[0])),
        url,
        "--format=custom",
        "--compress=1",
        "--no-owner",
        "--no-privileges",
        "--schema=public",
        "--exclude-table-data=public.alembic_version",
        f"--snapshot={seen}",
        f"--file={target}",
    )


def load(url: str, payload: Path, *, server: str) -> None:
    """Load a dump, whole or not at all.

    Raises:
        ToolMissing: no `pg_restore`, one older than the dump, or one that failed.
    """
    _run(
        _program("pg_restore", int(server.split(".", maxsplit=1)[0])),
        url,
        "--no-owner",
        "--no-privileges",
        "--schema=public",
        "--single-transaction",
        "--exit-on-error",
        str(payload),
    )


def _program(name: str, major: int) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(
            _(
                "%(name)s is not on this machine; install PostgreSQL's client programs, version "
                "%(major)s or newer.",
                name=name,
                major=major,
            )
        )
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    known = _VERSION.search(said.stdout)
    if known is None or int(known[1]) < major:
        raise ToolMissing(
            _(
                "%(name)s has the version %(has)s and the server %(major)s; install PostgreSQL's "
                "client programs of version %(major)s or newer.",
                name=name,
                has=known[1] if known else "-",
                major=major,
            )
        )
    return found


def _run(program: str, url: str, *options: str) -> None:
    address = make_url(url).set(drivername="postgresql")
    ran = subprocess.run(  # noqa: S603
        [program, f"--dbname={_without_password(address)}", "--no-password", *options],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **({"PGPASSWORD": address.password} if address.password else {})},
    )
    if ran.returncode:
        lines = [each for each in ran.stderr.strip().splitlines() if "error" in each] or ["-"]
        raise ToolMissing(
            _(
                "%(name)s did not do it: %(why)s. Nothing was kept; mend that and try again.",
                name=Path(program).name,
                why=lines[0][:300],
            )
        )


def _without_password(address: URL) -> str:
    return URL.create(
        address.drivername,
        username=address.username,
        host=address.host,
        port=address.port,
        database=address.database,
        query=address.query,
    ).render_as_string()
