"""Codes: what a slip of the finger or of the scanner can and cannot become."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core import codes
from lims.core.errors import BadInput
from tests.conftest import SOAK

SEED = 20261121
# Whatever a keyboard or a smudged symbol may make of a character.
KEYS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"


def drawn(chance: Random, letter: str = "") -> str:
    """A code as `draw` would draw it, but the same at every run."""
    while True:
        body = (letter or chance.choice(list(codes.LETTERS))) + "".join(
            chance.choices(codes.ALPHABET, k=7)
        )
        check = codes.check_character(body)
        if check in codes.ALPHABET and body[1] != codes.PRACTICE:
            return body + check


def with_edits(text: str, edits: dict[int, str]) -> str:
    """The text with characters replaced."""
    return "".join(edits.get(at, each) for at, each in enumerate(text))


def as_read(text: str) -> codes.Scanned | None:
    """What the system reads in it; None where it refuses."""
    try:
        return codes.parse(text)
    except BadInput:
        return None


@pytest.mark.parametrize("symbol", [False, True], ids=["typed", "scanned"])
def test_H04_every_single_substitution_is_refused(symbol, measured):
    chance = Random(SEED)
    trials = passed = 0
    for _each in range(1000 if SOAK else 60):
        code = drawn(chance)
        text = codes.symbol(code, chance.randrange(1, 1000)) if symbol else code
        assert as_read(text).code == code
        for at, key in product(range(len(text)), KEYS):
            if key != text[at]:
                trials += 1
                passed += as_read(with_edits(text, {at: key})) is not None

    measured("H04", trials=trials, failures=passed, seed=SEED, edit="substitution")
    assert trials > 60 * 9 * 35
    assert passed == 0


@pytest.mark.parametrize("apart", [1, 2], ids=["adjacent", "jump"])
def test_H04_every_transposition_is_refused(apart, measured):
    chance = Random(SEED + apart)
    trials = passed = 0
    for _each in range(1000 if SOAK else 300):
        code = drawn(chance)
        for text in (code, codes.symbol(code, 1)):
            for at in range(len(text) - apart):
                one, two = text[at], text[at + apart]
                if one != two:
                    trials += 1
                    swapped = with_edits(text, {at: two, at + apart: one})
                    passed += as_read(swapped) is not None

    measured("H04", trials=trials, failures=passed, seed=SEED + apart, edit="transposition")
    assert trials > 3000
    assert passed == 0


def test_H04_few_double_edits_pass_the_check_character(measured):
    chance = Random(SEED)
    trials = 100_000 if SOAK else 20_000
    passed = 0
    for _each in range(trials):
        code = drawn(chance)
        one, two = chance.sample(range(codes.LENGTH), 2)
        edits = {
            at: chance.choice([key for key in codes.ALPHABET if key != code[at]])
            for at in (one, two)
        }
        passed += as_read(with_edits(code, edits)) is not None

    # What passes is stopped by context: tests/custody/test_hazards.py.
    too_many = max(0, passed - trials * 3 // 100)
    measured("H04", trials=trials, failures=too_many, seed=SEED, edit="double", passed=passed)
    assert too_many == 0
    assert passed > trials // 100, "a double edit that never passes was no edit of a code"


def test_a_code_that_is_drawn_is_read_again_as_it_is():
    for letter in codes.LETTERS:
        for practice in (False, True):
            code = codes.draw(letter, practice=practice)
            read = codes.parse(code)
            assert (read.code, read.copy, read.letter) == (code, None, letter)
            assert read.practice is practice
            assert not set(code[1:]) & set("*ILOU")


def test_no_type_letter_but_ours_is_drawn():
    with pytest.raises(ValueError, match="no type letter"):
        codes.draw("Z")


@given(
    letter=st.sampled_from(sorted(codes.LETTERS)),
    body=st.text(codes.ALPHABET, min_size=7, max_size=7),
    copy=st.integers(0, 1023),
)
def test_a_symbol_carries_its_code_and_copy(letter, body, copy):
    code = letter + body + codes.check_character(letter + body)
    if code[-1] not in codes.ALPHABET:
        return
    assert codes.parse(codes.symbol(code, copy)) == codes.Scanned(code, copy)


def test_a_copy_that_two_characters_cannot_say_is_refused():
    for copy in (-1, 1024):
        with pytest.raises(ValueError, match="does not fit"):
            codes.symbol(codes.draw("S"), copy)


@pytest.mark.parametrize(
    "written",
    [
        str.lower,
        codes.grouped,
        lambda code: f" {code}\r\n",
        lambda code: "-".join(code),
        lambda code: "\u200f" + code + "\u200e",
        lambda code: code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
        lambda code: code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ],
)
def test_what_a_keyboard_adds_to_a_code_does_not_matter(written):
    for _each in range(20):
        code = codes.draw("V")
        assert codes.parse(written(code)).code == code


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_in_words(text):
    if codes.valid(text):
        read = codes.parse(text)
        assert codes.check_character(read.code[:8]) == read.code[8]
        return
    with pytest.raises((codes.NotACode, codes.WrongCheckCharacter), match="Scan the label again"):
        codes.parse(text)


def test_a_good_code_of_another_kind_is_refused_by_both_names():
    code = codes.draw("K")

    with pytest.raises(codes.WrongKind) as refused:
        codes.expect(code, "SV")

    assert "kit" in str(refused.value)
    assert "specimen" in str(refused.value)
    assert codes.expect(code, "SK").code == code


def test_the_check_character_is_the_standards_own():
    # The example of the standard's own text for MOD 37-2.
    assert codes.check_character("G123489654321") == "Y"
