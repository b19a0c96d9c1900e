"""`lims db` and `lims ledger`: the records as a whole."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lims.core import console, db


@click.group("db")
def db_() -> None:
    """Look after the database."""


@db_.command("upgrade")
@console.as_json
def upgrade(as_json: bool) -> int:
    """Bring the database to the newest form, and its guards into place."""
    from lims import opening, settings

    before, after = opening.upgrade(settings.read())
    console.answer(
        {"from": before, "to": after},
        as_json,
        f"from {before or 'empty'} to {after or 'empty'}",
    )
    return 0


@db_.command("open")
@click.option(
    "--seal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The newest seal known outside: the published file, its JWS, or its size and root.",
)
@click.option("--reason", default="", help="Why an older copy is used, or no seal is shown.")
@console.as_json
def open_(seal: Path | None, reason: str, as_json: bool) -> int:
    """Let a restored copy take entries again. Exit 1 where it is not what was sealed."""
    from lims import backup

    outside = backup.read_seal_file(seal) if seal else None
    try:
        done = backup.open_copy(console.actor(), seal=outside, reason=reason)
    except backup.StaysClosed as no:
        console.answer({"open": False, "why": str(no)}, as_json, no)
        return 1
    console.answer(done, as_json, f"open; labels go on at copy {done['label_copies_from']}")
    return 0


@click.group("ledger")
def ledger_() -> None:
    """Look after the trail."""


_FILE = click.Path(path_type=Path, dir_okay=False)


@ledger_.command("verify")
@click.option("--from-seal", type=int, help="Recompute only what is newer than this seal.")
@click.option("--seal", type=_FILE, help="A seal kept outside: go on from it; it must be here.")
@click.option("--key", type=_FILE, help="The sealing key kept outside, as published (JWK).")
@console.as_json
def verify(from_seal: int | None, seal: Path | None, key: Path | None, as_json: bool) -> int:
    """Is every entry whole, sealed, and does every row follow from them? Exit 1 where not.

    From a seal on, what is older is read for the rows alone: it was verified before.
    """
    from lims import ledger

    held = ledger.read_held(from_seal, seal, key)
    with db.reading() as session, _bar() as progress:
        found = ledger.verify(session, progress=progress, held=held)
    found.breaks += [
        ledger.Break("ledger", 0, f"guard open: {each}")
        for each in ledger.open_guards(db.current())
    ]
    lines = [f"{each.stream} {each.number}: {each.what}" for each in found.breaks]
    verdict = "whole" if found.ok else f"{len(found.breaks)} breaks"
    lines.append(
        f"{found.entries} entries in {found.streams} streams, {found.seals} seals, "
        f"{found.unsealed} not sealed yet: {verdict}"
    )
    console.answer(found.as_json(), as_json, *lines)
    return 0 if found.ok else 1


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error where somebody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, file=sys.stderr, label="entries") as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(1, total)
            bar.update(done - bar.pos)

        yield progress


@ledger_.command("trust-clock")
@click.option("--reason", required=True, help="How it is known that the clock is right now.")
@console.as_json
def trust_clock(reason: str, as_json: bool) -> int:
    """Say that the clock is right and the newest records were ahead; release works again."""
    from lims import ledger

    by = int(ledger.trust_clock(console.actor(), reason).total_seconds())
    console.answer({"ahead_by_s": by}, as_json, f"the newest records were {by} s ahead")
    return 0
