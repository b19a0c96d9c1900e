"""Hazard H16: a number is read in one declared way, and what could be two is refused."""

import random
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.core import numbers
from lims.core.numbers import NotANumber
from tests.conftest import SOAK

PERSIAN, ARABIC = "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"


@dataclass(frozen=True)
class Locale:
    """How one place writes numbers."""

    mark: str
    groups: str | None
    written_groups: tuple[str, ...] = ()
    digits: tuple[str, ...] = ("0123456789",)


LOCALES = {
    "plain": Locale(".", None),
    "en": Locale(".", ",", (",",)),
    "de": Locale(",", ".", (".",)),
    "fr": Locale(",", " ", (" ", "\u00a0", "\u202f", "\u2009")),
    "fa": Locale("٫", "٬", ("٬",), (PERSIAN, ARABIC, "0123456789")),
    "ch": Locale(".", "'", ("'",)),
}


def written(draw: random.Random, locale: Locale) -> tuple[str, Decimal]:
    """A number as people of a locale write it, and what they mean."""
    whole = str(draw.randrange(10 ** draw.randint(1, 9)))
    part = "".join(draw.choice("0123456789") for _each in range(draw.choice([0, 0, 1, 2, 3, 4])))
    sign = draw.choice(["", "", "", "-", "\u2212", "+"])
    power = draw.choice(["", "", "", "E5", "e-3", "E+10"])
    meant = Decimal(f"{sign.replace(chr(0x2212), '-')}{whole}{'.' + part if part else ''}{power}")
    if locale.written_groups and draw.random() < 0.6:
        mark = draw.choice(locale.written_groups)
        first = len(whole) % 3 or 3
        whole = mark.join(
            [whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))]
        )
        if power and mark in whole:  # nobody writes 1,234E5 and means thousands
            meant, power = meant.scaleb(-int(power[1:])), ""
    text = sign + whole + (locale.mark + part if part else "") + power
    digits = draw.choice(locale.digits)
    text = "".join(digits[int(each)] if each in "0123456789" else each for each in text)
    return draw.choice(["", " "]) + text + draw.choice(["", " "]), meant


def meaning(text: str, locale: Locale) -> Decimal | None:
    """The oracle: the one reading of a text in a locale, worked out without the product's code.

    It cuts the text apart by hand; Python's own `int` reads the digits, one at a time.
    """
    rest = text.strip().replace("\u2212", "-")
    rest = rest.replace("\u066b", locale.mark)
    sign = -1 if rest.startswith("-") else 1
    rest = rest[1:] if rest[:1] in ("-", "+") else rest
    power, powered = 0, False
    for letter in "eE":
        if letter in rest:
            rest, _letter, tail = rest.partition(letter)
            bare = tail[1:] if tail[:1] in ("-", "+") else tail
            if not bare.isdecimal() or len(bare) > 3 or int(bare) > 30:
                return None
            power, powered = int(tail), True
            break
    pieces = rest.split(locale.mark)
    if len(pieces) > 2 or (len(pieces) == 2 and not pieces[1].isdecimal()):
        return None
    head = pieces[0]
    if locale.groups:
        blanks = " \u00a0\u202f\u2009" if locale.groups == " " else locale.groups
        for blank in blanks:
            head = head.replace(blank, "|")
        triples = head.split("|")
        if len(triples) > 1 and (
            any(len(each) != 3 for each in triples[1:])
            or not 1 <= len(triples[0]) <= 3
            or powered
            or (triples[0][:1].isdecimal() and int(triples[0][0]) == 0)
        ):
            return None
        head = "".join(triples)
    if not head.isdecimal():
        return None
    digits = [int(each) for each in head + (pieces[1] if len(pieces) == 2 else "")]
    value = sum(each * 10**place for place, each in enumerate(reversed(digits)))
    return Decimal(sign * value).scaleb(power - (len(pieces[1]) if len(pieces) == 2 else 0))


def read(text: str, locale: Locale) -> Decimal | None:
    try:
        return numbers.decimal(text, mark=locale.mark, groups=locale.groups)
    except NotANumber:
        return None


def test_H16_each_locale_reads_its_own_writing_exactly(measured):
    draw = random.Random(16)
    count = 5000 if SOAK else 300
    wrong = []
    for name, locale in LOCALES.items():
        for _each in range(count):
            text, meant = written(draw, locale)
            if read(text, locale) != meant:
                wrong.append((name, text, meant))
    measured("H16", trials=count * len(LOCALES), failures=len(wrong), seed=16)
    print(f"H16: n={count * len(LOCALES)}")
    assert not wrong, wrong[:5]


def test_H16_another_locales_writing_is_read_as_the_oracle_reads_it_or_refused(measured):
    draw = random.Random(1616)
    count = 5000 if SOAK else 300
    wrong = []
    for locale in LOCALES.values():
        for _each in range(count):
            text, _meant = written(draw, draw.choice(list(LOCALES.values())))
            if draw.random() < 0.4:
                at = draw.randrange(len(text) + 1)
                text = text[:at] + draw.choice(list(".,'_ eE-+0٫٬²x\u00a0")) + text[at:]
            if read(text, locale) != meaning(text, locale):
                wrong.append((text, locale, read(text, locale), meaning(text, locale)))
    measured("H16", trials=count * len(LOCALES), failures=len(wrong), seed=1616)
    print(f"H16: n={count * len(LOCALES)}")
    assert not wrong, wrong[:5]


