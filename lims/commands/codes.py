"""`lims code`: what a code or a scanned text is. Needs no database."""

from typing import Any

import click

from lims.core import codes, console
from lims.core.errors import BadInput
from lims.core.words import Text as _


@click.group("code")
def code_() -> None:
    """Read codes."""


@code_.command("check")
@click.argument("code")
@console.as_json
def check(code: str, as_json: bool) -> int:
    """Does the check character fit? Exit 1 where it does not."""
    try:
        scanned = codes.parse(code, "code")
    except codes.WrongCheckCharacter as wrong:
        console.answer({"valid": False, "kind": "ours", "parts": None}, as_json, wrong)
        return 1
    document = _ours(scanned)
    console.answer(
        document, as_json, f"{codes.grouped(scanned.code)}: {document['parts']['thing']}"
    )
    return 0


@code_.command("parse")
@click.argument("text")
@console.as_json
def parse(text: str, as_json: bool) -> int:
    """Ours, or a supplier's? Exit 1 for one of ours that was misread."""
    # Codes of GS1 and ISBT 128 are not taken apart: they are kept as the supplier wrote them.
    try:
        scanned = codes.parse(text, "text")
    except codes.WrongCheckCharacter as wrong:
        console.answer({"valid": False, "kind": "ours", "parts": None}, as_json, wrong)
        return 1
    except codes.NotACode:
        plain = text.strip()
        if not plain or len(plain) > 200 or not plain.isprintable():
            raise BadInput(
                _("A scanned text has 1 to 200 printed characters; scan it again."), field="text"
            ) from None
        document: dict[str, Any] = {"valid": True, "kind": "supplier", "parts": {"text": plain}}
        console.answer(document, as_json, f"{plain}: supplier")
        return 0
    document = _ours(scanned)
    console.answer(
        document, as_json, f"{codes.grouped(scanned.code)}: {document['parts']['thing']}"
    )
    return 0


def _ours(scanned: codes.Scanned) -> dict[str, Any]:
    return {
        "valid": True,
        "kind": "ours",
        "parts": {
            "code": scanned.code,
            "letter": scanned.letter,
            "thing": str(codes.LETTERS[scanned.letter]),
            "copy": scanned.copy,
            "practice": scanned.practice,
        },
    }
