"""From what a symbol says to its modules; what is read back must be the same bytes.

`text` is what a reader gives: our twelve characters, a GS1 element string with its separators, or
the words of a QR code.

Sources: GS1 General Specifications 7.8 (element strings, separators); ISO/IEC 16022 and 18004.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import barcode
import zxingcpp

from lims.core import isbt128, scanned
from lims.core.errors import DomainError
from lims.core.words import Text as _
from lims.labels.errors import FieldWrong

FNC1 = "\xf1"
"""How python-barcode is told of it."""
LONGEST = 200
_ONES = b"1" + b"0" * 255
"""Black modules, which are 0 in a picture, as ones."""
_FORMATS = {
    zxingcpp.BarcodeFormat.DataMatrix: "datamatrix",
    zxingcpp.BarcodeFormat.Code128: "code128",
    zxingcpp.BarcodeFormat.QRCode: "qr",
}
_DRAWN_AS = {
    "datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
    "gs1_datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
    "isbt128": zxingcpp.BarcodeFormat.DataMatrix,
    "code128": zxingcpp.BarcodeFormat.Code128,
    "gs1_128": zxingcpp.BarcodeFormat.Code128,
    "qr": zxingcpp.BarcodeFormat.QRCode,
}
_GS1 = {"]C1": "gs1_128", "]d2": "gs1_datamatrix"}
READ_AS = {"isbt128": "datamatrix"}
"""A reader tells the symbol, not what the text in it means."""
READ = zxingcpp.BarcodeFormats(list(_FORMATS))


@dataclass(frozen=True)
class Gs1Part:
    """One element: its application identifier, its value, and whether a separator must end it."""

    ai: str
    value: str
    ends: bool


def said_by(symbology: str, value: str, field: str) -> str:
    """What a symbol will say for the value of a field.

    Raises:
        FieldWrong: no GS1 element string where one is needed, or more than a symbol may hold.
    """
    if len(value) > LONGEST:
        raise FieldWrong(
            _("The field %(field)s is too long for a symbol; shorten it.", field=field), field=field
        )
    if symbology == "qr":
        return _plain(value, field)
    if symbology == "isbt128":
        return _isbt128(value, field)
    return _gs1(value, field)


def gs1_parts_of(text: str) -> list[Gs1Part]:
    """The elements of what a symbol says, which was checked before; the last ends by itself."""
    from biip.gs1_application_identifiers import GS1ApplicationIdentifier

    found = scanned.tell("]d2" + text)
    if not isinstance(found, scanned.Gs1):
        raise RuntimeError("an element string was checked and is none")
    last = len(found.elements) - 1
    return [
        Gs1Part(
            each.ai,
            each.value,
            at < last and GS1ApplicationIdentifier.extract(each.ai).separator_required,
        )
        for at, each in enumerate(found.elements)
    ]


def _gs1(value: str, field: str) -> str:
    """The element string of a bracketed one, each element checked."""
    try:
        found = scanned.tell(value, field)
    except DomainError as damaged:
        raise _no_gs1(field, value) from damaged
    # A bracket inside a value cannot be told from one around an identifier by every encoder.
    whole = isinstance(found, scanned.Gs1) and value.count("(") == len(found.elements)
    if not isinstance(found, scanned.Gs1) or not whole or not value.isascii():
        raise _no_gs1(field, value)
    from biip.gs1_application_identifiers import GS1ApplicationIdentifier

    ended = [
        each.ai
        + each.value
        + (
            scanned.SEPARATOR
            if GS1ApplicationIdentifier.extract(each.ai).separator_required
            else ""
        )
        for each in found.elements
    ]
    return "".join(ended).rstrip(scanned.SEPARATOR)


def _plain(value: str, field: str) -> str:
    """The text as it stands, if every reader tells it alike; others are sent in many encodings."""
    if not value.isascii() or not value.isprintable():
        raise FieldWrong(
            _(
                "The field %(field)s goes into a QR code, which takes plain Latin letters such as "
                "a web address.",
                field=field,
            ),
            field=field,
        )
    return value


def _isbt128(value: str, field: str) -> str:
    """The text as it stands, if it is ISBT 128 and of this site."""
    try:
        found = isbt128.parse(value)
    except isbt128.Malformed as damaged:
        raise FieldWrong(str(damaged), field=field) from damaged
    except isbt128.NotRegistered as off:
        raise isbt128.NotRegistered(off.what, field=field) from off
    number, own = found.value("donation"), isbt128.own_facility()
    if number is not None and not number.startswith(own):
        raise FieldWrong(
            _(
                "The field %(field)s has the donation number of another facility; this site is "
                "%(facility)s.",
                field=field,
                facility=own,
            ),
            field=field,
        )
    return value


def _no_gs1(field: str, value: str) -> FieldWrong:
    return FieldWrong(
        _(
            "The field %(field)s needs a GS1 element string such as (01)09521234543213(10)A1, "
            "not %(value)s. Correct it.",
            field=field,
            value=value[:60],
        ),
        field=field,
    )


@lru_cache(maxsize=512)
def rows(symbology: str, text: str) -> tuple[str, ...]:
    """The modules of a symbol, row by row, as ones and zeros; bars are one row."""
    if symbology == "code128":
        return (barcode.Code128(text).build()[0],)
    if symbology == "gs1_128":
        return (barcode.Gs1_128(text.replace(scanned.SEPARATOR, FNC1)).build()[0],)
    if symbology == "qr":
        made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    else:
        gs1 = symbology == "gs1_datamatrix"
        made = zxingcpp.create_barcode(
            _bracketed(text) if gs1 else text,
            zxingcpp.BarcodeFormat.DataMatrix,
            force_square=True,
            **({"gs1": True} if gs1 else {}),
        )
    drawn: Any = made.to_image(scale=1, add_quiet_zones=False)
    said = bytes(memoryview(drawn)).translate(_ONES).decode("ascii")
    width = drawn.shape[1]
    return tuple(said[at : at + width] for at in range(0, len(said), width))


def _bracketed(text: str) -> str:
    return "".join(f"({each.ai}){each.value}" for each in gs1_parts_of(text))


@lru_cache(maxsize=32)
def _formats(only: frozenset[str]) -> zxingcpp.BarcodeFormats:
    wanted = {_DRAWN_AS[each] for each in only}
    return zxingcpp.BarcodeFormats([each for each in _FORMATS if each in wanted])


def read(image: Any, only: Collection[str] = ()) -> list[tuple[str, bytes]]:
    """Every symbol in a picture: symbology and bytes, as a scanner tells them.

    Args:
        only: the symbologies that were drawn, black on white and upright: no others are looked
            for, nor these in any other way, which is what takes time.
    """
    # The modules are whole dots here; a reader that halves the picture sometimes sees bars that
    # are not there (3 of 800 Code 128 labels gave a second, wrong reading).
    found = zxingcpp.read_barcodes(
        image,
        formats=_formats(frozenset(only)) if only else READ,
        try_downscale=False,
        try_rotate=not only,
        try_invert=not only,
    )
    return [
        (_GS1.get(each.symbology_identifier, _FORMATS[each.format]), bytes(each.bytes))
        for each in found
    ]
