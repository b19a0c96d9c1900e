"""Hazard H15: an amount is a value and a unit; only units of one kind convert, and exactly."""

import random
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.core import units
from lims.core.errors import BadInput
from lims.core.units import Quantity, UnitDoesNotConvert, UnknownUnit
from tests.conftest import SOAK

ALL = sorted(units._UNITS)
ALIKE = [(a, b) for a, b in product(ALL, ALL) if units.kind(a) == units.kind(b)]
UNLIKE = [(a, b) for a, b in product(ALL, ALL) if units.kind(a) != units.kind(b)]
D = Decimal


def test_H15_every_pair_of_units_goes_there_and_back_exactly(measured):
    draw = random.Random(15)
    each_pair = 200 if SOAK else 6
    values = [D(0), D(1), D("0.001"), D("5.2E10"), D("-3.9"), D(20)]
    wrong = []
    for one, other in ALIKE:
        drawn = [D(draw.randrange(-(10**12), 10**12)).scaleb(draw.randint(-14, 6))
                 for _each in range(each_pair)]  # fmt: skip
        for value in [*values, *drawn]:
            there = Quantity(value, one).to(other)
            if there.unit != other or there.to(one).value != value:
                wrong.append((value, one, other, there))
    trials = len(ALIKE) * (each_pair + len(values))
    measured("H15", trials=trials, failures=len(wrong), seed=15)
    print(f"H15: n={trials} over {len(ALIKE)} pairs")
    assert not wrong, wrong[:5]


def test_H15_units_of_different_kinds_never_convert(measured):
    accepted = []
    for one, other in UNLIKE:
        try:
            accepted.append((one, other, Quantity(D(1), one).to(other)))
        except UnitDoesNotConvert as refused:
            if one not in str(refused) or other not in str(refused):
                accepted.append((one, other, None))
    measured("H15", trials=len(UNLIKE), failures=len(accepted), seed=0)
    print(f"H15: n={len(UNLIKE)} pairs")
    assert not accepted, accepted[:5]


@pytest.mark.parametrize(
    ("given_", "wanted", "value"),
    [
        ("20 ug/uL", "mg/mL", "20"), ("20 ug/uL", "ug/mL", "20000"), ("20 ug/uL", "g/L", "20"),
        ("20000 ug/mL", "ug/uL", "20"), ("1 mg/mL", "ug/mL", "1000"), ("1 ng/mL", "pg/mL", "1000"),
        ("2.5 mL", "uL", "2500"), ("40 mg", "ug", "40000"), ("5E10 {particles}/mL",
        "{particles}/uL", "5E7"), ("2E9 {particles}/ug", "{particles}/mg", "2E12"),
        ("1E6 {cells}/mL", "{cells}/uL", "1000"), ("1 h", "min", "60"), ("14 d", "h", "336"),
        ("10 dyn/cm2", "Pa", "1"), ("0.22 um", "nm", "220"), ("250 10*9/L", "10*3/uL", "250"),
    ],
)  # fmt: skip
def test_conversions_of_the_bench(given_: str, wanted: str, value: str):
    assert Quantity.parse(given_).to(wanted).value == D(value)


def test_the_three_ways_to_write_a_protein_concentration_are_told_apart():
    amounts = {Quantity("20", unit).to("ug/mL").value for unit in ("ug/uL", "mg/mL")}
    assert amounts == {D(20000)}
    assert Quantity("20", "ug/mL").to("ug/uL").value == D("0.02")


@pytest.mark.parametrize(
    ("one", "other"),
    [("{particles}/mL", "{particles}"), ("{particles}/mL", "{cells}/mL"), ("ug", "ug/mL"),
     ("mL", "ug"), ("{particles}", "1"), ("[IU]/mL", "m[IU]/mL"), ("%", "1")],
)  # fmt: skip
def test_a_concentration_is_never_a_total_nor_another_thing(one: str, other: str):
    with pytest.raises(UnitDoesNotConvert):
        Quantity(D(1), one).to(other)


@pytest.mark.parametrize(
    "unit",
    ["", " ", "[EU]", "EU", "ML", "UL", "Mg", "mg/ul", "ml/", "u", "particles", "m l"],
)
def test_unknown_or_dangerous_units_are_refused(unit: str):
    with pytest.raises(UnknownUnit):
        Quantity(D(1), unit)


@pytest.mark.parametrize(
    ("alias", "code"),
    [("µL", "uL"), ("μL", "uL"), ("µg/µL", "ug/uL"), ("ml", "mL"), ("particles/mL",
     "{particles}/mL"), ("EU/mL", "[IU]/mL"), ("°C", "Cel"), ("rpm", "/min"), ("x g", "[g]")],
)  # fmt: skip
def test_what_people_write_becomes_ucum(alias: str, code: str):
    assert units.ucum(alias) == code


def test_every_alias_names_a_unit_and_every_shown_unit_reads_back():
    assert [alias for alias, code in units._ALIASES.items() if code not in units._UNITS] == []
    assert [unit for unit in units._SHOWN if unit not in units._UNITS] == []


@pytest.mark.parametrize("text", ["", "5", "mL", "5mL", "1,5 mL", "5 xyz", "NaN mL", "1_0 mL"])
def test_an_amount_without_value_or_unit_is_refused(text: str):
    with pytest.raises(BadInput):
        Quantity.parse(text)


@pytest.mark.parametrize("value", [D("NaN"), D("Infinity"), D("-Infinity"), D("sNaN")])
def test_an_amount_is_finite(value: Decimal):
    with pytest.raises(BadInput):
        Quantity(value, "mL")


@pytest.mark.parametrize("value", [1.5, True])
def test_an_amount_is_never_a_binary_fraction(value: object):
    with pytest.raises(TypeError):
        Quantity(value, "mL")  # type: ignore[arg-type]


def test_whole_smallest_units_refuse_what_is_finer():
    assert Quantity("2.5", "mL").count("uL") == 2500
    with pytest.raises(BadInput):
        Quantity("0.0005", "mL").count("uL")
    assert str(units.ml(2500)) == "2.5 mL"


@settings(max_examples=150, deadline=None)
@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=D("1E-12"), max_value=D("1E12"))
    .filter(lambda each: len(each.as_tuple().digits) <= 26),
    st.sampled_from(ALIKE),
)  # fmt: skip
def test_any_value_of_up_to_26_digits_comes_back(value: Decimal, pair: tuple[str, str]):
    one, other = pair
    assert Quantity(value, one).to(other).to(one).value == value


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_more_stays_more(one: int, other: int):
    in_ml = [Quantity(each, "uL").to("mL").value for each in (one, other)]
    assert (in_ml[0] < in_ml[1]) is (one < other)
