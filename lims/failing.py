"""How a command fails: one line, exit 2, never a traceback.

Exit 0 is a yes and exit 1 a well-formed no; commands choose between these two. Everything that
could not be answered comes here.
"""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lims.core.errors import DomainError, TemporaryFailure
from lims.core.words import Text as _

BAD = 2
INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands fail in the one shape."""

    def main(self, args: Sequence[str] | None = None, *_args: Any, **kwargs: Any) -> Any:
        """Run a command and end with its exit code."""
        given = list(sys.argv[1:] if args is None else args)
        sys.exit(self.outcome(given, kwargs.get("prog_name") or "lims"))

    def outcome(self, given: list[str], name: str) -> int:  # noqa: PLR0911 - one for each way
        """Run a command and answer its exit code."""
        as_json = "--json" in given
        try:
            answer = super().main(args=given, prog_name=name, standalone_mode=False)
        except DomainError as refused:
            return _refuse(as_json, refused.code, str(refused), refused.field)
        except click.exceptions.NoArgsIsHelpError as asked:
            click.echo(asked.format_message(), err=True)
            return BAD
        except click.ClickException as usage:
            option = getattr(usage, "param", None)
            return _refuse(
                as_json,
                "usage",
                usage.format_message().replace("\n", " "),
                option.name if option is not None else None,
            )
        except (click.Abort, KeyboardInterrupt):
            click.echo("lims: stopped", err=True)
            return INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has gone; Python would complain once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as fault:  # the last line of defence
            file = _keep(fault)
            said = _by_database(fault)
            if said is not None:
                return _refuse(
                    as_json,
                    TemporaryFailure.code,
                    str(
                        _(
                            "The database could not do this (%(why)s). Nothing was recorded; try "
                            "again in a moment. If it stays so, look into %(file)s.",
                            why=said,
                            file=file,
                        )
                    ),
                    None,
                )
            return _refuse(
                as_json,
                "unexpected",
                str(
                    _(
                        "Something went wrong that nobody foresaw (%(kind)s); the details are in "
                        "%(file)s. Report it with that file.",
                        kind=type(fault).__name__,
                        file=file,
                    )
                ),
                None,
            )
        return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def _refuse(as_json: bool, code: str, what: str, field: str | None) -> int:
    if as_json:
        error = {"code": code, "what": what, "field": field}
        click.echo(json.dumps({"error": error}, ensure_ascii=False))
    click.echo(f"lims: {what}", err=True)
    return BAD


def _by_database(fault: Exception) -> str | None:
    """What the database itself said, as where it is busy or went away; None for other faults."""
    from sqlalchemy.exc import OperationalError  # most commands never need it

    if not isinstance(fault, OperationalError):
        return None
    return (str(fault.orig).strip() or "-").splitlines()[0][:200]


def _keep(fault: Exception) -> Path:
    """Write the traceback where the operator finds it; readable by nobody else."""
    text = "".join(traceback.format_exception(fault))
    name = f"error-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    for folder in (Path(os.environ.get("LIMS_HOME") or "var") / "log", Path(tempfile.gettempdir())):
        path = folder.absolute() / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(text)
        return path
    click.echo(text, err=True)
    return Path("the lines above")
