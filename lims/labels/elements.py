"""The parts of a drawn label, in printer dots."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lims.core.words import Text as _
from lims.labels import symbols
from lims.labels.dots import MM_PER_INCH, PT_PER_INCH, Box, runs
from lims.labels.fitting import Words
from lims.labels.places import LINEAR, QUIET_MODULES, Template


@dataclass(frozen=True)
class Symbol:
    """A symbol: a row of modules is `row_dots` high, and none has more than `most` of them."""

    symbology: str
    text: str
    x: int
    y: int
    module_dots: int
    row_dots: int
    most: int

    def saying(self, text: str) -> Self:
        """The same symbol with another text."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), text=text)
        vars(other).pop("rows", None)
        return other

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The modules, as rows of ones and zeros; a printer that draws them itself asks not."""
        return symbols.rows(self.symbology, self.text)

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
        quiet = QUIET_MODULES[self.symbology] * self.module_dots
        if self.symbology in LINEAR:
            # As wide as it may become, so that its bars need not be made to know.
            right = self.x + self.most * self.module_dots
            return self.x - quiet, self.y, right + quiet, self.y + self.row_dots
        left, top, right, bottom = self.box
        above = quiet
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


def things(
    symbols_: Iterable[Symbol],
    words: Iterable[Words],
    icons: Iterable[Icon] = (),
    bars: Iterable[Bar] = (),
) -> list[tuple[str, Box]]:
    """The name and the dots of each; symbols first, with their quiet zones."""
    return [
        *((each.symbology, each.kept_free) for each in symbols_),
        *((each.name, each.ink) for each in words),
        *((each.name, each.box) for each in icons),
        *((str(_("line")), each.box) for each in bars),
    ]


@dataclass(frozen=True, eq=False)
class Standing:
    """What is the same on every label of a burst: all but code, copy, and what is withheld.

    Placed and checked once for a template and its fields; formats keep what they made of it.
    """

    template: Template
    dpi: int
    width: int
    height: int
    language: str
    values: Mapping[str, str]
    symbols: tuple[Symbol, ...]
    words: tuple[Words, ...]
    bars: tuple[Bar, ...]
    icons: tuple[Icon, ...]

    @cached_property
    def things(self) -> list[tuple[str, Box]]:
        """The name and the dots of everything; symbols first, with their quiet zones."""
        return things(self.symbols, self.words, self.icons, self.bars)

    def boxes(self) -> list[Box]:
        """Every black rectangle that is no text."""
        found = [box for each in self.symbols for box in each.bars()]
        found += [box for each in self.icons for box in each.bars()]
        return found + [each.box for each in self.bars]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A label as elements, in dots of `dpi`: what stands, and what is its own."""

    standing: Standing
    own_symbols: tuple[Symbol, ...]
    own_words: tuple[Words, ...]

    @property
    def template(self) -> Template:
        """What it was drawn from."""
        return self.standing.template

    @property
    def dpi(self) -> int:
        """Dots an inch."""
        return self.standing.dpi

    @property
    def width(self) -> int:
        """In dots."""
        return self.standing.width

    @property
    def height(self) -> int:
        """In dots."""
        return self.standing.height

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol."""
        return self.own_symbols + self.standing.symbols

    @property
    def words(self) -> tuple[Words, ...]:
        """Every line of text."""
        return self.own_words + self.standing.words

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Every black bar."""
        return self.standing.bars

    @property
    def icons(self) -> tuple[Icon, ...]:
        """Every sign."""
        return self.standing.icons

    def mm(self, dots: float) -> float:
        """Dots as millimetres."""
        return dots * float(MM_PER_INCH) / self.dpi

    def pt(self, dots: float) -> float:
        """Dots as points."""
        return dots * PT_PER_INCH / self.dpi

    def boxes(self) -> list[Box]:
        """Every black rectangle that is no text."""
        own = [box for each in self.own_symbols for box in each.bars()]
        return own + self.standing.boxes()
