"""Particle counts, protein, purity and limits against the figures of the domain."""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims import instruments
from lims.core.errors import BadInput
from lims.core.gate import Result
from lims.core.limits import LimitMissing
from lims.core.units import Quantity
from lims.instruments import synthetic
from lims.qc import rules
from tests.qc.limits import LIMITS

D = Decimal
DATA = Path(__file__).parent.parent / "data"
CAPTURES = (D("4.9E8"), D("5.3E8"), D("5.4E8"))
LEVELS = [D(each) for each in ("0", "125", "250", "500", "750", "1000", "1500", "2000")]
BLANKED = [D(each) for each in ("0.000", "0.134", "0.262", "0.511", "0.757", "1.000", "1.468", "1.920")]  # fmt: skip  # noqa: E501
STANDARDS = {level: (each, each, each) for level, each in zip(LEVELS, BLANKED, strict=True)}
SAMPLE = (D("0.980"), D("0.992"), D("1.004"))


def nta(captures=CAPTURES, *, dilution: Decimal | None = None, **changes: object):
    data = synthetic.nanosight_file(
        sample="Q", captures=captures, particles_per_frame=changes.pop("frame", D(45)),
        mode_nm=D(118), d10_nm=D(82), d50_nm=D(131), d90_nm=D(212), dilution=dilution, **changes,
    )  # fmt: skip
    sample = instruments.read(data, "x").samples[0]
    assert isinstance(sample, instruments.NtaSample)
    return sample


TWENTY = D(20)


def bca(sample=SAMPLE, standards=STANDARDS, *, fit: str = "quadratic", dilution=TWENTY, **rest):
    return rules.judge_bca(
        standards, sample, dilution=dilution, limits=LIMITS | {"bca.fit": fit}, **rest
    )


def near(found: Decimal | None, wanted: str) -> bool:
    """Whether `found` is `wanted` at the digits that `wanted` shows."""
    assert found is not None
    return found.quantize(D(wanted)) == D(wanted)


# --- particle counts


def test_three_captures_give_the_domains_mean_deviation_and_concentration():
    judged = rules.judge_nta(nta(), dilution=D(100), limits=LIMITS)
    assert judged.chamber_per_ml == D("5.2E8")
    assert near(judged.deviation_per_ml / D("1E7"), "2.65")
    assert near(judged.variation_percent, "5.1")
    assert judged.concentration == Quantity("5.20E10", "{particles}/mL")
    assert D("4E10") < judged.concentration.value < D("6E10")
    assert judged.usable
    assert judged.warns == []


def test_a_factor_that_the_file_applied_is_not_applied_again():
    judged = rules.judge_nta(nta(dilution=D(100)), dilution=D(100), limits=LIMITS)
    assert judged.concentration.value == D("5.2E10")
    assert judged.chamber_per_ml == D("5.2E8")
    assert judged.usable


@pytest.mark.parametrize(
    ("in_file", "confirmed"), [(None, None), (D(100), None), (D(100), D(10)), (None, D("0.5")),
                               (None, D(0)), (None, D("NaN"))]
)  # fmt: skip
def test_without_one_agreed_factor_there_is_no_concentration(in_file, confirmed):
    judged = rules.judge_nta(nta(dilution=in_file), dilution=confirmed, limits=LIMITS)
    assert judged.concentration is None
    assert judged.stops == ["nta-dilution"]


def test_a_factor_that_may_or_may_not_be_applied_stops():
    doubtful = replace(nta(dilution=D(100)), dilution_applied=None)
    judged = rules.judge_nta(doubtful, dilution=D(100), limits=LIMITS)
    assert "nta-dilution" in judged.stops
    assert judged.concentration is None


