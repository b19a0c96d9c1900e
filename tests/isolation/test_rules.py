"""Isolating exosomes: the domain's centrifuge figures, the order of steps, the balance."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.core.gate import Result
from lims.isolation import rules
from tests.site_limits import LIMITS

D = Decimal


def near(found: Decimal, wanted: str) -> bool:
    return found.quantize(D(wanted)) == D(wanted)


@pytest.mark.parametrize(
    ("radius_cm", "rpm", "force"),
    [("10", 3000, "1006"), ("16.5", 1500, "415"), ("9.19", 30000, "92470")],
)
def test_forces_of_the_domain(radius_cm: str, rpm: int, force: str):
    found = rules.relative_force(D(rpm), D(radius_cm))
    assert found.quantize(D(10) if force == "92470" else D(1)) == D(force)


@pytest.mark.parametrize(("radius_cm", "rpm"), [("9.19", "31198"), ("6.57", "36897")])
def test_speeds_of_the_domain(radius_cm: str, rpm: str):
    assert near(rules.speed_rpm(D(100_000), D(radius_cm)), rpm)


@pytest.mark.parametrize(
    ("rmin", "rmax", "rpm", "clearing"),
    [("39.5", "91.9", 70000, "43.6"), ("39.5", "91.9", 31200, "219.5"),
     ("66.8", "152.5", 32000, "203.9"), ("66.8", "152.5", 24200, "356.6")],
)  # fmt: skip
def test_clearing_factors_of_the_domain(rmin: str, rmax: str, rpm: int, clearing: str):
    assert near(rules.clearing_factor(D(rmin), D(rmax), D(rpm)), clearing)


def test_a_time_carried_over_to_another_rotor():
    assert near(rules.moved_minutes(D(70), D("219.5"), D("356.6")), "113.7")
    assert rules.moved_row(D("113.7")).result is Result.WARNED
    assert "fixed-angle" in str(rules.moved_row(D("113.7")).finding.why)
    assert rules.pelleting_hours(D("219.5"), D(100)) == D("2.195")


@pytest.mark.parametrize("text", [None, "", "middle", "r"])
def test_a_force_without_its_radius_convention_is_refused(text: str | None):
    with pytest.raises(rules.RadiusConventionMissing):
        rules.convention(text)
    assert rules.convention(" RAVG ") is rules.RadiusConvention.RAVG


@pytest.mark.parametrize(
    "call",
    [lambda: rules.relative_force(D(0), D(9)), lambda: rules.relative_force(D(9), D(-1)),
     lambda: rules.speed_rpm(D(-5), D(9)), lambda: rules.speed_rpm(D("NaN"), D(9)),
     lambda: rules.clearing_factor(D(91), D(39), D(3000)),
     lambda: rules.pelleting_hours(D(1), D(0)),
     lambda: rules.moved_minutes(D(70), D(1), D(0)),
     lambda: rules.left_after_diafiltration_percent(D(-1))],
)  # fmt: skip
def test_spins_that_cannot_be_are_refused(call):
    with pytest.raises(rules.ImpossibleSpin):
        call()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700_000), st.decimals("0.5", "30", places=2))
def test_speed_and_force_undo_each_other(force: int, radius: Decimal):
    back = rules.relative_force(rules.speed_rpm(D(force), radius), radius)
    assert abs(back - force) < D("1E-18")


@pytest.mark.parametrize(
    ("volumes", "left"), [(3, "5.0"), (5, "0.67"), (7, "0.091"), (10, "0.0045")]
)
def test_what_diafiltration_leaves(volumes: int, left: str):
    assert near(rules.left_after_diafiltration_percent(D(volumes)), left)


def test_recovery():
    assert rules.recovery_percent(D("4E10"), D("5E10")) == D(80)
    assert rules.recovery_percent(D(1), D(0)) is None


@pytest.mark.parametrize(
    ("method", "result"),
    [("ultracentrifugation", Result.PASSED), ("sec", Result.PASSED),
     ("precipitation", Result.STOPPED), ("magic", Result.STOPPED), ("", Result.STOPPED)],
)  # fmt: skip
def test_methods_for_clinical_lots(method: str, result: Result):
    assert rules.judge_method(method, LIMITS).result is result


def test_only_the_order_of_the_method_passes():
    whole = [("1", "2", "3", "4", "5"), ("1", "2", "3", "3b", "4", "5")]
    for done in (order for count in range(7) for order in permutations(rules.STEPS, count)):
        wanted = any(each[: len(done)] == done for each in whole)
        assert (rules.judge_order(done).result is Result.PASSED) is wanted, done
        assert rules.order_complete(done) is (done in whole), done
    assert rules.judge_order(["1", "1"]).result is Result.STOPPED


def test_an_approved_process_may_have_another_order():
    approved = ["1", "3", "4"]
    assert rules.judge_order(["1", "3"], approved).result is Result.PASSED
    assert rules.order_complete(["1", "3", "4"], approved)
    assert not rules.order_complete(["1", "3"], approved)
    assert rules.judge_order(["1", "2"], approved).result is Result.STOPPED


def spin(step: str = "4", rpm: str = "31198", minutes: str = "70") -> rules.Spin:
    return rules.Spin(step, D(rpm), D("91.9"), rules.RadiusConvention.RMAX, D(minutes))


@pytest.mark.parametrize(
    ("run", "result"),
    [
        (spin(), Result.PASSED),
        (spin(rpm="36897"), Result.WARNED),
        (spin(rpm="25000"), Result.WARNED),
        (spin(minutes="69"), Result.WARNED),
        (spin("2", "4412", "10"), Result.PASSED),
        (spin("2", "4412", "20"), Result.PASSED),
        (spin("2", "4412", "21"), Result.WARNED),
    ],
)
def test_a_spin_is_held_against_its_method(run: rules.Spin, result: Result):
    assert rules.judge_spin(run, LIMITS).result is result
