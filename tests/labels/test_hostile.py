"""Whatever a field says, a label shows all of it or none, and no printer takes it for a command."""

import io
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from lims.core import codes
from lims.core.errors import DomainError
from lims.labels import FieldWrong, LabelContent, layout, read_png, render, zpl
from lims.labels.elements import Drawing
from lims.labels.formats import png
from lims.labels.symbols import READ_AS
from tests.conftest import SOAK
from tests.labels.labelled import drawn, example

NAMES = ["Fatemeh", "Zahra", "محمدی‌نژاد", "خراسانی", "欧阳", "司徒明月", "Nguyễn", "Åsa", "O'Brien"]
NAMES += ["e\u0301toile", "سَلام", "ﬁle"]
HOSTILE = ["^XZ", "^XA", "~JA", "^FS", "~HS", "^CC", "^CT~", "_5E", "_", "\x1b", "\x10", "\r\n"]
HOSTILE += ["^", "~", ">8", ">;", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\x85", "\x7f"]
HOSTILE += ["^DFR:X.GRF", "~DG", "^IDR:*.*", "${jndi}", "{{7*7}}", "<script>", "x" * 201]
SCRIPTS = "abc XYZ019.,-" + "سگ ۱۲گچ" + "冰箱二号" + "é°≤"


def ink_outside(drawing: Drawing) -> bool:
    """Whether there is ink that the elements' own boxes do not account for."""
    picture = Image.open(io.BytesIO(png(drawing))).convert("L")
    boxes = [each.ink for each in drawing.words] + [each.box for each in drawing.symbols]
    boxes += [each.box for each in drawing.bars] + [each.box for each in drawing.icons]
    for box in boxes:
        picture.paste(255, box)
    return ImageChops.invert(picture).getbbox() is not None


def test_H13_random_records_are_drawn_whole_or_refused(measured):
    seed = 20261121
    pick = random.Random(seed)
    trials, failures, refusals = (2000 if SOAK else 100), 0, 0
    for _each in range(trials):
        name = pick.choice(layout.names())
        template = layout.load(name)
        code, copy = codes.draw(template.code_letters[0]), pick.randrange(1, 1024)
        carried = {each.carries for each in template.symbols}
        changed = {
            field: " ".join(pick.choices(NAMES, k=pick.randint(1, 3)))
            for field in sorted(template.fields - template.flags - carried)
            if pick.random() < 0.12
        }
        fields = example(name, copy, **changed).fields
        language = pick.choice(template.languages)
        try:
            drawing = drawn(
                LabelContent(name, fields, code, copy, language), pick.choice((203, 300))
            )
        except DomainError as refused:
            failures += not refused.field
            refusals += 1
            continue
        wanted = sorted(
            (READ_AS.get(each.symbology, each.symbology), each.text.encode())
            for each in drawing.symbols
        )
        failures += sorted(read_png(png(drawing))) != wanted
        failures += ink_outside(drawing)
        # Every word of a field stands on the label, in the order in which it was given.
        for field, text in changed.items():
            lines = [each.text for each in drawing.words if each.name == field]
            failures += (
                not " ".join(lines)
                .replace(" ", "")
                .endswith(" ".join(text.split()).replace(" ", "").replace("e\u0301", "é"))
            )
    measured("H13", trials=trials, failures=failures, seed=seed, refused=refusals)
    assert failures == 0
    assert 0 < refusals < trials


COMMAND = re.compile(r"[\^~]([A-Z][A-Z0-9@]|A@)")
ALLOWED = {each.value[1:3] for each in zpl.Name}


def commands(stream: bytes) -> list[str]:
    """The commands of a ZPL stream, as a printer finds them: by prefix, wherever they stand."""
    return COMMAND.findall(stream.decode("ascii"))


def told(stream: bytes) -> list[str]:
    """What each field's data says once the printer has undone the hex."""
    data = re.findall(r"\^FH_\^FD([^^~]*)\^FS", stream.decode("ascii"))
    return [
        bytes(
            re.sub(rb"_([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), each.encode())
        ).decode()
        for each in data
    ]


def check(drawing: Drawing) -> None:
    """A stream holds exactly the commands of its elements, and says exactly their texts."""
    stream = zpl.stream(drawing)
    found = commands(stream)
    assert set(found) <= ALLOWED
    assert "~" not in stream.decode("ascii")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", stream)
    elements = len(drawing.symbols) + len(drawing.words) + len(drawing.icons) + len(drawing.bars)
    assert found.count("FS") == elements
    assert (found.count("XA"), found.count("XZ"), found.count("PQ")) == (1, 1, 1)
    said = told(stream)
    for each in drawing.words:
        if zpl.latin(each.text):
            said.remove(each.text)
    assert len(said) == len([each for each in drawing.symbols if each.symbology != "qr"])


def drawn_or_refused(name: str, changed: dict[str, str]) -> Drawing | DomainError:
    try:
        return drawn(example(name, **changed))
    except DomainError as refused:
        return refused


values = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(SCRIPTS, max_size=6), st.characters()),
    max_size=5,
).map("".join)


