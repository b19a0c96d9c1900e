"""What each field takes and refuses; forms and JSON by the same words."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from persiantools.jdatetime import JalaliDate
from werkzeug.datastructures import MultiDict

from lims.core import codes, words
from lims.core.units import Quantity
from lims.web import calendars, fields, forms, plain

TEHRAN = ZoneInfo("Asia/Tehran")
SPECIMEN, OTHER = codes.draw("S"), codes.draw("S")


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def load(field: fields.Input, value: object) -> object:
    return fields.Shape.from_dict({"x": field})().load({"x": value})["x"]


def refused(field: fields.Input, value: object) -> str:
    with pytest.raises(ValidationError) as fault:
        load(field, value)
    return fault.value.messages["x"][0]


def by_form(field: fields.Input, **sent: str) -> object:
    schema = fields.Shape.from_dict({"x": field})()
    return schema.load(forms.raw(schema, MultiDict(sent), MultiDict()))["x"]


@pytest.mark.parametrize(
    "given",
    [
        {"value": "2.5", "unit": "mL"},
        "2.5 mL",
        {"value": "2500", "unit": "uL"},
        {"value": Decimal("2.5"), "unit": "ml"},
        "۲٫۵ mL",
    ],
)
def test_an_amount_is_read_with_its_unit_and_brought_to_the_one_asked_for(given):
    assert load(fields.Amount("mL", smallest="uL"), given) == Quantity("2.5", "mL")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (2.5, "no_unit"),
        (2, "no_unit"),
        (True, "no_unit"),
        (None, "bad_input"),
        ("2.5", "bad_input"),
        ("2,5 mL", "not_a_number"),
        ("1_0 mL", "not_a_number"),
        ("2 kg", "unit_does_not_convert"),
        ("2 sips", "unknown_unit"),
        ({"value": "2"}, "bad_input"),
        ({"value": "2", "unit": "mL", "x": 1}, "bad_input"),
        ({"value": 2.5, "unit": "mL"}, "not_a_number"),
        ({"value": True, "unit": "mL"}, "not_a_number"),
        ({"value": "2", "unit": 3}, "bad_input"),
        ("0 mL", "too_small"),
        ("-1 mL", "too_small"),
        ("11 mL", "too_large"),
        ("0.0001 mL", "bad_input"),
        ("NaN mL", "not_a_number"),
        ("Infinity mL", "not_a_number"),
    ],
)
def test_H16_an_amount_that_could_mean_something_else_is_refused(given, code, measured):
    said = refused(fields.Amount("mL", smallest="uL", above=0, at_most=10), given)
    measured("H16", trials=1, failures=said.code != code)
    assert said.code == code


def test_whole_numbers_are_not_cut_and_decimals_are_not_stretched():
    assert refused(fields.Whole(), "3.9").code == "not_a_number"
    assert refused(fields.Whole(), Decimal("3.9")).code == "not_a_number"
    assert refused(fields.Number(), "1_0").code == "not_a_number"
    assert refused(fields.Number(), 1.5).code == "not_a_number"
    assert refused(fields.Whole(), True).code == "not_a_number"
    assert load(fields.Whole(at_least=1), 3) == 3
    assert load(fields.Number(), "۳٫۱۴") == Decimal("3.14")


def test_a_code_is_folded_and_of_the_kind_that_is_asked_for():
    field = fields.Code("S")
    assert load(field, codes.grouped(SPECIMEN).lower()) == SPECIMEN
    assert load(field, codes.symbol(SPECIMEN, 3)) == SPECIMEN
    assert load(fields.Code("S", scanned=True), codes.symbol(SPECIMEN, 3)).copy == 3
    assert refused(field, codes.draw("L")).code == "code_kind"
    assert refused(field, 7).code == "bad_input"


def test_a_symbol_drawn_by_hand_is_refused_by_every_scan():
    assert "drawn by hand" in refused(fields.Code("S"), codes.symbol(SPECIMEN, 0))


def test_an_instant_needs_its_offset():
    assert load(fields.Moment(), "2026-05-08T10:00+03:30") == datetime(
        2026, 5, 8, 6, 30, tzinfo=UTC
    )
    assert "zone" in refused(fields.Moment(), "2026-05-08T10:00")
    assert refused(fields.Moment(), 1_700_000_000)


def test_H17_a_jalali_date_goes_there_and_back_for_every_day(measured):
    random = Random(17)
    failures = 0
    for _each in range(2_000):
        day = date.fromordinal(
            random.randint(date(1921, 3, 21).toordinal(), date(2100, 12, 31).toordinal())
        )
        failures += calendars.day(str(JalaliDate(day)), "jalali") != day
        failures += calendars.day(day.isoformat()) != day
        with words.speaking("fa"):
            failures += (
                by_form(fields.Day(), x=calendars.for_input(day), **{"x.calendar": "jalali"}) != day
            )
    measured("H17", trials=2_000, failures=failures, seed=17)
    assert failures == 0


@pytest.mark.parametrize(
    "given",
    ["1404-05-06", "2026-5-8", "08-05-2026", "2026/05/08", "2026-02-30", "۲۰۲۶-۰۵-۰۸", ""],
)
def test_json_takes_one_way_to_write_a_day(given):
    assert refused(fields.Day(), given)


def test_an_hour_that_a_zone_skips_or_has_twice_is_refused():
    berlin = {"x.zone": "Europe/Berlin"}
    for text in ("2026-03-29T02:30", "2026-10-25T02:30"):
        with pytest.raises(ValidationError, match="changes its clocks"):
            by_form(fields.Moment(), x=text, **berlin)
    assert by_form(fields.Moment(), x="2026-10-25T04:30", **berlin).hour == 3


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "/etc/localtime"])
def test_a_form_must_say_its_zone(zone):
    with pytest.raises(ValidationError):
        by_form(fields.Moment(), x="2026-05-08T10:00", **{"x.zone": zone})


@given(st.text(max_size=40))
def test_words_come_in_as_written_or_not_at_all(text):
    try:
        kept = load(fields.Words(), text)
    except ValidationError:
        return
    assert kept == text.strip()
    assert "\x00" not in kept
    kept.encode()


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\x1bb", "a\u202eb", "a\u2066b", "a\ud800b", "a\nb", "x" * 501]
)
def test_words_that_hide_something_are_refused(text):
    assert refused(fields.Words(), text)


def test_persian_words_keep_their_joiners_and_notes_their_lines():
    assert load(fields.Words(), "می‌شود") == "می‌شود"
    assert load(fields.Words(lines=True), "a\r\nb") == "a\nb"
    assert refused(fields.Words(required=True), "  ").code == "missing"


@pytest.mark.parametrize("given", ["yes", 1, 0, "true", None, []])
def test_a_flag_is_true_or_false_and_nothing_else(given):
    assert refused(fields.Flag(), given)


def test_a_question_without_an_answer_is_not_a_no():
    with pytest.raises(ValidationError):
        by_form(fields.Flag(required=True))
    assert by_form(fields.Flag(box=True)) is False
    assert by_form(fields.Flag(required=True), x="yes") is True


def test_a_choice_is_one_of_its_values():
    assert load(fields.Choice(Size), "small") is Size.SMALL
    assert refused(fields.Choice(Size), "SMALL").code == "not_a_choice"
    assert refused(fields.Choice(Size), ["small"])


def test_a_file_comes_with_a_plain_name():
    content = base64.b64encode(b"a,b").decode()
    assert load(fields.File(), {"name": "..\\..\\run.csv", "content": content}) == (
        "run.csv",
        b"a,b",
    )
    for wrong in (
        {"name": "", "content": content},
        {"name": "x", "content": "?"},
        "x",
        {"name": "x", "content": ""},
        {"name": "a\x00b", "content": content},
        {"name": "x"},
    ):
        assert refused(fields.File(), wrong)
    assert refused(fields.File(most=2), {"name": "x", "content": content}).code == "too_large"


def test_a_list_is_taken_one_a_line_and_names_the_line_at_fault():
    assert by_form(fields.Amounts("mL"), x="1\n2.5 mL\n\n300 uL") == [
        Quantity("1", "mL"),
        Quantity("2.5", "mL"),
        Quantity("0.3", "mL"),
    ]
    fault = refused(fields.Amounts("mL"), ["1 mL", "x mL"])
    assert fault.startswith("Line 2:")
    assert fault.code == "not_a_number"
    assert refused(fields.Amounts("mL", fewest=1), []).code == "wrong_count"
    assert refused(fields.Codes("S"), [SPECIMEN, OTHER, SPECIMEN]).code == "twice"
    assert by_form(fields.Codes("S"), x=f"{SPECIMEN}\n{OTHER}") == [SPECIMEN, OTHER]
    assert load(fields.Numbers(above=0), ["1", Decimal("2.5")]) == [Decimal(1), Decimal("2.5")]


def test_a_form_may_send_an_input_once_only():
    schema = fields.Shape.from_dict({"x": fields.Words()})()
    with pytest.raises(ValidationError):
        forms.raw(schema, MultiDict([("x", "a"), ("x", "b")]), MultiDict())


def test_what_goes_out_has_the_shape_that_comes_in():
    shape = fields.Shape.from_dict(
        {
            "v": fields.Amount("mL"),
            "t": fields.Moment(),
            "d": fields.Day(),
            "n": fields.Number(),
            "c": fields.Choice(Size),
            "k": fields.Code(),
            "l": fields.Amounts("mL"),
        }
    )()
    sent = {
        "v": Quantity("2.5", "mL"),
        "t": datetime(2026, 5, 8, 6, 30, tzinfo=UTC),
        "d": date(2026, 5, 8),
        "n": Decimal("2.50"),
        "c": Size.LARGE,
        "k": SPECIMEN,
        "l": [Quantity("1", "mL")],
    }
    assert shape.load(plain.loads(plain.dumps(shape.dump(sent)))) == sent


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "20-Nov-2026 14:05 UTC+03:30"),
        ("fa", "۲۹ آبان ۱۴۰۵ ۱۴:۰۵ UTC+03:30"),
        ("zh", "2026年11月20日 14:05 UTC+03:30"),
    ],
)
def test_dates_are_read_in_local_form_with_their_zone(language, said):
    with words.speaking(language):
        assert calendars.spoken(datetime(2026, 11, 20, 10, 35, tzinfo=UTC), TEHRAN) == said