def test_the_bead_file_is_refused_as_a_release_result():
    path = DATA / "nta" / "beads.csv"
    sample = instruments.read(path.read_bytes(), path.name).samples[0]
    judged = rules.judge_nta(sample, dilution=D(10000), limits=LIMITS)
    assert near(judged.chamber_per_ml / D("1E9"), "1.47")
    assert near(judged.variation_percent, "25")
    assert not judged.usable
    assert {"nta-variation", "nta-frames", "nta-settings"} == set(judged.stops)
    # Of a hundred-nanometre bead standard nearly all lies between 50 and 200 nm.
    assert 95 < judged.shares_percent["50-200 nm"] <= judged.shares_percent["50-400 nm"] <= 100
    assert (judged.mode_nm, judged.d50_nm) == (D("95.3"), D("96.4"))


@pytest.mark.parametrize(
    ("captures", "changes", "row", "result"),
    [
        (CAPTURES[:2], {}, "nta-captures", Result.STOPPED),
        (CAPTURES, {}, "nta-captures", Result.PASSED),
        ((D("9999999"),) * 3, {}, "nta-measured", Result.STOPPED),
        ((D("1E7"),) * 3, {}, "nta-measured", Result.PASSED),
        ((D("2E9"),) * 3, {}, "nta-measured", Result.PASSED),
        ((D("2000000001"),) * 3, {}, "nta-measured", Result.STOPPED),
        (CAPTURES, {"frame": D("19.9")}, "nta-frames", Result.STOPPED),
        (CAPTURES, {"frame": D(20)}, "nta-frames", Result.PASSED),
        (CAPTURES, {"frame": D(100)}, "nta-frames", Result.PASSED),
        (CAPTURES, {"frame": D("100.1")}, "nta-frames", Result.STOPPED),
        # mean 100, deviation exactly 10 and 20: at 10 % a warning, above 20 % a stop
        ((D("9E8"), D("1E9"), D("1.1E9")), {}, "nta-variation", Result.WARNED),
        ((D("8E8"), D("1E9"), D("1.2E9")), {}, "nta-variation", Result.WARNED),
        ((D("799E6"), D("1E9"), D("1201E6")), {}, "nta-variation", Result.STOPPED),
        ((D("901E6"), D("1E9"), D("1099E6")), {}, "nta-variation", Result.PASSED),
        (CAPTURES, {"completed_tracks": 333}, "nta-tracks", Result.WARNED),
        (CAPTURES, {"completed_tracks": 334}, "nta-tracks", Result.PASSED),
    ],
)
def test_each_limit_of_a_count_at_its_edge(captures, changes, row, result):
    judged = rules.judge_nta(nta(captures, **changes), dilution=D(100), limits=LIMITS)
    assert {each.id: each.result for each in judged.rows}[row] is result


@pytest.mark.parametrize(
    ("blank", "result"),
    [("26E6", Result.PASSED), ("26000001", Result.WARNED), ("52000001", Result.STOPPED)],
)
def test_the_diluents_own_particles(blank: str, result: Result):
    judged = rules.judge_nta(nta(), dilution=D(100), limits=LIMITS, blank_per_ml=D(blank))
    assert {each.id: each.result for each in judged.rows}["nta-blank"] is result


def test_invalid_captures_are_named_and_not_averaged():
    sample = nta((*CAPTURES, D("9E8")))
    spoiled = replace(sample.captures[3], validity="Invalid")
    sample = replace(sample, captures=(*sample.captures[:3], spoiled))
    judged = rules.judge_nta(sample, dilution=D(100), limits=LIMITS)
    assert judged.chamber_per_ml == D("5.2E8")
    assert judged.warns == ["nta-captures"]


def test_a_missing_limit_is_named():
    short = {name: each for name, each in LIMITS.items() if name != "nta.captures_min"}
    with pytest.raises(LimitMissing, match=r"nta\.captures_min"):
        rules.judge_nta(nta(), dilution=D(100), limits=short)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(10**7, 2 * 10**9), min_size=3, max_size=5), st.sampled_from([1, 10, 500])
)
def test_the_factor_counts_exactly_once_wherever_it_stands(captures, factor):
    plain = [D(each) for each in captures]
    raw = rules.judge_nta(nta(plain), dilution=D(factor), limits=LIMITS)
    applied = rules.judge_nta(nta(plain, dilution=D(factor)), dilution=D(factor), limits=LIMITS)
    assert raw.concentration.value == pytest.approx(applied.concentration.value, rel=D("1E-20"))
    assert raw.stops == applied.stops


