"""What goes into a symbol comes out of it, byte for byte, and only what it may say goes in."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from lims.core import isbt128
from lims.labels import DoesNotFit, FieldWrong, LabelContent, TemplateWrong, layout, render
from lims.labels.symbols import read, rows, said_by

DATA = Path(__file__).parent.parent / "data"
WIDE = """
width_mm = 140
height_mm = 40
code_letters = "S"
stock = "paper"
[[symbol]]
symbology = "datamatrix"
at_mm = [2, 2]
module_dots = 5
[[symbol]]
symbology = "{symbology}"
carries = "more"
optional = true
at_mm = [24, 12]
module_dots = 3
modules = {modules}
{height}
[[text]]
field = "code"
at_mm = [20, 3]
size_pt = 8
width_mm = 50
[example]
code = "S7K4M29XC"
"""
ELEMENTS = "(01)09521234543213(17)270331(10)LOT26A(21)D0007"
SCANNED = "01095212345432131727033110LOT26A\x1d21D0007"


def wide(symbology: str, modules: int = 40):
    height = "height_mm = 12" if symbology == "gs1_128" else ""
    return layout.read("wide", WIDE.format(symbology=symbology, modules=modules, height=height))


def of(symbology: str, more: str, modules: int = 40):
    template = wide(symbology, modules)
    made = render(LabelContent("wide", {"more": more}, "S7K4M29XC", 1), "png", 300, template)
    with Image.open(io.BytesIO(made.png)) as picture:
        return [said for said in read(picture.convert("L")) if said[1] != b"S7K4M29XC01S"]


@pytest.fixture
def registered():
    isbt128.use("A9999")
    yield
    isbt128.use(None)


def test_gs1_is_read_back_as_gs1_with_its_separator():
    assert of("gs1_128", ELEMENTS, 400) == [("gs1_128", SCANNED.encode())]
    assert of("gs1_datamatrix", ELEMENTS) == [("gs1_datamatrix", SCANNED.encode())]


def test_a_qr_code_says_what_it_was_given():
    text = "https://lab.example.org/kit?code=K7K4M29XP"

    assert of("qr", text) == [("qr", text.encode())]
    for other in ("کیت ۱۲", "采集套装", "é"):
        with pytest.raises(FieldWrong, match="more"):
            of("qr", other)


def test_isbt_128_is_refused_while_it_is_off_and_drawn_once_it_is_on(registered):
    text = "=+03000=A99992600000168=<S1234100&>0270902359"

    assert of("isbt128", text) == [("datamatrix", text.encode())]
    with pytest.raises(FieldWrong, match="another facility"):
        of("isbt128", "=G12341765432170")
    isbt128.use(None)
    with pytest.raises(isbt128.NotRegistered, match="LIMS_ISBT128_FACILITY") as off:
        of("isbt128", text)
    assert off.value.field


def published():
    with (DATA / "identifiers" / "gs1_bracketed_element_strings.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("each", published(), ids=lambda each: each["bracketed"][:30])
def test_the_published_element_strings_make_the_published_message_or_none(each):
    if each["valid"] == "false":
        with pytest.raises(FieldWrong) as refused:
            said_by("gs1_datamatrix", each["bracketed"], "gs1")
        assert refused.value.field == "gs1"
        return
    wanted = each["unbracketed_with_FNC1_as_caret"].removeprefix("^").replace("^", "\x1d")
    try:
        made = said_by("gs1_datamatrix", each["bracketed"], "gs1")
    except FieldWrong:
        # A bracket in a value, and a number whose check digit is wrong, are refused here.
        assert "\\(" in each["bracketed"] or "(01)12345678901231" in each["bracketed"]
        return
    assert made == wanted


@pytest.mark.parametrize(
    "text",
    [
        "(01)09521234543214",  # check digit
        "LOT26A",
        "(10)سری",
        "(10)A(21)B(C",
        "(17)271399",
        "",
        "(10)" + "A" * 21,
    ],
)
def test_what_is_no_element_string_goes_into_no_symbol(text):
    with pytest.raises(FieldWrong):
        said_by("gs1_128", text, "gs1")


def test_a_symbol_that_grows_over_its_room_is_refused_by_its_field():
    with pytest.raises(DoesNotFit) as refused:
        of("qr", "https://lab.example.org/" + "a" * 120, 33)
    assert refused.value.field == "more"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('carries = "more"', 'carries = "readback"'),
        ('carries = "more"', 'carries = "full_name"'),
        ('carries = "more"', ""),
        ('carries = "more"', 'carries = "../code"'),
        ("modules = 40", ""),
        ("modules = 40", "modules = 500"),
        ("at_mm = [24, 12]", "at_mm = [1, 12]"),  # its quiet zone leaves the label
        ("at_mm = [24, 12]", "at_mm = [24, 1]"),
        ('symbology = "qr"', 'symbology = "code128"'),
        ('symbology = "qr"', 'symbology = "aztec"'),
    ],
)
def test_a_symbol_that_a_label_may_not_have_is_refused(old, new):
    text = WIDE.format(symbology="qr", modules=40, height="")
    layout.read("wide", text)
    with pytest.raises(TemplateWrong) as refused:
        layout.read("wide", text.replace(old, new))
    assert refused.value.field == "symbol 2"


def test_a_linear_symbol_needs_a_label_of_75_mm():
    text = WIDE.format(symbology="gs1_128", modules=200, height="height_mm = 12")
    with pytest.raises(TemplateWrong, match="75 mm"):
        layout.read("wide", text.replace("width_mm = 140", "width_mm = 74"))


def test_the_modules_of_a_symbol_are_made_once():
    assert rows("datamatrix", "S7K4M29XC01S") is rows("datamatrix", "S7K4M29XC01S")
    assert len(rows("datamatrix", "S7K4M29XC01S")) == 16
