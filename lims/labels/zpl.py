"""The printer's own language, built from typed commands.

A field's data never becomes a command (H57): what is not a plain letter is written as `_` and two
hex digits under `^FH_`, and text outside Latin goes as a picture, since printers neither shape
Persian nor hold Chinese.

Source: Zebra, ZPL II Programming Guide (^BX, ^BC, ^FH, ^FT, ^GB, ^GF, ^CI28, ^JZ).
"""

from PIL import Image, ImageDraw

from lims.labels.drawing import Bar, Drawing, Symbol, Words

_PLAIN = frozenset(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,:;/()+-='%#&*<>@!?"
)
_LATIN_1_END = 0x00FF


def field_data(text: str) -> str:
    """`text` as data of one `^FD` under `^FH_`; holds no command character whatever it says.

    >>> field_data("a^XZ_b")
    'a_5EXZ_5Fb'
    """
    return "".join(
        each if each in _PLAIN else "".join(f"_{byte:02X}" for byte in _utf8(each)) for each in text
    )


def _utf8(each: str) -> bytes:
    return each.encode("utf-8", "replace")


def latin(text: str) -> bool:
    """Whether the printer's own font draws it: printable ASCII and Latin-1."""
    return all(" " <= each <= "~" or "\u00a1" <= each <= chr(_LATIN_1_END) for each in text)


def stream(drawing: Drawing) -> bytes:
    """One label, printed once; the printer is told not to repeat it after an error (H12)."""
    lines = [
        "^XA",
        "^CI28",
        "^JZN",
        f"^PW{drawing.width}",
        f"^LL{drawing.height}",
        "^LH0,0",
        *(_symbol(each) for each in drawing.symbols),
        *(_words(each) for each in drawing.words),
        *(_bar(each) for each in drawing.bars),
        "^PQ1,0,0,N",
        "^XZ",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _symbol(symbol: Symbol) -> str:
    if symbol.symbology == "code128":
        kind = f"^BY{symbol.module_dots},3^BCN,{symbol.row_dots},N,N,N,A"
    else:
        side = len(symbol.rows)
        kind = f"^BXN,{symbol.module_dots},200,{side},{side},,_"
    return f"^FO{symbol.x},{symbol.y}{kind}^FH_^FD{field_data(symbol.text)}^FS"


def _words(words: Words) -> str:
    if not latin(words.text):
        return _picture(words)
    # Font 0 is narrower than DejaVu at the same height, so what fitted there fits here.
    height = round(words.size_dots)
    return f"^FT{words.x},{words.baseline}^A0N,{height},{height}^FH_^FD{field_data(words.text)}^FS"


def _picture(words: Words) -> str:
    left, top, right, bottom = words.ink
    row_bytes = (right - left + 7) // 8
    image = Image.new("1", (row_bytes * 8, bottom - top), 0)
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
    data = image.tobytes().hex().upper()
    total = row_bytes * (bottom - top)
    return f"^FO{left},{top}^GFA,{total},{total},{row_bytes},{data}^FS"


def _bar(bar: Bar) -> str:
    left, top, right, bottom = bar.box
    wide, tall = right - left, bottom - top
    return f"^FO{left},{top}^GB{wide},{tall},{min(wide, tall)}^FS"
