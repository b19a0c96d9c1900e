"""A template out of the text of its file; every refusal names the place in it (H58)."""

import hashlib
import re
import tomllib
from decimal import Decimal
from typing import Any

from lims.core.codes import LETTERS
from lims.core.words import Text as _
from lims.labels.errors import TemplateWrong
from lims.labels.fonts import FACES
from lims.labels.icons import ICONS
from lims.labels.places import (
    CODE128_LEAST_WIDTH_MM,
    CODE128_MODULES,
    GIVEN,
    LANGUAGES,
    LINEAR,
    MODULE_LEAST_MM,
    PERSONAL,
    QUIET_MODULES,
    REFERENCE_DPI,
    SEALED,
    SIDE_MODULES,
    SMALLEST_PT,
    IconPlace,
    LinePlace,
    Stock,
    SymbolPlace,
    Template,
    TextPlace,
)
from lims.labels.stocks import NoStock, stock

LONGEST_FILE = 40_000
MOST_PARTS = 80
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ALIGN = ("left", "centre", "right")
_KEYS = {"about", "width_mm", "height_mm", "code_letters", "stock", "symbol", "text", "line"} | {
    "icon",
    "words",
    "example",
}


def read(name: str, text: str) -> Template:
    """A template from the text of its file.

    Raises:
        TemplateWrong: names the file and the place in it.
    """
    if len(text) > LONGEST_FILE:
        raise wrong(name, "", f"the file is longer than {LONGEST_FILE} characters")
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise wrong(name, "", str(error)[:200]) from error
    return _Reader(name).template(data, text)


