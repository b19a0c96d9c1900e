"""From the content of one label to bytes that were read back.

Nothing counts as drawn until its picture was decoded and the bytes compared (H13).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

import zxingcpp
from PIL import Image, UnidentifiedImageError

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import formats, zpl
from lims.labels.drawing import MM_PER_INCH, Drawing, draw
from lims.labels.errors import NotReadable
from lims.labels.layout import REFERENCE_DPI, load

Octets = bytes
FORMATS: Mapping[str, tuple[str, Callable[[Drawing], bytes]]] = {
    "png": ("image/png", formats.png),
    "svg": ("image/svg+xml", formats.svg),
    "pdf": ("application/pdf", formats.pdf),
    "zpl": ("application/zpl", zpl.stream),
}
_READ = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.Code128])
_NAMES = {
    zxingcpp.BarcodeFormat.DataMatrix: "datamatrix",
    zxingcpp.BarcodeFormat.Code128: "code128",
}


@dataclass(frozen=True)
class LabelContent:
    """What a feature wants printed.

    Attributes:
        template: a name out of `label_templates/`.
        fields: what the template asks for, as printed; without code and copy.
        code: one of our codes.
        copy: which physical label of this code; 0 is drawn by hand and refused by every scan.
    """

    template: str
    fields: Mapping[str, str]
    code: str
    copy: int = 0


@dataclass(frozen=True)
class DrawnSymbol:
    """A symbol that was drawn and read back."""

    symbology: str
    text: str
    module_mm: Decimal


@dataclass(frozen=True)
class Drawn:
    """A label in one format, whose picture was decoded."""

    bytes: Octets
    media_type: str
    template: str
    width_mm: Decimal
    height_mm: Decimal
    symbols: Sequence[DrawnSymbol]
    png: Octets = field(repr=False)


def render(content: LabelContent, format: str, dpi: int = REFERENCE_DPI) -> Drawn:
    """Draw a label, and its picture as well, which is decoded before anything is returned.

    Args:
        format: `png`, `svg`, `pdf` or `zpl`.
        dpi: 203, 300 or 600.

    Raises:
        BadInput: an unknown format, resolution, field or code.
        DoesNotFit: something is larger than its place.
        NotReadable: the picture does not decode to the payload.
    """
    if format not in FORMATS:
        raise BadInput(
            _(
                "A label is drawn as %(formats)s, not as %(format)s.",
                formats=", ".join(FORMATS),
                format=str(format)[:20],
            ),
            field="format",
        )
    drawing = draw(load(content.template), content.fields, content.code, content.copy, dpi)
    picture = formats.png(drawing)
    for each in drawing.symbols:
        verify_png(picture, each.text, each.symbology)
    media_type, make = FORMATS[format]
    return Drawn(
        bytes=picture if format == "png" else make(drawing),
        media_type=media_type,
        template=content.template,
        width_mm=drawing.template.width_mm,
        height_mm=drawing.template.height_mm,
        symbols=tuple(
            DrawnSymbol(
                each.symbology,
                each.text,
                (each.module_dots * MM_PER_INCH / dpi).quantize(Decimal("0.0001")),
            )
            for each in drawing.symbols
        ),
        png=picture,
    )


def read_png(picture: bytes) -> list[tuple[str, bytes]]:
    """Every symbol in a picture: symbology and bytes.

    Raises:
        NotReadable: it is not a picture.
    """
    try:
        with Image.open(BytesIO(picture)) as image:
            # The modules are whole dots here; a reader that halves the picture sometimes sees
            # bars that are not there (3 of 800 Code 128 labels gave a second, wrong reading).
            found = zxingcpp.read_barcodes(image.convert("L"), formats=_READ, try_downscale=False)
    except (UnidentifiedImageError, OSError) as error:
        raise NotReadable(_("This is not a picture; draw the label again.")) from error
    return [(_NAMES[each.format], bytes(each.bytes)) for each in found]


def verify_png(picture: bytes, expected: str, symbology: str | None = None) -> None:
    """Refuse a picture unless it carries the expected payload, and nothing else.

    Args:
        symbology: `datamatrix` or `code128`, where it matters.

    Raises:
        NotReadable: says what was read instead.
    """
    found = read_png(picture)
    wanted = expected.encode("ascii")
    right = [kind for kind, said in found if said == wanted and symbology in (None, kind)]
    if not right or any(said != wanted for _kind, said in found):
        raise NotReadable(
            _(
                "The drawn label does not read back as %(expected)s but as %(found)s; nothing was "
                "printed. Report this label to the administrator.",
                expected=expected,
                found=", ".join(said.decode("ascii", "replace") for _kind, said in found) or "-",
            )
        )
