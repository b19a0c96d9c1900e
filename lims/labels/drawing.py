"""One description of a label becomes one list of elements, in printer dots.

Everything that may be wrong with a label is refused here, before any format exists: a field missing
or unknown, letters that may not be printed, text that does not fit, things that overlap. The same
description, fields and code always give the same elements.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import combinations
from math import ceil, floor
from typing import Any

import barcode
import zxingcpp
from PIL.ImageFont import FreeTypeFont

from lims.core import codes
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels.errors import DoesNotFit
from lims.labels.filling import checked
from lims.labels.fonts import Face, choose
from lims.labels.layout import (
    QUIET_MODULES,
    REFERENCE_DPI,
    LinePlace,
    SymbolPlace,
    Template,
    TextPlace,
)

DPI = (203, 300, 600)
LEAST_DOTS = 3
MM_PER_INCH = Decimal("25.4")
_PT_PER_INCH = 72
_CAPITAL = 0.73
"""Height of a capital letter over the size, for DejaVu and near enough for Noto CJK."""
_ISLAND = re.compile(r"[-+±≤≥<>~]?[0-9A-Za-z](?:[0-9A-Za-z.,:/%°µ×+ -]*[0-9A-Za-z%])?")
_SHRINK_STEP_PT = Decimal("0.25")

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in dots; right and bottom excluded."""


@dataclass(frozen=True)
class Symbol:
    """A symbol: its modules as rows of ones and zeros, each row `row_dots` high."""

    symbology: str
    text: str
    x: int
    y: int
    module_dots: int
    row_dots: int
    rows: tuple[str, ...]

    @property
    def box(self) -> Box:
        """The modules."""
        return (
            self.x,
            self.y,
            self.x + len(self.rows[0]) * self.module_dots,
            self.y + len(self.rows) * self.row_dots,
        )

    @property
    def kept_free(self) -> Box:
        """The modules and the quiet zone around them."""
        left, top, right, bottom = self.box
        quiet = QUIET_MODULES[self.symbology] * self.module_dots
        above = quiet if self.symbology == "datamatrix" else 0
        return left - quiet, top - above, right + quiet, bottom + above

    def bars(self) -> list[Box]:
        """Black rectangles, with neighbouring modules merged along the row."""
        found = []
        for at, row in enumerate(self.rows):
            for run in re.finditer("1+", row):
                found.append(
                    (
                        self.x + run.start() * self.module_dots,
                        self.y + at * self.row_dots,
                        self.x + run.end() * self.module_dots,
                        self.y + (at + 1) * self.row_dots,
                    )
                )
        return found


