"""Taking a copy while work goes on.

SQLite by its backup API, never as a copy of the file (hazard H39); its numbers are then read from
the copy. PostgreSQL by `pg_dump` in an exported snapshot, in which the numbers are read as well. So
what the manifest says is what the payload holds, whatever was written meanwhile.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from lims.backup import manifest, packing, server
from lims.backup import permissions as may
from lims.backup.manifest import Manifest, seal_of
from lims.core.errors import BadInput, TemporaryFailure
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.settings import Settings

_WAIT_S = 60


@dataclass(frozen=True)
class Taken:
    """A copy that was made."""

    file: Path
    manifest: Manifest
    encrypted: bool

    def as_json(self) -> dict[str, Any]:
        """The document of `lims backup --json`."""
        said = self.manifest
        return {
            "ok": not said.breaks,
            "file": str(self.file),
            "entries": said.entries,
            "streams": said.streams,
            "seal": seal_of(said),
            "trail": said.trail,
            "made_at": said.made_at,
            "revision": said.revision,
            "encrypted": self.encrypted,
            "breaks": list(said.breaks),
        }


@requires(may.TAKE)
def take(actor: Actor, settings: Settings, file: Path, *, recipient: str | None = None) -> Taken:
    """Copy the whole record into one file.

    Args:
        recipient: an age key; only its owner can read the copy.

    Raises:
        BadInput: the file cannot be written, or something else has its name.
        TemporaryFailure: the database does not answer, or its programs are not here.
    """
    key = packing.recipient_of(recipient) if recipient else None
    file = file.absolute()
    packing.check_target(file)
    kind = make_url(settings.database_url).get_backend_name()
    try:
        with packing.beside(file) as folder:
            payload = folder / packing.payload_name(kind)
            os.close(os.open(payload, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            said = (_of_sqlite if kind == "sqlite" else _of_postgresql)(settings, payload)
            packing.write(file, said, payload, folder, key)
    except OSError as refused:
        raise BadInput(
            _(
                "%(file)s cannot be written: %(why)s. Nothing was kept; choose another place.",
                file=file,
                why=refused.strerror or refused,
            ),
            field="file",
        ) from refused
    return Taken(file, said, key is not None)


def _of_sqlite(settings: Settings, payload: Path) -> Manifest:
    source = Path(make_url(settings.database_url).database or "")
    if not source.is_file():
        raise BadInput(
            _(
                "There is no database %(file)s; set LIMS_HOME or LIMS_DATABASE_URL to yours.",
                file=source,
            )
        )
    made_at = manifest.made_at()
    try:
        with (
            closing(
                sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=_WAIT_S)
            ) as here,
            closing(sqlite3.connect(payload)) as there,
        ):
            # In one step: writers wait for its length, and nothing can change in between.
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")
            whole = [str(row[0]) for row in there.execute("PRAGMA integrity_check")]
    except sqlite3.Error as failed:
        raise _away(str(source), str(failed)) from failed
    engine = create_engine(f"sqlite:///{payload}", poolclass=NullPool)
    with engine.connect() as connection:
        found = manifest.numbers(connection)
    found["breaks"] = (*found["breaks"], *(f"integrity: {each}" for each in whole if each != "ok"))
    return _manifest("sqlite", sqlite3.sqlite_version, made_at, found, payload)


def _of_postgresql(settings: Settings, payload: Path) -> Manifest:
    url = settings.owner_database_url or settings.database_url
    try:
        with server.snapshot(url) as (connection, seen):
            made_at = manifest.made_at()
            running = server.version(connection)
            server.dump(url, seen, payload, server=running)
            found = manifest.numbers(connection)
    except OperationalError as away:
        raise _away(str(make_url(url).database), str(away.orig)) from away
    return _manifest("postgresql", running, made_at, found, payload)


def _manifest(
    kind: str, running: str, made_at: str, found: dict[str, Any], payload: Path
) -> Manifest:
    try:
        program = version("exotrace")
    except PackageNotFoundError:  # run from the sources alone
        program = "0"
    return Manifest(
        made_at=made_at,
        database=kind,
        server=running,
        program=program,
        payload={
            "name": payload.name,
            "bytes": payload.stat().st_size,
            "sha256": packing.digest(payload),
        },
        **found,
    )


def _away(where: str, why: str) -> TemporaryFailure:
    return TemporaryFailure(
        _(
            "The database %(where)s cannot be copied (%(why)s); start it, or correct "
            "LIMS_DATABASE_URL.",
            where=where,
            why=(why.strip().splitlines() or ["-"])[0][:200],
        )
    )
