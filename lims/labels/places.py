"""What stands where on a label: the parts of a template, for `reading` to check and others to draw.

Millimetres are measured from the top left corner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

REFERENCE_DPI = 300
MODULE_LEAST_MM = Decimal("0.25")
SIDE_MODULES = 16
"""A DataMatrix of twelve characters of our alphabet is never larger than 16 x 16."""
CODE128_MODULES = 11 * (12 + 2) + 13
"""Twelve characters in set B: start, data, check, stop. Other sets are only shorter."""
QUIET_MODULES = {
    "datamatrix": 1,
    "gs1_datamatrix": 1,
    "isbt128": 1,
    "qr": 4,
    "code128": 10,
    "gs1_128": 10,
}
LINEAR = frozenset({"code128", "gs1_128"})
CODE128_LEAST_WIDTH_MM = 75
PERSONAL = frozenset({"full_name", "birth_date"})
# What stands on a label and nowhere else: the four figures that a witness reads off the vial.
SEALED = {"readback": "0000"}
GIVEN = frozenset({"code", "copy"})
"""Fields that every label has without being told: its code in threes, and its copy in words."""
SMALLEST_PT = Decimal(5)
LANGUAGES = ("en", "fa", "zh")


@dataclass(frozen=True)
class Stock:
    """What a label is printed on: the finest module it holds, and the cold it bears."""

    name: str
    about: str
    module_least_mm: Decimal
    coldest_c: Decimal


@dataclass(frozen=True, eq=False)
class SymbolPlace:
    """Where a symbol stands: its top left module, quiet zone not counted.

    `carries` is `code` for our own, else the field it encodes; `modules` is the widest it may be.
    """

    symbology: str
    carries: str
    optional: bool
    x_mm: Decimal
    y_mm: Decimal
    module_dots: int
    modules: int
    height_mm: Decimal


@dataclass(frozen=True, eq=False)
class TextPlace:
    """Where a text stands.

    `y_mm` is the top of its capital letters. `field` is empty for a text that never varies; `when`
    names the yes-or-no field that switches it on. `lines` is how many lines it may take.
    """

    field: str
    text: str
    when: str
    before: str
    otherwise: str
    optional: bool
    x_mm: Decimal
    y_mm: Decimal
    width_mm: Decimal
    size_pt: Decimal
    shrink_to_pt: Decimal
    face: str
    align: str
    lines: int

    @property
    def name(self) -> str:
        """How a refusal names it."""
        return self.field or self.when or self.text

    @property
    def constants(self) -> tuple[str, ...]:
        """What it says by itself, in English."""
        return tuple(each for each in (self.text, self.before.strip(), self.otherwise) if each)


@dataclass(frozen=True)
class LinePlace:
    """A black bar: where, and how wide and high."""

    x_mm: Decimal
    y_mm: Decimal
    width_mm: Decimal
    height_mm: Decimal


@dataclass(frozen=True)
class IconPlace:
    """A sign, such as the one for biohazard, in a square; `when` switches it on."""

    icon: str
    when: str
    x_mm: Decimal
    y_mm: Decimal
    size_mm: Decimal


@dataclass(frozen=True, eq=False)
class Template:
    """One label, checked. Two are the same only if they are one and the same object."""

    name: str
    about: str
    width_mm: Decimal
    height_mm: Decimal
    code_letters: str
    stock: Stock
    symbols: tuple[SymbolPlace, ...]
    texts: tuple[TextPlace, ...]
    lines: tuple[LinePlace, ...]
    icons: tuple[IconPlace, ...]
    words: Mapping[str, Mapping[str, str]]
    example: Mapping[str, str]
    digest: str
    source: str

    @cached_property
    def required(self) -> frozenset[str]:
        """Fields without which nothing is drawn."""
        asked = {
            each.field
            for each in self.texts
            if each.field and not each.optional and not each.otherwise
        }
        asked |= {each.carries for each in self.symbols if not each.optional}
        flags = {each.when for each in self.texts if each.when and not each.optional}
        return frozenset(asked | flags) - GIVEN

    @cached_property
    def flags(self) -> frozenset[str]:
        """Fields that say yes or no; required unless optional, so that none is forgotten."""
        texts = {each.when for each in self.texts}
        return frozenset((texts | {each.when for each in self.icons}) - {""})

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that may be given."""
        said = {each.field for each in self.texts if each.field}
        return frozenset(said | self.flags | {each.carries for each in self.symbols}) - GIVEN

    @property
    def personal(self) -> frozenset[str]:
        """Fields that name the person; they are printed and never kept."""
        return self.fields & PERSONAL

    @cached_property
    def withheld(self) -> frozenset[str]:
        """Fields that are fetched when the label is drawn, and kept with no request."""
        return self.fields & (PERSONAL | SEALED.keys())

    @cached_property
    def moving(self) -> frozenset[str]:
        """Fields that differ from label to label, or are kept nowhere, not even in memory."""
        return frozenset({"code"}) | self.withheld

    @cached_property
    def own_texts(self) -> tuple[TextPlace, ...]:
        """Texts of a label's own."""
        return tuple(each for each in self.texts if each.field in self.moving)

    @cached_property
    def standing_texts(self) -> tuple[TextPlace, ...]:
        """Texts that stand on every label of a burst."""
        return tuple(each for each in self.texts if each.field not in self.moving)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """In which languages it can speak; English first."""
        return ("en", *sorted(self.words))

    def said(self, constant: str, language: str) -> str:
        """One of its own texts in a language; English where it has no other."""
        stripped = constant.strip()
        spoken = self.words.get(language, {}).get(stripped, stripped)
        return constant.replace(stripped, spoken) if stripped else constant
