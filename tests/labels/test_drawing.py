"""Every label draws its own example, and what is wrong with one is refused by name."""

import io
import re
from itertools import pairwise

import pypdf
import pytest
from PIL import Image, ImageChops, ImageDraw

from lims.core import codes
from lims.core.errors import BadInput
from lims.labels import (
    DoesNotFit,
    FieldWrong,
    FontMissing,
    LabelContent,
    NotReadable,
    layout,
    places,
    read_png,
    render,
    verify_png,
)
from lims.labels.dots import DPI
from lims.labels.drawing import draw
from lims.labels.fonts import choose
from lims.labels.formats import png
from lims.labels.rendering import FORMATS
from tests.labels.labelled import DOSE, drawn, example, said


@pytest.mark.parametrize("dpi", DPI)
@pytest.mark.parametrize("name", layout.names())
def test_label_decode_every_label_draws_its_example_and_reads_back(name, dpi):
    content = example(name)

    made = render(content, "png", dpi)
    drawing = drawn(content, dpi)

    assert all(make(drawing) for _kind, make in FORMATS.values())
    assert codes.symbol(content.code, 1) in [each.text for each in made.symbols]
    assert all(each.module_mm >= places.MODULE_LEAST_MM for each in made.symbols)
    assert sorted(read_png(made.png)) == said(made)
    picture = Image.open(io.BytesIO(made.png))
    assert abs(picture.width / dpi * 25.4 - float(made.width_mm)) < 25.4 / dpi


@pytest.mark.parametrize("name", layout.names())
def test_the_symbol_is_a_datamatrix_wherever_the_label_is_narrow(name):
    template = layout.load(name)
    kinds = {each.symbology for each in template.symbols}
    if template.width_mm < places.CODE128_LEAST_WIDTH_MM:
        assert not kinds & places.LINEAR


def test_the_four_figures_stand_in_no_symbol_and_in_large_letters():
    made = drawn(example(DOSE, readback="4821"))

    assert all("4821" not in each.text for each in made.symbols)
    sizes = {each.name: each.size_dots for each in made.words}
    assert sizes["readback"] == max(sizes.values())


def test_autologous_material_says_so_and_other_material_does_not():
    def texts(**changed):
        return {each.text for each in drawn(example(DOSE, **changed)).words}

    assert "FOR AUTOLOGOUS USE ONLY" in texts(autologous="yes")
    assert "FOR AUTOLOGOUS USE ONLY" not in texts(autologous="no")
    assert "For clinical trial use only" in texts(autologous="no")


def test_whether_it_is_autologous_can_not_be_left_unsaid():
    content = example(DOSE)
    fields = {name: value for name, value in content.fields.items() if name != "autologous"}

    with pytest.raises(FieldWrong, match="autologous"):
        render(LabelContent(DOSE, fields, content.code), "png")
    with pytest.raises(FieldWrong, match="yes or no"):
        render(example(DOSE, autologous="perhaps"), "png")


@pytest.mark.parametrize("name", layout.names())
def test_a_missing_field_is_refused_by_its_name(name):
    content = example(name)
    for field in layout.load(name).required:
        fewer = {key: value for key, value in content.fields.items() if key != field}
        with pytest.raises(FieldWrong) as refused:
            render(LabelContent(name, fewer, content.code), "png")
        assert refused.value.field == field


def test_an_unknown_field_is_refused_by_its_name():
    with pytest.raises(FieldWrong, match="colour"):
        render(example(DOSE, colour="red"), "png")


@pytest.mark.parametrize("text", ["a\nb", "a\x00b", "a\u202eb", "a\ud800b", "x" * 201])
def test_letters_that_can_not_be_printed_are_refused(text):
    with pytest.raises(FieldWrong) as refused:
        render(example("place_50x20", name=text), "png")
    assert refused.value.field == "name"


@pytest.mark.parametrize("code", ["S7K4M29XD", "hello", "", "V7K4M29YJ"])
def test_only_a_right_code_of_the_right_kind_is_drawn(code):
    content = example("specimen_tube_50x20")
    with pytest.raises(BadInput) as refused:
        render(LabelContent(content.template, content.fields, code), "png")
    assert refused.value.field == "code"


