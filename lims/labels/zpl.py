"""The printer's own language, built from typed commands.

A command is one of a short list, its parameters are whole numbers or one of a few letters, and what
a field says goes into data alone: what is not a plain letter is written there as `_` and two hex
digits under `^FH_`, so it never becomes a command (H57). Text outside Latin, signs and QR codes go
as pictures: printers neither shape Persian nor hold Chinese, and pick a QR code's form themselves.

Source: Zebra, ZPL II Programming Guide (^BX, ^BC, ^FH, ^FT, ^GB, ^GF, ^CI28, ^JZ).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from PIL import Image, ImageDraw

from lims.core.scanned import SEPARATOR
from lims.labels.elements import Bar, Drawing, Icon, Standing, Symbol
from lims.labels.fitting import Words
from lims.labels.symbols import gs1_parts_of

LONGEST_DATA = 400
LARGEST = 32_000
_PLAIN = frozenset(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,:;/()+-='%#&*<>@!?"
)
_LATIN_1_END = 0x00FF
_NARROW = 0.86
_FLAGS = frozenset({"", "N", "Y", "A", "D", "_"})
_HEX = frozenset("0123456789ABCDEF")


class Name(StrEnum):
    """Every command that a label is made of; there is no way to write another."""

    START = "^XA"
    UNICODE = "^CI"
    NEVER_AGAIN = "^JZ"
    WIDTH = "^PW"
    LENGTH = "^LL"
    HOME = "^LH"
    CORNER = "^FO"
    BASELINE = "^FT"
    FONT = "^A0"
    MODULE = "^BY"
    BARS = "^BC"
    MATRIX = "^BX"
    HEX = "^FH"
    DATA = "^FD"
    END_OF_FIELD = "^FS"
    BOX = "^GB"
    PICTURE = "^GFA,"
    QUANTITY = "^PQ"
    END = "^XZ"


class NoCommand(ValueError):
    """A command that the builder does not make: a defect of ours, never of what a field says."""


@dataclass(frozen=True)
class Command:
    """One command; its text holds one prefix, whatever it was given.

    >>> Command(Name.CORNER, (10, 20)).text
    '^FO10,20'
    >>> Command(Name.DATA, data="a^XZ").text
    '^FDa_5EXZ'
    """

    name: Name
    parameters: Sequence[int | str] = ()
    data: str = ""
    hex: str = ""
    text: str = field(init=False, repr=False, compare=False)
    """As the printer reads it."""

    def __post_init__(self) -> None:
        for each in self.parameters:
            whole = isinstance(each, int) and not isinstance(each, bool) and 0 <= each <= LARGEST
            if not whole and each not in _FLAGS:
                raise NoCommand(f"{self.name.name} takes no {each!r}")
        if (self.data and self.name is not Name.DATA) or len(self.data) > LONGEST_DATA:
            raise NoCommand(f"{self.name.name} takes no such data")
        if self.hex and (self.name is not Name.PICTURE or not _HEX.issuperset(self.hex)):
            raise NoCommand(f"{self.name.name} takes no such picture")

        said = ",".join(map(str, self.parameters))
        if self.name is Name.DATA:
            said = field_data(self.data)
        text = self.name.value + said + ("," + self.hex if self.hex else "")
        object.__setattr__(self, "text", text)


@lru_cache(maxsize=4096)
def _fixed(name: Name, *parameters: int | str) -> Command:
    """A command without data: the same for every label of a burst, so made once."""
    return Command(name, parameters)


def field_data(text: str) -> str:
    """`text` as data of one `^FD` under `^FH_`; holds no command character whatever it says.

    >>> field_data("a^XZ_b")
    'a_5EXZ_5Fb'
    """
    if _PLAIN.issuperset(text):
        return text
    return "".join(
        each if each in _PLAIN else "".join(f"_{byte:02X}" for byte in _utf8(each)) for each in text
    )


def _utf8(each: str) -> bytes:
    return each.encode("utf-8", "replace")


def latin(text: str) -> bool:
    """Whether the printer's own font draws it: printable ASCII and Latin-1."""
    if text.isascii():
        return text.isprintable()
    return all(" " <= each <= "~" or "\u00a1" <= each <= chr(_LATIN_1_END) for each in text)


def stream(drawing: Drawing) -> bytes:
    """One label, printed once; the printer is told not to repeat it after an error (H12)."""
    own = [_symbol(each) for each in drawing.own_symbols]
    own += [_words(each) for each in drawing.own_words]
    head, tail = _standing(drawing.standing)
    return "\n".join((head, *map(_line, own), tail)).encode("ascii")


