"""`lims print-agent`: the program beside a printer whose server is elsewhere."""

import logging
import os
import signal
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import click

from lims.core import console
from lims.core.errors import BadInput
from lims.core.words import Text as _


@click.command("print-agent")
@click.option("--server", required=True, envvar="LIMS_SERVER", help="https://lims.example.org")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the token of lims printer token stands; or set LIMS_AGENT_TOKEN.",
)
@click.option("--kind", type=click.Choice(["socket", "ipp", "file"]), default="socket")
@click.option("--address", required=True, help="host:9100, ipp://host:631/printers/name, a folder.")
@click.option("--answers/--mute", default=None, help="Whether the printer answers ~HS.")
@click.option("--every", default=1.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Print what waits now, and end.")
@console.as_json
def print_agent(
    server: str,
    token_file: Path | None,
    kind: str,
    address: str,
    answers: bool | None,
    every: float,
    once: bool,
    as_json: bool,
) -> int:
    """Pull labels from a server and print them here. Ends on SIGTERM after the label at hand."""
    from lims.labels import agent, sending
    from lims.labels.handing import Line
    from lims.labels.models import PrinterKind

    logging.basicConfig(level=logging.WARNING, format="lims print-agent: %(message)s")
    at = PrinterKind(kind)
    sending.check_address(at, address, None)
    ends = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_signal: ends.set())

    def open_line(language: str) -> AbstractContextManager[Line]:
        return sending.open_line(at, address, answers=answers, language=language)

    here = agent.Agent(
        agent.Server(server, _token(token_file)), open_line, lambda: not ends.is_set()
    )
    try:
        if once:
            printed = 0
            while here.once():
                printed += 1
            console.answer({"printed": printed}, as_json, _("Printed: %(count)s", count=printed))
            return 0
        console.answer({"ready": server}, as_json, f"lims: print agent of {server} is ready")
        here.run(every)
    except agent.Refused as refused:
        raise BadInput(
            _(
                "The server refuses this agent (%(why)s). Make a new token by lims printer token.",
                why=refused,
            ),
            field="token",
        ) from refused
    return 0


def _token(file: Path | None) -> str:
    token = file.read_text().strip() if file else os.environ.get("LIMS_AGENT_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise BadInput(
            _("No token is given; name its file by --token-file, or set LIMS_AGENT_TOKEN."),
            field="token",
        )
    return token