def test_a_letter_that_no_font_has_is_refused():
    with pytest.raises(FontMissing, match="name"):
        render(example("place_50x20", name="Linear B \U00010000"), "png")


def test_a_missing_chinese_font_refuses_that_label_in_one_sentence(monkeypatch):
    monkeypatch.setenv("LIMS_FONT_ZH", "/nowhere.ttc")

    render(example("place_50x20", name="Freezer"), "png")
    with pytest.raises(FontMissing, match="LIMS_FONT_ZH"):
        render(example("place_50x20", name="冰箱"), "png")


def test_the_site_may_name_its_own_persian_font(monkeypatch):
    usual = choose("فریزر", "condensed", "name").path
    monkeypatch.setenv("LIMS_FONT_FA", usual)

    words = drawn(example("place_50x20", name="فریزر", note="doses")).words

    paths = {each.name: each.font.path for each in words}
    assert paths["name"] == usual
    monkeypatch.setenv("LIMS_FONT_FA", "/nowhere.ttf")
    with pytest.raises(FontMissing, match="LIMS_FONT_FA"):
        render(example("place_50x20", name="فریزر"), "png")


@pytest.mark.parametrize("name", ["فریزر ۱۲، طبقهٔ ۳", "می\u200cروم", "二号冰箱 A3"])
def test_persian_and_chinese_are_drawn_in_every_format(name):
    content = example("place_50x20", name=name)

    for kind in FORMATS:
        made = render(content, kind)
    stream = render(content, "zpl").bytes
    assert b"^GFA," in stream
    page = pypdf.PdfReader(io.BytesIO(render(content, "pdf").bytes)).pages[0]
    assert float(page.mediabox.width) == pytest.approx(50 / 25.4 * 72, abs=0.1)
    assert name in render(content, "svg").bytes.decode()
    assert made.symbols


def test_persian_letters_are_joined():
    joined = next(w for w in drawn(example("place_50x20", name="سلام")).words if w.name == "name")
    alone = sum(joined.font.at(joined.size_dots).getlength(each) for each in "سلام")
    assert joined.advance < 0.9 * alone


@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_lines_of_one_persian_text_stand_as_far_apart_as_their_letters_reach(dpi):
    said = (
        "دست‌هایتان را بشویید. کاپ را در روز 1 تا 3 بگذارید و حداکثر پس از 4 ساعت بردارید. در آن را "
        "ببندید، ایستاده و خنک نگه دارید، هر دو زمان را بنویسید و تا 24 ساعت به درمانگاه بیاورید."
    )
    lines = [
        each
        for each in drawn(example("kit_set_100x70", instruction=said), dpi).words
        if each.name == "instruction"
    ]
    assert len(lines) >= 2
    for above, below in pairwise(lines):
        assert above.ink[3] <= below.ink[1]


def test_a_temperature_inside_persian_keeps_its_order():
    drawing = drawn(example("place_50x20", name="فریزر (-80 °C) راست"))
    words = next(each for each in drawing.words if each.name == "name")
    font = words.font.at(words.size_dots)
    left, top, right, bottom = (int(each) for each in font.getbbox("-80 °C", anchor="ls"))
    alone = Image.new("1", (right - left, bottom - top), 1)
    pen = ImageDraw.Draw(alone)
    pen.fontmode = "1"
    pen.text((-left, -top), "-80 °C", fill=0, font=font, anchor="ls")

    line = Image.open(io.BytesIO(png(drawing))).convert("1")
    up = words.baseline + top
    different = min(
        sum(
            ImageChops.logical_xor(
                alone, line.crop((x, up, x + alone.width, up + alone.height))
            ).histogram()[1:]
        )
        for x in range(words.ink[0], words.ink[2] - alone.width + 1)
    )

    # Letters may sit half a dot further; in the wrong order a third of the dots differ.
    assert different < 0.12 * alone.width * alone.height


def test_the_pdf_copies_as_text_and_its_bars_are_where_the_picture_has_them():
    content = example("lot_label_75x40")
    text = pypdf.PdfReader(io.BytesIO(render(content, "pdf").bytes)).pages[0].extract_text()
    assert "SARI-26-017" in text
    assert "L7K 4M2 9XS" in text


