"""The clock outside of the freezer, asked by the bedside gate at the exact second (H19)."""

from datetime import timedelta
from random import Random

from lims.core.gate import Result
from lims.custody.opentime import Stood, open_time, refrozen
from lims.dosing.checks import validity
from lims.dosing.facts import Kept
from tests.conftest import SOAK
from tests.dosing.facts_here import NOW, good_facts, row

SEED = 20261126
S = timedelta(seconds=1)


def by_the_second(stood: list[Stood], now_s: int, start) -> int:
    """The oracle: look at every second whether it was out, having been in before."""
    out, been_in, place = 0, False, False
    at = {int((each.at - start).total_seconds()): each.frozen for each in stood}
    known = False
    for second in range(now_s):
        if second in at:
            place, known = at[second], True
            been_in = been_in or place
        out += known and been_in and not place
    return out


def a_history(chance: Random, start, seconds: int) -> list[Stood]:
    """Moves at whole seconds, in and out, with repeats of the same side; some never frozen."""
    times = sorted(chance.sample(range(seconds), chance.randint(1, 8)))
    return [Stood(start + each * S, chance.random() < 0.5) for each in times]


def test_H19_open_time_is_counted_to_the_second(measured):
    chance = Random(SEED)
    histories, wrong, limits = (5_000 if SOAK else 300), 0, 0
    for _each in range(histories):
        seconds = chance.randint(60, 5_000)
        start = NOW - seconds * S
        stood = a_history(chance, start, seconds)
        expected = by_the_second(stood, seconds, start)
        wrong += open_time(stood, NOW) != expected * S
        # The gate at its limit: not a second more, not a second less.
        for kept, limit in ((Kept.ROOM, 3600), (Kept.COLD, 14_400)):
            for off in (-1, 0, 1):
                moved = [Stood(NOW - (limit + off) * S, False)]
                out = open_time([Stood(NOW - 90_000 * S, True), *moved], NOW)
                facts = good_facts("exo", thaw={"out": out, "kept": kept, "at": NOW - 60 * S})
                wrong += (row(facts, "B14") is Result.STOPPED) is not (off > 0)
                limits += 1
    measured("H19", trials=histories, failures=wrong, seed=SEED, at_limits=limits)
    assert wrong == 0


def test_H19_no_verdict_outlives_the_time_out_of_the_freezer(measured):
    wrong = 0
    for minutes in range(46, 60):
        facts = good_facts("exo", thaw={"out": timedelta(minutes=minutes), "at": NOW - 60 * S})
        left = validity(facts) - NOW
        wrong += left != min(timedelta(minutes=60 - minutes), timedelta(minutes=5))
    measured("H19", trials=14, failures=wrong, how="verdict's end")
    assert wrong == 0


def test_what_came_into_a_freezer_after_its_thaw_was_refrozen():
    thawed = NOW - 600 * S
    assert refrozen([Stood(NOW - 300 * S, True)], thawed)
    assert not refrozen([Stood(NOW - 900 * S, True), Stood(NOW - 300 * S, False)], thawed)
    assert not refrozen([Stood(NOW, True)], None)
    assert row(good_facts("exo", thaw={"refrozen": True}), "B14") is Result.STOPPED