@lru_cache(maxsize=256)
def _standing(standing: Standing) -> tuple[str, str]:
    """What comes before the fields that are a label's own, and what comes after them."""
    head = [
        Command(Name.START),
        Command(Name.UNICODE, (28,)),
        Command(Name.NEVER_AGAIN, ("N",)),
        Command(Name.WIDTH, (standing.width,)),
        Command(Name.LENGTH, (standing.height,)),
        Command(Name.HOME, (0, 0)),
    ]
    fields = [
        *(_symbol(each) for each in standing.symbols),
        *(_words(each) for each in standing.words),
        *(_icon(each) for each in standing.icons),
        *(_bar(each) for each in standing.bars),
    ]
    tail = [Command(Name.QUANTITY, (1, 0, 0, "N")), Command(Name.END)]
    lines = [*map(_line, fields), *(each.text for each in tail), ""]
    return "\n".join(each.text for each in head), "\n".join(lines)


def _line(commands: Iterable[Command]) -> str:
    return "".join([each.text for each in commands]) + _END.text


_END = Command(Name.END_OF_FIELD)
_HEXED = Command(Name.HEX, ("_",))


def _symbol(symbol: Symbol) -> list[Command]:
    corner = _fixed(Name.CORNER, symbol.x, symbol.y)
    if symbol.symbology == "qr":
        left, top, right, bottom = symbol.box
        dots = symbol.module_dots
        grown = ["".join(each * dots for each in row) for row in symbol.rows]
        tall = [row for row in grown for _dot in range(dots)]
        return [corner, _rows_picture(tall, right - left, bottom - top)]
    if symbol.symbology in ("code128", "gs1_128"):
        gs1 = symbol.symbology == "gs1_128"
        return [
            corner,
            _fixed(Name.MODULE, symbol.module_dots, 3),
            _fixed(Name.BARS, "N", symbol.row_dots, "N", "N", "N", "D" if gs1 else "A"),
            _HEXED,
            Command(Name.DATA, data=_gs1_128(symbol.text) if gs1 else symbol.text),
        ]
    side = len(symbol.rows)
    return [
        corner,
        _fixed(Name.MATRIX, "N", symbol.module_dots, 200, side, side, "", "_"),
        _HEXED,
        Command(Name.DATA, data=_matrix(symbol)),
    ]


def _matrix(symbol: Symbol) -> str:
    """The data of `^BX`, where `_` escapes: `_1` is FNC1 and `__` an underline."""
    escaped = symbol.text.replace("_", "__")
    if symbol.symbology != "gs1_datamatrix":
        return escaped
    return "_1" + escaped.replace(SEPARATOR, "_1")


def _gs1_128(text: str) -> str:
    """The data of `^BC` in mode D: brackets around identifiers, `>8` where an element must end."""
    return "".join(
        f"({each.ai}){each.value}" + (">8" if each.ends else "") for each in gs1_parts_of(text)
    )


def _words(words: Words) -> list[Command]:
    if not latin(words.text):
        return _picture(words)
    # The printer's own font is set narrower than it is high, so that what fitted in DejaVu fits;
    # what stands at the right is told to end there.
    height = round(words.size_dots)
    ends = words.align == "right"
    corner = (words.right, words.baseline, 1) if ends else (words.x, words.baseline)
    return [
        _fixed(Name.BASELINE, *corner),
        _fixed(Name.FONT, "N", height, round(height * _NARROW)),
        _HEXED,
        Command(Name.DATA, data=words.text),
    ]


def _picture(words: Words) -> list[Command]:
    left, top, right, bottom = words.ink
    image = Image.new("1", (-(-(right - left) // 8) * 8, bottom - top), 0)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    pen.text(
        (words.x - left, words.baseline - top),
        words.ordered,
        fill=1,
        font=words.font.at(words.size_dots),
        anchor="ls",
        direction=words.direction,
    )
    return [Command(Name.CORNER, (left, top)), _hex_picture(image.tobytes(), image.width // 8)]


def _icon(icon: Icon) -> list[Command]:
    return [
        Command(Name.CORNER, (icon.x, icon.y)),
        _rows_picture(icon.rows, len(icon.rows), len(icon.rows)),
    ]


def _rows_picture(rows: Iterable[str], wide: int, tall: int) -> Command:
    row_bytes = -(-wide // 8)
    data = b"".join(
        int(row.ljust(row_bytes * 8, "0"), 2).to_bytes(row_bytes, "big") for row in rows
    )
    if len(data) != row_bytes * tall:
        raise NoCommand("a picture has as many rows as it is high")
    return _hex_picture(data, row_bytes)


def _hex_picture(data: bytes, row_bytes: int) -> Command:
    return Command(Name.PICTURE, (*_size(len(data)), row_bytes), hex=data.hex().upper())


def _size(total: int) -> tuple[int, int]:
    if total > LARGEST:
        raise NoCommand("a picture of one field has at most 32 000 bytes")
    return total, total


def _bar(bar: Bar) -> list[Command]:
    left, top, right, bottom = bar.box
    wide, tall = right - left, bottom - top
    return [
        Command(Name.CORNER, (left, top)),
        Command(Name.BOX, (wide, tall, min(wide, tall))),
    ]
