"""The `lims` command: what the console can do.

Commands are imported when they are called, so that `lims code check` answers at once. A feature
brings its own in `commands.py`; the database is opened by the first question to it.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from lims.core import db
from lims.failing import Commands

# Command, and the module that has a click command of that name.
COMMANDS = {
    "serve": "lims.commands.running",
    "worker": "lims.commands.running",
    "db": "lims.commands.records",
    "ledger": "lims.commands.trail",
    "witness": "lims.commands.trail",
    "backup": "lims.commands.backups",
    "restore": "lims.commands.backups",
    "code": "lims.commands.codes",
    "user": "lims.people.commands",
    "token": "lims.people.commands",
    "instrument": "lims.instruments.commands",
    "label": "lims.labels.label_commands",
    "printer": "lims.labels.commands",
    "print-agent": "lims.commands.print_agent",
    "study": "lims.studies.commands",
    "eligibility": "lims.studies.commands",
    "gate": "lims.dosing.commands",
    "rehearse": "lims.commands.rehearsal",
    "demo": "lims.commands.demo",
    "trace": "lims.station.commands",
    "dossier": "lims.interchange.commands",
}


class _Lazy(Commands):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name, "")
        feature = place.rpartition(".")[0]
        if not place or find_spec(feature) is None or find_spec(place) is None:
            return None
        module, name = import_module(place), cmd_name.replace("-", "_")
        # `db` and `code` would hide modules of that name, so a command may end in an underscore.
        found: Any = getattr(module, f"{name}_", None) or getattr(module, name, None)
        return found if isinstance(found, click.Command) else None


def _open() -> db.Database:
    from lims.opening import open_installation

    return open_installation()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exotrace", prog_name="lims")
def cli() -> None:
    """Exotrace: from the cup to the confirmed dose.

    Exit 0: yes. Exit 1: a well-formed no. Exit 2: bad input, in one line. With --json every
    command prints one JSON document on standard output.
    """
    db.open_when_needed(_open)


def main() -> None:
    """The entry point of `lims`."""
    cli.main()
