"""Who acts on the command line, and how a command answers."""

import getpass
import json
from typing import Any

import click

from lims.core.permissions import Actor, Role


def actor() -> Actor:
    """The console: it administers and reads, and is never a person of the laboratory (H56)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unnamed"
    return Actor(None, None, f"operator:{user}", frozenset({Role.OPERATOR}), signed_in_by="console")


def answer(document: Any, as_json: bool, *lines: Any) -> None:
    """Print the one JSON document, or the lines for people."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, default=str))
        return
    for line in lines:
        click.echo(str(line))


as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