# --- protein


def test_linear_fit_of_the_domain():
    judged = bca(fit="linear")
    a0, a1 = judged.curve.coefficients
    assert near(a1 * D("1E4"), "9.60235")
    assert near(a0, "0.0213198")
    assert near(judged.curve.r2, "0.99947")
    assert near(judged.measured_ug_per_ml, "1010.9")
    assert near(judged.concentration.value, "20.22")
    assert near(judged.concentration.to("ug/mL").value, "20217.5")
    assert near(judged.variation_percent, "1.2")
    assert near(judged.curve.concentration(D(0)), "-22.2")
    recovered = judged.recoveries_percent.values()
    assert near(min(recovered), "93.9")
    assert near(max(recovered), "102.2")
    assert judged.usable


def test_quadratic_fit_of_the_domain():
    judged = bca()
    a0, a1, a2 = judged.curve.coefficients
    assert near(a2 * D("1E8"), "-3.85061")
    assert near(a1 * D("1E3"), "1.035066")
    assert near(a0, "0.00321077")
    assert near(judged.curve.r2, "0.999993")
    assert near(judged.measured_ug_per_ml, "991.9")
    assert near(judged.concentration.to("ug/mL").value, "19837.8")
    assert near(judged.concentration.value, "19.84")
    assert judged.concentration.unit == "ug/uL"
    assert judged.usable
    assert judged.warns == []


def test_the_blank_comes_off_everything_once():
    raised = {level: tuple(each + D("0.09") for each in read) for level, read in STANDARDS.items()}
    judged = bca([each + D("0.09") for each in SAMPLE], raised)
    assert judged.measured_ug_per_ml == bca().measured_ug_per_ml


def changed(level: str, *read: str) -> dict:
    return STANDARDS | {D(level): tuple(D(each) for each in read)}


@pytest.mark.parametrize(
    ("given_", "stops"),
    [
        ({"sample": (D("1.920"),) * 3}, []),
        ({"sample": (D("1.921"),) * 3}, ["bca-range"]),
        ({"sample": (D("-0.001"),) * 3}, ["bca-variation", "bca-range"]),
        ({"sample": SAMPLE[:2]}, ["bca-replicates"]),
        ({"sample": (D("0.8"), D("1.0"), D("1.3"))}, ["bca-variation"]),
        ({"standards": changed("500", "0.35", "0.51", "0.67")}, ["bca-variation"]),
        ({"standards": {D(0): (), **{k: v for k, v in STANDARDS.items() if k}}}, ["bca-blank"]),
        ({"dilution": None}, ["bca-dilution"]),
        ({"dilution": D("0.05")}, ["bca-dilution"]),
        ({"wavelength_nm": 630}, ["bca-wavelength"]),
        ({"wavelength_nm": 562}, []),
        # one wild level: R2 0.97, but only one level back-calculates badly
        ({"standards": changed("1500", "1.1", "1.1", "1.1"), "fit": "linear"}, ["bca-curve"]),
    ],
)
def test_each_stop_of_the_protein_assay(given_, stops):
    found = bca(**given_).stops
    assert [each for each in stops if each not in found] == []
    if stops == []:
        assert found == []


def test_more_than_two_levels_back_calculated_badly_stop():
    bad = STANDARDS | {D(125): (D("0.19"),) * 3, D(250): (D("0.33"),) * 3, D(500): (D("0.41"),) * 3}
    assert "bca-recovery" in bca(standards=bad, fit="linear").stops
    assert "bca-recovery" not in bca(fit="linear").stops


def test_standards_that_do_not_rise_make_no_curve():
    upside = {level: (2 - each[0],) * 3 for level, each in STANDARDS.items()}
    judged = bca(standards=upside)
    assert "bca-curve" in judged.stops
    assert judged.concentration is None
    assert "bca-curve" in bca(standards=dict(list(STANDARDS.items())[:2])).stops


def test_a_dilution_below_the_usual_warns():
    assert bca(dilution=D(10)).warns == ["bca-dilution"]


