"""The parts of a drawn label, in printer dots."""

from collections.abc import Mapping
from dataclasses import dataclass

from lims.labels.dots import MM_PER_INCH, PT_PER_INCH, Box, runs
from lims.labels.fitting import Words
from lims.labels.places import LINEAR, QUIET_MODULES, Template


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
