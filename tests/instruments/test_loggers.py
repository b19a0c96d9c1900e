"""Real exports of four makers' loggers, and what is wrong with a record, told and never mended."""

import os
import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lims import instruments
from lims.core.errors import BadInput

DATA = Path(__file__).parent.parent / "data" / "temperature"
NAMES = ("TinyTag_1.csv", "Rotronic_1.csv", "Meaco_1.csv", "TandD_1.csv")
SOAK = os.environ.get("EXOTRACE_SOAK") == "1"
D = Decimal


def bytes_of(name: str) -> bytes:
    return (DATA / name).read_bytes()


def read(name: str, data: bytes | None = None, **said: str) -> instruments.Reading:
    return instruments.read(data or bytes_of(name), name, **said)


def channel(reading: instruments.Reading, quantity: str) -> instruments.LoggerChannel:
    (found,) = [each for each in reading.samples if each.quantity == quantity]
    return found


def warned(reading: instruments.Reading) -> set[str]:
    return {each.where for each in reading.warnings}


@pytest.mark.parametrize(
    ("name", "maker", "first", "last", "span", "humidity"),
    [
        ("TinyTag_1.csv", "Gemini Tinytag", ("2021-07-26 14:26:00", "20.873"),
         ("2021-07-26 18:56:00", "20.887"), ("20.873", "20.887"), ("53.4", "53.2")),
        ("Rotronic_1.csv", "Rotronic", ("24/01/2020 13:37:22", "20"),
         ("29/01/2020 01:37:22", "20.3"), ("20", "20.6"), ("37.9", "37.7")),
        ("Meaco_1.csv", "Meaco", ("2025-11-06 15:59", "23.06"),
         ("2025-11-06 18:09", "21.43"), ("21.21", "23.06"), ("54.91", "56.20")),
        ("TandD_1.csv", "T&D", ("2021-08-21 08:06:00", "22.7"),
         ("2021-08-21 10:21:00", "23.0"), ("22.7", "23.0"), ("53.0", "53.0")),
    ],
)  # fmt: skip
def test_figures_are_those_that_the_publishers_give(name, maker, first, last, span, humidity):
    reading = read(name)
    warmth, damp = channel(reading, "temperature"), channel(reading, "humidity")
    assert (reading.kind, reading.maker, warmth.readings) == ("temperature", maker, 10)
    assert (warmth.first.at, warmth.first.value) == (first[0], D(first[1]))
    assert (warmth.last.at, warmth.last.value) == (last[0], D(last[1]))
    assert (warmth.minimum, warmth.maximum) == (D(span[0]), D(span[1]))
    assert (damp.first.value, damp.last.value) == tuple(map(D, humidity))


def test_what_a_file_does_not_say_is_asked_for_and_never_guessed():
    for name in NAMES:
        assert "time zone" in warned(read(name))
        assert channel(read(name), "temperature").first.instant.tzinfo is None
        assert "time zone" not in warned(read(name, zone="Asia/Tehran"))
    units = [channel(read(name), "temperature").unit for name in NAMES]
    assert units == [None, "Cel", None, "Cel"]
    assert channel(read("Meaco_1.csv", unit="Cel"), "temperature").unit == "Cel"


def test_a_zone_gives_instants_and_an_unknown_one_is_refused():
    first = channel(read("TinyTag_1.csv", zone="Asia/Tehran"), "temperature").first
    assert first.instant == datetime(2021, 7, 26, 9, 56, tzinfo=UTC)  # summer time of that year
    first = channel(read("TinyTag_1.csv", zone="+03:30"), "temperature").first
    assert first.instant == datetime(2021, 7, 26, 10, 56, tzinfo=UTC)
    for name in ("Teheran", "+3", "+15:00", "../etc/passwd", "x" * 80):
        with pytest.raises(BadInput, match="No time zone"):
            read("TinyTag_1.csv", zone=name)


def test_an_hour_that_a_zone_has_twice_or_never_is_refused():
    for day in (b"2021-10-31 02:30:00", b"2021-03-28 02:30:00"):
        data = bytes_of("TinyTag_1.csv").replace(b"2021-07-26 14:26:00", day)
        with pytest.raises(instruments.NotReadable, match="twice or never"):
            read("x", data, zone="Europe/Berlin")
        assert read("x", data, zone="+01:00").samples


def test_gaps_doubled_instants_and_overlaps_are_named_and_not_mended():
    meaco = channel(read("Meaco_1.csv"), "temperature")
    (gap,) = meaco.gaps
    assert (gap.after, gap.before, gap.minutes) == ("2025-11-06 15:59", "2025-11-06 16:49", 50)
    assert meaco.interval_seconds == 600
    rotronic = read("Rotronic_1.csv")
    assert len(channel(rotronic, "temperature").gaps) == 9
    assert {"interval", "gaps"} <= warned(rotronic)

    lines = bytes_of("Meaco_1.csv").splitlines(keepends=True)
    doubled = channel(read("x", b"".join([*lines[:5], *lines[4:]])), "temperature")
    assert (doubled.readings, doubled.duplicates) == (11, ("2025-11-06 17:09",))
    back = read("x", b"".join([*lines[:6], *lines[3:]]))
    found = channel(back, "temperature")
    assert [(each.after, each.before) for each in found.backwards] == [
        ("2025-11-06 17:19", "2025-11-06 16:59")
    ]
    assert found.readings == 13
    assert "order" in warned(back)
    assert [each.at for each in found.points] == [
        line.split(b'"')[5].decode() for line in [*lines[1:6], *lines[3:]]
    ]


