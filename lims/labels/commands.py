"""`lims label`: draw a label by hand, and see which there are."""

import json
import sys
from pathlib import Path

import click

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels.layout import load, names
from lims.labels.rendering import FORMATS, LabelContent, render


@click.group()
def label() -> None:
    """Draw labels."""


@label.command("render")
@click.argument("template")
@click.option("--field", "given", multiple=True, metavar="K=V", help="One field; code=… is needed.")
@click.option("--format", "kind", default="png", help=f"One of {', '.join(FORMATS)}.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dpi", default=300, type=int, help="203, 300 or 600.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def render_command(  # noqa: PLR0917 - click calls it by name
    template: str, given: tuple[str, ...], kind: str, output: Path, dpi: int, as_json: bool
) -> None:
    """Draw one label as copy 00, which every scan refuses."""
    fields = _fields(given)
    code = fields.pop("code", "")
    if not code:
        raise BadInput(_("A label carries a code; add --field code=…"), field="code")
    drawn = render(LabelContent(template, fields, code, 0), kind, dpi)
    try:
        output.write_bytes(drawn.bytes)
    except OSError as error:
        raise BadInput(
            _(
                "%(file)s cannot be written (%(why)s); choose another file.",
                file=output,
                why=error.strerror,
            ),
            field="output",
        ) from error
    if as_json:
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
        sys.stdout.write(json.dumps(document) + "\n")
        return
    payload = ", ".join(each.text for each in drawn.symbols)
    click.echo(
        str(
            _(
                "%(file)s: %(template)s, %(width)s x %(height)s mm, carries %(payload)s.",
                file=output,
                template=drawn.template,
                width=drawn.width_mm,
                height=drawn.height_mm,
                payload=payload,
            )
        ),
        err=True,
    )


@label.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(as_json: bool) -> None:
    """The labels there are, with their fields."""
    found = [load(name) for name in names()]
    if as_json:
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
        sys.stdout.write(json.dumps({"labels": document}) + "\n")
        return
    for each in found:
        click.echo(f"{each.name}: {each.about}")
        click.echo(f"  {', '.join(sorted(each.required | {'code'}))}")


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
