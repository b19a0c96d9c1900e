"""What a copy says of itself, read from the very instant that it holds."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from lims import ledger, migrations
from lims.backup import shown
from lims.backup.errors import NoBackup
from lims.core import clock
from lims.core.words import Text as _

FORMAT = 1
KIND = "exotrace-backup"
_PAGE = 5000


@dataclass(frozen=True)
class Manifest:
    """The first member of a copy.

    Attributes:
        made_at: when the copy was begun; everything committed before is in it.
        database: `sqlite` or `postgresql`: what the payload can be loaded into.
        revision: the form of its tables.
        origin: the installation's id, empty before its first seal.
        trail: SHA-256 over the digests of all entries by stream and number, in hex.
        seal: the newest seal's compact JWS, empty where there is none.
        leaves: how many entries have a place in the tree.
        highest_copy: the highest copy number of any label.
        breaks: what was found wrong while the copy was made.
        payload: its member's name, bytes and SHA-256.
    """

    made_at: str
    database: str
    server: str
    revision: str
    origin: str
    practice: bool
    entries: int
    streams: int
    trail: str
    leaves: int
    seal: str
    highest_copy: int
    breaks: tuple[str, ...]
    payload: Mapping[str, Any]
    program: str
    format: int = FORMAT
    kind: str = KIND

    def as_json(self) -> dict[str, Any]:
        """The document as it stands in the file."""
        return asdict(self)


def read(document: Any) -> Manifest:
    """A manifest from its document.

    Raises:
        NoBackup: of another program, another format, or not whole.
    """
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise NoBackup(_("The file is no backup of this program; name another."))
    if document.get("format") != FORMAT:
        raise NoBackup(
            _(
                "The backup has the format %(format)s, which this program does not know; restore "
                "it with the program that made it.",
                format=document.get("format"),
            )
        )
    try:
        found = Manifest(**{**document, "breaks": tuple(document["breaks"])})
        {name: found.payload[name] for name in ("name", "bytes", "sha256")}
    except (TypeError, KeyError) as wrong:
        raise NoBackup(_("The backup's list of contents is not whole; take another copy.")) from (
            wrong
        )
    return found


def seal_of(said: Manifest) -> dict[str, Any] | None:
    """The newest seal of a copy as answers show it: its number, size and root, and the JWS."""
    return {**shown.read(said.seal).as_json(), "jws": said.seal} if said.seal else None


def numbers(connection: Connection) -> dict[str, Any]:
    """What stands in the database, on a connection that sees one instant.

    A database of an older form may lack a table; then there is nothing of it.
    """
    there = set(inspect(connection).get_table_names())

    def one(table: str, statement: str, otherwise: Any) -> Any:
        found = connection.scalar(text(statement)) if table in there else None
        return otherwise if found is None else found

    entries, streams, trail = _trail(connection) if "ledger_entry" in there else (0, 0, "")
    revision = migrations.revision(connection) or ""
    facts = "SELECT value FROM core_system_fact WHERE name = "
    return {
        "revision": revision,
        "origin": one("core_system_fact", f"{facts}'origin'", ""),
        "practice": one("core_system_fact", f"{facts}'mode'", "") == "practice",
        "entries": entries,
        "streams": streams,
        "trail": trail,
        "leaves": one("ledger_leaf", "SELECT count(*) FROM ledger_leaf", 0),
        "seal": one("ledger_seal", "SELECT jws FROM ledger_seal ORDER BY number DESC LIMIT 1", ""),
        "highest_copy": one("labels_copy", "SELECT max(copy) FROM labels_copy", 0),
        "breaks": _missing_guards(connection) if revision == migrations.head() else (),
    }


def _missing_guards(connection: Connection) -> tuple[str, ...]:
    with Session(connection) as session:
        return tuple(f"guard missing: {each}" for each in ledger.missing_guards(session))


def _trail(connection: Connection) -> tuple[int, int, str]:
    """Entries, streams, and one digest over every entry's digest in a fixed order."""
    whole = hashlib.sha256()
    entries, streams, last = 0, 0, None
    # Bytes order the same way on every server, whatever its collation.
    by_bytes = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    statement = f"SELECT stream, digest FROM ledger_entry ORDER BY stream{by_bytes}, number"  # noqa: S608
    found = connection.execute(text(statement).execution_options(yield_per=_PAGE))
    for stream, digest in found:
        entries += 1
        streams += stream != last
        last = stream
        whole.update(bytes(digest))
    return entries, streams, whole.hexdigest()


def made_at() -> str:
    """Now, as a manifest says it."""
    return clock.text(clock.now())