@settings(max_examples=80, deadline=None)
@given(
    st.decimals("0.0001", "0.01", places=6), st.decimals("0", "0.1", places=4),
    st.decimals("-0.2", "0", places=3), st.integers(1, 1999), st.sampled_from(rules.Fit),
)  # fmt: skip
def test_a_curve_gives_back_what_was_put_in(slope, offset, bend, level, fit):
    a2 = slope * bend / 1000 if fit is rules.Fit.QUADRATIC else D(0)
    points = [(each, offset + slope * each + a2 * each * each) for each in LEVELS]
    fitted = rules.curve(points, fit)
    found = fitted.concentration(fitted.signal(D(level)))
    assert abs(found - level) < D("1E-20")
    assert fitted.r2 > 1 - D("1E-20")


def test_a_real_gen5_plate_lies_on_a_straight_line():
    path = DATA / "plate-reader" / "endpoint_stdcurve_singleplate.txt"
    plate = instruments.read(path.read_bytes(), path.name).samples[0]
    wells = {each.well: each.value for each in plate.wells}
    standards = {each.value: [wells[well] for well in each.wells] for each in plate.standards}
    standards[D(0)] = [wells[each] for each in ("H1", "H2", "H3")]
    judged = bca([wells[each] for each in ("A4", "A5", "A6")], standards, fit="linear",
                 dilution=D(1))  # fmt: skip
    # Gen5 itself gives 1206.08 as the mean of A4-A6, with 0.00168 as the slope.
    assert near(judged.curve.coefficients[1], "0.00168")
    assert abs(judged.measured_ug_per_ml - D("1206.08")) < D("1.5")


@pytest.mark.parametrize(
    ("value", "warns"),
    [("20 ug/uL", False), ("20000 ug/uL", True), ("0.02 ug/uL", True), ("20 ug/mL", True),
     ("20 mg/mL", False), ("200 ug/uL", False), ("19000 ug/mL", False)],
)  # fmt: skip
def test_a_slip_of_a_thousand_is_noticed(value: str, warns: bool):
    target = Quantity("16", "ug/uL"), Quantity("24", "ug/uL")
    assert (rules.thousandfold(Quantity.parse(value), *target) is not None) is warns


# --- purity


def test_purity_is_particles_over_protein():
    found = rules.purity(Quantity("5E10", "{particles}/mL"), Quantity("25", "ug/mL"))
    assert found == Quantity("2E9", "{particles}/ug")
    assert rules.purity(Quantity("5E10", "{particles}/mL"), Quantity("0.025", "mg/mL")) == found
    assert rules.purity(Quantity("5E10", "{particles}/mL"), Quantity("0", "ug/mL")) is None


@pytest.mark.parametrize(
    ("ratio", "band", "result"),
    [
        ("3.01E10", rules.Band.HIGH, Result.PASSED),
        ("3E10", rules.Band.BETWEEN_HIGH, Result.PASSED),
        ("2.01E10", rules.Band.BETWEEN_HIGH, Result.PASSED),
        ("2E10", rules.Band.LOW, Result.WARNED),
        ("2E9", rules.Band.LOW, Result.WARNED),
        ("1.99E9", rules.Band.BETWEEN_LOW, Result.WARNED),
        ("1.5E9", rules.Band.BETWEEN_LOW, Result.WARNED),
        ("1.49E9", rules.Band.IMPURE, Result.WARNED),
    ],
)
def test_bands_of_purity(ratio: str, band: rules.Band, result: Result):
    found, finding = rules.purity_band(Quantity(ratio, "{particles}/ug"), LIMITS)
    assert (found, finding.result) == (band, result)


# --- specifications


@dataclass(frozen=True)
class Limit:
    kind: str
    low: Quantity | None = None
    high: Quantity | None = None
    choices: tuple[str, ...] = ()


def protein(value: str) -> Quantity:
    return Quantity(value, "ug/uL")


RANGE = Limit("range", protein("16"), protein("24"))
W, O, U = rules.Verdict.WITHIN, rules.Verdict.OUTSIDE, rules.Verdict.UNDECIDED  # noqa: E741


