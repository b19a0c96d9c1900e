"""One description of a label becomes one list of elements, in printer dots.

Everything that may be wrong with a label is refused here, before any format exists: a field missing
or unknown, letters that may not be printed, text that does not fit, modules finer than the stock
holds, things that overlap. The same description, fields and code always give the same elements.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations, product

from lims.core import codes
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import icons, symbols
from lims.labels.dots import DPI, Box, meet, module_dots, module_mm, whole_dots
from lims.labels.elements import Bar, Drawing, Icon, Standing, Symbol
from lims.labels.errors import DoesNotFit
from lims.labels.filling import checked, printable
from lims.labels.fitting import Words, fitted
from lims.labels.places import (
    LINEAR,
    REFERENCE_DPI,
    IconPlace,
    LinePlace,
    SymbolPlace,
    Template,
    TextPlace,
)


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
    withheld = {name: fields[name] for name in template.withheld if fields.get(name)}
    # What is withheld is kept nowhere, so only that it is given is known to what stands.
    known = {**fields, **dict.fromkeys(withheld, "-")}
    try:
        standing = _standing(template, tuple(known.items()), dpi, language)
    except TypeError:  # a field that is no text; the uncached refuses it by its name
        standing = _standing.__wrapped__(template, tuple(known.items()), dpi, language)
    values = dict(standing.values)
    values |= {name: printable(template, name, value) for name, value in withheld.items()}
    values["code"] = codes.grouped(code)
    values["copy"] = _copy(copy, language)
    drawing = Drawing(
        standing,
        tuple(
            _symbol(template, each, codes.symbol(code, copy), dpi)
            for each in template.symbols
            if each.carries == "code"
        ),
        _all_words(template, values, dpi, language, own=True),
    )
    _refuse_overlap(standing, drawing.own_symbols, drawing.own_words)
    return drawing


@lru_cache(maxsize=256)
def _standing(
    template: Template, fields: tuple[tuple[str, str], ...], dpi: int, language: str
) -> Standing:
    """What stands on a label with these fields, placed and checked."""
    values = checked(template, dict(fields))
    standing = Standing(
        template=template,
        dpi=dpi,
        width=whole_dots(template.width_mm, dpi),
        height=whole_dots(template.height_mm, dpi),
        language=language,
        values=values,
        symbols=tuple(
            _symbol(template, each, text, dpi)
            for each in template.symbols
            if each.carries != "code" and (text := _carried(each, values))
        ),
        words=_all_words(template, values, dpi, language, own=False),
        bars=tuple(_bar(each, dpi) for each in template.lines),
        icons=tuple(
            _icon(each, dpi)
            for each in template.icons
            if not each.when or values[each.when] == "yes"
        ),
    )
    _refuse_overlap(standing)
    return standing


@lru_cache(maxsize=4096)
def _copy(copy: int, language: str) -> str:
    return _("copy %(number)s", number=f"{copy:02d}").spoken(language) if copy else "00"


def _all_words(
    template: Template, values: Mapping[str, str], dpi: int, language: str, *, own: bool
) -> tuple[Words, ...]:
    """The lines of what differs from label to label, or of what stands."""
    return tuple(
        line
        for place in template.texts
        if (place.field in template.moving) is own
        and (text := _said(template, place, values, language))
        for line in fitted(template.name, place, text, dpi)
    )


def _said(template: Template, place: TextPlace, values: Mapping[str, str], language: str) -> str:
    if place.text:
        said = place.text if not place.when or values[place.when] == "yes" else ""
        return template.said(said, language)
    value = values.get(place.field, "") or template.said(place.otherwise, language)
    return template.said(place.before, language) + value if value else ""


def _carried(place: SymbolPlace, values: Mapping[str, str]) -> str:
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


def _refuse_overlap(
    standing: Standing, own_symbols: Sequence[Symbol] = (), own_words: Sequence[Words] = ()
) -> None:
    """Nothing leaves the label, and no two things share a dot.

    With things of its own, only these are asked about: what stands was asked about before.
    """
    whole = not own_symbols
    codes_here = standing.symbols if whole else own_symbols
    there = _things(standing.symbols, standing.words, standing.icons, standing.bars)
    mine = there if whole else _things(own_symbols, own_words, (), ())
    for name, box in mine[len(codes_here) :]:
        if _leaves(standing, box):
            raise DoesNotFit(
                _(
                    "%(field)s runs over the edge of the label %(template)s; shorten it.",
                    field=name,
                    template=standing.template.name,
                ),
                field=name,
            )
    for each in codes_here:
        if _leaves(standing, each.kept_free):
            raise DoesNotFit(
                _(
                    "The symbol with its quiet zone is larger than the label %(template)s at "
                    "%(dpi)s dots an inch; choose another resolution.",
                    template=standing.template.name,
                    dpi=standing.dpi,
                ),
                field=each.symbology,
            )
    pairs: Iterable[tuple[tuple[str, Box], tuple[str, Box]]] = combinations(mine, 2)
    if not whole:
        pairs = chain(pairs, product(mine, there))
    for (one, first), (other, second) in pairs:
        if meet(first, second):
            raise DoesNotFit(
                _(
                    "On the label %(template)s, %(one)s and %(other)s overlap; shorten one.",
                    template=standing.template.name,
                    one=one,
                    other=other,
                ),
                field=other,
            )


def _things(
    symbols_: Sequence[Symbol],
    words: Sequence[Words],
    signs: Sequence[Icon],
    bars: Sequence[Bar],
) -> list[tuple[str, Box]]:
    return [
        *((each.symbology, each.kept_free) for each in symbols_),
        *((each.name, each.ink) for each in words),
        *((each.name, each.box) for each in signs),
        *((str(_("line")), each.box) for each in bars),
    ]


def _leaves(standing: Standing, box: Box) -> bool:
    left, top, right, bottom = box
    return left < 0 or top < 0 or right > standing.width or bottom > standing.height
