"""H17: no time without its zone, no date of another calendar taken for ours."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from lims.core import clock, words
from lims.core.errors import BadInput
from lims.web import calendars, fields, forms
from tests.conftest import SOAK

SEED = 20261121


class Shape(fields.Shape):
    """A form with a day and an instant."""

    day = fields.Day()
    at = fields.Moment()


def by_form(**sent: str) -> object:
    """What a page's form loads."""
    names = {name.replace("__", "."): value for name, value in sent.items()}
    schema = Shape()
    return schema.load(forms.raw(schema, MultiDict(names), MultiDict()))


def by_json(**sent: object) -> object:
    """What a body loads."""
    return Shape().load(sent)


def jalali_days() -> Iterator[tuple[str, date]]:
    """Every Jalali day of 1300-1500 beside its Gregorian day, counted by hand.

    1 Farvardin 1300 is 21 March 1921. Six months of 31 days, five of 30, and Esfand with 29, or 30
    in a leap year: eight of 33 years, by (25 y + 11) mod 33 < 8, which holds for 1178-1633 (the
    33-year cycle of Khayyam's reform; Borkowski, The Persian calendar for 3000 years, 1996).
    """
    day = date(1921, 3, 21)
    for year in range(1300, 1501):
        esfand = 30 if (25 * year + 11) % 33 < 8 else 29
        for month, length in enumerate([31] * 6 + [30] * 5 + [esfand], 1):
            for number in range(1, length + 1):
                yield f"{year}-{month:02}-{number:02}", day
                day += timedelta(days=1)


def test_the_table_itself_agrees_with_days_that_everybody_knows():
    table = dict(jalali_days())
    for jalali, gregorian in {
        "1300-01-01": date(1921, 3, 21),
        "1357-11-22": date(1979, 2, 11),
        "1378-10-11": date(2000, 1, 1),
        "1399-12-30": date(2021, 3, 20),
        "1400-01-01": date(2021, 3, 21),
        "1403-12-30": date(2025, 3, 20),
        "1404-01-01": date(2025, 3, 21),
        "1405-08-29": date(2026, 11, 20),
    }.items():
        assert table[jalali] == gregorian


def test_H17_every_jalali_day_both_ways_against_a_table_of_its_own(measured):
    trials = wrong = accepted_beyond = 0
    with words.speaking("fa"):
        for jalali, gregorian in jalali_days():
            trials += 1
            if gregorian.year > 2100:
                try:
                    by_form(day=jalali, day__calendar="jalali")
                    accepted_beyond += 1
                except ValidationError:
                    pass
                continue
            there = by_form(day=jalali, day__calendar="jalali")["day"]
            back = calendars.for_input(gregorian)
            wrong += there != gregorian or back != jalali

    measured("H17", trials=trials, failures=wrong + accepted_beyond, what="Jalali days")
    assert trials == 73_414
    assert (wrong, accepted_beyond) == (0, 0)


def test_H17_days_that_the_jalali_calendar_has_not_are_refused(measured):
    table = dict(jalali_days())
    trials = accepted = 0
    for year in range(1300, 1480):
        for month, number in [(12, 30), *((month, 31) for month in range(7, 13)), (1, 32), (13, 1),
                              (0, 1), (1, 0)]:  # fmt: skip
            written = f"{year}-{month:02}-{number:02}"
            if written in table:
                continue
            trials += 1
            try:
                by_form(day=written, day__calendar="jalali")
                accepted += 1
            except ValidationError:
                pass

    measured("H17", trials=trials, failures=accepted, what="no such day")
    assert trials > 1900
    assert accepted == 0


