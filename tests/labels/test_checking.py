"""`lims label check` lets a label through only if its longest content is printed and read back."""

import json
import re

import pytest
from click.testing import CliRunner

from lims.core import codes
from lims.labels import TemplateWrong, checking, formats, layout
from lims.labels.drawing import draw
from lims.labels.label_commands import label

GOOD = """
about = "a tube"
width_mm = 80
height_mm = 20
code_letters = "S"
stock = "tube_film"
[[symbol]]
symbology = "datamatrix"
at_mm = [1.5, 1.5]
module_dots = 5
[[text]]
field = "code"
at_mm = [12, 1.6]
size_pt = 10
[[text]]
field = "subject"
before = "From "
at_mm = [12, 8]
width_mm = 30
size_pt = 8
shrink_to_pt = 6
[[icon]]
icon = "biohazard"
when = "biohazard"
at_mm = [60, 4]
size_mm = 8
[words.fa]
"From" = "از"
[example]
code = "S7K4M29XC"
subject = "IRC01-017"
biohazard = "yes"
"""


def check(*arguments):
    done = CliRunner().invoke(label, ["check", *arguments, "--json"], standalone_mode=False)
    return done, json.loads(done.stdout) if done.stdout else None


def test_label_fit_every_label_that_ships_holds_its_longest_content():
    done, said = check()

    assert said["ok"], said
    assert not done.return_value
    assert [each["template"] for each in said["labels"]] == layout.names()
    spoken = {each["template"]: each["languages"] for each in said["labels"]}
    assert spoken["dose_vial_38x25"] == ["en", "fa", "zh"]


def test_the_list_of_the_issue_is_whole():
    letters = {layout.load(name).code_letters for name in layout.names()}
    assert {each for many in letters for each in many} == set(codes.LETTERS)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("IRC01-017", "IRC01-017 and whoever else may have given it", "subject, en, 203 dpi"),
        ('"از"', '"از بیمارستان امام خمینی شهرستان ساری در مازندران"', "subject, fa, 203 dpi"),
        ("size_mm = 8", "size_mm = 17", "biohazard"),  # over the edge: refused as it is read
        ("at_mm = [60, 4]", "at_mm = [20, 4]", "biohazard, en, 203 dpi"),  # over the text
        ("at_mm = [12, 8]", "at_mm = [12, 18.9]", "subject, en, 203 dpi"),
        ("at_mm = [12, 8]", "at_mm = [8.5, 8]", "subject, en, 300 dpi"),  # in the quiet zone
    ],
)
def test_what_does_not_fit_is_named_with_language_and_resolution(tmp_path, old, new, where):
    assert checking.faults(layout.read("tube", GOOD)) == []
    folder = tmp_path / "tube"
    folder.mkdir()
    (folder / "label.toml").write_text(GOOD.replace(old, new))

    done, said = check("--file", str(folder / "label.toml"))

    if said is None:
        assert isinstance(done.exception, TemplateWrong)
        assert "icon 1" in str(done.exception)
        return
    assert done.return_value == 1
    assert not said["ok"]
    assert where in [each["where"] for each in said["labels"][0]["faults"]]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("module_dots = 5", "module_dots = 4", "under 0.375 mm"),  # fine for film at -196 °C only
        ('stock = "tube_film"', 'stock = "wristband"', "under 0.5 mm"),
        ('stock = "tube_film"', 'stock = "wood"', "stock is one of"),
        ('stock = "tube_film"', "", "stock is one of"),
        ("at_mm = [1.5, 1.5]", "at_mm = [1.5, 0.2]", "quiet zone"),
        ("at_mm = [1.5, 1.5]", "at_mm = [74, 1.5]", "does not fit"),
        (
            'symbology = "datamatrix"\nat_mm = [1.5, 1.5]\nmodule_dots = 5',
            'symbology = "code128"\nat_mm = [6, 10]\nmodule_dots = 6\nheight_mm = 6',
            "does not fit",  # bars wider than the label
        ),
        ('"From" = "از"', '"Form" = "از"', "do not fit"),
        ('icon = "biohazard"\n', 'icon = "skull"\n', "icon is one of"),
        ("size_pt = 10", "size_pt = 10\nlines = 0", "lines"),
    ],
)
def test_what_can_not_be_printed_well_is_refused_as_it_is_read(old, new, what):
    assert old in GOOD
    with pytest.raises(TemplateWrong, match=re.escape(what)):
        layout.read("tube", GOOD.replace(old, new, 1))


def test_a_code_that_the_drawing_does_not_decode_to_is_named(monkeypatch):
    whole = formats.png
    other = layout.read("tube", GOOD.replace("S7K4M29XC", "S7K4M2904"))
    assert checking.faults(other) == []

    wrong = draw(other, {"subject": "x"}, "S7K4M2904", 1)
    monkeypatch.setattr(formats, "png", lambda _drawing: whole(wrong))

    found = checking.faults(layout.read("tube", GOOD))

    assert len(found) == 6
    assert all("does not read back" in each.what for each in found)
