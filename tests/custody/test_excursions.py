"""The record of a way against a count by the second: excursions, holes, overlaps (H19)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from lims.custody.excursions import BANDS, LONGEST_GAP, Fault, Read, band_of, judge
from tests.conftest import SOAK

SEED = 20261127
START = datetime(2026, 5, 8, 6, tzinfo=UTC)
S = timedelta(seconds=1)
D = Decimal
GAP_S = int(LONGEST_GAP.total_seconds())


def at(*readings: tuple[int, str]) -> list[Read]:
    return [Read(START + each * S, D(cel)) for each, cel in readings]


def one(band: str, end_s: int, *readings: tuple[int, str]):
    return judge([at(*readings)], BANDS[band], START, START + end_s * S)


def by_the_second(records, band, end_s: int) -> tuple[set[int], set[int]]:
    """The oracle: at every second what each logger last said, and whether any reading is near."""
    outside: set[int] = set()
    for record in records:
        said = {}
        for each in sorted(record, key=lambda read: read.at):
            second = int((each.at - START).total_seconds())
            if 0 <= second <= end_s:
                said[second] = max(said.get(second, each.cel), each.cel, key=band.beyond)
        soft: list[int] = []
        now = None
        for second in range(end_s):
            now = said.get(second, now)
            if now is not None and band.beyond(now) > 0:
                outside.add(second)
            if now is not None and band.is_soft(now):
                soft.append(second)
            elif soft:
                outside |= set(soft) if len(soft) > band.soft_for.total_seconds() else set()
                soft = []
        outside |= set(soft) if len(soft) > band.soft_for.total_seconds() else set()
    read = {int((each.at - START).total_seconds()) for record in records for each in record}
    holes, since = set(), 0
    for second in range(1, end_s + 1):
        if second in read or second == end_s:
            if second - since > GAP_S:
                holes |= set(range(since, second))
            since = second
    return outside, holes


def seconds(stretches) -> set[int]:
    found: set[int] = set()
    for each in stretches:
        found |= set(range(int((each.start - START) / S), int((each.end - START) / S)))
    return found


def a_way(chance: Random):
    """One to three loggers with whole seconds; some stop, overlap, or come late."""
    name = chance.choice(sorted(BANDS))
    band, end_s = BANDS[name], chance.randint(1, 9_000)
    edges = [each for each in (band.low, band.high, band.soft_high) if each is not None]
    records = []
    for _logger in range(chance.choice((1, 1, 2, 3))):
        first = chance.randint(-2_000, end_s)
        times, now = [], first
        for _reading in range(chance.randint(1, 25)):
            times.append(now)
            now += chance.choice((chance.randint(1, 600), GAP_S - 1, GAP_S, GAP_S + 1, 900, 901))
        warmth = [
            chance.choice(edges) + chance.choice((D(0), D("0.1"), D("-0.1"), D(-5))) for _ in times
        ]
        records.append(at(*((each, str(cel)) for each, cel in zip(times, warmth, strict=True))))
    return band, end_s, records


def test_H19_a_transport_excursion_and_every_hole_is_counted_to_the_second(measured):
    chance = Random(SEED)
    histories, wrong = (5_000 if SOAK else 120), []
    for number in range(histories):
        band, end_s, records = a_way(chance)
        judged = judge(records, band, START, START + end_s * S)
        outside, holes = by_the_second(records, band, end_s)
        counted = int(judged.time_outside / S)
        apart = all(
            a.end < b.start for a, b in zip(judged.outside, judged.outside[1:], strict=False)
        )
        if (seconds(judged.outside), seconds(judged.gaps), counted, apart) != (
            outside, holes, len(outside), True,
        ):  # fmt: skip
            wrong.append(number)
    measured("H19", trials=histories, failures=len(wrong), seed=SEED, how="ways by the second")
    assert not wrong, wrong[:5]


def test_H19_limits_of_a_way_hold_at_one_second_more_and_less(measured):
    wrong = trials = 0
    for off in (-1, 0, 1):
        end_s = 2 * GAP_S + off
        cases = {
            # a hole between two readings, before the first one, and after the last one
            "between": one("-80C", end_s, (0, "-75"), (GAP_S + off, "-75"), (end_s, "-75")),
            "before": one("-80C", end_s, (GAP_S + off, "-75"), (end_s, "-75")),
            "after": one("-80C", end_s, (0, "-75"), (end_s - GAP_S - off, "-75")),
        }
        for judged in cases.values():
            wrong += (Fault.GAP in judged.faults) is not (off > 0)
            trials += 1
        # warmer than -70 for longer than 15 minutes; the reading that ends it is inside again
        soft = one("-80C", 3_000, (0, "-75"), (600, "-69.9"), (1500 + off, "-70"), (3_000, "-75"))
        wrong += (Fault.EXCURSION in soft.faults) is not (off > 0)
        trials += 1
    for name, band in BANDS.items():
        for cel, stops in ((band.high, False), (band.high + D("0.001"), True)):
            judged = judge([at((0, str(cel)))], band, START, START + S)
            wrong += (Fault.EXCURSION in judged.faults) is not stops
            trials += 1
        if band.low is not None:
            below = one(name, 1, (0, str(band.low - D("0.001"))))
            wrong += Fault.EXCURSION not in below.faults
            trials += 1
    measured("H19", trials=trials, failures=wrong, how="limits of a way")
    assert wrong == 0


def test_readings_before_the_sending_and_after_the_receipt_do_not_count():
    warm = one("-80C", 600, (-60, "21"), (0, "-75"), (600, "-75"), (660, "21"))
    assert warm.faults == ()
    assert (warm.readings, warm.minimum, warm.maximum) == (2, D(-75), D(-75))
    assert one("-80C", 600, (-60, "-75"), (660, "-75")).faults == (Fault.MISSING,)
    assert judge([], BANDS["2-8C"], START, START + S).faults == (Fault.MISSING,)


def test_a_single_reading_outside_at_the_very_end_is_an_excursion_of_no_length():
    judged = one("2-8C", 600, (0, "5"), (600, "8.1"))
    (found,) = judged.outside
    assert (found.lasted, found.extreme) == (timedelta(0), D("8.1"))
    assert judged.faults == (Fault.EXCURSION,)


def test_readings_out_of_order_are_a_fault_and_are_all_judged():
    judged = one("2-8C", 900, (0, "5"), (600, "5"), (300, "9"), (900, "5"))
    assert set(judged.faults) == {Fault.ORDER, Fault.EXCURSION}
    assert judged.time_outside == 300 * S
    assert one("2-8C", 900, (0, "5"), (450, "5"), (450, "5"), (900, "5")).faults == (Fault.ORDER,)


def test_a_second_logger_fills_a_hole_and_hides_no_excursion():
    stopped, whole = at((0, "5"), (600, "5")), at((500, "5"), (2000, "5"), (3600, "5"))
    window = (BANDS["2-8C"], START, START + 3600 * S)
    assert judge([stopped], *window).faults == (Fault.GAP,)
    assert judge([stopped, whole], *window).faults == ()
    warm = at((0, "9"), (600, "5"))
    assert judge([warm, whole], *window).faults == (Fault.EXCURSION,)


@pytest.mark.parametrize(("older", "now"), [("-80", "-80C"), ("-20", "-20C"), ("room", "room")])
def test_classes_of_older_places_have_their_limits(older, now):
    assert band_of(older) is BANDS[now]


def test_a_class_without_known_limits_wants_a_persons_judgement():
    assert band_of("attic") is None
    assert judge([at((0, "5"))], None, START, START + S).faults == (Fault.CLASS,)
