"""The drawing as a picture, a vector picture and a page."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from io import BytesIO

from fpdf import FPDF
from PIL import Image, ImageDraw

from lims.labels.elements import Drawing, Standing
from lims.labels.fitting import Words
from lims.labels.fonts import FAMILIES

_INK = bytes(0 if each == ord("1") else 255 for each in range(256))
_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
"""The same label is the same bytes whenever it is drawn; its trail says when it was printed."""


def png(drawing: Drawing) -> bytes:
    """The label dot by dot, black and white, as the printer would burn it."""
    image = _standing(drawing.standing).copy()
    for each in drawing.own_symbols:
        left, top, right, bottom = each.box
        rows = b"".join(row.encode("ascii") for row in each.rows).translate(_INK)
        small = Image.frombytes("L", (len(each.rows[0]), len(each.rows)), rows)
        image.paste(
            small.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top)
        )
    _write(image, drawing.own_words)
    file = BytesIO()
    image.save(file, "PNG", dpi=(drawing.dpi, drawing.dpi), compress_level=1)
    return file.getvalue()


@lru_cache(maxsize=16)
def _standing(standing: Standing) -> Image.Image:
    """The picture of what stands, to be copied for each label of a burst."""
    image = Image.new("1", (standing.width, standing.height), 1)
    _write(image, standing.words)
    pen = ImageDraw.Draw(image)
    for left, top, right, bottom in standing.boxes():
        pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
    return image


def _write(image: Image.Image, words: Iterable[Words]) -> None:
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    for each in words:
        pen.text(
            (each.x, each.baseline),
            each.ordered,
            fill=0,
            font=each.font.at(each.size_dots),
            anchor="ls",
            direction=each.direction,
        )


def svg(drawing: Drawing) -> bytes:
    """The label for a screen: one unit is one dot, the size is in millimetres."""
    template = drawing.template
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{template.width_mm}mm" '
        f'height="{template.height_mm}mm" viewBox="0 0 {drawing.width} {drawing.height}">',
        f'<rect width="{drawing.width}" height="{drawing.height}" fill="#fff"/>',
    ]
    parts += ['<g fill="#000" shape-rendering="crispEdges">']
    parts += [
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'
        for left, top, right, bottom in drawing.boxes()
    ]
    parts += ["</g>", *(_svg_text(each) for each in drawing.words), "</svg>"]
    return "\n".join(parts).encode("utf-8")


def _svg_text(words: Words) -> str:
    family = FAMILIES[words.face.split("_")[0].replace("bold", "sans")]
    weight = ' font-weight="bold"' if words.face.endswith("bold") else ""
    # Placed by its middle, which is the same for either direction of writing; its length is fixed,
    # so that a viewer without the font cannot run over the edge.
    return (
        f'<text x="{words.x + words.advance / 2:g}" y="{words.baseline}" text-anchor="middle" '
        f'textLength="{words.advance}" lengthAdjust="spacingAndGlyphs" '
        f'font-family="{family}" font-size="{words.size_dots:g}"{weight} '
        f'direction="{words.direction}" xml:space="preserve">{escape(words.ordered)}</text>'
    )


def pdf(drawing: Drawing) -> bytes:
    """A page of the label's own size; bars are rectangles, text is text."""
    template = drawing.template
    page = paper(float(template.width_mm), float(template.height_mm))
    page.add_page()
    put(page, drawing, 0, 0)
    return bytes(page.output())


def paper(width_mm: float, height_mm: float) -> FPDF:
    """An empty document for labels, its pages of one size."""
    page = FPDF(orientation="P", unit="mm", format=(width_mm, height_mm))
    page.set_creation_date(_UNDATED)
    page.set_auto_page_break(False)
    page.set_margin(0)
    page.c_margin = 0
    page.set_fill_color(0)
    return page


def put(page: FPDF, drawing: Drawing, left_mm: float, top_mm: float) -> None:
    """Draw one label with its corner there; bars are rectangles, text is text."""
    for each in drawing.words:
        family = f"{each.font.path}#{each.font.index}"
        if family.lower() not in page.fonts:
            page.add_font(family, "", each.font.path, collection_font_number=each.font.index)
        page.set_font(family, size=drawing.pt(each.size_dots))
        # A cell sets its baseline at half its height plus three tenths of the size.
        height = drawing.mm(each.size_dots)
        page.set_xy(left_mm + drawing.mm(each.x), top_mm + drawing.mm(each.baseline) - 0.8 * height)
        page.set_text_shaping(True, direction=each.direction)
        page.cell(drawing.mm(each.advance) + 1, height, each.ordered)
    for left, top, right, bottom in drawing.boxes():
        page.rect(
            left_mm + drawing.mm(left),
            top_mm + drawing.mm(top),
            drawing.mm(right - left),
            drawing.mm(bottom - top),
            style="F",
        )
