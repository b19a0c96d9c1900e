"""The printer's language, drawn by somebody else: every symbol says what ours says, where it says.

Two renderers: one of the suite's own, always; and zpl-renderer-js, where it was installed with
`npm ci` in `tests/labels/drawn_by_others`.
"""

from io import BytesIO

import pytest
from PIL import Image, ImageChops

from lims.labels import layout, render, zpl
from lims.labels.dots import Box
from lims.labels.formats import png
from lims.labels.symbols import read
from tests.labels import zpl_here
from tests.labels.labelled import drawn, example, said


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("name", layout.names())
def test_another_renderer_reads_the_same_symbols(name, dpi):
    made = render(example(name), "zpl", dpi)

    picture = zpl_here.draw(made.bytes)

    assert abs(picture.width / dpi * 25.4 - float(made.width_mm)) < 25.4 / dpi
    assert sorted(read(picture)) == said(made)


def test_signs_and_text_in_pictures_are_dot_for_dot_those_of_the_png():
    name = "place_50x20"
    drawing = drawn(example(name, name="فریزر ۱۲", within="二号冰箱", note="سردخانه"))
    theirs = zpl_here.draw(zpl.stream(drawing))
    ours = Image.open(BytesIO(png(drawing))).convert("L")
    for words in drawing.words:
        if not zpl.latin(words.text):
            box = words.ink
            assert ImageChops.difference(theirs.crop(box), ours.crop(box)).getbbox() is None


@pytest.mark.parametrize(
    "stream", [b"^XA^DFR:X.GRF^FS^XZ", b"^XA^FDx^FS", b"~JA^XA^XZ", b"^XA^PW9^LL9^FO1,1^FDx^FS^XZ"]
)
def test_the_renderer_knows_nothing_else(stream):
    with pytest.raises((zpl_here.Unknown, KeyError)):
        zpl_here.draw(stream)


def rooms(drawing) -> list[Box]:
    """Where ink may be: the symbols, signs and lines, and the whole room of every text."""
    found = [each.box for each in (*drawing.symbols, *drawing.icons, *drawing.bars)]
    for each in drawing.words:
        tall = round(each.size_dots)
        found.append((each.x - 2, each.baseline - tall, each.right + 2, each.baseline + tall // 3))
        if each.align == "right":
            found.append((0, each.baseline - tall, each.right + 2, each.baseline + tall // 3))
    return found


def test_zpl_renderer_js_reads_the_same_and_runs_over_no_edge():
    with zpl_here.others() as renderer:
        if renderer is None:
            pytest.skip("zpl-renderer-js is not installed: npm ci in tests/labels/drawn_by_others")
        for name in layout.names():
            for dpi, dpmm in ((203, 8), (300, 12)):
                content = example(name)
                made = render(content, "zpl", dpi)
                size = float(made.width_mm), float(made.height_mm)
                picture = renderer.draw(made.bytes, *size, dpmm)
                assert sorted(read(picture)) == said(made), (name, dpi)
                # It draws at 8 or 12 dots a millimetre and puts the label into the middle.
                drawing = drawn(content, dpi)
                aside = (picture.width - drawing.width) // 2
                for left, top, right, bottom in rooms(drawing):
                    picture.paste(255, (left + aside - 1, top, right + aside + 1, bottom))
                assert ImageChops.invert(picture).getbbox() is None, (name, dpi)