@dataclass(frozen=True)
class Words:
    """A line of text: where its baseline starts, its size, and the dots its ink covers.

    `direction` is of the whole line, `rtl` or `ltr`; `ordered` is the text with its numbers and
    Latin words marked, so that every format writes them in the same order.
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


@dataclass(frozen=True)
class Bar:
    """A black rectangle."""

    box: Box


@dataclass(frozen=True)
class Drawing:
    """A label as elements, in dots of `dpi`."""

    template: Template
    dpi: int
    width: int
    height: int
    symbols: tuple[Symbol, ...]
    words: tuple[Words, ...]
    bars: tuple[Bar, ...]

    def mm(self, dots: float) -> float:
        """Dots as millimetres."""
        return dots * float(MM_PER_INCH) / self.dpi

    def pt(self, dots: float) -> float:
        """Dots as points."""
        return dots * _PT_PER_INCH / self.dpi


def draw(
    template: Template, fields: Mapping[str, str], code: str, copy: int, dpi: int = REFERENCE_DPI
) -> Drawing:
    """Place every symbol and text of one label.

    Args:
        fields: what the template asks for, without code and copy.
        code: one of our codes, of a kind this label is for.
        copy: 0 for a label drawn by hand, which every scan refuses.
        dpi: 203, 300 or 600.

    Raises:
        FieldWrong: a field is missing, unknown, or may not be printed.
        DoesNotFit: a text or symbol is larger than its place, or two overlap.
        FontMissing: no font has all the letters.
        BadInput: the code or the resolution is none of ours.
    """
    if dpi not in DPI:
        raise BadInput(
            _("A label is drawn at 203, 300 or 600 dots an inch, not %(dpi)s.", dpi=dpi),
            field="dpi",
        )
    code = codes.expect(code, template.code_letters, "code").code
    values = checked(template, fields)
    values["code"] = codes.grouped(code)
    values["copy"] = str(_("copy %(number)s", number=f"{copy:02d}")) if copy else "00"
    payload = codes.symbol(code, copy)
    drawing = Drawing(
        template=template,
        dpi=dpi,
        width=_dots(template.width_mm, dpi),
        height=_dots(template.height_mm, dpi),
        symbols=tuple(_symbol(each, payload, dpi) for each in template.symbols),
        words=tuple(
            _words(template, place, text, dpi)
            for place in template.texts
            if (text := _said(place, values))
        ),
        bars=tuple(_bar(each, dpi) for each in template.lines),
    )
    _refuse_overlap(drawing)
    return drawing


def _said(place: TextPlace, values: Mapping[str, str]) -> str:
    if place.text:
        return place.text if not place.when or values[place.when] == "yes" else ""
    value = values.get(place.field, "") or place.otherwise
    return place.before + value if value else ""


def _dots(mm: Decimal, dpi: int) -> int:
    return round(mm * dpi / MM_PER_INCH)


def module_dots(at_reference: int, dpi: int) -> int:
    """Whole dots of one module: nearest to the size at 300 dpi, never under three."""
    return max(LEAST_DOTS, round(Decimal(at_reference) * dpi / REFERENCE_DPI))


@lru_cache(maxsize=512)
def _rows(symbology: str, text: str) -> tuple[str, ...]:
    if symbology == "code128":
        return (barcode.Code128(text).build()[0],)
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, force_square=True)
    drawn: Any = made.to_image(scale=1, add_quiet_zones=False)
    image = memoryview(drawn)
    height, width = drawn.shape
    return tuple(
        "".join("0" if image[down, across] else "1" for across in range(width))
        for down in range(height)
    )


def _symbol(place: SymbolPlace, payload: str, dpi: int) -> Symbol:
    dots = module_dots(place.module_dots, dpi)
    tall = dots if place.symbology == "datamatrix" else _dots(place.height_mm, dpi)
    return Symbol(
        place.symbology,
        payload,
        _dots(place.x_mm, dpi),
        _dots(place.y_mm, dpi),
        dots,
        tall,
        _rows(place.symbology, payload),
    )


def _bar(place: LinePlace, dpi: int) -> Bar:
    left, top = _dots(place.x_mm, dpi), _dots(place.y_mm, dpi)
    return Bar(
        (
            left,
            top,
            left + max(1, _dots(place.width_mm, dpi)),
            top + max(1, _dots(place.height_mm, dpi)),
        )
    )


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


def _ink(drawn: FreeTypeFont, text: str, direction: str) -> Box:
    """The dots covered, from the start of the baseline."""
    left, top, right, bottom = drawn.getbbox(text, anchor="ls", direction=direction)
    return floor(left), floor(top), ceil(right), ceil(bottom)


def _words(template: Template, place: TextPlace, text: str, dpi: int) -> Words:
    font = choose(text, place.face, place.name)
    direction, ordered = _direction(text), _ordered(text)
    room, left = _dots(place.width_mm, dpi), _dots(place.x_mm, dpi)
    # The baseline stays where it was when a text shrinks.
    baseline = round(_dots(place.y_mm, dpi) + _CAPITAL * float(place.size_pt) * dpi / _PT_PER_INCH)
    size = place.size_pt
    while True:
        dots = round(float(size) * dpi / _PT_PER_INCH, 2)
        drawn = font.at(dots)
        ink = _ink(drawn, ordered, direction)
        advance = round(drawn.getlength(ordered, direction=direction))
        wide = max(ink[2] - min(ink[0], 0), advance)
        if wide <= room:
            break
        if size <= place.shrink_to_pt:
            raise DoesNotFit(
                _(
                    "The field %(field)s does not fit on the label %(template)s: %(text)s is "
                    "%(wide)s mm wide at %(size)s pt and has %(room)s mm. Shorten it.",
                    field=place.name,
                    template=template.name,
                    text=text,
                    wide=f"{float(MM_PER_INCH) * wide / dpi:.1f}",
                    size=size,
                    room=place.width_mm,
                ),
                field=place.name,
            )
        size = max(place.shrink_to_pt, size - _SHRINK_STEP_PT)
    spare = room - wide
    x = left + {"left": 0, "centre": spare // 2, "right": spare}[place.align] - min(ink[0], 0)
    return Words(
        place.name,
        text,
        x,
        baseline,
        dots,
        place.face,
        font,
        advance,
        (x + ink[0], baseline + ink[1], x + ink[2], baseline + ink[3]),
        direction,
        ordered,
    )


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _refuse_overlap(drawing: Drawing) -> None:
    """Nothing leaves the label, and no two things share a dot."""
    things = [(each.symbology, each.kept_free) for each in drawing.symbols]
    things += [(each.name, each.ink) for each in drawing.words]
    things += [(str(_("line")), each.box) for each in drawing.bars]
    for name, (left, top, right, bottom) in things[len(drawing.symbols) :]:
        if left < 0 or top < 0 or right > drawing.width or bottom > drawing.height:
            raise DoesNotFit(
                _(
                    "%(field)s runs over the edge of the label %(template)s; shorten it.",
                    field=name,
                    template=drawing.template.name,
                ),
                field=name,
            )
    for each in drawing.symbols:
        left, top, right, bottom = each.box
        if left < 0 or top < 0 or right > drawing.width or bottom > drawing.height:
            raise DoesNotFit(
                _(
                    "The symbol is larger than the label %(template)s at %(dpi)s dots an inch; "
                    "choose another resolution.",
                    template=drawing.template.name,
                    dpi=drawing.dpi,
                ),
                field=each.symbology,
            )
    for (one, first), (other, second) in combinations(things, 2):
        if _meet(first, second):
            raise DoesNotFit(
                _(
                    "On the label %(template)s, %(one)s and %(other)s overlap; shorten one.",
                    template=drawing.template.name,
                    one=one,
                    other=other,
                ),
                field=other,
            )
