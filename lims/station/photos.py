"""Codes in a photograph, or in a frame of a camera: read in memory, and nothing of it is kept."""

import io
from typing import IO, Any

import zxingcpp
from PIL import Image

from lims.core import codes

LARGEST = 8_000_000  # bytes
_PIXELS = {"JPEG": 60_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
_SIDES = (1600, 2600)  # a Code 128 on a picture of 12 megapixels is lost below the first
_SQUARE = frozenset({zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.QRCode})
_GS1 = frozenset({"]d2", "]Q3", "]C1"})
_READ = zxingcpp.BarcodeFormats([*_SQUARE, zxingcpp.BarcodeFormat.Code128])


class NoPicture(Exception):
    """Nothing to read.

    Args:
        why: a name of `lims.web.scanning.stops`.
        found: the codes, where there was more than one.
    """

    def __init__(self, why: str, found: str = "") -> None:
        super().__init__(why, found)
        self.why, self.found = why, found


def sent(file: IO[bytes] | None) -> bytes:
    """What came as a picture, up to one byte too many; where it lay meanwhile is let go at once."""
    if file is None:
        return b""
    with file:
        return file.read(LARGEST + 1)


def read(data: bytes) -> list[str]:
    """The different codes on a picture, as a scanner would send them.

    A linear code counts only where it is ours: its check character speaks for it, and bars alone
    are sometimes seen where there are none.

    Raises:
        NoPicture: it is too large, or no picture that can be read.
    """
    if len(data) > LARGEST:
        raise NoPicture("photo-large")
    picture = _opened(data)
    for side in _SIDES:
        found = _codes(_smaller(picture, side))
        if found or max(picture.size) <= side:
            return found
    return []


def one(data: bytes) -> str:
    """The one code on a picture.

    Raises:
        NoPicture: it cannot be read, has no code, or more than one.
    """
    found = read(data)
    if not found:
        raise NoPicture("photo-none")
    if len(found) > 1:
        raise NoPicture("photo-two", ", ".join(found))
    return found[0]


def _opened(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=list(_PIXELS))
        width, height = picture.size
        if width * height > _PIXELS[picture.format or "PNG"]:
            raise NoPicture("photo-large")
        picture.draft("L", (_SIDES[-1], _SIDES[-1]))  # a JPEG is never unpacked whole
        picture.load()
        return picture.convert("L")
    except NoPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPicture("photo-large") from None
    except Exception:  # what a file that is no picture makes a reader of pictures do
        raise NoPicture("photo-wrong") from None


def _smaller(picture: Image.Image, side: int) -> Image.Image:
    if max(picture.size) <= side:
        return picture
    made = picture.copy()
    made.thumbnail((side, side), Image.Resampling.BILINEAR)
    return made


def _codes(picture: Image.Image) -> list[str]:
    found: dict[str, None] = {}
    for each in zxingcpp.read_barcodes(picture, formats=_READ, text_mode=zxingcpp.TextMode.Plain):
        text = _text(each)
        if text and (each.format in _SQUARE or codes.valid(codes.fold(text))):
            found.setdefault(text)
    return list(found)


def _text(symbol: Any) -> str:
    try:
        text = bytes(symbol.bytes).decode("ascii").strip()
    except UnicodeDecodeError:
        return ""
    prefix = str(symbol.symbology_identifier) if symbol.symbology_identifier in _GS1 else ""
    return (prefix + text)[:400]