@pytest.mark.parametrize(
    ("text", "limit", "verdict"),
    [
        ("16", RANGE, W), ("24", RANGE, W), ("15.9999999", RANGE, O), ("24.0000001", RANGE, O),
        ("<16", RANGE, O), ("<=16", RANGE, U), ("<24", RANGE, U), (">24", RANGE, O),
        ("≥24", RANGE, U),
        ("0.5", Limit("below", high=protein("0.5")), O),
        ("0.4999", Limit("below", high=protein("0.5")), W),
        ("<0.5", Limit("below", high=protein("0.5")), W),
        ("<=0.5", Limit("below", high=protein("0.5")), U),
        ("<0.5", Limit("below", high=protein("0.25")), U),
        (">0.5", Limit("below", high=protein("0.5")), O),
        ("<0.5", Limit("at_most", high=protein("0.5")), W),
        ("2", Limit("at_most", high=protein("2")), W),
        ("2.0001", Limit("at_most", high=protein("2")), O),
        ("90", Limit("above", low=protein("90")), O),
        ("90.0001", Limit("above", low=protein("90")), W),
        (">90", Limit("above", low=protein("90")), W),
        (">=90", Limit("above", low=protein("90")), U),
        ("90", Limit("at_least", low=protein("90")), W),
        (">=90", Limit("at_least", low=protein("90")), W),
        ("<90", Limit("at_least", low=protein("90")), O),
        ("<0.1", Limit("below_loq"), W), ("0.1", Limit("below_loq"), O),
        ("7", Limit("report"), rules.Verdict.REPORTED),
    ],
)  # fmt: skip
def test_limits_see_unrounded_values_and_their_comparators(text, limit, verdict):
    assert rules.judge(rules.measured(text, "ug/uL"), limit) is verdict


def test_a_limit_reads_a_result_in_any_unit_of_its_kind():
    assert rules.judge(Quantity("20000", "ug/mL"), RANGE) is W
    assert rules.judge(Quantity("20", "ug/mL"), RANGE) is O
    with pytest.raises(BadInput):
        rules.judge(Quantity("20", "mL"), RANGE)


def test_words_are_judged_as_words():
    sterile = Limit("one_of", choices=("no_growth",))
    assert rules.judge("no_growth", sterile) is W
    assert rules.judge("growth", sterile) is O
    assert rules.judge("below_loq", Limit("below_loq")) is W
    with pytest.raises(BadInput):
        rules.judge("no_growth", RANGE)
    with pytest.raises(BadInput):
        rules.judge(Quantity("20", "ug/uL"), sterile)
    with pytest.raises(BadInput):
        rules.judge(Quantity("20", "ug/uL"), Limit("range", protein("16")))


def test_a_comparator_never_says_more_than_all_the_values_it_stands_for():
    grid = [D(each) / 4 for each in range(0, 13)]
    limits = [
        Limit("range", protein("1"), protein("2")), Limit("at_least", low=protein("1")),
        Limit("above", low=protein("1")), Limit("at_most", high=protein("2")),
        Limit("below", high=protein("2")),
    ]  # fmt: skip
    holds = {"<": lambda x, v: x < v, "<=": lambda x, v: x <= v, ">": lambda x, v: x > v,
             ">=": lambda x, v: x >= v}  # fmt: skip
    far = [
        D(-100),
        *[each + step for each in grid for step in (D("-0.01"), D(0), D("0.01"))],
        D(100),
    ]
    for limit, sign, value in product(limits, holds, grid):
        verdict = rules.judge(rules.Measured(Quantity(value, "ug/uL"), sign), limit)
        each_ = {rules.judge(Quantity(x, "ug/uL"), limit) for x in far if holds[sign](x, value)}
        wanted = U if len(each_) > 1 else each_.pop()
        assert verdict is wanted, (limit, sign, value)


def test_these_limits_are_those_of_the_demonstration_site():
    from tests.site_limits import LIMITS as SITE

    assert {name: SITE.get(name) for name in LIMITS} == LIMITS
