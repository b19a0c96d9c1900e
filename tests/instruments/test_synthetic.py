"""What the practice writers write, the readers read back."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims import instruments
from lims.instruments import synthetic

D = Decimal
CAPTURES = (D("4.9E8"), D("5.3E8"), D("5.4E8"))
LEVELS = [D(each) for each in ["0", "125", "250", "500", "750", "1000", "1500", "2000"]]
RAW = [D(each) for each in ["0.090", "0.224", "0.352", "0.601", "0.847", "1.090", "1.558", "2.010"]]


def nta_bytes(**changes: object) -> bytes:
    wanted: dict = {
        "sample": "Q7K4M29XC", "captures": CAPTURES, "particles_per_frame": D("45.2"),
        "mode_nm": D("118.4"), "d10_nm": D("82.1"), "d50_nm": D("131.6"), "d90_nm": D("212.3"),
    }  # fmt: skip
    return synthetic.nanosight_file(**(wanted | changes))


def bca_bytes(**changes: object) -> bytes:
    wanted: dict = {
        "sample": "Q7K4M29XC",
        "standards_ug_per_ml": LEVELS,
        "standard_absorbances": [(each, each, each) for each in RAW],
        "sample_absorbances": (D("1.070"), D("1.082"), D("1.094")),
        "dilution": D(20),
        "date": "11/20/2026",
        "time": "9:00:04 AM",
    }
    return synthetic.gen5_bca_file(**(wanted | changes))


def test_a_practice_nta_file_reads_back():
    reading = instruments.read(nta_bytes(), "practice.csv")
    sample = reading.samples[0]
    assert sample.name == "Q7K4M29XC"
    assert tuple(each.particles_per_ml for each in sample.captures) == CAPTURES
    assert sample.captures[0].particles_per_frame == D("45.2")
    assert sample.captures[0].frames == 749
    assert (sample.average.mode_nm, sample.average.d50_nm) == (D("118.4"), D("131.6"))
    assert sample.average.particles_per_ml == D("5.20E8")
    assert (sample.dilution, sample.dilution_applied, sample.usable_captures) == (None, None, 3)
    held = sum(each.particles_per_ml for each in sample.histogram)
    assert abs(held / D("5.2E8") - 1) < D("0.001")


def test_a_practice_nta_file_with_a_recorded_dilution_holds_it_once():
    sample = instruments.read(nta_bytes(dilution=D(100)), "practice.csv").samples[0]
    assert (sample.dilution, sample.dilution_applied) == (D(100), True)
    assert [each.particles_per_ml for each in sample.captures] == [each * 100 for each in CAPTURES]


def test_practice_files_say_so_and_nothing_else_is_doubted():
    reading = instruments.read(nta_bytes(dilution=D(100)), "practice.csv")
    assert reading.practice
    assert [each.where for each in reading.warnings] == ["practice data"]
    plate = instruments.read(bca_bytes(), "practice.txt")
    assert plate.practice
    assert [each.where for each in plate.warnings] == ["practice data"]


def test_a_practice_bca_file_reads_back():
    reading = instruments.read(bca_bytes(), "practice.txt")
    sample = reading.samples[0]
    wells = {each.well: each for each in sample.wells}
    assert [each.value for each in sample.standards] == LEVELS
    assert [[wells[well].value for well in each.wells] for each in sample.standards] == [
        [each] * 3 for each in RAW
    ]
    assert [wells[each].value for each in ("A4", "A5", "A6")] == [
        D("1.070"), D("1.082"), D("1.094")
    ]  # fmt: skip
    assert (wells["A4"].conc_dil, wells["A4"].wavelength_nm) == (D("0.05"), 562)
    assert wells["H12"].flag == "missing"
    assert reading.measured_at == "11/20/2026 9:00:04 AM"
    assert sample.name == "Q7K4M29XC"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(10**7, 2 * 10**9), min_size=1, max_size=6),
    st.decimals(D(1), D(300), places=1),
    st.sampled_from([None, D(1), D(50), D(1000)]),
)
def test_whatever_is_written_is_read(captures: list[int], frame: Decimal, dilution: Decimal | None):
    data = nta_bytes(captures=[D(each) for each in captures], particles_per_frame=frame,
                     dilution=dilution)  # fmt: skip
    sample = instruments.read(data, "practice.csv").samples[0]
    factor = dilution or 1
    assert [each.particles_per_ml for each in sample.captures] == [
        each * factor for each in captures
    ]
    assert {each.particles_per_frame for each in sample.captures} == {frame}


def test_impossible_wishes_are_refused():
    with pytest.raises(ValueError, match="D10"):
        nta_bytes(d10_nm=D(300))
    with pytest.raises(ValueError, match="triplicate"):
        bca_bytes(sample_absorbances=(D(1),))
