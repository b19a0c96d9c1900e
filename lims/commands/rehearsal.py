"""`lims rehearse`: a whole study with synthetic participants, and what it leaves behind."""

from collections.abc import Iterable
from pathlib import Path

import click

from lims.core import console
from lims.core.permissions import Actor


@click.command()
@click.option("--study", required=True, help="Code of a study that ships.")
@click.option("--participants", required=True, type=int)
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Labels and papers.")
@console.as_json
def rehearse(study: str, participants: int, seed: int, out: Path | None, as_json: bool) -> int:
    """Walk synthetic participants from consent to outcome, in a practice database."""
    from lims.station.rehearsal import rehearse as play

    def told(line: str) -> None:
        click.echo(line, err=True)

    first = console.actor()
    answer = play(
        first,
        study=study,
        participants=participants,
        seed=seed,
        out=out,
        told=told,
        dossiers=lambda doses, folder: _dossiers(first, doses, folder),
    )
    console.answer(
        answer,
        as_json,
        f"{len(answer['participants'])} participants, {answer['events']} entries, "
        f"ledger {'holds' if answer['ledger']['ok'] else 'DOES NOT HOLD'}",
    )
    return 0 if answer["ledger"]["ok"] else 1


def _dossiers(actor: Actor, doses: Iterable[str], folder: Path) -> list[str]:
    """Leave the dossier of each dose; the names of the files."""
    from lims import interchange

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code in doses:
        path = folder / f"{code}.zip"
        path.write_bytes(interchange.export(actor, code=code).content)
        written.append(path.name)
    return written
