"""`lims code`: what a code or a scanned text is. Needs no database."""

from typing import Any

import click

from lims import settings
from lims.core import codes, console, isbt128, scanned


@click.group("code")
def code_() -> None:
    """Read codes."""


@code_.command("check")
@click.argument("code")
@console.as_json
def check(code: str, as_json: bool) -> int:
    """Does the check character fit? Exit 1 where it does not."""
    try:
        read = codes.parse(code, "code")
    except codes.WrongCheckCharacter as wrong:
        console.answer({"valid": False, "kind": "ours", "parts": None}, as_json, wrong)
        return 1
    document = _ours(read)
    console.answer(document, as_json, f"{codes.grouped(read.code)}: {document['parts']['thing']}")
    return 0


@code_.command("parse")
@click.argument("text")
@console.as_json
def parse(text: str, as_json: bool) -> int:
    """Ours, GS1, ISBT 128, or a supplier's? Exit 1 for one that was misread."""
    isbt128.use(settings.isbt128_facility())
    try:
        found = scanned.tell(text, "text")
    except codes.WrongCheckCharacter as wrong:
        console.answer({"valid": False, "kind": "ours", "parts": None}, as_json, wrong)
        return 1
    except scanned.Gs1Damaged as wrong:
        console.answer({"valid": False, "kind": "gs1", "parts": None}, as_json, wrong)
        return 1
    except isbt128.Malformed as wrong:
        console.answer({"valid": False, "kind": "isbt128", "parts": None}, as_json, wrong)
        return 1
    if isinstance(found, codes.Scanned):
        document = _ours(found)
        said = [f"{codes.grouped(found.code)}: {document['parts']['thing']}"]
    elif isinstance(found, scanned.Gs1):
        document = {"valid": True, "kind": "gs1", "parts": scanned.parts(found)}
        said = [f"{each.ai} {each.title}: {each.value}" for each in found.elements]
    elif isinstance(found, isbt128.Isbt128):
        named = {each.name: each.value for each in found.structures}
        document = {"valid": True, "kind": "isbt128", "parts": {"text": found.text, **named}}
        said = [f"{each.number} {each.name}: {each.value}" for each in found.structures]
    else:
        document = {"valid": True, "kind": "supplier", "parts": {"text": found.text}}
        said = [f"{found.text}: supplier"]
    console.answer(document, as_json, *said)
    return 0


def _ours(read: codes.Scanned) -> dict[str, Any]:
    return {
        "valid": True,
        "kind": "ours",
        "parts": {
            "code": read.code,
            "letter": read.letter,
            "thing": str(codes.LETTERS[read.letter]),
            "copy": read.copy,
            "practice": read.practice,
        },
    }
