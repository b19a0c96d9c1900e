"""`lims label check`: can a label be trusted? `lims label sheet`: many of them on paper."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lims import settings
from lims.core import console, isbt128
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import checking, sheets, showing
from lims.labels.commands import label, write
from lims.labels.dots import DPI
from lims.labels.drawing import draw
from lims.labels.layout import load, names, read
from lims.labels.places import Template
from lims.labels.rendering import seen

__all__ = ["label"]
MOST_BYTES = 2_000_000


@label.command("check")
@click.argument("templates", nargs=-1)
@click.option("--file", "file", type=click.Path(path_type=Path), help="A label.toml not deployed.")
@console.as_json
def check_command(templates: tuple[str, ...], file: Path | None, as_json: bool) -> int:
    """Draw the longest content in every language and resolution, and read it back.

    Checks every template unless some are named. Exit 1 where one has a fault.
    """
    isbt128.use(settings.isbt128_facility())
    wanted = [load(each) for each in templates]
    if file is not None:
        wanted.append(read(file.parent.name or file.stem, _text(file)))
    found = [(each, checking.faults(each)) for each in wanted or [load(name) for name in names()]]
    document = {
        "ok": not any(faults for _each, faults in found),
        "labels": [
            {
                "template": each.name,
                "digest": each.digest,
                "stock": each.stock.name,
                "languages": list(each.languages),
                "dpi": list(DPI),
                "ok": not faults,
                "faults": [{"where": fault.where, "what": fault.what} for fault in faults],
            }
            for each, faults in found
        ],
    }
    lines = [line for each, faults in found for line in _lines(each, faults)]
    console.answer(document, as_json, *lines)
    return 0 if document["ok"] else 1


def _lines(template: Template, faults: list[checking.Fault]) -> list[str]:
    if not faults:
        return [
            str(
                _(
                    "%(template)s: fits and reads back in %(languages)s at 203, 300 and 600 dpi.",
                    template=template.name,
                    languages=", ".join(template.languages),
                )
            )
        ]
    return [f"{template.name}: {each.where}: {each.what}" for each in faults]


@label.command("designs")
@console.as_json
def designs_command(as_json: bool) -> int:
    """Each label's version in force, and how the one in its file stands.

    Exit 1 where one waits for an approval or was rejected.
    """
    found = showing.designs_now(console.actor())
    document = {"ok": all(each["state"] == "approved" for each in found), "designs": found}
    lines = [
        f"{each['template']}: {each['approved'] or '-'} {each['digest'][:12]} "
        f"{showing.DESIGN_WORDS[each['state']]}"
        for each in found
    ]
    console.answer(document, as_json, *lines)
    return 0 if document["ok"] else 1


@label.command("sheet")
@click.argument("template")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sheet", "on", required=True, help=f"One of {', '.join(sheets.sheets())}.")
@click.option("--start", default=1, type=int, help="The first free label of the first sheet.")
@click.option("--language", default="en", help="Of the template's own texts: en, fa or zh.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@console.as_json
def sheet_command(
    template: str,
    file: Path,
    on: str,
    start: int,
    language: str,
    output: Path,
    as_json: bool,
) -> None:
    """Draw labels on sheets as a PDF, as copy 00, which every scan refuses.

    FILE is a JSON list with one table of fields for each label; each has its code.
    """
    isbt128.use(settings.isbt128_facility())
    chosen, grid = load(template), sheets.sheet(on)
    drawings = []
    for each in _rows(file):
        fields = dict(each)
        drawings.append(draw(chosen, fields, fields.pop("code", ""), 0, 600, language))
        seen(drawings[-1])
    write(output, sheets.pdf(drawings, grid, start=start))
    pages = -(-(start - 1 + len(drawings)) // grid.cells)
    console.answer(
        {"template": chosen.name, "sheet": grid.name, "labels": len(drawings), "pages": pages},
        as_json,
        _(
            "%(file)s: %(labels)s labels on %(pages)s sheets of %(sheet)s.",
            file=output,
            labels=len(drawings),
            pages=pages,
            sheet=grid.name,
        ),
    )


def _rows(file: Path) -> list[Mapping[str, str]]:
    try:
        found: Any = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise _no_list(file) from error
    if not isinstance(found, list) or not all(_texts(each) for each in found):
        raise _no_list(file)
    return found


def _texts(each: Any) -> bool:
    return isinstance(each, dict) and all(isinstance(value, str) for value in each.values())


def _no_list(file: Path) -> BadInput:
    return BadInput(
        _(
            "%(file)s is no JSON list of labels; write one table of texts for each label.",
            file=file,
        ),
        field="file",
    )


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(_("%(file)s is too large.", file=file), field="file")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            _("%(file)s cannot be read; name a text file.", file=file), field="file"
        ) from error
