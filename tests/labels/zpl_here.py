"""A renderer of ZPL of the suite's own, for the commands that our labels are made of.

It knows ZPL from Zebra's guide and nothing of `lims.labels`: bars and matrices are made by the
library from what the data says after `^FH` and the escapes of `^BX` and `^BC` are undone; what it
does not know is an error. Text is drawn as a box, since no decoder reads it.
"""

import io
import json
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zxingcpp
from PIL import Image, ImageDraw

_COMMAND = re.compile(r"\^(A0|[A-Z]{2})([^^]*)")
OTHERS = Path(__file__).parent / "drawn_by_others"


class Unknown(ValueError):
    """A command, or a parameter of one, that this renderer does not know."""


def draw(stream: bytes) -> Image.Image:
    """The label as dots."""
    state: dict = {}
    image = Image.new("L", (1, 1), 255)
    text = stream.decode("ascii").replace("\n", "")
    if not text.startswith("^XA") or not text.endswith("^XZ") or "~" in text:
        raise Unknown("one label from ^XA to ^XZ")
    for name, said in _COMMAND.findall(text):
        values = said.split(",")
        if name == "PW":
            state["wide"] = int(said)
        elif name == "LL":
            image = Image.new("L", (state["wide"], int(said)), 255)
        elif name in ("FO", "FT"):
            state |= {"at": (int(values[0]), int(values[1])), "kind": None, "hex": False}
        elif name == "BY":
            state["module"] = int(values[0])
        elif name == "FH":
            state["hex"] = said == "_"
        elif name in ("BX", "BC", "A0"):
            state |= {"kind": name, "values": values}
        elif name == "FD":
            _field(image, state, _unhexed(said) if state["hex"] else said)
        elif name == "GB":
            left, top = state["at"]
            wide, tall = int(values[0]), int(values[1])
            ImageDraw.Draw(image).rectangle((left, top, left + wide - 1, top + tall - 1), fill=0)
        elif name == "GF":
            _picture(image, state["at"], values)
        elif name not in ("XA", "XZ", "CI", "JZ", "LH", "FS", "PQ"):
            raise Unknown(name)
    return image


def _unhexed(text: str) -> str:
    return re.sub(
        rb"_([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode()
    ).decode()


def _field(image: Image.Image, state: dict, data: str) -> None:
    if state["kind"] == "BX":
        _matrix(image, state["at"], state["values"], data)
    elif state["kind"] == "BC":
        _bars(image, state, data)
    elif state["kind"] != "A0":
        raise Unknown("data without a font or a symbol")


def _matrix(image: Image.Image, at: tuple[int, int], values: list[str], data: str) -> None:
    _turn, module, quality, columns, rows, _form, escape = values
    if quality != "200":
        raise Unknown("a DataMatrix of ECC 200 only")
    plain = re.sub(
        re.escape(escape) + r"(1|" + re.escape(escape) + ")",
        lambda found: "\x1d" if found[1] == "1" else escape,
        data,
    )
    gs1 = plain.startswith("\x1d")
    options = {"gs1": True} if gs1 else {}
    made = zxingcpp.create_barcode(
        _bracketed(plain[1:]) if gs1 else plain,
        zxingcpp.BarcodeFormat.DataMatrix,
        force_square=True,
        **options,
    )
    drawn = made.to_image(scale=int(module), add_quiet_zones=False)
    if drawn.shape != (int(rows) * int(module), int(columns) * int(module)):
        raise Unknown("a printer would refuse to put this data into so many rows")
    image.paste(Image.frombytes("L", drawn.shape[::-1], bytes(memoryview(drawn))), at)


def _bracketed(text: str) -> str:
    fixed = {"01": 14, "11": 6, "17": 6}
    found = ""
    while text:
        ai, rest = text[:2], text[2:].removeprefix("\x1d")
        size = fixed.get(ai) or (rest.index("\x1d") if "\x1d" in rest else len(rest))
        found += f"({ai}){rest[:size]}"
        text = rest[size:].removeprefix("\x1d")
    return found


def _bars(image: Image.Image, state: dict, data: str) -> None:
    _turn, tall, line, above, check, mode = state["values"]
    if (line, above, check, mode) != ("N", "N", "N", "A"):
        raise Unknown("bars of mode A, without a line of text")
    made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.Code128)
    drawn = made.to_image(scale=1, add_quiet_zones=False)
    row = memoryview(drawn)
    left, top = state["at"]
    pen = ImageDraw.Draw(image)
    for at in range(drawn.shape[1]):
        if not row[0, at]:
            x = left + at * state["module"]
            pen.rectangle((x, top, x + state["module"] - 1, top + int(tall) - 1), fill=0)


def _picture(image: Image.Image, at: tuple[int, int], values: list[str]) -> None:
    form, total, count, row_bytes, data = values
    bits = bytes.fromhex(data)
    if form != "A" or int(total) != int(count) or len(bits) != int(total):
        raise Unknown("a picture says how many bytes it has")
    rows = len(bits) // int(row_bytes)
    inked = Image.frombytes("1", (int(row_bytes) * 8, rows), bits)
    image.paste(0, at, inked)


@contextmanager
def others() -> Iterator["Others | None"]:
    """A renderer that others wrote (zpl-renderer-js), where node and the package are here."""
    node = shutil.which("node")
    home = OTHERS if (OTHERS / "node_modules" / "zpl-renderer-js").is_dir() else None
    if node is None or home is None:
        yield None
        return
    with subprocess.Popen(
        [node, str(OTHERS / "draw.mjs")],
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Others(process)
        process.stdin.close()


class Others:
    """Draws one label after another with zpl-renderer-js."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def draw(self, stream: bytes, width_mm: float, height_mm: float, dpmm: int) -> Image.Image:
        """The label as dots."""
        asked = {
            "zpl": stream.decode("ascii"),
            "width_mm": width_mm,
            "height_mm": height_mm,
            "dpmm": dpmm,
        }
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("!"):
            raise Unknown(answer)
        return Image.open(io.BytesIO(b64decode(answer))).convert("L")