def wrong(name: str, where: str, what: str) -> TemplateWrong:
    """A refusal that names the place in a file."""
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
        self.width = self.height = Decimal(0)
        self.stock = Stock("", "", MODULE_LEAST_MM, Decimal(0))

    def refuse(self, where: str, what: str) -> TemplateWrong:
        return wrong(self.name, where, what)

    def template(self, data: dict[str, Any], source: str) -> Template:
        self.keys("file", data, _KEYS)
        self.width, self.height = (
            self.number(key, data.get(key), 5, 300) for key in ("width_mm", "height_mm")
        )
        letters = data.get("code_letters")
        if not isinstance(letters, str) or not letters or set(letters) - set(LETTERS):
            raise self.refuse("code_letters", f"letters out of {''.join(LETTERS)} are needed")
        try:
            self.stock = stock(self.words("stock", data.get("stock", "")))
        except NoStock as unknown:
            raise self.refuse("stock", str(unknown)) from unknown
        template = Template(
            name=self.name,
            about=self.words("about", data.get("about", "")),
            width_mm=self.width,
            height_mm=self.height,
            code_letters=letters,
            stock=self.stock,
            symbols=self.every(data, "symbol", self.symbol),
            texts=self.every(data, "text", self.text),
            lines=self.every(data, "line", self.line),
            icons=self.every(data, "icon", self.icon),
            words=self.languages(data.get("words", {})),
            example=self.example(data.get("example")),
            digest=hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest(),
            source=source,
        )
        self.whole(template)
        return template

    def whole(self, template: Template) -> None:
        """What the parts must be together."""
        if "code" not in {each.carries for each in template.symbols}:
            raise self.refuse("symbol", "a label needs a symbol to be scanned")
        if "code" not in {each.field for each in template.texts}:
            raise self.refuse("text", "a label needs its code in letters, for when no scan works")
        if template.personal and template.code_letters != "W":
            raise self.refuse("text", "a name may stand on a wristband only")
        if "W" in template.code_letters and template.code_letters != "W":
            raise self.refuse("code_letters", "the code of a wristband may stand on nothing else")
        unknown = set(template.example) - template.fields - GIVEN
        missing = (template.required | {"code"}) - set(template.example)
        if unknown or missing:
            raise self.refuse("example", f"its fields do not fit: {sorted(unknown | missing)}")
        said = {each for place in template.texts for each in place.constants}
        for language, words in template.words.items():
            if odd := sorted(said ^ set(words)):
                raise self.refuse(f"words.{language}", f"these texts do not fit: {odd}")

    def symbol(self, where: str, data: dict[str, Any]) -> SymbolPlace:
        self.keys(
            where,
            data,
            {"symbology", "carries", "optional", "at_mm", "module_dots", "modules", "height_mm"},
        )
        symbology = data.get("symbology")
        if symbology not in QUIET_MODULES:
            raise self.refuse(where, f"symbology is one of {', '.join(QUIET_MODULES)}")
        carries, optional = data.get("carries", "code"), self.yes(where, data, "optional")
        if not isinstance(carries, str) or not _FIELD.fullmatch(carries) or carries == "copy":
            raise self.refuse(where, f"{carries!r} is no name of a field")
        if carries in PERSONAL | SEALED.keys():
            raise self.refuse(where, f"{carries} may stand in no symbol")
        ours = carries == "code"
        if ours and (symbology not in ("datamatrix", "code128") or optional):
            raise self.refuse(where, "our code goes into a datamatrix or code128, and always")
        if not ours and symbology in ("datamatrix", "code128"):
            raise self.refuse(where, f"a {symbology} carries our code and nothing else")
        x, y = self.pair(where, data.get("at_mm"))
        dots = self.whole_number(where, "module_dots", data.get("module_dots"), 3, 20)
        module = Decimal(dots) * Decimal("25.4") / REFERENCE_DPI
        least = max(MODULE_LEAST_MM, self.stock.module_least_mm)
        if module < least:
            raise self.refuse(where, f"a module of {module:.3f} mm is under {least} mm")
        if ours and "modules" in data:
            raise self.refuse(where, "modules is for a symbol that carries a field")
        modules = CODE128_MODULES if symbology in LINEAR else SIDE_MODULES
        if not ours:
            modules = self.whole_number(where, "modules", data.get("modules"), 10, 700)
        wide = module * modules
        if symbology in LINEAR:
            if self.width < CODE128_LEAST_WIDTH_MM:
                raise self.refuse(where, "bars need a label of 75 mm; use a DataMatrix")
            tall = self.number(f"{where}.height_mm", data.get("height_mm"), 5, 50)
        else:
            if "height_mm" in data:
                raise self.refuse(where, "a symbol of squares is as high as its modules")
            tall = wide
        self.free(where, symbology, module, (x, y, wide, tall))
        return SymbolPlace(symbology, carries, optional, x, y, dots, modules, tall)

    def free(self, where: str, symbology: str, module: Decimal, box: tuple[Decimal, ...]) -> None:
        """Refuse a symbol that has no room for itself and its quiet zone."""
        x, y, wide, tall = box
        quiet = module * QUIET_MODULES[symbology]
        above = Decimal(0) if symbology in LINEAR else quiet
        across = x - quiet < 0 or x + wide + quiet > self.width
        if across or y - above < 0 or y + tall + above > self.height:
            raise self.refuse(
                where,
                f"the symbol with its quiet zone needs {wide + 2 * quiet:.1f} x "
                f"{tall + 2 * above:.1f} mm and does not fit at {x}, {y} on "
                f"{self.width} x {self.height} mm",
            )

    def text(self, where: str, data: dict[str, Any]) -> TextPlace:
        self.keys(
            where,
            data,
            {"field", "text", "when", "before", "otherwise", "optional", "at_mm", "width_mm"}
            | {"size_pt", "shrink_to_pt", "font", "align", "lines"},
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
        face, align = data.get("font", "sans"), data.get("align", "left")
        if face not in FACES:
            raise self.refuse(where, f"font is one of {', '.join(FACES)}")
        if align not in _ALIGN:
            raise self.refuse(where, f"align is one of {', '.join(_ALIGN)}")
        x, y = self.pair(where, data.get("at_mm"))
        room = self.number(f"{where}.width_mm", data.get("width_mm", self.width - x - 1), 1, 300)
        if x < 0 or y < 0 or x + room > self.width or y >= self.height:
            raise self.refuse(
                where, f"{x}, {y} and {room} mm do not lie on {self.width} x {self.height} mm"
            )
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
            self.yes(where, data, "optional"),
            x,
            y,
            room,
            size,
            least,
            face,
            align,
            self.whole_number(where, "lines", data.get("lines", 1), 1, 6),
        )

    def line(self, where: str, data: dict[str, Any]) -> LinePlace:
        self.keys(where, data, {"at_mm", "size_mm"})
        x, y = self.pair(where, data.get("at_mm"))
        wide, tall = self.pair(f"{where}.size_mm", data.get("size_mm"))
        self.inside(where, x, y, wide, tall)
        return LinePlace(x, y, wide, tall)

    def icon(self, where: str, data: dict[str, Any]) -> IconPlace:
        self.keys(where, data, {"icon", "when", "at_mm", "size_mm"})
        icon, when = (self.words(where, data.get(key, "")) for key in ("icon", "when"))
        if icon not in ICONS:
            raise self.refuse(where, f"icon is one of {', '.join(ICONS)}")
        if when and not _FIELD.fullmatch(when):
            raise self.refuse(where, f"{when!r} is no name of a field")
        x, y = self.pair(where, data.get("at_mm"))
        size = self.number(f"{where}.size_mm", data.get("size_mm"), 2, 100)
        self.inside(where, x, y, size, size)
        return IconPlace(icon, when, x, y, size)

    def inside(self, where: str, x: Decimal, y: Decimal, wide: Decimal, tall: Decimal) -> None:
        if min(x, y) < 0 or min(wide, tall) <= 0 or x + wide > self.width or y + tall > self.height:
            raise self.refuse(where, f"it does not lie on {self.width} x {self.height} mm")

    def example(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
            raise self.refuse("example", "a table of texts, with the longest that may occur")
        return dict(data)

    def languages(self, data: Any) -> dict[str, dict[str, str]]:
        if not isinstance(data, dict) or set(data) - set(LANGUAGES[1:]):
            raise self.refuse("words", f"tables for {', '.join(LANGUAGES[1:])} are known")
        for language, words in data.items():
            if not isinstance(words, dict) or not all(isinstance(w, str) for w in words.values()):
                raise self.refuse(f"words.{language}", "a table of texts is needed")
        return {language: dict(words) for language, words in data.items()}

    def every(self, data: dict[str, Any], key: str, make: Any) -> tuple[Any, ...]:
        found = data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.refuse(key, f"write [[{key}]] for each")
        if len(found) > MOST_PARTS:
            raise self.refuse(key, f"at most {MOST_PARTS} on one label")
        return tuple(make(f"{key} {at}", each) for at, each in enumerate(found, 1))

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

    def yes(self, where: str, data: dict[str, Any], key: str) -> bool:
        value = data.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(where, f"{key} is true or false")
        return value

    def number(self, where: str, value: Any, least: Any, most: Any) -> Decimal:
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
        fits = fits and Decimal(value).is_finite()
        if not fits or not Decimal(least) <= value <= Decimal(most):
            raise self.refuse(where, f"a number from {least} to {most} is needed")
        return Decimal(value)

    def whole_number(self, where: str, key: str, value: Any, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.refuse(where, f"{key} is a whole number, {least} to {most}")
        return value

    def pair(self, where: str, value: Any) -> tuple[Decimal, Decimal]:
        if not isinstance(value, list) or len(value) != 2:
            raise self.refuse(where, "two numbers of millimetres are needed")
        first, second = (self.number(where, each, 0, 300) for each in value)
        return first, second
