"""The page of a dossier: one file that carries the record and checks it by itself, offline.

The page is a frame (words in three languages, style, script) around the record. The statement pins
the frame's digest, and the record is what the other members hold, so a page that says something
else than the dossier is found.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lims import custody
from lims.core.words import LANGUAGES
from lims.core.words import Text as _
from lims.interchange import rules
from lims.interchange.page_words import SAID
from lims.web.happenings import WORDS

_HERE = Path(__file__).parent / "resources"
_OPEN = '<script type="application/json" id="record" data-sha256="'
_CLOSE = "</script>"


@cache
def frame() -> tuple[str, str]:
    """The page before and after its record."""
    page = (_HERE / "page.html").read_text(encoding="utf-8")
    for name, text in (
        ("@@STYLE@@", (_HERE / "page.css").read_text(encoding="utf-8")),
        ("@@WORDS@@", _safe(json.dumps(_words(), ensure_ascii=False, sort_keys=True))),
        ("@@SCRIPT@@", (_HERE / "page.js").read_text(encoding="utf-8")),
    ):
        page = page.replace(name, text)
    before, opened, after = page.partition(_OPEN)
    return before + opened, after


def _words() -> dict[str, Any]:
    def spoken(table: Mapping[str, _], language: str) -> dict[str, str]:
        return {str(name): text.spoken(language) for name, text in table.items()}

    return {
        language: {
            "name": name,
            "page": spoken(SAID, language),
            "kinds": spoken(WORDS, language),
            "items": spoken({k.value: v for k, v in custody.KIND_NAMES.items()}, language),
            "states": spoken({k.value: v for k, v in custody.STATE_NAMES.items()}, language),
        }
        for language, name in LANGUAGES.items()
    }


def _safe(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c")


def frame_digest() -> str:
    """What the statement says of the frame."""
    before, after = frame()
    return rules.sha256((before + after).encode())


def record(files: Mapping[str, bytes]) -> str:
    """What the page checks: the dossier, every entry, the proofs, the seals."""
    return _safe(
        rules.dumps(
            {
                "dossier": rules.loads(files[rules.DOSSIER]),
                "entries": [line.decode() for line in files[rules.ENTRIES].split(b"\n")[:-1]],
                "proofs": rules.loads(files[rules.PROOFS]),
                "seals": rules.loads(files[rules.SEALS]),
            }
        ).decode()
    )


def draw(files: Mapping[str, bytes]) -> bytes:
    """The page of these files."""
    before, after = frame()
    held = record(files)
    return (before + rules.sha256(held.encode()) + '">' + held + after[2:]).encode()


def same(files: Mapping[str, bytes], said: Mapping[str, Any]) -> str:
    """What is wrong with the page of a dossier: its frame is stated, its record follows."""
    page = files[rules.PAGE].decode()
    before, opened, rest = page.partition(_OPEN)
    about, closing, rest = rest.partition('">')
    held, closed, after = rest.partition(_CLOSE)
    if rules.sha256((before + opened + closing + closed + after).encode()) != said["page"]:
        return "the page around the record was changed"
    if held != record(files) or about != rules.sha256(held.encode()):
        return "the record in the page is another"
    return ""
