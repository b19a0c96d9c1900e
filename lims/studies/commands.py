"""`lims study` and `lims eligibility`: study files and participants' fields."""

import json
import os
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from lims.core import console
from lims.core.errors import BadInput, NotFound
from lims.core.words import Text as _
from lims.studies import protocol

_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def study() -> None:
    """Study files."""


@study.command("check")
@_file
@_as_json
def study_check(file: Path, as_json: bool) -> None:
    """Name every error of a study file. Exit 2 when there is one."""
    report = protocol.check(protocol.read_file(file), site())
    if as_json:
        click.echo(json.dumps(report.shown(), ensure_ascii=False))
    for each in report.errors:
        click.echo(f"{file}: {each.where}: {each.what}", err=True)
    if report.errors:
        sys.exit(2)
    if not as_json:
        click.echo(f"{report.code}: {', '.join(report.arms)}")
    for key in report.activation_requires:
        click.echo(str(_("Practice only: %(key)s is missing for a live study.", key=key)), err=True)


@study.command("load")
@_file
@_as_json
def study_load(file: Path, as_json: bool) -> None:
    """Check a study file and load it into the database. Exit 2 when it has an error."""
    from lims import studies

    text = protocol.read_file(file)
    report = protocol.check(text, site())
    if report.errors:
        if as_json:
            click.echo(json.dumps(report.shown(), ensure_ascii=False))
        for each in report.errors:
            click.echo(f"{file}: {each.where}: {each.what}", err=True)
        sys.exit(2)
    loaded = studies.load(console.actor(), document=text, site_document=site_text())
    console.answer(
        {**report.shown(), "digest": loaded.digest}, as_json, f"{loaded.code}: {loaded.digest[:16]}"
    )
    if site().demonstration:
        click.echo(
            str(
                _(
                    "The limits of the demonstration site were pinned to it; before real use set "
                    "LIMS_SITE_FILE to your own."
                )
            ),
            err=True,
        )


@click.command("eligibility")
@click.option("--study", "code", required=True, help="Study code.")
@_file
@_as_json
def eligibility(code: str, file: Path, as_json: bool) -> None:
    """Judge a participant's fields. Exit 0: eligible, 1: not, 2: bad input."""
    read = known_study(code)
    answer = protocol.judge(read, *protocol.parted(read, fields_of(file)))
    if as_json:
        click.echo(json.dumps(answer.shown(), ensure_ascii=False))
    else:
        for each in answer.items:
            mark = {True: "+", False: "-", None: "?"}[each.met]
            click.echo(f"{mark} {each.id}  {each.why}")
        click.echo(str(_("eligible") if answer.eligible else _("not eligible")))
    if not answer.eligible:
        sys.exit(1)


def site() -> protocol.Site:
    """The site named by LIMS_SITE_FILE, otherwise the demonstration site.

    Raises:
        ProtocolInvalid: the site file has errors.
    """
    path = os.environ.get("LIMS_SITE_FILE")
    if not path:
        return protocol.demonstration_site()
    return protocol.load_site(protocol.read_file(Path(path)), path)


def site_text() -> str:
    """The file of `site`, to be pinned with a study."""
    path = os.environ.get("LIMS_SITE_FILE")
    return protocol.read_file(Path(path)) if path else protocol.demonstration_site_text()


def known_study(code: str) -> protocol.Protocol:
    """A study by its code: as it was loaded here, otherwise as it ships.

    Raises:
        NotFound: no such study.
    """
    from lims import studies
    from lims.core import db

    try:
        return shipped_study(code)
    except NotFound as missing:
        try:
            with db.reading() as session:
                return studies.protocol_of(studies.study_by_code(session, code))
        except NotFound:
            raise missing from None


def shipped_study(code: str) -> protocol.Protocol:
    """A study that ships, by its code.

    Raises:
        NotFound: no such study.
    """
    known = []
    for path in protocol.shipped():
        read = protocol.load(protocol.read_file(path), site(), path.name)
        if read.code == code:
            return read
        known.append(read.code)
    raise NotFound(
        _(
            "No study has the code %(code)s; the studies here are %(known)s.",
            code=code,
            known=", ".join(known),
        ),
        field="study",
    )


def fields_of(path: Path) -> dict[str, Any]:
    """The values of a JSON file, numbers exact.

    Raises:
        BadInput: the file is no JSON object, or names a field twice.
    """
    text = protocol.read_file(path)
    try:
        document = json.loads(
            text, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_once
        )
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise BadInput(
            _("%(path)s is no JSON that can be read: %(why)s.", path=path, why=str(error)[:120]),
            field=str(path),
        ) from None
    if not isinstance(document, dict):
        raise BadInput(
            _("%(path)s must hold one JSON object of fields and values.", path=path),
            field=str(path),
        )
    return document


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field stands there twice")
    return document
