"""Making a database from a copy, and refusing one that is not whole.

The copy has to be what its manifest says, entry by entry; its trail has to hold and its rows to
follow from it; its tree has to give its own newest seal, and any that is shown to it. Otherwise the
database is left empty.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory

from lims import ledger, migrations
from lims.backup import loading, manifest, packing, shown
from lims.backup import permissions as may
from lims.backup.errors import NoBackup
from lims.backup.manifest import Manifest, seal_of
from lims.backup.shown import Shown
from lims.core import db
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.settings import Settings


@dataclass(frozen=True)
class Restored:
    """What came of a restore; where `breaks` says anything, the database is empty."""

    manifest: Manifest
    entries: int
    streams: int
    trail: str
    breaks: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the copy was kept."""
        return not self.breaks

    def as_json(self) -> dict[str, Any]:
        """The document of `lims restore --json`."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "streams": self.streams,
            "seal": seal_of(self.manifest),
            "trail": self.trail,
            "made_at": self.manifest.made_at,
            "open": False,
            "breaks": list(self.breaks),
        }


@requires(may.RESTORE)
def restore(
    actor: Actor,
    settings: Settings,
    file: Path,
    *,
    identity: Path | None = None,
    seal: Shown | None = None,
) -> Restored:
    """Load a copy into an empty database, closed until somebody opens it.

    Args:
        identity: a file with the age key that opens an encrypted copy.
        seal: from outside; a copy that is older, or does not agree with it, is not kept.

    Raises:
        NotEmpty: something is recorded there.
        NoBackup: the file is no whole copy, or not for this kind of database.
    """
    target = loading.target(settings)
    target.refuse_unless_empty()
    with packing.opened(file, identity) as (said, payload):
        _refuse_foreign(said, target.kind)
        kept = False
        try:
            found = _checked(target.load(payload, said), said, seal)
            if found.ok:
                target.keep()
                kept = True
        finally:
            if not kept:
                target.leave_empty()
        return found


def _refuse_foreign(said: Manifest, kind: str) -> None:
    if said.database != kind:
        raise NoBackup(
            _(
                "The backup is of a %(has)s database and LIMS_DATABASE_URL names a %(wants)s one; "
                "name one of its own kind.",
                has=said.database,
                wants=kind,
            )
        )
    script = ScriptDirectory.from_config(migrations.configuration())
    if said.revision not in {each.revision for each in script.walk_revisions()}:
        raise NoBackup(
            _(
                "The backup has the form %(form)s, which this program does not know; restore it "
                "with a newer one.",
                form=said.revision or "-",
            )
        )


def _checked(database: db.Database, said: Manifest, outside: Shown | None) -> Restored:
    seals = [outside] if outside else []
    if said.seal:
        seals.append(shown.read(said.seal))
    with database.engine.connect() as connection:
        there = manifest.numbers(connection)
        judged = [shown.judge(connection, each, origin=said.origin) for each in seals]
    with database.reader() as session:
        verified = ledger.verify(session)
    breaks = [f"{each.stream} {each.number}: {each.what}" for each in verified.breaks]
    breaks += [
        f"{name} is {there[name]}, the backup says {getattr(said, name)}"
        for name in ("entries", "streams", "trail", "leaves", "seal")
        if there[name] != getattr(said, name)
    ]
    breaks += [each.why for each in judged if each.why]
    return Restored(said, there["entries"], there["streams"], there["trail"], tuple(breaks))
