"""`lims gate`: what a gate would answer, recording nothing."""

import sys

import click

from lims.core import clock, console, gate
from lims.dosing import bedside

_MARKS = {
    gate.Result.PASSED: "+",
    gate.Result.WARNED: "!",
    gate.Result.STOPPED: "x",
    gate.Result.PENDING: "?",
}


@click.group("gate")
def gate_() -> None:
    """Ask a gate."""


@gate_.command("bedside")
@click.option("--dose", required=True, help="Code of the dose.")
@click.option("--participant", required=True, help="Number of the participant, or her band.")
@click.option("--band", default=None, help="Code of the band on the arm.")
@click.option("--operator", default=None, metavar="LOGIN", help="Who would give.")
@click.option("--witness", default=None, metavar="LOGIN", help="Who would stand by.")
@click.option("--at", default=None, metavar="ISO", help="The instant to ask about; else now.")
@console.as_json
def bedside_command(
    dose: str,
    participant: str,
    band: str | None,
    operator: str | None,
    witness: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """May this dose be given to her? Exit 0: nothing stops or asks. Exit 1: no."""
    answer = bedside.ask(
        console.actor(),
        dose=dose,
        participant=participant,
        band=band,
        operator=operator,
        witness=witness,
        at=clock.parse(at, "at") if at else None,
    )
    lines = [
        f"{_MARKS[row.result]} {row.id}  {row.finding.what}: {row.finding.why}"
        for row in answer.rows
    ]
    console.answer(answer.shown(), as_json, *lines, answer.verdict.value)
    if answer.verdict is not gate.Verdict.OK:
        sys.exit(1)
