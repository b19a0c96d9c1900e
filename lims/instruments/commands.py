"""`lims instrument`: read a file of an instrument. Needs no database and never asks back."""

from pathlib import Path

import click

from lims.core import console
from lims.core.errors import BadInput
from lims.core.words import Text as _


@click.group("instrument")
def instrument_() -> None:
    """Read instruments' files."""


@instrument_.command("read")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--kind", default=None, help="Refuse a file of another kind (nta, plate, temperature, rack)."
)
@click.option("--zone", default=None, help="Of a logger's clock: Asia/Tehran, UTC, +03:30.")
@click.option("--unit", default=None, help="Of a logger's temperatures, where the file has none.")
@console.as_json
def read(file: Path, kind: str | None, zone: str | None, unit: str | None, as_json: bool) -> int:
    """Recognise and read one file."""
    from lims import instruments

    try:
        with file.open("rb") as opened:
            # One byte more than is read at all, so that a too large file is refused as such.
            data = opened.read(instruments.LARGEST_BYTES + 1)
    except OSError as refused:
        raise BadInput(
            _(
                "%(file)s cannot be read: %(why)s. Give the path of the exported file.",
                file=file,
                why=refused.strerror,
            ),
            field="file",
        ) from refused
    reading = instruments.read(data, file.name, kind, zone=zone, unit=unit)
    document = reading.as_json()
    warnings = [f"! {each.where}: {each.what}" for each in reading.warnings]
    console.answer(
        document,
        as_json,
        f"{file.name}: {reading.kind.value}, {reading.maker}, {len(reading.samples)} samples",
        *warnings,
    )
    return 0