@pytest.mark.parametrize("name", layout.names())
def test_H57_no_field_of_any_label_becomes_a_command(name):
    template = layout.load(name)
    fields = sorted(template.fields)
    check(drawn(example(name)))

    @settings(
        max_examples=400 if SOAK else 20,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.dictionaries(st.sampled_from(fields), values, min_size=1, max_size=2))
    def hostile(changed):
        drawing = drawn_or_refused(name, changed)
        if isinstance(drawing, Drawing):
            check(drawing)
        else:
            assert drawing.field

    hostile()


def test_H57_field_data_never_becomes_a_command(measured):
    seed = 5757
    pick = random.Random(seed)
    letters = SCRIPTS + "".join(map(chr, range(256)))
    trials, failures = (100_000 if SOAK else 3_000), 0
    for _each in range(trials):
        parts = pick.choices(HOSTILE, k=pick.randint(0, 3)) + pick.choices(letters, k=12)
        pick.shuffle(parts)
        data = zpl.field_data("".join(parts))
        failures += bool(re.search(r"[\^~\x00-\x1f\x7f-\uffff]", data))
        failures += re.sub(r"_[0-9A-F]{2}", "", data).count("_") != 0
    measured("H57", trials=trials, failures=failures, seed=seed)
    assert failures == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_letter_is_refused_and_what_is_one_is_escaped(text):
    drawing = drawn_or_refused("place_50x20", {"within": f"a{text}b"})
    if isinstance(drawing, Drawing):
        assert text.isprintable()
        check(drawing)
    else:
        assert drawing.field == "within"
        assert not text.isprintable() or len(text) > 200


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: zpl.Command(zpl.Name.CORNER, (-1, 0)),
        lambda: zpl.Command(zpl.Name.CORNER, (1.5, 0)),
        lambda: zpl.Command(zpl.Name.CORNER, ("10^XZ",)),
        lambda: zpl.Command(zpl.Name.CORNER, (True,)),
        lambda: zpl.Command(zpl.Name.CORNER, (32_001,)),
        lambda: zpl.Command(zpl.Name.CORNER, data="x"),
        lambda: zpl.Command(zpl.Name.DATA, data="x" * 401),
        lambda: zpl.Command(zpl.Name.PICTURE, (1, 1, 1), hex="^XZ"),
        lambda: zpl.Command(zpl.Name.DATA, hex="00"),
    ],
)
def test_the_builder_makes_no_other_command(wrong):
    with pytest.raises(zpl.NoCommand):
        wrong()


def test_H28_a_band_code_stands_on_no_other_label(measured):
    trials = failures = 0
    for name in layout.names():
        if layout.load(name).code_letters == "W":
            continue
        for band in (codes.draw("W") for _each in range(5)):
            for text in (band, codes.grouped(band), "band " + band.lower(), codes.symbol(band, 1)):
                for field in layout.load(name).fields - layout.load(name).flags:
                    trials += 1
                    try:
                        render(example(name, **{field: text}), "png")
                        failures += 1
                    except FieldWrong:
                        pass
            with pytest.raises(codes.WrongKind):
                render(LabelContent(name, example(name).fields, band), "png")
    measured("H28", trials=trials, failures=failures)
    assert failures == 0
