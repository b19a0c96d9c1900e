"""ISBT 128: every published vector, and nothing at all until the site gave its own number."""

import csv
from datetime import datetime
from pathlib import Path

import pytest

from lims import settings
from lims.core import codes, isbt128, scanned
from lims.settings import MissingSetting

DATA = Path(__file__).parent.parent / "data" / "identifiers"
# Donation number, check character, flags of type 3. ICCBBA ST-001 and published labels.
VECTORS = [
    ("G123417654321", "A", "70"),
    ("G123498654321", "H", "77"),
    ("A999917123456", "9", "69"),
    ("A999917123458", "5", "65"),
    ("A999820123456", "E", "74"),
    ("A999917123654", "Y", "94"),
    ("A999917345628", "*", "96"),
    ("A999917345658", "O", "84"),
    ("A999915000001", "M", "82"),
    ("A999918000001", "8", "68"),
    ("W000009123456", "G", "76"),
    ("A999926000001", "8", "68"),
    ("A999926000002", "6", "66"),
]


def rows(name):
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def registered():
    isbt128.use("A9999")
    yield
    isbt128.use(None)


@pytest.mark.parametrize(("number", "check", "flags"), VECTORS)
def test_the_check_character_and_the_flags_are_the_published_ones(number, check, flags):
    assert codes.check_character(number) == check
    assert isbt128.type_3_flags(number) == flags


def test_the_check_characters_of_the_files_are_ours():
    cited = rows("isbt128_din_check_characters.tsv")
    single = rows("iso7064_mod37_2_single_characters.tsv")

    assert len(cited) == 5
    assert len(single) == 36
    assert all(codes.check_character(each["din"]) == each["check_character"] for each in cited)
    assert all(codes.check_character(each["value"]) == each["check_character"] for each in single)


def test_the_chain_of_identity_has_its_check_over_all_fifteen(registered):
    first, second = (isbt128.chain_of_identity(2026, f"00000{at}") for at in (1, 2))

    assert first.text == "&/CHA999926000001"
    assert [codes.check_character(each.value) for each in (first, second)] == ["*", "Y"]


def test_a_slip_of_the_hand_is_found():
    number = "A999926000001"
    assert codes.check_character("A999917123465") == "7"  # swapped; the right one has 9
    wrong = {
        number[:at] + each + number[at + 1 :]
        for at in range(13)
        for each in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    }
    wrong |= {number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in range(12)}
    assert all(codes.check_character(each) != "8" for each in wrong - {number})


def test_a_symbol_is_made_and_taken_apart_again(registered):
    made = isbt128.compound(
        isbt128.donation(2026, 1),
        isbt128.structure("product", "S1234100"),
        isbt128.structure("expires", isbt128.moment(datetime(2027, 3, 31), timed=False)),  # noqa: DTZ001
    )

    assert made.text == "=+03000=A99992600000168=<S1234100&>0270902359"
    assert scanned.tell(made.text) == made
    assert made.value("donation") == "A99992600000168"
    assert isbt128.donation(2026, 1, flags="00").text == "=A99992600000100"
    assert isbt128.instant("0170911215") == datetime(2017, 4, 1, 12, 15)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "=A99992600000169",  # the check value of another number
        "=A9999260000016",
        "=O99992600000100",  # no letter O in a facility
        "&>0270902460",  # no such minute
        "&>0273662359",  # 2027 has 365 days
        "&>0270002359",
        "=+02000=A99992600000100",  # counts one more than there is
        "=<S12341",
        "&%0000000000",
        "=A99992600000100 ",
    ],
)
def test_what_breaks_a_rule_is_refused(registered, text):
    with pytest.raises(isbt128.Malformed):
        isbt128.parse(text)


def test_it_is_off_until_the_site_gave_its_number():
    text = "=A99992600000100"

    assert scanned.tell(text) == scanned.Supplier(text)
    for call in (lambda: isbt128.parse(text), lambda: isbt128.donation(2026, 1)):
        with pytest.raises(isbt128.NotRegistered, match="LIMS_ISBT128_FACILITY"):
            call()


def test_a_number_counts_only_with_the_word_that_the_site_is_registered():
    given = {"LIMS_ISBT128_FACILITY": "A1234", "LIMS_ISBT128_REGISTERED": "yes"}

    assert settings.isbt128_facility({}) is None
    assert settings.isbt128_facility(given) == "A1234"
    with pytest.raises(MissingSetting, match="ICCBBA"):
        settings.isbt128_facility({**given, "LIMS_ISBT128_REGISTERED": ""})
    for wrong in ("A12", "O1234", "a1234", "A123I"):
        with pytest.raises(MissingSetting, match="facility number"):
            settings.isbt128_facility({**given, "LIMS_ISBT128_FACILITY": wrong})
        with pytest.raises(isbt128.Malformed):
            isbt128.use(wrong)
