"""One description of a label becomes one list of elements, in printer dots.

Everything that may be wrong with a label is refused here, before any format exists: a field missing
or unknown, letters that may not be printed, text that does not fit, modules finer than the stock
holds, things that overlap. The same description, fields and code always give the same elements.
"""

from collections.abc import Mapping
from functools import lru_cache

from lims.core import codes
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import icons, symbols
from lims.labels.colliding import refuse
from lims.labels.dots import DPI, module_dots, module_mm, whole_dots
from lims.labels.elements import Bar, Drawing, Icon, Standing, Symbol, things
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
        standing = _standing(template, tuple(known.items()), copy, dpi, language)
    except TypeError:  # a field that is no text; the uncached refuses it by its name
        standing = _standing.__wrapped__(template, tuple(known.items()), copy, dpi, language)
    values = {name: printable(template, name, value) for name, value in withheld.items()}
    values["code"] = codes.grouped(code)
    drawing = Drawing(
        standing,
        tuple(
            _symbol(template, each, codes.symbol(code, copy), dpi)
            for each in template.symbols
            if each.carries == "code"
        ),
        _all_words(template, values, dpi, language, own=True),
    )
    own = things(drawing.own_symbols, drawing.own_words)
    refuse(standing, own, len(drawing.own_symbols), standing.things)
    return drawing


@lru_cache(maxsize=256)
def _standing(
    template: Template, fields: tuple[tuple[str, str], ...], copy: int, dpi: int, language: str
) -> Standing:
    """What stands on a label with these fields, placed and checked."""
    values = checked(template, dict(fields))
    values["copy"] = _copy(copy, language)
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
    refuse(standing, standing.things, len(standing.symbols))
    return standing


def _copy(copy: int, language: str) -> str:
    return _("copy %(number)s", number=f"{copy:02d}").spoken(language) if copy else "00"


def _all_words(
    template: Template, values: Mapping[str, str], dpi: int, language: str, *, own: bool
) -> tuple[Words, ...]:
    """The lines of what differs from label to label, or of what stands."""
    return tuple(
        line
        for place in (template.own_texts if own else template.standing_texts)
        if (text := _said(template, place, values, language))
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
    like = _symbol_place(template, place, dpi)
    if place.carries != "code":
        modules = len(symbols.rows(place.symbology, text)[0])
        if modules > place.modules:
            raise DoesNotFit(
                _(
                    "The field %(field)s makes a symbol of %(modules)s modules, and the label "
                    "%(template)s has room for %(room)s. Shorten it.",
                    field=place.carries,
                    modules=modules,
                    template=template.name,
                    room=place.modules,
                ),
                field=place.carries,
            )
    return like.saying(text)


@lru_cache(maxsize=512)
def _symbol_place(template: Template, place: SymbolPlace, dpi: int) -> Symbol:
    """The symbol in its place, whatever it will say."""
    dots = module_dots(place.module_dots, dpi)
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
            field=place.carries,
        )
    return Symbol(
        place.symbology,
        "",
        whole_dots(place.x_mm, dpi),
        whole_dots(place.y_mm, dpi),
        dots,
        whole_dots(place.height_mm, dpi) if place.symbology in LINEAR else dots,
        place.modules,
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
