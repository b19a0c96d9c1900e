"""`lims demo`: the product with practice data."""

import os
import sys

import click

from lims.core import console


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8000, envvar="PORT", show_default=True, type=click.IntRange(0, 65535)
)
@click.option("--check", is_flag=True, help="Start, sign in, ask /readyz, stop.")
@console.as_json
def demo(host: str, port: int, check: bool, as_json: bool) -> int:
    """The product with practice data, in one process."""
    from lims import settings
    from lims.commands.showing import show

    def told(line: str) -> None:
        click.echo(line, err=True)

    def ready(address: str) -> None:
        console.answer({"ready": address}, as_json, f"exotrace: ready on {address}")
        sys.stdout.flush()

    return show(
        settings.read(),
        console.actor(),
        host=host,
        port=port,
        check=check or bool(os.environ.get("CHECK")),
        told=told,
        ready=ready,
    )
