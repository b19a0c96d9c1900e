"""The drill: is there a way back, and how long does it take?

A backup that was never restored is a hope. This takes one, makes a database of its own from it,
compares the two and throws both away.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from lims.backup import permissions as may
from lims.backup.errors import ToolMissing
from lims.backup.manifest import seal_of
from lims.backup.restoring import Restored, restore
from lims.backup.taking import Taken, take
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.settings import Settings


@dataclass(frozen=True)
class Drilled:
    """What a drill found.

    Attributes:
        backup_s: seconds until the copy lay whole on the disk; what is recorded meanwhile is not
            in it, so a loss is at most this and the time between two backups.
        restore_s: seconds until the copy was loaded and verified.
    """

    taken: Taken
    restored: Restored
    backup_s: float
    restore_s: float

    @property
    def ok(self) -> bool:
        """Whether the way back is open."""
        return (
            self.restored.ok
            and not self.taken.manifest.breaks
            and self.restored.trail == self.taken.manifest.trail
        )

    def as_json(self) -> dict[str, Any]:
        """The document of `lims backup --drill --json`."""
        return {
            "ok": self.ok,
            "entries": self.restored.entries,
            "streams": self.restored.streams,
            "seal": seal_of(self.taken.manifest),
            "trail": self.restored.trail,
            "backup_seconds": round(self.backup_s, 3),
            "restore_seconds": round(self.restore_s, 3),
            "bytes": self.taken.manifest.payload["bytes"],
            "breaks": [*self.taken.manifest.breaks, *self.restored.breaks],
        }


@requires(may.TAKE)
def drill(actor: Actor, settings: Settings) -> Drilled:
    """Back up, restore into a database of its own, verify, compare.

    Raises:
        ToolMissing: the role may not make a database (PostgreSQL).
    """
    with tempfile.TemporaryDirectory(prefix="lims-drill-") as made:
        folder = Path(made)
        started = time.monotonic()
        taken = take(actor, settings, folder / "drill.backup")
        done = time.monotonic()
        with _elsewhere(settings, folder) as other:
            begun = time.monotonic()
            restored = restore(actor, other, taken.file)
            ended = time.monotonic()
    return Drilled(taken, restored, done - started, ended - begun)


@contextmanager
def _elsewhere(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Settings of a database that is gone afterwards."""
    url = make_url(settings.owner_database_url or settings.database_url)
    if url.get_backend_name() == "sqlite":
        yield replace(settings, database_url=f"sqlite:///{folder / 'restored.db'}")
        return
    name = f"lims_drill_{uuid4().hex[:8]}"
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            )
        except psycopg.Error as refused:
            raise ToolMissing(
                _(
                    "No database can be made for the drill (%(why)s); give the owner's role the "
                    "right CREATEDB and its address as LIMS_OWNER_DATABASE_URL.",
                    why=str(refused).strip().splitlines()[0],
                )
            ) from refused
        try:
            other = url.set(drivername="postgresql", database=name)
            yield replace(
                settings,
                database_url=other.render_as_string(hide_password=False),
                owner_database_url=None,
            )
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
