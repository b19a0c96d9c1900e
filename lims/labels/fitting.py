"""Text in its place: which font, which way it runs, how small, on how many lines.

A text shrinks to its limit and breaks where its place has lines; what does not fit then is refused,
never clipped (H13).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import product
from math import ceil, floor
from string import ascii_uppercase, digits
from typing import Self

from PIL.ImageFont import FreeTypeFont

from lims.core.words import Text as _
from lims.labels.dots import DPI, MM_PER_INCH, PT_PER_INCH, Box, whole_dots
from lims.labels.errors import DoesNotFit, FontMissing
from lims.labels.fonts import Face, choose
from lims.labels.places import Template, TextPlace

CAPITAL = 0.73
"""Height of a capital letter over the size, for DejaVu and near enough for Noto CJK."""
LEADING = 1.16
"""From one baseline to the next, over the size."""
_ISLAND = re.compile(r"[-+±≤≥<>~]?[0-9A-Za-z](?:[0-9A-Za-z.,:/%°µ×+ -]*[0-9A-Za-z%])?")
_UPPER = frozenset(ascii_uppercase + digits + " ")
_SHRINK_STEP_PT = Decimal("0.25")


@dataclass(frozen=True)
class Words:
    """A line of text: where its baseline starts, its size, and the dots its ink covers.

    `direction` is of the whole line, `rtl` or `ltr`; `ordered` is the text with its numbers and
    Latin words marked, so that every format writes them in the same order. `right` is where its
    place ends, for a format that writes with a font of its own.
    """

    name: str
    text: str
    x: int
    baseline: int
    size_dots: float
    face: str
    font: Face
    advance: int
    ink: Box
    direction: str
    ordered: str
    align: str
    right: int

    def saying(self, text: str) -> Self:
        """The same line with other letters of the same widths; `replace` would take most of it."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), text=text, ordered=text)
        return other


def has_room(template: Template, name: str, text: str) -> bool:
    """Whether a design has room for a text in one of its fields, at every resolution."""
    places = [each for each in template.texts if each.field == name]
    try:
        for place, dpi in product(places, DPI):
            fitted(template.name, place, place.before + text, dpi)
    except (DoesNotFit, FontMissing):
        return False
    return bool(places)


@dataclass(frozen=True)
class _Measured:
    text: str
    direction: str
    ordered: str
    ink: Box
    advance: int

    @property
    def wide(self) -> int:
        return max(self.ink[2] - min(self.ink[0], 0), self.advance)


def fitted(label: str, place: TextPlace, text: str, dpi: int) -> list[Words]:
    """The lines of one text, as large as its place allows.

    Raises:
        DoesNotFit: it is wider than its place at the smallest size.
        FontMissing: no font has all the letters.
    """
    if _is_even(text, place.face):
        figures = text.isdigit()
        like = _even_words(label, place, len(text), figures, dpi)
        return [like.saying(text)]
    font = choose(text, place.face, place.name)
    room = whole_dots(place.width_mm, dpi)
    size = place.size_pt
    while True:
        dots = round(float(size) * dpi / PT_PER_INCH, 2)
        lines = _broken(font.at(dots), text, room, place.lines)
        if all(each.wide <= room for each in lines):
            break
        if size <= place.shrink_to_pt:
            raise _too_wide(label, place, text, size, max(each.wide for each in lines), dpi)
        size = max(place.shrink_to_pt, size - _SHRINK_STEP_PT)
    first = _first_baseline(place, dpi)
    placed: list[Words] = []
    for at, each in enumerate(lines):
        baseline = round(first + at * LEADING * dots)
        if placed:  # Persian goes further up and down than the leading allows for
            baseline = max(baseline, placed[-1].ink[3] - each.ink[1])
        placed.append(_placed(place, font, dots, each, baseline, dpi))
    return placed