def test_H16_what_could_be_two_numbers_is_refused_where_no_locale_is_declared(measured):
    draw = random.Random(161616)
    count = 5000 if SOAK else 300
    accepted = []
    for _each in range(count):
        name = draw.choice(["en", "de", "fr", "ch", "fa"])
        text, _meant = written(draw, LOCALES[name])
        bare = text.strip()
        ambiguous = any(each in bare for each in ",'٬ \u00a0\u202f\u2009") or bare.count(".") > 1
        if ambiguous and read(text, LOCALES["plain"]) is not None:
            accepted.append(text)
    measured("H16", trials=count, failures=len(accepted), seed=161616)
    print(f"H16: n={count}")
    assert not accepted, accepted[:5]


@pytest.mark.parametrize(
    ("text", "locale"),
    [("0,125", "en"), ("-0,125", "en"), ("00,125", "en"), ("0.125", "de"), ("0'125", "ch"),
     ("0 125", "fr"), ("۰٬۱۲۵", "fa"), ("1,234E5", "en"), ("1,23", "en"), ("12,3456", "en"),
     ("1234,567", "en"), (",123", "en"), ("1,,234", "en")],
)  # fmt: skip
def test_H16_a_mark_that_parts_no_thousands_is_refused(text, locale, measured):
    accepted = read(text, LOCALES[locale])
    measured("H16", trials=1, failures=int(accepted is not None))
    assert accepted is None


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "-", "+", ".5", "5.", "1_0", "1 0", "1,5", "1,234", "1.234.567", "0x1F", "½",
     "²",
     "1e", "e5", "1e5e5", "1E999", "nan", "NaN", "inf", "-Infinity", "--5", "5-", "+-5", "1..2",
     "5-Mar", "2026-05-01", "1/2", "#N/A", "########", "TRUE", "=1+1", "<5", "5%", "5 mL",
     "1\t0",
     "1\n0", "۱٬۰۰۰", "\u200e5", "9" * 41, "٣,٥"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(NotANumber) as refused:
        numbers.decimal(text)
    assert str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3.9", "3.9"), ("0", "0"), ("-0.003", "-0.003"), ("+7", "7"), ("1E5", "1E5"),
     ("5.2e+10", "5.2E10"), ("۲٫۵", "2.5"), ("٢٫٥", "2.5"), ("\u22125", "-5"), ("  12 ", "12"),
     ("0.1000", "0.1"), ("１２", "12"), ("007", "7")],
)  # fmt: skip
def test_what_is_a_number_is_read_exactly(text: str, value: str):
    assert numbers.decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "mark", "groups", "value"),
    [("1,234", ",", None, "1.234"), ("1,234", ".", ",", "1234"), ("1.234", ",", ".", "1234"),
     ("1\u202f234,5", ",", " ", "1234.5"), ("1234567,5", ",", ".", "1234567.5"),
     ("1.430.000.000", ",", ".", "1430000000")],
)  # fmt: skip
def test_a_declared_convention_settles_it(text: str, mark: str, groups: str | None, value: str):
    assert numbers.decimal(text, mark=mark, groups=groups) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "mark", "groups"),
    [("0,125", ".", ","), ("0.125", ",", "."), ("00,125", ".", ","), ("1,23", ".", ","),
     ("1234,567", ".", ","), ("12,34,567", ".", ","), ("1,234,", ".", ","), (",234", ".", ","),
     ("1.234,567,890", ".", ","), ("1\t234", ".", " "), ("1\n234", ".", " "),
     ("1.5", ",", None), ("1.5", "٫", "٬")],
)  # fmt: skip
def test_a_text_that_breaks_its_declared_convention_is_refused(text, mark, groups):
    with pytest.raises(NotANumber):
        numbers.decimal(text, mark=mark, groups=groups)


def test_one_mark_cannot_mean_both():
    with pytest.raises(ValueError, match="different marks"):
        numbers.decimal("1,2", mark=",", groups=",")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12))
def test_any_text_at_all_is_read_as_the_oracle_reads_it_or_refused(text: str):
    found = read(text, LOCALES["plain"])
    assert found is None or found == meaning(text, LOCALES["plain"])


@settings(max_examples=200, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12,
                   places=6))  # fmt: skip
def test_what_is_shown_plainly_reads_back(value: Decimal):
    assert numbers.decimal(numbers.plain(value)) == value


def test_whole_numbers_are_whole():
    assert numbers.whole("12") == 12
    assert numbers.whole("12.0") == 12
    for text in ("3.9", "1_0", "1,0", ""):
        with pytest.raises(NotANumber):
            numbers.whole(text)
