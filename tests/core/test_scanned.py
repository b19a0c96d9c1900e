"""Scanned texts: ours, GS1 element strings, and what suppliers print."""

import csv
from datetime import date
from pathlib import Path

import pytest

from lims.core import codes, scanned

DATA = Path(__file__).parents[1] / "data" / "identifiers"
# domain: formats of a public table of application identifiers, and its own worked example.
EXAMPLE = "010952123454321317270331" + "10LOT26A\x1d21D0007"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


VECTORS = rows("gs1_bracketed_element_strings.tsv")


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["bracketed"])
def test_gs1_vectors_are_read_as_gs1_does(row):
    bracketed = row["bracketed"]
    if row["valid"] == "true":
        found = scanned.tell(bracketed)
        assert isinstance(found, scanned.Gs1)
        sent = row["unbracketed_with_FNC1_as_caret"].replace("^", "\x1d")
        assert scanned.tell(sent) == found
        assert scanned.tell("]d2" + sent[1:]) == found
        return
    if not bracketed.startswith("("):  # whatever a supplier prints is kept
        assert scanned.tell(bracketed) == scanned.Supplier(bracketed)
        return
    with pytest.raises(scanned.Gs1Damaged, match="Scan it again"):
        scanned.tell(bracketed)


def test_a_gs1_code_is_taken_apart():
    found = scanned.tell("]d2" + EXAMPLE)

    assert found.text == "(01)09521234543213(17)270331(10)LOT26A(21)D0007"
    assert scanned.parts(found) == {
        "text": found.text,
        "elements": [
            {"ai": "01", "title": "GTIN", "value": "09521234543213"},
            {"ai": "17", "title": "USE BY or EXPIRY", "value": "270331"},
            {"ai": "10", "title": "BATCH/LOT", "value": "LOT26A"},
            {"ai": "21", "title": "SERIAL", "value": "D0007"},
        ],
        "gtin": "09521234543213",
        "lot": "LOT26A",
        "serial": "D0007",
        "made": None,
        "expires": "2027-03-31",
    }
    assert scanned.tell(EXAMPLE) == scanned.tell(found.text) == found
    assert scanned.tell("(17)270200").elements[0].day == date(2027, 2, 28)
    assert scanned.tell("(7003)2703311205").elements[0].day == date(2027, 3, 31)


@pytest.mark.parametrize(
    "text",
    [
        "]d20109521234543212",  # check digit
        "]d210LOT^A",
        "(17)271301",
        "(01)09521234543213x",
        "]d2",
        "\x1d",
        "01095212345432131\x1d",
    ],
)
def test_gs1_that_does_not_hold_together_was_misread(text):
    with pytest.raises((scanned.Gs1Damaged, scanned.NotReadable)):
        scanned.tell(text)


@pytest.mark.parametrize("text", ["10123", "0109521234543212", "CAT-4711", "hello", "۱۲۳", "(R) 5"])
def test_what_does_not_say_that_it_is_gs1_stays_a_suppliers(text):
    assert scanned.tell(text) == scanned.Supplier(text)


@pytest.mark.parametrize("text", ["", "  \r\n", "x" * 201, "a\x00b", "a\nb"])
def test_what_no_symbol_can_say_is_refused(text):
    with pytest.raises(scanned.NotReadable):
        scanned.tell(text)


def test_ours_is_ours_and_a_misread_one_is_never_a_suppliers():
    code = codes.draw("V")

    assert scanned.tell(codes.symbol(code, 2)) == codes.Scanned(code, 2)
    with pytest.raises(codes.WrongCheckCharacter):
        scanned.tell(code[:-1] + ("2" if code[-1] != "2" else "3"))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("isbt128_din_check_characters.tsv", "din"),
        ("iso7064_mod37_2_single_characters.tsv", "value"),
    ],
)
def test_published_check_characters_are_ours(name, body):
    found = rows(name)

    assert len(found) > 4
    assert [codes.check_character(row[body]) for row in found] == [
        row["check_character"] for row in found
    ]
