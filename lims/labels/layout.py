"""Label templates: what stands where, read from `label_templates/<name>/label.toml`.

A template is data, named by id and never by path, and runs nothing (H58). Millimetres are measured
from the top left corner. `label_templates/README.md` says how to write one.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from lims.core.codes import LETTERS
from lims.core.words import Text as _
from lims.labels.errors import NoTemplate, TemplateWrong
from lims.labels.fonts import FACES

REFERENCE_DPI = 300
MODULE_LEAST_MM = Decimal("0.25")
SIDE_MODULES = 16
"""A DataMatrix of twelve characters of our alphabet is never larger than 16 x 16."""
CODE128_MODULES = 11 * (12 + 2) + 13
"""Twelve characters in set B: start, data, check, stop. Other sets are only shorter."""
QUIET_MODULES = {"datamatrix": 1, "code128": 10}
CODE128_LEAST_WIDTH_MM = 75
PERSONAL = frozenset({"full_name", "birth_date"})
# What stands on a label and nowhere else: the four figures that a witness reads off the vial.
SEALED = {"readback": "0000"}
GIVEN = frozenset({"code", "copy"})
"""Fields that every label has without being told: its code in threes, and its copy in words."""
SMALLEST_PT = Decimal(5)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ALIGN = ("left", "centre", "right")


@dataclass(frozen=True)
class SymbolPlace:
    """Where a symbol stands: its top left module, quiet zone not counted."""

    symbology: str
    x_mm: Decimal
    y_mm: Decimal
    module_dots: int
    height_mm: Decimal


@dataclass(frozen=True)
class TextPlace:
    """Where a text stands.

    `y_mm` is the top of its capital letters. `field` is empty for a text that never varies; `when`
    names the yes-or-no field that switches it on.
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

    @property
    def name(self) -> str:
        """How a refusal names it."""
        return self.field or self.when or self.text


@dataclass(frozen=True)
class LinePlace:
    """A black bar: where, and how wide and high."""

    x_mm: Decimal
    y_mm: Decimal
    width_mm: Decimal
    height_mm: Decimal


@dataclass(frozen=True)
class Template:
    """One label, checked."""

    name: str
    about: str
    width_mm: Decimal
    height_mm: Decimal
    code_letters: str
    symbols: tuple[SymbolPlace, ...]
    texts: tuple[TextPlace, ...]
    lines: tuple[LinePlace, ...]
    example: Mapping[str, str]

    @property
    def required(self) -> frozenset[str]:
        """Fields without which nothing is drawn."""
        asked = {
            each.field
            for each in self.texts
            if each.field and not each.optional and not each.otherwise
        }
        flags = {each.when for each in self.texts if each.when and not each.optional}
        return frozenset(asked | flags) - GIVEN

    @property
    def flags(self) -> frozenset[str]:
        """Fields that say yes or no; required unless optional, so that none is forgotten."""
        return frozenset(each.when for each in self.texts if each.when)

    @property
    def fields(self) -> frozenset[str]:
        """Every field that may be given."""
        return frozenset({each.field for each in self.texts if each.field} | self.flags) - GIVEN

    @property
    def personal(self) -> frozenset[str]:
        """Fields that name the person; they are printed and never kept."""
        return self.fields & PERSONAL

    @property
    def withheld(self) -> frozenset[str]:
        """Fields that are fetched when the label is drawn, and kept with no request."""
        return self.fields & (PERSONAL | SEALED.keys())


def _folder() -> Traversable:
    """The templates of the checkout, or those packed into the wheel."""
    checkout = Path(__file__).resolve().parents[2] / "label_templates"
    if checkout.is_dir():
        return checkout
    return resources.files("lims") / "_label_templates"


def names() -> list[str]:
    """The names of all label templates."""
    return sorted(
        each.name
        for each in _folder().iterdir()
        if _NAME.fullmatch(each.name) and each.joinpath("label.toml").is_file()
    )


