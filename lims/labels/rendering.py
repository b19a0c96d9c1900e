"""From the content of one label to bytes that were read back.

Nothing counts as drawn until its picture was decoded and the bytes compared (H13).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import formats, symbols, zpl
from lims.labels.dots import module_mm
from lims.labels.drawing import draw
from lims.labels.elements import Drawing
from lims.labels.errors import NotReadable
from lims.labels.layout import load
from lims.labels.places import REFERENCE_DPI, Template

Octets = bytes
FORMATS: Mapping[str, tuple[str, Callable[[Drawing], bytes]]] = {
    "png": ("image/png", formats.png),
    "svg": ("image/svg+xml", formats.svg),
    "pdf": ("application/pdf", formats.pdf),
    "zpl": ("application/zpl", zpl.stream),
}


@dataclass(frozen=True)
class LabelContent:
    """What a feature wants printed.

    Attributes:
        template: a name out of `label_templates/`.
        fields: what the template asks for, as printed; without code and copy.
        code: one of our codes.
        copy: which physical label of this code; 0 is drawn by hand and refused by every scan.
        language: of the texts that are the template's own.
    """

    template: str
    fields: Mapping[str, str]
    code: str
    copy: int = 0
    language: str = "en"


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


def render(
    content: LabelContent,
    format: str,
    dpi: int = REFERENCE_DPI,
    template: Template | None = None,
) -> Drawn:
    """Draw a label, and its picture as well, which is decoded before anything is returned.

    Args:
        template: the version to draw; the deployed file unless given.

    Raises:
        BadInput: no such format, resolution or language; a code that is none of ours.
        FieldWrong: a field is missing, unknown, or may not be printed.
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
    drawing = draw(
        template or load(content.template),
        content.fields,
        content.code,
        content.copy,
        dpi,
        content.language,
    )
    picture = seen(drawing)
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
                module_mm(each.module_dots, dpi).quantize(Decimal("0.0001")),
            )
            for each in drawing.symbols
        ),
        png=picture,
    )


def seen(drawing: Drawing) -> Octets:
    """The picture of a drawing, decoded: every symbol says what it should, and none says more.

    Raises:
        NotReadable: says what was read instead.
    """
    picture = formats.png(drawing)
    wanted = Counter(
        (symbols.READ_AS.get(each.symbology, each.symbology), each.text.encode())
        for each in drawing.symbols
    )
    found = read_png(picture, {each.symbology for each in drawing.symbols})
    if Counter(found) != wanted:
        raise _misread(", ".join(each.text for each in drawing.symbols), found)
    return picture


def read_png(picture: bytes, only: Collection[str] = ()) -> list[tuple[str, bytes]]:
    """Every symbol in a picture: symbology and bytes; of a label's own kinds where it is ours.

    Raises:
        NotReadable: it is not a picture.
    """
    try:
        with Image.open(BytesIO(picture)) as image:
            return symbols.read(image.convert("L"), only)
    except (UnidentifiedImageError, OSError) as error:
        raise NotReadable(_("This is not a picture; draw the label again.")) from error


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
        raise _misread(expected, found)


def _misread(expected: str, found: Sequence[tuple[str, Octets]]) -> NotReadable:
    return NotReadable(
        _(
            "The drawn label does not read back as %(expected)s but as %(found)s; nothing was "
            "printed. Report this label to the administrator.",
            expected=expected,
            found=", ".join(said.decode("ascii", "replace") for _kind, said in found) or "-",
        )
    )
