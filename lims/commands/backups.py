"""`lims backup` and `lims restore`: the record in one file, and back."""

from pathlib import Path

import click

from lims.core import console
from lims.core.errors import BadInput
from lims.core.words import Text as _

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("backup")
@click.argument("file", required=False, type=_FILE)
@click.option(
    "--recipient",
    envvar="LIMS_BACKUP_RECIPIENT",
    metavar="AGE_KEY",
    help="Encrypt to this age key; LIMS_BACKUP_RECIPIENT unless given.",
)
@click.option("--drill", is_flag=True, help="Back up, restore elsewhere, verify, compare.")
@console.as_json
def backup_(file: Path | None, recipient: str | None, drill: bool, as_json: bool) -> int:
    """Copy the whole record into FILE while work goes on. Exit 1 where something is wrong in it."""
    from lims import backup, settings

    chosen, actor = settings.read(), console.actor()
    if drill:
        drilled = backup.drill(actor, chosen)
        document = drilled.as_json()
        console.answer(
            document,
            as_json,
            *document["breaks"],
            f"{document['entries']} entries in {document['streams']} streams, "
            f"backed up in {drilled.backup_s:.1f} s, restored and verified in "
            f"{drilled.restore_s:.1f} s: {'the same' if drilled.ok else 'NOT THE SAME'}",
        )
        return 0 if drilled.ok else 1
    if file is None:
        raise BadInput(_("Name the file of the backup."), field="file")
    taken = backup.take(actor, chosen, file, recipient=recipient)
    document = taken.as_json()
    console.answer(
        document,
        as_json,
        *document["breaks"],
        f"{taken.file}: {document['entries']} entries in {document['streams']} streams"
        f"{', encrypted' if taken.encrypted else ''}",
    )
    return 0 if document["ok"] else 1


@click.command("restore")
@click.argument("file", type=_FILE)
@click.option(
    "--identity", type=_FILE, metavar="FILE", help="The age key that opens an encrypted backup."
)
@click.option(
    "--seal",
    type=_FILE,
    help="A seal kept outside: the published file, its JWS, or its size and root.",
)
@console.as_json
def restore_(file: Path, identity: Path | None, seal: Path | None, as_json: bool) -> int:
    """Load a backup into an empty database, where it stays closed. Exit 1 where it is refused."""
    from lims import backup, settings

    outside = backup.read_seal_file(seal) if seal else None
    found = backup.restore(console.actor(), settings.read(), file, identity=identity, seal=outside)
    document = found.as_json()
    verdict = "restored, and closed" if found.ok else "refused, the database is empty"
    console.answer(
        document,
        as_json,
        *document["breaks"],
        f"{document['entries']} entries in {document['streams']} streams, "
        f"as of {document['made_at']}: {verdict}",
    )
    return 0 if found.ok else 1