@cache
def load(name: str) -> Template:
    """Read and check one template.

    Raises:
        NoTemplate: no template of this name; lists those there are.
        TemplateWrong: its file is wrong; names the place.
    """
    if not _NAME.fullmatch(name) or name not in names():
        raise NoTemplate(
            _(
                "There is no label %(name)s; there are %(names)s.",
                name=name[:60],
                names=", ".join(names()),
            ),
            field="template",
        )
    return read(name, (_folder() / name / "label.toml").read_text(encoding="utf-8"))


def read(name: str, text: str) -> Template:
    """A template from the text of its file.

    Raises:
        TemplateWrong: names the file and the place in it.
    """
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, "", str(error)) from error
    return _Reader(name).template(data)


def _wrong(name: str, where: str, what: str) -> TemplateWrong:
    return TemplateWrong(
        _(
            "label_templates/%(name)s/label.toml, %(where)s: %(what)s.",
            name=name,
            where=where or "file",
            what=what,
        ),
        field=where or name,
    )


class _Reader:
    """Reads one file; every refusal names the place."""

    def __init__(self, name: str) -> None:
        self.name = name

    def refuse(self, where: str, what: str) -> TemplateWrong:
        return _wrong(self.name, where, what)

    def template(self, data: dict[str, Any]) -> Template:
        self.keys(
            "file",
            data,
            {"about", "width_mm", "height_mm", "code_letters", "symbol", "text", "line", "example"},
        )
        width, height = (
            self.number(key, data.get(key), 5, 300) for key in ("width_mm", "height_mm")
        )
        letters = data.get("code_letters")
        if not isinstance(letters, str) or not letters or set(letters) - set(LETTERS):
            raise self.refuse("code_letters", f"letters out of {''.join(LETTERS)} are needed")
        template = Template(
            name=self.name,
            about=self.words("about", data.get("about", "")),
            width_mm=width,
            height_mm=height,
            code_letters=letters,
            symbols=tuple(
                self.symbol(f"symbol {at}", each, width, height)
                for at, each in enumerate(self.tables(data, "symbol"), 1)
            ),
            texts=tuple(
                self.text(f"text {at}", each, width, height)
                for at, each in enumerate(self.tables(data, "text"), 1)
            ),
            lines=tuple(
                self.line(f"line {at}", each, width, height)
                for at, each in enumerate(self.tables(data, "line"), 1)
            ),
            example=self.example(data.get("example")),
        )
        if not template.symbols:
            raise self.refuse("symbol", "a label needs a symbol to be scanned")
        if "code" not in {each.field for each in template.texts}:
            raise self.refuse("text", "a label needs its code in letters, for when no scan works")
        if template.personal and letters != "W":
            raise self.refuse("text", "a name may stand on a wristband only")
        if "W" in letters and letters != "W":
            raise self.refuse("code_letters", "the code of a wristband may stand on nothing else")
        unknown = set(template.example) - template.fields - GIVEN
        missing = (template.required | {"code"}) - set(template.example)
        if unknown or missing:
            raise self.refuse("example", f"its fields do not fit: {sorted(unknown | missing)}")
        return template

    def symbol(self, where: str, data: dict[str, Any], width: Decimal, height: Decimal) -> Any:
        self.keys(where, data, {"symbology", "at_mm", "module_dots", "height_mm"})
        symbology = data.get("symbology")
        if symbology not in QUIET_MODULES:
            raise self.refuse(where, f"symbology is one of {', '.join(QUIET_MODULES)}")
        x, y = self.pair(where, data.get("at_mm"))
        dots = data.get("module_dots")
        if not isinstance(dots, int) or isinstance(dots, bool) or not 3 <= dots <= 20:
            raise self.refuse(where, "module_dots is a whole number of dots at 300 dpi, 3 to 20")
        module = Decimal(dots) * Decimal("25.4") / REFERENCE_DPI
        if module < MODULE_LEAST_MM:
            raise self.refuse(where, f"a module of {module:.3f} mm is under {MODULE_LEAST_MM} mm")
        if symbology == "code128":
            if width < CODE128_LEAST_WIDTH_MM:
                raise self.refuse(where, "Code 128 needs a label of 75 mm; use a DataMatrix")
            tall = self.number(f"{where}.height_mm", data.get("height_mm"), 5, 50)
            wide = module * CODE128_MODULES
        else:
            if "height_mm" in data:
                raise self.refuse(where, "a DataMatrix is as high as its modules")
            wide = tall = module * SIDE_MODULES
        quiet = module * QUIET_MODULES[symbology]
        if x - quiet < 0 or x + wide + quiet > width or y < 0 or y + tall > height:
            raise self.refuse(
                where,
                f"the symbol with its quiet zone needs {wide + 2 * quiet:.1f} x {tall:.1f} mm "
                f"and does not fit at {x}, {y} on {width} x {height} mm",
            )
        return SymbolPlace(symbology, x, y, dots, tall)

    def text(self, where: str, data: dict[str, Any], width: Decimal, height: Decimal) -> TextPlace:
        self.keys(
            where,
            data,
            {"field", "text", "when", "before", "otherwise", "optional", "at_mm", "width_mm"}
            | {"size_pt", "shrink_to_pt", "font", "align"},
        )
        field, text, when = (
            self.words(where, data.get(key, "")) for key in ("field", "text", "when")
        )
        if bool(field) == bool(text):
            raise self.refuse(where, "either field or text is needed, and not both")
        for each in (field, when):
            if each and not _FIELD.fullmatch(each):
                raise self.refuse(where, f"{each!r} is no name of a field")
        if when and not text:
            raise self.refuse(where, "when goes with text")
        optional = data.get("optional", False)
        if not isinstance(optional, bool):
            raise self.refuse(where, "optional is true or false")
        face, align = data.get("font", "sans"), data.get("align", "left")
        if face not in FACES:
            raise self.refuse(where, f"font is one of {', '.join(FACES)}")
        if align not in _ALIGN:
            raise self.refuse(where, f"align is one of {', '.join(_ALIGN)}")
        x, y = self.pair(where, data.get("at_mm"))
        room = self.number(f"{where}.width_mm", data.get("width_mm", width - x - 1), 1, 300)
        if x < 0 or y < 0 or x + room > width or y >= height:
            raise self.refuse(where, f"{x}, {y} and {room} mm do not lie on {width} x {height} mm")
        size = self.number(f"{where}.size_pt", data.get("size_pt"), SMALLEST_PT, 72)
        least = self.number(
            f"{where}.shrink_to_pt", data.get("shrink_to_pt", size), SMALLEST_PT, size
        )
        return TextPlace(
            field,
            text,
            when,
            self.words(where, data.get("before", "")),
            self.words(where, data.get("otherwise", "")),
            optional,
            x,
            y,
            room,
            size,
            least,
            face,
            align,
        )

    def line(self, where: str, data: dict[str, Any], width: Decimal, height: Decimal) -> LinePlace:
        self.keys(where, data, {"at_mm", "size_mm"})
        x, y = self.pair(where, data.get("at_mm"))
        wide, tall = self.pair(f"{where}.size_mm", data.get("size_mm"))
        if min(x, y) < 0 or wide <= 0 or tall <= 0 or x + wide > width or y + tall > height:
            raise self.refuse(where, f"it does not lie on {width} x {height} mm")
        return LinePlace(x, y, wide, tall)

    def example(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
            raise self.refuse("example", "a table of texts, with the longest that may occur")
        return dict(data)

    def tables(self, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
        found = data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.refuse(key, f"write [[{key}]] for each")
        return found

    def keys(self, where: str, data: dict[str, Any], known: set[str]) -> None:
        unknown = sorted(set(data) - known)
        if unknown:
            raise self.refuse(
                where, f"unknown key {unknown[0]}; known are {', '.join(sorted(known))}"
            )

    def words(self, where: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refuse(where, f"{value!r} is not a text")
        return value

    def number(self, where: str, value: Any, least: Any, most: Any) -> Decimal:
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
        fits = fits and Decimal(value).is_finite()
        if not fits or not Decimal(least) <= value <= Decimal(most):
            raise self.refuse(where, f"a number from {least} to {most} is needed")
        return Decimal(value)

    def pair(self, where: str, value: Any) -> tuple[Decimal, Decimal]:
        if not isinstance(value, list) or len(value) != 2:
            raise self.refuse(where, "two numbers of millimetres are needed")
        first, second = (self.number(where, each, 0, 300) for each in value)
        return first, second
