"""The tokens of the one stylesheet, read from it, so that nothing says them a second time."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHEET = Path(__file__).parent / "static" / "lims.css"
_BOTH = re.compile(r"--([\w-]+): var\(--light, (#[\da-f]+)\) var\(--dark, (#[\da-f]+)\);")
_FIXED = re.compile(r"--([\w-]+): (#[\da-f]+);")
_PAPER = re.compile(r"@media print \{((?:[^{}]|\{[^{}]*\})*)\}")
_SIZE = re.compile(r"--([\w-]+): (\d+)px;")

# What stands on what, and how much they must differ: text 4.5, a verdict's text 7, edges 3.
PAIRS: tuple[tuple[str, str, float], ...] = (
    *(("ink", on, 7) for on in ("paper", "sheet", "entry", "wash", "bad-wash")),
    *(("ink", on, 4.5) for on in ("mark-bad", "mark-dot", "mark-soon")),
    *(("soft", on, 4.5) for on in ("paper", "sheet", "entry", "wash")),
    *(("deep", on, 4.5) for on in ("paper", "sheet", "entry", "wash")),
    *(("bad", on, 4.5) for on in ("paper", "sheet", "entry", "bad-wash")),
    *(("good", on, 4.5) for on in ("paper", "sheet")),
    ("on-deep", "deep", 4.5),
    ("on-deep", "deeper", 4.5),
    *(("line", on, 3) for on in ("paper", "sheet", "entry", "wash")),
    *(("focus", on, 3) for on in ("paper", "sheet", "entry", "wash")),
    ("ask-line", "sheet", 3),
    ("ok-ink", "ok-paper", 7),
    ("ok-edge", "ok-paper", 3),
    ("stop-ink", "stop-paper", 7),
    ("ask-ink", "ask-paper", 7),
    ("wait-ink", "wait-paper", 7),
)


@dataclass(frozen=True)
class Colour:
    """One colour, as it is in the light and in the dark."""

    light: str
    dark: str


@cache
def colours() -> dict[str, Colour]:
    """Every colour of the sheet, by name, in its order."""
    text = SHEET.read_text()
    found = {name: Colour(light, dark) for name, light, dark in _BOTH.findall(text)}
    return found | {name: Colour(one, one) for name, one in _FIXED.findall(text)}


@cache
def sizes() -> dict[str, int]:
    """Every size of the sheet in px: text, spaces, touch targets, corners."""
    return {name: int(size) for name, size in _SIZE.findall(SHEET.read_text())}


@cache
def on_paper() -> str:
    """What every sheet says of paper, as rules that hold on the screen as well."""
    return "\n".join(
        rules.strip()
        for sheet in sorted(SHEET.parent.glob("*.css"))
        for rules in _PAPER.findall(sheet.read_text())
    )


def contrast(one: str, other: str) -> float:
    """How much two colours differ, as WCAG 2.2 measures it.

    >>> round(contrast("#fff", "#000"))
    21
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of #rgb or #rrggbb, which is also its grey."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(each * 2 for each in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
