"""Growing cells: the domain's figures, every limit at its edge."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.core.errors import BadInput
from lims.core.gate import Result
from lims.core.limits import LimitMissing
from lims.core.units import Quantity
from lims.culture import rules
from tests.site_limits import LIMITS

D = Decimal


def near(found: Decimal | None, wanted: str) -> bool:
    assert found is not None
    return found.quantize(D(wanted)) == D(wanted)


def results(rows) -> dict[str, Result]:
    return {each.id: each.result for each in rows}


def test_four_passages_of_the_domain():
    cumulative = D(0)
    for seeded, harvested, hours, pd, cpd, doubling in (
        ("2.0E5", "1.6E6", 120, "3.000", "3.000", "40.0"),
        ("5.0E5", "3.2E6", 84, "2.678", "5.678", "31.4"),
        ("1.0E6", "5.0E6", 80, "2.322", "8.000", "34.5"),
        ("2.0E6", "8.4E6", 78, "2.070", "10.070", "37.7"),
    ):
        grown = rules.growth(D(seeded), D(harvested), D(hours), before=cumulative)
        cumulative = grown.cumulative
        assert near(grown.doublings, pd)
        assert near(cumulative, cpd)
        assert near(grown.doubling_time_h, doubling)
    assert near(rules.doubling_time_h(D(362), cumulative), "35.9")


def test_the_domains_second_vector():
    grown = rules.growth(D("1.0E6"), D("3.7E6"), D(72))
    assert near(grown.doublings, "1.888")
    assert near(grown.doubling_time_h, "38.1")


def test_seeding_arithmetic_of_the_domain():
    cells = rules.cells_to_seed(D(5000), D(175))
    assert cells == D("8.75E5")
    assert rules.volume_to_add_ml(cells, D("2.5E6")) == D("0.35")


def test_no_growth_is_said_and_not_divided_by():
    for harvested in ("1E6", "5E5"):
        grown = rules.growth(D("1E6"), D(harvested), D(72))
        assert grown.doubling_time_h is None
        rows = rules.judge_passage(viability_percent=D(95), grown=grown, limits=LIMITS)
        assert results(rows)["culture-growth"] is Result.WARNED
    assert rules.growth(D("1E6"), D(0), D(72)).doublings is None
    assert rules.growth(D("1E6"), D("4E6"), D(72), before=None).cumulative is None


@pytest.mark.parametrize(
    ("seeded", "harvested", "hours"), [(0, 5, 72), (-1, 5, 72), (5, -1, 72), (5, 5, 0), (5, 5, -1)]
)
def test_counts_that_cannot_be_are_refused(seeded: int, harvested: int, hours: int):
    with pytest.raises(rules.ImpossibleCount):
        rules.growth(D(seeded), D(harvested), D(hours))


def test_viable_cells_and_viability():
    assert rules.viable_cells(D("3.2E6"), D(95)) == D("3.04E6")
    assert rules.viability_percent(D(190), D(10)) == D(95)
    assert rules.viability_percent(D(0), D(0)) is None
    for wrong in ((D(-1), D(90)), (D(1), D(101)), (D(1), D(-1))):
        with pytest.raises(rules.ImpossibleCount):
            rules.viable_cells(*wrong)


def test_a_chamber_count():
    # 200 cells over 4 squares of 0.1 uL at 1:1 with dye: 50 x 2 x 10 000
    assert rules.counted_per_ml([48, 52, 49, 51], D(2)) == D("1E6")
    for squares, dilution in (([], 2), ([-1], 2), ([5], 0)):
        with pytest.raises(rules.ImpossibleCount):
            rules.counted_per_ml(squares, D(dilution))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10**8), st.integers(1, 10**8), st.integers(1, 10**8))
def test_doublings_of_two_passages_add_up(first: int, second: int, third: int):
    one = rules.population_doublings(D(first), D(second))
    two = rules.population_doublings(D(second), D(third))
    assert abs(one + two - rules.population_doublings(D(first), D(third))) < D("1E-20")


PASSED, WARNED, STOPPED = Result.PASSED, Result.WARNED, Result.STOPPED
GROWN = rules.growth(D("1E6"), D("4E6"), D(72))


@pytest.mark.parametrize(
    ("changes", "row", "result"),
    [
        ({"viability_percent": D(90)}, "culture-viability", PASSED),
        ({"viability_percent": D("89.999")}, "culture-viability", WARNED),
        ({"viability_percent": D(80)}, "culture-viability", WARNED),
        ({"viability_percent": D("79.999")}, "culture-viability", STOPPED),
        ({"viability_percent": D("100.1")}, "culture-viability", STOPPED),
        ({"confluence_percent": D(95)}, "culture-confluence", PASSED),
        ({"confluence_percent": D("95.1")}, "culture-confluence", WARNED),
        ({"seeded_per_cm2": D(1000)}, "culture-seeding", PASSED),
        ({"seeded_per_cm2": D(6000)}, "culture-seeding", PASSED),
        ({"seeded_per_cm2": D(999)}, "culture-seeding", WARNED),
        ({"seeded_per_cm2": D(6001)}, "culture-seeding", WARNED),
        ({"grown": rules.growth(D(1), D(64), D(99))}, "culture-growth", PASSED),
        ({"grown": rules.growth(D(1), D(65), D(99))}, "culture-growth", WARNED),
        ({"donors_times_h": [D(18), D(18)]}, "culture-doubling-time", PASSED),
        ({"donors_times_h": [D(10), D("17.9"), D(30)]}, "culture-doubling-time", WARNED),
    ],
)
def test_each_limit_of_a_passage_at_its_edge(changes: dict, row: str, result: Result):
    facts = {"viability_percent": D(95), "grown": GROWN, "limits": LIMITS} | changes
    assert results(rules.judge_passage(**facts))[row] is result


HARVEST = {
    "medium": "serum_free", "duration_h": D(48), "passage": 4, "cumulative": D(12),
    "viability_percent": D(94), "cells": D("2E7"), "volume_ul": 200_000, "limits": LIMITS,
}  # fmt: skip


def test_a_usual_harvest_passes_throughout():
    assert set(results(rules.judge_harvest(**HARVEST)).values()) == {PASSED}


@pytest.mark.parametrize(
    ("changes", "row", "result"),
    [
        ({"medium": "complete_serum"}, "harvest-medium", STOPPED),
        ({"medium": ""}, "harvest-medium", STOPPED),
        ({"medium": "ev_depleted_tff"}, "harvest-medium", PASSED),
        ({"cells": None}, "harvest-figures", STOPPED),
        ({"volume_ul": None}, "harvest-figures", STOPPED),
        ({"volume_ul": -1}, "harvest-figures", STOPPED),
        ({"viability_percent": None}, "harvest-figures", STOPPED),
        ({"viability_percent": D("79.9")}, "harvest-viability", STOPPED),
        ({"viability_percent": D("89.9")}, "harvest-viability", WARNED),
        ({"duration_h": D(24)}, "harvest-duration", PASSED),
        ({"duration_h": D("23.9")}, "harvest-duration", WARNED),
        ({"duration_h": D(72)}, "harvest-duration", PASSED),
        ({"duration_h": D("72.1")}, "harvest-duration", WARNED),
        ({"passage": 5}, "harvest-passage", PASSED),
        ({"passage": 6}, "harvest-passage", WARNED),
        ({"passage": 8}, "harvest-passage", WARNED),
        ({"passage": 9}, "harvest-passage", STOPPED),
        ({"cumulative": D(20)}, "harvest-doublings", PASSED),
        ({"cumulative": D("20.01")}, "harvest-doublings", WARNED),
        ({"cumulative": D("30.01")}, "harvest-doublings", STOPPED),
        ({"cumulative": None}, "harvest-doublings", WARNED),
        ({"confluence_percent": D(69)}, "harvest-confluence", WARNED),
        ({"confluence_percent": D(80)}, "harvest-confluence", PASSED),
        ({"confluence_percent": D(91)}, "harvest-confluence", WARNED),
    ],
)
def test_each_limit_of_a_harvest_at_its_edge(changes: dict, row: str, result: Result):
    assert results(rules.judge_harvest(**(HARVEST | changes)))[row] is result


def test_a_limit_comes_from_the_file_and_not_from_the_code():
    strict = LIMITS | {"culture.passage_harvest_stop_above": 3}
    rows = rules.judge_harvest(**(HARVEST | {"limits": strict}))
    assert results(rows)["harvest-passage"] is STOPPED
    with pytest.raises(LimitMissing, match=r"harvest\.media"):
        rules.judge_harvest(**(HARVEST | {"limits": {}}))


def test_cold_storage_and_yield():
    assert rules.judge_cold_storage(D(24), LIMITS).result is PASSED
    assert rules.judge_cold_storage(D("24.1"), LIMITS).result is WARNED
    assert rules.judge_particles_per_cell(D("1E5"), LIMITS).result is PASSED
    assert rules.judge_particles_per_cell(D("100001"), LIMITS).result is WARNED


@pytest.mark.parametrize(
    ("thaws", "viability", "wanted"),
    [(1, 70, (PASSED, PASSED)), (1, 69, (PASSED, WARNED)), (1, 49, (PASSED, STOPPED)),
     (2, 90, (STOPPED, PASSED))],
)  # fmt: skip
def test_a_thawed_vial(thaws: int, viability: int, wanted: tuple[Result, Result]):
    rows = rules.judge_thaw(thaws=thaws, viability_percent=D(viability), limits=LIMITS)
    assert tuple(each.result for each in rows) == wanted


# --- mechanical preconditioning


def stretched(**changes: object) -> dict[str, object]:
    record: dict[str, object] = {
        "modality": "cyclic_stretch", "device": "E7K4M29XC", "calibrated_on": "2026-01-02",
        "substrate": "silicone", "coating": "collagen I",
        "start": datetime(2026, 5, 1, 8, tzinfo=UTC), "end": datetime(2026, 5, 2, 8, tzinfo=UTC),
        "duty_on": Quantity("3", "h"), "duty_off": Quantity("3", "h"),
        "during_harvest": False, "static_sister": "C7K4M29XC", "operator": "u1",
        "parameters": {"strain": Quantity("10", "%"), "frequency": Quantity("0.5", "Hz"),
                       "axis": "uniaxial", "time_per_day": Quantity("12", "h")},
    }  # fmt: skip
    return record | changes


def parameters(**changes: object) -> dict[str, object]:
    return dict(stretched()["parameters"]) | changes  # type: ignore[call-overload]


def test_a_complete_record_passes():
    assert set(results(rules.judge_preconditioning(stretched(), LIMITS)).values()) == {PASSED}


@pytest.mark.parametrize("name", [n for n in stretched() if n not in ("modality", "parameters")])
def test_each_missing_field_stops(name: str):
    rows = results(rules.judge_preconditioning(stretched(**{name: None}), LIMITS))
    assert rows["preconditioning-complete"] is STOPPED


@pytest.mark.parametrize("name", list(parameters()))
def test_each_missing_parameter_stops(name: str):
    record = stretched(parameters=parameters(**{name: None}))
    assert (
        results(rules.judge_preconditioning(record, LIMITS))["preconditioning-complete"] is STOPPED
    )


def test_an_unusual_parameter_only_warns():
    for strain, result in (("4", PASSED), ("16", PASSED), ("3.9", WARNED), ("16.1", WARNED)):
        record = stretched(parameters=parameters(strain=Quantity(strain, "%")))
        assert (
            results(rules.judge_preconditioning(record, LIMITS))["preconditioning-strain"] is result
        )
    high = stretched(parameters=parameters(frequency=Quantity("1", "MHz")))
    assert results(rules.judge_preconditioning(high, LIMITS))["preconditioning-frequency"] is WARNED


def test_an_end_before_its_start_stops():
    record = stretched(end=datetime(2026, 5, 1, 7, tzinfo=UTC))
    assert results(rules.judge_preconditioning(record, LIMITS))["preconditioning-time"] is STOPPED


@pytest.mark.parametrize(
    "changes",
    [{"modality": "shaking"}, {"parameters": parameters(strain=Quantity("10", "kPa"))},
     {"parameters": parameters(strain=10)}, {"parameters": parameters(axis="sideways")}],
)  # fmt: skip
def test_what_is_no_parameter_is_refused(changes: dict):
    with pytest.raises(BadInput):
        rules.judge_preconditioning(stretched(**changes), LIMITS)


def test_every_modality_of_the_site_has_a_schema():
    for modality in LIMITS["preconditioning.modalities"]:
        fields = rules.schema(modality, LIMITS)
        assert [each.name for each in fields] == list(LIMITS[f"preconditioning.{modality}.fields"])
    shear = rules.schema("fluid_shear", LIMITS)[0]
    assert (shear.usual_min, shear.usual_max) == (
        Quantity("0.1", "dyn/cm2"), Quantity("30", "dyn/cm2"))  # fmt: skip


def test_a_static_control_needs_no_parameters():
    record = stretched(modality="static_control", parameters=None)
    assert set(results(rules.judge_preconditioning(record, LIMITS)).values()) == {PASSED}


@pytest.mark.parametrize(
    ("mechanical", "cultures", "result"),
    [
        (True, [[("cyclic_stretch", True)]], PASSED),
        (True, [[("cyclic_stretch", True)], [("vibration", True)]], PASSED),
        (True, [[("cyclic_stretch", True)], []], STOPPED),
        (True, [[("cyclic_stretch", False)]], STOPPED),
        (True, [[("static_control", True)]], STOPPED),
        (True, [], STOPPED),
        (False, [[], []], PASSED),
        (False, [[("static_control", True)]], PASSED),
        (False, [[], [("cyclic_stretch", True)]], STOPPED),
        (False, [[("cyclic_stretch", False)]], STOPPED),
    ],
)
def test_the_mechanical_flag_is_what_the_arm_says(mechanical, cultures, result):
    assert rules.judge_mechanical_flag(mechanical, cultures).result is result