def test_the_same_content_gives_the_same_bytes():
    content = example(DOSE)
    for kind in FORMATS:
        assert render(content, kind).bytes == render(content, kind).bytes


def test_what_fits_by_shrinking_shrinks_and_what_does_not_is_refused():
    def size(name):
        words = drawn(example("place_50x20", name=name)).words
        return next(each.size_dots for each in words if each.name == "name")

    assert size("Freezer F1, rack 12, shelf 3, b7") < size("Freezer F1")
    with pytest.raises(DoesNotFit) as refused:
        size("Freezer F1, rack 12, shelf 3, box 7, on the left behind the door")
    assert refused.value.field == "name"


BARE = """
width_mm = 50
height_mm = 20
code_letters = "S"
stock = "cryo_film"
[[symbol]]
symbology = "datamatrix"
at_mm = [1.5, 2]
module_dots = 4
[[text]]
field = "code"
at_mm = [12, 3]
size_pt = 8
[[text]]
field = "volume"
at_mm = {place}
size_pt = 6
[example]
code = "S7K4M29XC"
volume = "2.500 mL"
"""


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("[12, 9]", None),
        ("[12, 4]", "volume"),  # over the code
        ("[4, 4]", "volume"),  # over the symbol
        ("[6.9, 4]", "volume"),  # into the symbol's quiet zone
        ("[12, 18.8]", "volume"),  # over the lower edge
        ("[12, 0]", None),
    ],
)
def test_what_overlaps_or_leaves_the_label_is_refused_by_its_name(place, field):
    template = layout.read("bare", BARE.format(place=place))
    if field is None:
        draw(template, {"volume": "2.500 mL"}, "S7K4M29XC", 1)
        return
    with pytest.raises(DoesNotFit) as refused:
        draw(template, {"volume": "2.500 mL"}, "S7K4M29XC", 1)
    assert refused.value.field == field


def test_a_picture_that_says_something_else_is_not_drawn():
    made = render(example(DOSE), "png")
    verify_png(made.bytes, "V7K4M29YJ01" + made.symbols[0].text[-1])

    with pytest.raises(NotReadable):
        verify_png(made.bytes, codes.symbol("V7K4M29YJ", 2))
    with pytest.raises(NotReadable):
        verify_png(made.bytes, made.symbols[0].text, "code128")
    with pytest.raises(NotReadable):
        verify_png(b"no picture", made.symbols[0].text)


@pytest.mark.parametrize(
    ("code", "copy"), [("L3MKQGJRT", 1023), ("L4SJJF0VX", 323), ("LM4FJJ6C4", 1009)]
)
def test_bars_are_read_once_and_rightly(code, copy):
    content = example("lot_label_75x40")
    made = render(LabelContent(content.template, content.fields, code, copy), "png")
    assert read_png(made.png) == [("code128", codes.symbol(code, copy).encode())]


def test_a_spoilt_symbol_is_found_by_reading_it_back(monkeypatch):
    from lims.labels import formats, rendering

    def spoilt(drawing):
        image = Image.open(io.BytesIO(png(drawing))).convert("1")
        left, top, right, bottom = drawing.symbols[0].box
        image.paste(1, (left, top, (left + right) // 2, bottom))
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    monkeypatch.setattr(formats, "png", spoilt)
    with pytest.raises(NotReadable):
        rendering.render(example(DOSE), "zpl")


def test_the_symbol_of_a_zpl_label_is_what_was_read_back():
    made = render(example("specimen_tube_50x20"), "zpl")
    data = re.findall(rb"\^BXN,6,200,16,16,,_\^FH_\^FD([0-9A-Z]+)\^FS", made.bytes)
    assert data == [made.symbols[0].text.encode()]
    bars = render(example("lot_label_75x40"), "zpl")
    data = re.findall(rb"\^BY4,3\^BCN,94,N,N,N,A\^FH_\^FD([0-9A-Z]+)\^FS", bars.bytes)
    assert data == [bars.symbols[0].text.encode()]
    assert made.bytes.count(b"^XA") == 1
    assert b"^PQ1,0,0,N" in made.bytes
