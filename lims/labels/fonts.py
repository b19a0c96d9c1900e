"""Which font file draws a text: the first that has all its letters.

DejaVu draws Latin and Persian, Noto CJK draws Chinese; `LIMS_FONT_FA` and `LIMS_FONT_ZH` name other
files. A letter that no font has is refused: an empty box on a label is a wrong label (H13).
"""

import os
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from PIL import ImageFont

from lims.core.words import Text as _
from lims.labels.errors import FontMissing

_FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/dejavu",
    "/usr/share/fonts/dejavu-sans-fonts",
    "/usr/share/fonts/dejavu-sans-mono-fonts",
    "/usr/share/fonts/TTF",
    "/Library/Fonts",
)
FACES = {
    "sans": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "condensed": "DejaVuSansCondensed.ttf",
    "condensed_bold": "DejaVuSansCondensed-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "mono_bold": "DejaVuSansMono-Bold.ttf",
}
FAMILIES = {
    "sans": "DejaVu Sans, Verdana, sans-serif",
    "mono": "DejaVu Sans Mono, monospace",
    "condensed": "DejaVu Sans Condensed, DejaVu Sans, Verdana, sans-serif",
}
_CJK_FOLDERS = (
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto-cjk",
    "/Library/Fonts",
)
_CJK = {False: "NotoSansCJK-Regular.ttc", True: "NotoSansCJK-Bold.ttc"}
_SIMPLIFIED = 2
"""Noto's collections hold the Simplified Chinese face third."""


@dataclass(frozen=True)
class Face:
    """One face of a font file."""

    path: str
    index: int = 0

    def at(self, dots: float) -> ImageFont.FreeTypeFont:
        """The face at a size in dots, shaped by Raqm."""
        return _sized(self, dots)


@lru_cache(maxsize=256)
def _sized(face: Face, dots: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        face.path, dots, index=face.index, layout_engine=ImageFont.Layout.RAQM
    )


@lru_cache(maxsize=16)
def _letters(face: Face) -> frozenset[int]:
    try:
        with TTFont(face.path, fontNumber=face.index, lazy=True) as font:
            return frozenset(font.getBestCmap())
    except (TTLibError, OSError):
        return frozenset()


@cache
def _found(folders: tuple[str, ...], file: str, index: int) -> Face | None:
    for folder in folders:
        path = Path(folder) / file
        if path.is_file():
            return Face(str(path), index)
    return None


def _arabic(each: str) -> bool:
    return "ARABIC" in unicodedata.name(each, "") or each == "\u200c"


def _chinese(each: str) -> bool:
    return unicodedata.name(each, "").startswith(("CJK", "FULLWIDTH", "IDEOGRAPHIC"))


def _candidates(text: str, face: str) -> list[Face | None]:
    heavy = face.endswith("bold")
    plain = _found(_FOLDERS, FACES[face], 0)
    chinese = _found(_CJK_FOLDERS, _CJK[heavy], _SIMPLIFIED)
    if any(map(_chinese, text)):
        own = os.environ.get("LIMS_FONT_ZH")
        return [_own(own)] if own else [chinese]
    if any(map(_arabic, text)):
        own = os.environ.get("LIMS_FONT_FA")
        # The monospaced faces join no letters.
        joined = _found(_FOLDERS, FACES["bold" if heavy else "sans"], 0)
        return [_own(own)] if own else [plain if "mono" not in face else joined]
    return [plain, chinese]


def _own(path: str) -> Face | None:
    return Face(path, _SIMPLIFIED if path.endswith(".ttc") else 0) if Path(path).is_file() else None


def choose(text: str, face: str, field: str) -> Face:
    """The font that draws `text`; the same for every format.

    Raises:
        FontMissing: no font here has all its letters; names the field and the setting.
    """
    if text.isascii() and (plain := _found(_FOLDERS, FACES[face], 0)) is not None:
        return plain
    wanted = {ord(each) for each in text} - {0x200C, 0x20}
    for each in _candidates(text, face):
        if each is not None and wanted <= _letters(each):
            return each
    raise FontMissing(
        _(
            "No font on this computer has all letters of %(field)s (%(text)s); install "
            "fonts-dejavu-core and fonts-noto-cjk, or name a font file in LIMS_FONT_FA or "
            "LIMS_FONT_ZH.",
            field=field,
            text=text[:60],
        ),
        field=field,
    )


def font_file(face: str) -> str:
    """Where the file of one of `FACES` lies, for papers that are no labels.

    Raises:
        FontMissing: it is not on this computer.
    """
    found = _found(_FOLDERS, FACES[face], 0)
    if found is None:
        raise FontMissing(
            _(
                "The font %(name)s is not on this computer, so the paper cannot be drawn. "
                "Install the package fonts-dejavu-core.",
                name=FACES[face],
            )
        )
    return found.path
