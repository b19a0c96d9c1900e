"""`lims rehearse` and `lims trace`."""

from pathlib import Path

import click

from lims.core import console
from lims.web.plain import plain


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

    answer = play(
        console.actor(), study=study, participants=participants, seed=seed, out=out, told=told
    )
    console.answer(
        answer,
        as_json,
        f"{len(answer['participants'])} participants, {answer['events']} entries, "
        f"ledger {'holds' if answer['ledger']['ok'] else 'DOES NOT HOLD'}",
    )
    return 0 if answer["ledger"]["ok"] else 1


@click.command()
@click.argument("code")
@console.as_json
def trace(code: str, as_json: bool) -> int:
    """Everything above and below a code, and to whom it came."""
    from lims.station import tracing

    found = tracing.trace(console.actor(), code=code)
    lines = [
        f"{mark} {each['code']}  {each['kind']}, {each['state']}  {each['place'] or ''}".rstrip()
        for mark, part in (("^", "up"), ("v", "down"))
        for each in found[part]
    ]
    lines += [f"= {each['code']} given to {each['participant']}" for each in found["given"]]
    console.answer(plain(found), as_json, *lines)
    return 0
