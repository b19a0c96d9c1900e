"""`lims label` draws labels by hand; `lims printer` says where labels come out."""

from pathlib import Path

import click

from lims import settings
from lims.core import console, isbt128
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import installing, looking, printing
from lims.labels.layout import load, names
from lims.labels.models import LabelPrinter, PrinterKind
from lims.labels.rendering import FORMATS, LabelContent, render


@click.group()
def label() -> None:
    """Draw labels."""


def write(output: Path, content: bytes) -> None:
    """Write what was drawn where the caller wants it.

    Raises:
        BadInput: it cannot be written there.
    """
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(
            _(
                "%(file)s cannot be written (%(why)s); choose another file.",
                file=output,
                why=error.strerror,
            ),
            field="output",
        ) from error


@label.command("render")
@click.argument("template")
@click.option("--field", "given", multiple=True, metavar="K=V", help="One field; code=… is needed.")
@click.option("--format", "kind", default="png", help=f"One of {', '.join(FORMATS)}.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dpi", default=300, type=int, help="203, 300 or 600.")
@click.option("--language", default="en", help="Of the label's own texts: en, fa or zh.")
@console.as_json
def render_command(
    template: str,
    given: tuple[str, ...],
    kind: str,
    output: Path,
    dpi: int,
    language: str,
    as_json: bool,
) -> None:
    """Draw one label as copy 00, which every scan refuses."""
    fields = _fields(given)
    code = fields.pop("code", "")
    if not code:
        raise BadInput(_("A label carries a code; add --field code=…"), field="code")
    isbt128.use(settings.isbt128_facility())
    drawn = render(LabelContent(template, fields, code, 0, language), kind, dpi)
    write(output, drawn.bytes)
    document = {
        "template": drawn.template,
        "width_mm": float(drawn.width_mm),
        "height_mm": float(drawn.height_mm),
        "symbols": [
            {
                "symbology": each.symbology,
                "text": each.text,
                "module_mm": float(each.module_mm),
            }
            for each in drawn.symbols
        ],
    }
    line = _(
        "%(file)s: %(template)s, %(width)s x %(height)s mm, carries %(payload)s.",
        file=output,
        template=drawn.template,
        width=drawn.width_mm,
        height=drawn.height_mm,
        payload=", ".join(each.text for each in drawn.symbols),
    )
    console.answer(document, as_json, line)


@label.command("list")
@console.as_json
def list_command(as_json: bool) -> None:
    """The labels there are, with their fields."""
    found = [load(name) for name in names()]
    document = [
        {
            "template": each.name,
            "about": each.about,
            "code_letters": each.code_letters,
            "required": sorted(each.required | {"code"}),
            "optional": sorted(each.fields - each.required),
        }
        for each in found
    ]
    lines = [
        f"{each.name}: {each.about}\n  {', '.join(sorted(each.required | {'code'}))}"
        for each in found
    ]
    console.answer({"labels": document}, as_json, *lines)


@click.group()
def printer() -> None:
    """Printers: where labels come out."""


@printer.command("add")
@click.argument("name")
@click.option("--kind", type=click.Choice([each.value for each in PrinterKind]), default="socket")
@click.option(
    "--address", required=True, help="host:9100, ipp://host:631/printers/name, or a folder."
)
@click.option("--for", "templates", multiple=True, help="A label it has stock for; none: all.")
@click.option("--takes", type=click.Choice(["zpl", "pdf", "png"]), help="ZPL unless given.")
@click.option("--dpi", type=int, help="203, 300 or 600; 300 unless given.")
@click.option(
    "--answers/--mute", default=None, help="Whether it answers ~HS; found out unless given."
)
@console.as_json
def add_command(
    name: str,
    kind: str,
    address: str,
    templates: tuple[str, ...],
    takes: str | None,
    dpi: int | None,
    answers: bool | None,
    as_json: bool,
) -> None:
    """Add a printer, or change the one of this name."""
    added = installing.add_printer(
        console.actor(),
        name=name,
        kind=PrinterKind(kind),
        address=address,
        templates=list(templates),
        language=takes,
        dpi=dpi,
        answers=answers,
    )
    console.answer(_shown(added), as_json, _line(added))


@printer.command("list")
@console.as_json
def printers_command(as_json: bool) -> None:
    """Every printer."""
    found = looking.printers(console.actor())
    console.answer({"printers": [_shown(each) for each in found]}, as_json, *map(_line, found))


@printer.command("test")
@click.argument("name")
@console.as_json
def test_command(name: str, as_json: bool) -> None:
    """Send the example of a label, as copy 00."""
    sent = printing.test_printer(console.actor(), name=name)
    console.answer(
        {"printer": name, "template": sent, "sent": True},
        as_json,
        _("%(name)s took the label %(template)s.", name=name, template=sent),
    )


@printer.command("token")
@click.argument("name")
@console.as_json
def token_command(name: str, as_json: bool) -> None:
    """Make the token of the agent beside a printer; the one before ends."""
    secret = installing.give_token(console.actor(), name=name)
    console.answer({"printer": name, "token": secret}, as_json, secret)


@printer.command("retire")
@click.argument("name")
@console.as_json
def retire_command(name: str, as_json: bool) -> None:
    """Take a printer out of use."""
    retired = installing.retire_printer(console.actor(), name=name)
    console.answer(_shown(retired), as_json, _line(retired))


def _shown(row: LabelPrinter) -> dict[str, object]:
    return {
        "name": row.name,
        "kind": row.kind.value,
        "address": row.address,
        "templates": list(row.templates),
        "in_use": row.in_use,
    }


def _line(row: LabelPrinter) -> str:
    stock = ", ".join(row.templates) or str(_("all labels"))
    state = str(_("in use")) if row.in_use else str(_("out of use"))
    return f"{row.name}: {row.kind.value} {row.address}, {stock}, {state}"


def _fields(given: tuple[str, ...]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise BadInput(
                _("%(text)s is not a field; write name=value.", text=each[:40]), field="field"
            )
        if name in fields:
            raise BadInput(
                _("The field %(field)s is given twice; give it once.", field=name[:40]),
                field=name[:40],
            )
        fields[name] = value
    return fields
