"""`lims dossier`: export the offline proof of one dose, and verify one."""

import os
import secrets
from pathlib import Path

import click

from lims.core import clock, console
from lims.core.errors import BadInput
from lims.core.words import LANGUAGES
from lims.core.words import Text as _


@click.group()
def dossier() -> None:
    """The whole trail of one dose, as one file that proves itself."""


@dossier.command()
@click.argument("dose")
@click.option(
    "-o", "--output", "output", required=True, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True,
              help="Of the paper in it; the page speaks all.")  # fmt: skip
@click.option("--seal", "shown", type=click.Path(dir_okay=False, path_type=Path),
              help="A seal that the reader has: proven to be of the same tree.")  # fmt: skip
@click.option("--page", is_flag=True, help="Leave the page beside the file as well.")
@console.as_json
def export(
    dose: str, output: Path, language: str, shown: Path | None, page: bool, as_json: bool
) -> int:
    """Write the dossier of a dose; an older file of that name is replaced as a whole."""
    from lims import interchange
    from lims.interchange import verifying

    also = verifying.seal_number(shown) if shown else 0
    made = interchange.export(console.actor(), code=dose, language=language, also=also)
    write(output, made.content)
    beside = output.with_suffix(".html")
    if page:
        write(beside, made.page)
    witness = "co-signed" if made.witnessed else "UNWITNESSED"
    console.answer(
        {
            "dose": made.dose,
            "file": str(output),
            "page": str(beside) if page else None,
            "bytes": len(made.content),
            "entries": made.entries,
            "streams": made.streams,
            "seal": made.seal,
            "witnessed": made.witnessed,
        },
        as_json,
        f"{output}: {made.entries} entries of {made.streams} streams, seal {made.seal}, {witness}",
    )
    return 0


@dossier.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="Public keys known from elsewhere.")
@click.option("--seal", type=click.Path(path_type=Path), help="A seal known from elsewhere.")
@console.as_json
def verify(file: Path, key: Path | None, seal: Path | None, as_json: bool) -> int:
    """Is a dossier what it says? Needs no database. Exit 1 where it is INVALID."""
    from lims.interchange import verifying

    found = verifying.verify_file(file, key, seal)
    lines = [
        f"{'✓' if row.passed else '✕'} {row.what}{': ' + row.why if row.why else ''}"
        for row in found.found.rows
    ]
    if found.as_of:
        lines.append(f"{found.word} as of {clock.text(found.as_of)}")
    else:
        lines.append(f"{found.word}: {found.why}")
    if found.found.ok and not found.found.trusted:
        lines.append(
            str(_("No key from outside was given; its keys: %(keys)s", keys=", ".join(found.keys)))
        )
    console.answer(found.as_json(), as_json, *lines)
    return 0 if found.found.ok else 1


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        BadInput: the folder is not there, or cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as refused:
        unfinished.unlink(missing_ok=True)
        raise BadInput(
            _(
                "%(file)s cannot be written: %(why)s. Name a file in a folder that can be written.",
                file=path,
                why=refused.strerror or "?",
            ),
            field="output",
        ) from None
