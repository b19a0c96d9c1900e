"""A template that is wrong is refused with the place named, and names are never paths."""

import pytest

from lims.core.errors import DomainError
from lims.labels import NoTemplate, TemplateWrong, layout

GOOD = """
about = "a tube"
width_mm = 50
height_mm = 20
code_letters = "S"
stock = "cryo_film"

[[symbol]]
symbology = "datamatrix"
at_mm = [1.5, 2]
module_dots = 3

[[text]]
field = "code"
at_mm = [12, 3]
size_pt = 8
font = "mono"

[[text]]
field = "volume"
at_mm = [12, 9]
size_pt = 6
shrink_to_pt = 5

[example]
code = "S7K4M29XC"
volume = "2.500 mL"
"""


def test_a_right_template_is_read():
    tube = layout.read("tube", GOOD)

    assert tube.required == {"volume"}
    assert tube.texts[1].shrink_to_pt == 5


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("width_mm = 50", "width_mm = 'wide'", "width_mm"),
        ("width_mm = 50", "width_mm = nan", "width_mm"),
        ("about", "abuot", "file"),
        ('code_letters = "S"', 'code_letters = "SI"', "code_letters"),
        ('code_letters = "S"', 'code_letters = "SW"', "code_letters"),
        ("datamatrix", "qr", "symbol 1"),
        ("datamatrix", "code128", "symbol 1"),
        ("at_mm = [1.5, 2]", "at_mm = [47, 2]", "symbol 1"),
        ("at_mm = [1.5, 2]", "at_mm = [0, 2]", "symbol 1"),
        ("module_dots = 3", "module_dots = 2", "symbol 1"),
        ("module_dots = 3", "module_dots = 20", "symbol 1"),
        ('font = "mono"', 'font = "/etc/passwd"', "text 1"),
        ("size_pt = 6\n", "size_pt = 4\n", "text 2.size_pt"),
        ("shrink_to_pt = 5", "shrink_to_pt = 4", "text 2.shrink_to_pt"),
        ('field = "volume"', 'field = "full_name"', "text"),
        ('volume = "2.500 mL"', "", "example"),
        ("[example]", "[example]\ncolour = 'red'", "example"),
        ('[[text]]\nfield = "code"', "[[text]]\nfield = 'kode'", "text"),
        ("width_mm = 50", "width_mm = ", "label.toml"),
    ],
)
def test_what_is_wrong_is_named(old, new, where):
    assert old in GOOD
    with pytest.raises(TemplateWrong) as refused:
        layout.read("tube", GOOD.replace(old, new, 1))
    assert where in str(refused.value)


PATHS = ["../../etc/passwd", "/etc/passwd", "specimen_tube_50x20/../place_50x20", "", ".", "a\x00b"]
ESCAPES = [
    "{{7*7}}",
    "${jndi:x}",
    "__import__('os')",
    "%s%n",
    "place_50x20\n",
    "PLACE_50X20",
    "a" * 500,
]


def test_H58_a_template_is_named_and_never_a_path(measured):
    failures = 0
    for each in PATHS + ESCAPES:
        try:
            layout.load(each)
            failures += 1
        except NoTemplate:
            pass
    measured("H58", trials=len(PATHS + ESCAPES), failures=failures)
    assert failures == 0


@pytest.mark.parametrize("text", ["[" * 3000, "a=" * 999, "width_mm = 1e999999", "\x00"])
def test_H58_a_hostile_file_is_refused(text):
    with pytest.raises(DomainError):
        layout.read("tube", text)