def _placed(
    place: TextPlace, font: Face, dots: float, line: _Measured, baseline: int, dpi: int
) -> Words:
    left, room = whole_dots(place.x_mm, dpi), whole_dots(place.width_mm, dpi)
    ink, spare = line.ink, room - line.wide
    x = left + {"left": 0, "centre": spare // 2, "right": spare}[place.align] - min(ink[0], 0)
    return Words(
        place.name,
        line.text,
        x,
        baseline,
        dots,
        place.face,
        font,
        line.advance,
        (x + ink[0], baseline + ink[1], x + ink[2], baseline + ink[3]),
        line.direction,
        line.ordered,
        place.align,
        left + room,
    )


def _is_even(text: str, face: str) -> bool:
    """Whether all its letters are of one width, as figures are, so that none need be measured."""
    return (text.isascii() and text.isdigit()) or (
        face.startswith("mono") and _UPPER.issuperset(text)
    )


@lru_cache(maxsize=512)
def _even_words(label: str, place: TextPlace, length: int, figures: bool, dpi: int) -> Words:
    """A line of letters of one width, placed; it stands so whatever it says.

    Raises:
        DoesNotFit: it is wider than its place at the smallest size.
    """
    font = choose("0", place.face, place.name)
    room, size = whole_dots(place.width_mm, dpi), place.size_pt
    while True:
        dots = round(float(size) * dpi / PT_PER_INCH, 2)
        step, (left, top, right, bottom) = _cell(font, dots, figures)
        ends = step * (length - 1)
        ink = (floor(left), floor(top), ceil(ends + right), ceil(bottom))
        line = _Measured("", "ltr", "", ink, round(ends + step))
        if line.wide <= room:
            break
        if size <= place.shrink_to_pt:
            raise _too_wide(label, place, "0" * length, size, line.wide, dpi)
        size = max(place.shrink_to_pt, size - _SHRINK_STEP_PT)
    return _placed(place, font, dots, line, _first_baseline(place, dpi), dpi)


def _first_baseline(place: TextPlace, dpi: int) -> int:
    """It stays where it was when a text shrinks."""
    capital = CAPITAL * float(place.size_pt) * dpi / PT_PER_INCH
    return round(whole_dots(place.y_mm, dpi) + capital)


@lru_cache(maxsize=64)
def _cell(font: Face, dots: float, figures: bool) -> tuple[float, tuple[float, ...]]:
    """How far such a letter goes on, and the box that holds the ink of any of them."""
    letters = digits if figures else ascii_uppercase + digits
    boxes = [font.at(dots).getbbox(each, anchor="ls") for each in letters]
    step = max(font.at(dots).getlength(each) for each in letters)
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return step, (min(lefts), min(tops), max(rights), max(bottoms))


def _broken(font: FreeTypeFont, text: str, room: int, most: int) -> list[_Measured]:
    """The text on as few lines as hold it; more than `most` come back as one that is too wide."""
    whole = _measured(font, text)
    if most == 1 or whole.wide <= room:
        return [whole]
    lines: list[_Measured] = []
    rest = list(_pieces(text))
    while rest:
        taken, rest = rest[0], rest[1:]
        while rest and _measured(font, (taken + rest[0]).strip()).wide <= room:
            taken, rest = taken + rest[0], rest[1:]
        lines.append(_measured(font, taken.strip()))
        if len(lines) > most:
            return [whole]
    return lines


def _pieces(text: str) -> Iterator[str]:
    """Where a line may break: after a space, and after any Chinese letter."""
    piece = ""
    for at, each in enumerate(text):
        piece += each
        wide = unicodedata.east_asian_width(each) in ("W", "F")
        after = text[at + 1 : at + 2]
        # A mark that closes a clause never begins a line.
        if each == " " or (wide and unicodedata.category(after or "a")[0] != "P"):
            yield piece
            piece = ""
    if piece:
        yield piece


def _measured(font: FreeTypeFont, text: str) -> _Measured:
    direction, ordered = _direction(text), _ordered(text)
    left, top, right, bottom = font.getbbox(ordered, anchor="ls", direction=direction)
    ink = (floor(left), floor(top), ceil(right), ceil(bottom))
    advance = round(font.getlength(ordered, direction=direction))
    return _Measured(text, direction, ordered, ink, advance)


def _direction(text: str) -> str:
    for each in text:
        kind = unicodedata.bidirectional(each)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"


def _ordered(text: str) -> str:
    """Latin and numbers inside right-to-left writing as islands: -80 °C must not read 80- C°."""
    if not any(unicodedata.bidirectional(each) in ("R", "AL") for each in text):
        return text
    return _ISLAND.sub("\u2066\\g<0>\u2069", text)


def _too_wide(
    label: str, place: TextPlace, text: str, size: Decimal, wide: int, dpi: int
) -> DoesNotFit:
    return DoesNotFit(
        _(
            "The field %(field)s does not fit on the label %(template)s: %(text)s is "
            "%(wide)s mm wide at %(size)s pt and has %(room)s mm. Shorten it.",
            field=place.name,
            template=label,
            text=text,
            wide=f"{float(MM_PER_INCH) * wide / dpi:.1f}",
            size=size,
            room=place.width_mm,
        ),
        field=place.name,
    )
