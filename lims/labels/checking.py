"""`lims label check`: whether a template draws its longest content everywhere it may be printed.

Every language and every resolution is drawn and read back. What a drawing refuses (text that does
not fit, a module under the limit of the stock, a quiet zone that is not free, a symbol wider than
the label, one that does not decode) is named with the place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lims.core import isbt128
from lims.core.errors import DomainError
from lims.labels.dots import DPI
from lims.labels.drawing import draw
from lims.labels.places import Template
from lims.labels.rendering import seen
from lims.labels.zpl import stream


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a template."""

    where: str
    what: str


def faults(template: Template) -> list[Fault]:
    """Everything that is wrong with a template, in the order of languages and resolutions."""
    return list(_faults(template))


def _faults(template: Template) -> Iterator[Fault]:
    fields = dict(template.example)
    code = fields.pop("code")
    off = {each.carries for each in template.symbols if each.symbology == "isbt128"}
    if isbt128.facility() is None:
        for each in off:
            fields.pop(each, None)
    for language in template.languages:
        for dpi in DPI:
            try:
                drawing = draw(template, fields, code, 1, dpi, language)
                seen(drawing)
                stream(drawing)
            except DomainError as refused:
                named = refused.field or "label"
                yield Fault(f"{named}, {language}, {dpi} dpi", str(refused))