def test_alarm_limits_stand_with_their_channel_and_are_asked():
    quiet = channel(read("Rotronic_1.csv"), "temperature")
    assert (quiet.alarm_low, quiet.alarm_high, quiet.alarms) == (13, 25, 0)
    damp = channel(read("Rotronic_1.csv"), "humidity")
    assert (damp.alarm_low, damp.alarm_high) == (35, 60)
    loud = read("x", bytes_of("Rotronic_1.csv").replace(b"36,20.6", b"36,25.1"))
    assert channel(loud, "temperature").alarms == 1
    assert "Temperature" in warned(loud)


def test_sums_are_no_readings_and_a_lost_minus_sign_is_noticed():
    reading = read("TandD_1.csv")
    assert [each.name for each in reading.samples] == ["ch1", "ch2", "ch3", "ch4"]
    assert "Cumulative Illuminance" in warned(reading)
    warm = read("x", bytes_of("Meaco_1.csv").replace(b"23.06", b"80.00"), unit="Cel")
    assert "minus sign" in " ".join(str(each.what) for each in warm.warnings)


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("TinyTag_1.csv", b"\r\n4,2021", b"\r\n14,2021", "lines are missing"),
        ("TinyTag_1.csv", b"20.873", b"20,873", "columns"),
        ("TinyTag_1.csv", b"20.873", b"2_0.873", "not a number"),
        ("TinyTag_1.csv", b"Property,", b"Nothing,", "no reader knows"),
        ("Rotronic_1.csv", b"25/01/2020,01", b"31/02/2020,01", "no date and time"),
        ("Rotronic_1.csv", b"\xc2\xb0C", b"\xc2\xb0F", "°F"),
        ("Meaco_1.csv", b'"Archive 1","2025-11-06 16:49"', b'"Attic","2025-11-06 16:49"',
         "several loggers"),
        ("Meaco_1.csv", b"TEMPERATURE", b"PRESSURE", "no column is a temperature"),
        ("TandD_1.csv", b'"22.7","53.0","",""\r\n"2021-08-21 08:21', b'"2021-08-21 08:21',
         "columns"),
        ("TandD_1.csv", b'"22.7"', b'"-400"', "no temperature"),
    ],
)  # fmt: skip
def test_what_is_broken_or_in_another_unit_is_refused(name, old, new, why):
    data = bytes_of(name)
    assert old in data
    with pytest.raises(instruments.NotReadable, match=why):
        read(name, data.replace(old, new, 1))


def test_a_unit_that_is_said_must_agree_with_the_file():
    with pytest.raises(instruments.UnitMissing):
        read("Rotronic_1.csv", unit="[degF]")
    with pytest.raises(instruments.UnitMissing):
        read("Meaco_1.csv", unit="K")


def test_json_has_the_shape_of_the_contract():
    shown = read("TinyTag_1.csv", zone="UTC", unit="Cel").as_json()
    sample = shown["samples"][0]
    assert shown["measured_at"] == "2021-07-26 14:26:00"
    assert sample["readings"] == 10
    assert sample["first"] == {"at": "2021-07-26 14:26:00", "value": 20.873}
    assert (sample["minimum"], sample["maximum"], sample["unit"]) == (20.873, 20.887, "Cel")
    assert sample["gaps"] == []
    assert "points" not in sample


def test_H61_no_damage_of_a_loggers_file_ends_in_anything_but_a_refusal_or_a_reading(measured):
    draw = random.Random(61)
    trials = 20_000 if SOAK else 300
    failures = []
    for _each in range(trials):
        data = bytearray(bytes_of(draw.choice(NAMES)))
        for _cut in range(draw.randint(1, 5)):
            at = draw.randrange(len(data))
            match draw.randrange(3):
                case 0:
                    del data[at : at + draw.randint(1, 80)]
                case 1:
                    data[at:at] = draw.choice([b"\0", b"\xff", b"\n", b",", b'"', b"-", b"1E999",
                                               b"9" * 60, b"[#D]", b"0000-00-00"])  # fmt: skip
                case _:
                    data[at] = draw.randrange(256)
            if not data:
                break
        try:
            read("x", bytes(data), zone=draw.choice(["UTC", "Asia/Shanghai"])).as_json()
        except BadInput:
            continue
        except Exception as broken:
            failures.append(repr(broken))
    measured("H61", trials=trials, failures=len(failures), seed=61, kind="temperature")
    assert not failures, failures[:3]
