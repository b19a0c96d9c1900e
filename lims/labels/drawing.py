"""One description of a label becomes one list of elements, in printer dots.

Everything that may be wrong with a label is refused here, before any format exists: a field missing
or unknown, letters that may not be printed, text that does not fit, modules finer than the stock
holds, things that overlap. The same description, fields and code always give the same elements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from lims.core import codes
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import icons, symbols
from lims.labels.dots import (
    DPI,
    MM_PER_INCH,
    PT_PER_INCH,
    Box,
    meet,
    module_dots,
    module_mm,
    runs,
    whole_dots,
)
from lims.labels.errors import DoesNotFit
from lims.labels.filling import checked
from lims.labels.fitting import Words, fitted
from lims.labels.places import (
    LINEAR,
    QUIET_MODULES,
    REFERENCE_DPI,
    IconPlace,
    LinePlace,
    SymbolPlace,
    Template,
    TextPlace,
)


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
        above = 0 if self.symbology in LINEAR else quiet
        return left - quiet, top - above, right + quiet, bottom + above

    def bars(self) -> list[Box]:
        """Black rectangles, with neighbouring modules merged along the row."""
        return runs(self.rows, self.x, self.y, self.module_dots, self.row_dots)


@dataclass(frozen=True)
class Bar:
    """A black rectangle."""

    box: Box


@dataclass(frozen=True)
class Icon:
    """A sign as rows of ones and zeros, a dot each."""

    name: str
    x: int
    y: int
    rows: tuple[str, ...]

    @property
    def box(self) -> Box:
        """The square it stands in."""
        return self.x, self.y, self.x + len(self.rows), self.y + len(self.rows)

    def bars(self) -> list[Box]:
        """Black rectangles."""
        return runs(self.rows, self.x, self.y, 1, 1)


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
    icons: tuple[Icon, ...]

    def mm(self, dots: float) -> float:
        """Dots as millimetres."""
        return dots * float(MM_PER_INCH) / self.dpi

    def pt(self, dots: float) -> float:
        """Dots as points."""
        return dots * PT_PER_INCH / self.dpi

    def boxes(self) -> list[Box]:
        """Every black rectangle that is no text."""
        found = [box for each in self.symbols for box in each.bars()]
        found += [box for each in self.icons for box in each.bars()]
        return found + [each.box for each in self.bars]


def draw(
    template: Template,
    fields: Mapping[str, str],
    code: str,
    copy: int,
    dpi: int = REFERENCE_DPI,
    language: str = "en",
) -> Drawing:
    """Place every symbol and text of one label.

    Args:
        fields: what the template asks for, without code and copy.
        code: one of our codes, of a kind this label is for.
        copy: 0 for a label drawn by hand, which every scan refuses.
        dpi: 203, 300 or 600.
        language: of the texts that are the template's own.

    Raises:
        FieldWrong: a field is missing, unknown, or may not be printed.
        DoesNotFit: a text or symbol is larger than its place, or two overlap.
        FontMissing: no font has all the letters.
        BadInput: the code, the resolution or the language is none of ours.
    """
    if dpi not in DPI:
        raise BadInput(
            _("A label is drawn at 203, 300 or 600 dots an inch, not %(dpi)s.", dpi=dpi),
            field="dpi",
        )
    if language not in template.languages:
        raise BadInput(
            _(
                "The label %(template)s speaks %(languages)s, not %(language)s.",
                template=template.name,
                languages=", ".join(template.languages),
                language=language[:20],
            ),
            field="language",
        )
    code = codes.expect(code, template.code_letters, "code").code
    values = checked(template, fields)
    values["code"] = codes.grouped(code)
    values["copy"] = _("copy %(number)s", number=f"{copy:02d}").spoken(language) if copy else "00"
    payload = codes.symbol(code, copy)
    drawing = Drawing(
        template=template,
        dpi=dpi,
        width=whole_dots(template.width_mm, dpi),
        height=whole_dots(template.height_mm, dpi),
        symbols=tuple(
            _symbol(template, each, text, dpi)
            for each in template.symbols
            if (text := _carried(each, payload, values))
        ),
        words=tuple(
            line
            for place in template.texts
            if (text := _said(template, place, values, language))
            for line in fitted(template.name, place, text, dpi)
        ),
        bars=tuple(_bar(each, dpi) for each in template.lines),
        icons=tuple(
            _icon(each, dpi)
            for each in template.icons
            if not each.when or values[each.when] == "yes"
        ),
    )
    _refuse_overlap(drawing)
    return drawing


def _said(template: Template, place: TextPlace, values: Mapping[str, str], language: str) -> str:
    if place.text:
        said = place.text if not place.when or values[place.when] == "yes" else ""
        return template.said(said, language)
    value = values.get(place.field, "") or template.said(place.otherwise, language)
    return template.said(place.before, language) + value if value else ""


def _carried(place: SymbolPlace, payload: str, values: Mapping[str, str]) -> str:
    if place.carries == "code":
        return payload
    value = values.get(place.carries, "")
    return symbols.said_by(place.symbology, value, place.carries) if value else ""


def _symbol(template: Template, place: SymbolPlace, text: str, dpi: int) -> Symbol:
    dots = module_dots(place.module_dots, dpi)
    name = "code" if place.carries == "code" else place.carries
    if module_mm(dots, dpi) < template.stock.module_least_mm:
        raise DoesNotFit(
            _(
                "The label %(template)s would have modules of %(module)s mm at %(dpi)s dots an "
                "inch, and its stock holds none under %(least)s mm.",
                template=template.name,
                module=f"{module_mm(dots, dpi):.3f}",
                dpi=dpi,
                least=template.stock.module_least_mm,
            ),
            field=name,
        )
    linear = place.symbology in LINEAR
    rows = symbols.rows(place.symbology, text)
    if len(rows[0]) > place.modules:
        raise DoesNotFit(
            _(
                "The field %(field)s makes a symbol of %(modules)s modules, and the label "
                "%(template)s has room for %(room)s. Shorten it.",
                field=name,
                modules=len(rows[0]),
                template=template.name,
                room=place.modules,
            ),
            field=name,
        )
    return Symbol(
        place.symbology,
        text,
        whole_dots(place.x_mm, dpi),
        whole_dots(place.y_mm, dpi),
        dots,
        whole_dots(place.height_mm, dpi) if linear else dots,
        rows,
    )


def _icon(place: IconPlace, dpi: int) -> Icon:
    dots = whole_dots(place.size_mm, dpi)
    return Icon(
        place.icon,
        whole_dots(place.x_mm, dpi),
        whole_dots(place.y_mm, dpi),
        icons.rows(place.icon, dots),
    )


def _bar(place: LinePlace, dpi: int) -> Bar:
    left, top = whole_dots(place.x_mm, dpi), whole_dots(place.y_mm, dpi)
    return Bar(
        (
            left,
            top,
            left + max(1, whole_dots(place.width_mm, dpi)),
            top + max(1, whole_dots(place.height_mm, dpi)),
        )
    )


def _refuse_overlap(drawing: Drawing) -> None:
    """Nothing leaves the label, and no two things share a dot."""
    things = [(each.symbology, each.kept_free) for each in drawing.symbols]
    things += [(each.name, each.ink) for each in drawing.words]
    things += [(each.name, each.box) for each in drawing.icons]
    things += [(str(_("line")), each.box) for each in drawing.bars]
    for name, box in things[len(drawing.symbols) :]:
        if _leaves(drawing, box):
            raise DoesNotFit(
                _(
                    "%(field)s runs over the edge of the label %(template)s; shorten it.",
                    field=name,
                    template=drawing.template.name,
                ),
                field=name,
            )
    for each in drawing.symbols:
        if _leaves(drawing, each.kept_free):
            raise DoesNotFit(
                _(
                    "The symbol with its quiet zone is larger than the label %(template)s at "
                    "%(dpi)s dots an inch; choose another resolution.",
                    template=drawing.template.name,
                    dpi=drawing.dpi,
                ),
                field=each.symbology,
            )
    for (one, first), (other, second) in combinations(things, 2):
        if meet(first, second):
            raise DoesNotFit(
                _(
                    "On the label %(template)s, %(one)s and %(other)s overlap; shorten one.",
                    template=drawing.template.name,
                    one=one,
                    other=other,
                ),
                field=other,
            )


def _leaves(drawing: Drawing, box: Box) -> bool:
    left, top, right, bottom = box
    return left < 0 or top < 0 or right > drawing.width or bottom > drawing.height