ZONES = {
    "Asia/Tehran": (datetime(2022, 3, 21, 12, tzinfo=UTC), datetime(2022, 9, 21, 12, tzinfo=UTC)),
    "Europe/Berlin": (
        datetime(2026, 3, 28, 18, tzinfo=UTC),
        datetime(2026, 10, 24, 18, tzinfo=UTC),
    ),
    "America/New_York": (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    "Australia/Lord_Howe": (
        datetime(2026, 10, 3, 8, tzinfo=UTC),
        datetime(2026, 4, 4, 8, tzinfo=UTC),
    ),
    "Asia/Shanghai": (datetime(1991, 4, 13, 12, tzinfo=UTC), datetime(1991, 9, 14, 12, tzinfo=UTC)),
}


@pytest.mark.parametrize("zone", ZONES)
def test_H17_a_time_that_a_zone_skips_or_has_twice_is_refused(zone, measured):
    where = ZoneInfo(zone)
    trials = wrong = skipped = twice = 0
    for begin in ZONES[zone]:
        # Which instants each wall time means, from the instants: the way that is never ambiguous.
        meant = defaultdict(list)
        for minute in range(24 * 60):
            instant = begin + timedelta(minutes=minute)
            meant[instant.astimezone(where).replace(tzinfo=None)].append(instant)
        walls = sorted(meant)
        wall = walls[0]
        while wall <= walls[-1]:
            trials += 1
            instants = meant.get(wall, [])
            skipped += not instants
            twice += len(instants) == 2
            try:
                read = by_form(at=f"{wall:%Y-%m-%d %H:%M}", at__zone=zone)["at"]
            except ValidationError:
                read = None
            wrong += read != (instants[0] if len(instants) == 1 else None)
            wall += timedelta(minutes=1)

    measured("H17", trials=trials, failures=wrong, zone=zone, skipped=skipped, twice=twice)
    assert skipped >= 30
    assert twice >= 30
    assert wrong == 0


def test_H17_the_offset_of_a_written_instant_is_what_counts(measured):
    chance = Random(SEED)
    trials, wrong = (20_000 if SOAK else 2_000), 0
    for _each in range(trials):
        instant = datetime(1901, 1, 1, tzinfo=UTC) + timedelta(
            minutes=chance.randrange(199 * 365 * 24 * 60)
        )
        minutes = chance.choice((0, 60, 210, 270, 480, 345, -300, -570, 765))
        sign, apart = "+-"[minutes < 0], abs(minutes)
        local = (instant + timedelta(minutes=minutes)).replace(tzinfo=None)
        written = f"{local.isoformat()}{sign}{apart // 60:02}:{apart % 60:02}"
        wrong += by_json(at=written)["at"] != instant or clock.parse(written) != instant
        wrong += clock.parse(clock.text(instant)) != instant

    measured("H17", trials=trials, failures=wrong, seed=SEED, what="offsets")
    assert wrong == 0


NOT_DATES = [
    "1404-05-06", "1404/05/06", "۱۴۰۴-۰۵-۰۶", "26-05-08", "04-05-06", "08.05.2026", "08/05/2026",
    "20260508", "2026-5-8", "2026-W19-5", "2026-128", "0026-05-08", "1899-12-31", "2101-01-01",
    "2026-02-29", "2026-13-01", "", " ", "today", "2026-05-08T10:00Z", "1300-01-01", "1500-12-29",
]  # fmt: skip
NOT_INSTANTS = [
    "2026-05-08T10:00", "2026-05-08 10:00", "2026-05-08", "1404-05-06T10:00+03:30",
    "26-05-08T10:00Z", "2101-01-01T00:00Z", "1899-12-31T23:00Z", "2026-05-08T25:00Z",
    "2026-02-30T10:00Z", "10:00Z", "1746698400", "20260508", "now", "",
    "2026-05-08T10:00[Asia/Tehran]",
]  # fmt: skip


def test_H17_a_jalali_or_short_or_naive_date_is_never_taken_for_gregorian(measured):
    accepted = []
    for name, given_ones in (("day", NOT_DATES), ("at", NOT_INSTANTS)):
        for each in given_ones:
            with suppress(ValidationError):
                accepted.append((each, by_json(**{name: each})))
    for each in NOT_INSTANTS:
        with suppress(BadInput):
            accepted.append((each, clock.parse(each)))
    for number in (20260508, 1746698400, 14040506, True, None, ["2026-05-08"]):
        for name in ("day", "at"):
            with suppress(ValidationError):
                accepted.append((number, by_json(**{name: number})))

    trials = len(NOT_DATES) + 2 * len(NOT_INSTANTS) + 12
    measured("H17", trials=trials, failures=len(accepted), what="refused forms")
    assert accepted == []


FORMS = [
    {"day": "1404-05-06"},
    {"day": "1404-05-06", "day.calendar": "gregorian"},
    {"day": "2026-05-08", "day.calendar": "jalali"},
    {"day": "26-05-08"},
    {"day": "04-05-06", "day.calendar": "jalali"},
    {"day": "1404-05-06", "day.calendar": "persian"},
    {"at": "2026-05-08 10:00"},
    {"at": "2026-05-08 10:00", "at.zone": ""},
    {"at": "2026-05-08 10:00", "at.zone": "Tehran"},
    {"at": "2026-05-08 10:00", "at.zone": "../etc/passwd"},
    {"at": "1404-05-06 10:00", "at.zone": "Asia/Tehran"},
    {"at": "2026-05-08 10:00", "at.zone": "Asia/Tehran", "at.calendar": "jalali"},
    {"at": "05-08 10:00", "at.zone": "Asia/Tehran"},
    {"at": "2026-05-08", "at.zone": "Asia/Tehran"},
    {"at": "2026-05-08 24:00", "at.zone": "Asia/Tehran"},
]


def test_H17_a_form_says_in_which_calendar_and_zone_it_means_it(measured):
    accepted = []
    for each in FORMS:
        sent = {name.replace(".", "__"): value for name, value in each.items()}
        with suppress(ValidationError):
            accepted.append((each, by_form(**sent)))
    right = by_form(
        day="1405-02-18", day__calendar="jalali",
        at="۱۴۰۵/۲/۱۸ ۱۳:۳۰", at__zone="Asia/Tehran", at__calendar="jalali",
    )  # fmt: skip

    measured("H17", trials=len(FORMS) + 1, failures=len(accepted), what="forms")
    assert accepted == []
    assert right == {"day": date(2026, 5, 8), "at": datetime(2026, 5, 8, 10, tzinfo=UTC)}


@given(st.datetimes())
def test_a_naive_time_is_refused_wherever_it_comes_in(naive):
    with pytest.raises(BadInput, match="names no time zone"):
        clock.utc(naive)
    with pytest.raises(BadInput):
        clock.parse(naive.isoformat())
    with pytest.raises(BadInput):
        clock.text(naive)


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_an_instant_outside_the_years_that_can_be_is_refused(instant):
    written = instant.isoformat()
    if not 1900 <= instant.year <= 2100:
        with pytest.raises(BadInput):
            clock.parse(written)
        return
    # As UTC: Python calls an instant in a repeated hour unequal to itself in another zone.
    assert clock.parse(written) == instant.astimezone(UTC)


def test_a_printed_instant_has_its_month_in_letters_and_its_zone():
    at = datetime(2027, 3, 31, 17, 30, tzinfo=ZoneInfo("Asia/Tehran"))
    assert clock.printed(at) == "2027-MAR-31 14:00Z"
    assert clock.local_date(datetime(2026, 5, 8, 21, tzinfo=UTC), "Asia/Tehran") == date(2026, 5, 9)
