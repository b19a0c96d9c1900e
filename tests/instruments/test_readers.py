"""Real files of two makers, read to the figures their publishers give."""

from decimal import Decimal
from pathlib import Path

import pytest

from lims import instruments
from lims.core.errors import BadInput

DATA = Path(__file__).parent.parent / "data"
BEADS = DATA / "nta" / "beads.csv"
BCA = DATA / "plate-reader" / "endpoint_stdcurve_singleplate.txt"
LOWRY = DATA / "plate-reader" / "Lowry_Protein_Assay_no_results_matrix.txt"
D = Decimal


def read(path: Path) -> instruments.Reading:
    return instruments.read(path.read_bytes(), path.name)


def nta(path: Path = BEADS) -> instruments.NtaSample:
    sample = read(path).samples[0]
    assert isinstance(sample, instruments.NtaSample)
    return sample


def plate(path: Path) -> instruments.PlateSample:
    sample = read(path).samples[0]
    assert isinstance(sample, instruments.PlateSample)
    return sample


def well(path: Path, name: str) -> instruments.Well:
    return next(each for each in plate(path).wells if each.well == name)


def test_nanosight_captures_are_the_twelve_videos_and_not_the_summary_columns():
    captures = nta().captures
    assert [each.particles_per_ml for each in captures] == [
        D(each) * 10**7 for each in (143, 128, 118, 251, 180, 152, 130, 136, 118, 146, 140, 118)
    ]
    first = captures[0]
    assert (first.mean_nm, first.mode_nm, first.d50_nm) == (D("98.7"), D("95.4"), D("96"))
    assert (first.valid_tracks, first.completed_tracks, first.frames) == (4286, 10824, 749)
    assert first.particles_per_frame == D("156.3")
    assert (first.validity, first.detection_threshold) == ("OK", "8")
    assert nta().usable_captures == 12


def test_nanosight_average_stands_as_the_file_gives_it():
    average = nta().average
    assert average.particles_per_ml == D("1.47E9")
    assert average.particles_per_ml_standard_error == D("1.07E8")
    assert (average.mean_nm, average.mode_nm, average.sd_nm) == (D("100.5"), D("95.3"), D("19.1"))
    assert (average.d10_nm, average.d50_nm, average.d90_nm) == (D("84.7"), D("96.4"), D("113.3"))


def test_nanosight_dilution_that_was_not_recorded_is_unknown_and_said_so():
    assert nta().dilution is None
    assert nta().dilution_applied is None
    assert "Dilution factor" in [each.where for each in read(BEADS).warnings]


def test_nanosight_histogram_has_a_thousand_bins_of_one_nanometre():
    bins = nta().histogram
    assert (len(bins), bins[0].nm, bins[-1].nm) == (1000, D("0.5"), D("999.5"))
    assert abs(sum(each.particles_per_ml for each in bins) / D("1.47E9") - 1) < D("0.01")


def test_nanosight_file_says_neither_sample_nor_time():
    reading = read(BEADS)
    assert reading.software == "NTA 3.2 Dev Build 3.2.16"
    assert reading.measured_at is None
    assert nta().name is None
    assert nta().experiment == "std_combined.nano"


def test_gen5_keeps_raw_blanked_and_concentration_apart():
    first = well(BCA, "A4")
    assert (first.value, first.unit, first.wavelength_nm) == (D("1.998"), "OD", 630)
    assert [(each.name, each.value) for each in first.readings] == [
        ("Blank 630nmAbsRead:630", D("1.997")),
        ("[Concentration]", D("1185.551")),
    ]
    assert (first.well_id, first.conc_dil) == ("SPL1:1", D(1))
    assert well(BCA, "B4").conc_dil == D("0.5")
    assert len(plate(BCA).wells) == 96


def test_gen5_standards_come_in_triplicate_without_a_unit():
    standards = plate(BCA).standards
    assert [each.value for each in standards] == [
        D(each) for each in ["2000", "666.67", "222.22", "74.074", "24.691", "8.2305", "2.7435"]
    ]
    assert standards[0] == instruments.Standard(D(2000), None, ("A1", "A2", "A3"))
    assert [well(BCA, each).value for each in standards[0].wells] == [
        D("3.337"), D("3.394"), D("3.378")
    ]  # fmt: skip
    assert plate(BCA).curves[0]["A"] == "0.00168"


def test_gen5_below_range_is_not_zero():
    blank = well(LOWRY, "A1")
    assert blank.value == D("0.044")
    assert blank.flag == "below"
    assert blank.readings[0].value is None


def test_gen5_masked_well_keeps_its_reading_and_its_mark():
    masked = well(LOWRY, "H3")
    assert (masked.value, masked.flag) == (D("0.356"), "masked")
    assert (masked.readings[0].value, masked.readings[0].flag) == (None, "error")
    assert well(LOWRY, "G3").readings[0].value == D("106.304")


def test_gen5_keeps_the_files_own_date_and_says_that_it_is_ambiguous():
    reading = read(LOWRY)
    assert reading.measured_at == "2/8/2006 5:27:40 AM"
    assert "Date" in [each.where for each in reading.warnings]
    assert "Date" not in [each.where for each in read(BCA).warnings]


@pytest.mark.parametrize(
    ("cell", "value", "flag"),
    [("OVRFLW", None, "above"), ("MISSED", None, "missing"), ("", None, "missing"),
     ("?????", None, "error"), (">3.500", None, "above"), ("<0.000", None, "below"),
     ("-0.003", D("-0.003"), None)],
)  # fmt: skip
def test_gen5_words_in_a_well_become_flags(cell: str, value: Decimal | None, flag: str | None):
    data = LOWRY.read_bytes().replace(b"A\t0.044\t", f"A\t{cell}\t".encode(), 1)
    sample = instruments.read(data, "edited.txt").samples[0]
    first = sample.wells[0]
    assert (first.value, first.flag if first.value is None else None) == (value, flag)


def test_json_has_the_shape_of_the_contract():
    shown = read(BEADS).as_json()
    assert list(shown) == [
        "kind", "maker", "software", "file", "sha256", "measured_at", "samples", "warnings"
    ]  # fmt: skip
    assert shown["sha256"].startswith("6a3bcdb683ae2874")
    assert shown["samples"][0]["captures"][0]["particles_per_ml"] == 1430000000
    assert shown["samples"][0]["captures"][0]["mean_nm"] == 98.7
    assert all(isinstance(each["what"], str) for each in shown["warnings"])
    assert read(BCA).as_json()["samples"][0]["wells"][0]["wavelength_nm"] == 630


@pytest.mark.parametrize("path", [BEADS, BCA, LOWRY])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_of_instruments_read_alike(path: Path, encoding: str):
    data = path.read_bytes().decode("ascii").encode(encoding)
    assert instruments.read(data, path.name).samples == read(path).samples


def test_latin_1_operator_names_do_not_stop_a_file():
    data = BEADS.read_bytes().replace(b"Operator Name,", b"Operator Name,M\xfcller", 1)
    assert instruments.read(data, "x.csv").samples == read(BEADS).samples


def test_decimal_commas_of_one_locale_read_alike():
    data = BCA.read_bytes()
    head, results = data.split(b"Layout", 1)
    comma = head + b"Layout" + results.replace(b".", b",")
    assert instruments.read(comma, "x.txt").samples[0].wells == plate(BCA).wells


def test_commas_that_could_mark_thousands_are_refused():
    data = LOWRY.read_bytes()
    head, results = data.split(b"Layout", 1)
    wide = head + b"Layout" + results.replace(b"\t0.", b"\t1,").replace(b"*0.", b"*1,")
    wide = wide.replace(b".", b"")
    with pytest.raises(instruments.NotReadable, match="thousands"):
        instruments.read(wide, "x.txt")


def test_both_marks_in_one_file_are_refused():
    data = BCA.read_bytes().replace(b"\t1.998\t", b"\t1,998\t")
    with pytest.raises(instruments.NotReadable, match="commas and points"):
        instruments.read(data, "x.txt")


def test_an_unknown_maker_is_refused_by_name():
    with pytest.raises(instruments.UnknownMaker, match=r"odd\.csv.*Agilent BioTek"):
        instruments.read(b"Sample,Value\nA,1\n", "odd.csv")


def test_a_good_file_of_another_kind_is_refused():
    with pytest.raises(instruments.WrongKind, match="plate"):
        instruments.read(BCA.read_bytes(), "x.txt", kind="nta")
    with pytest.raises(instruments.WrongKind):
        instruments.read(BCA.read_bytes(), "x.txt", kind="rubbish")
    assert instruments.read(BEADS.read_bytes(), "x.csv", kind="nta").kind == "nta"


@pytest.mark.parametrize("data", [b"", b"  \r\n", b"PK\x03\x04\0\0", b"\xff\xfeN\0T"])
def test_what_is_no_text_is_refused(data: bytes):
    with pytest.raises(instruments.NotReadable):
        instruments.read(data, "x")


def test_a_file_over_the_cap_is_refused_before_it_is_decoded():
    with pytest.raises(instruments.TooLarge):
        instruments.read(b"0" * (instruments.LARGEST_BYTES + 1), "huge.csv")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"Concentration (Particles / ml),1430", b"Concentration (E6 particles/ml),1430",
         instruments.UnitMissing),
        (b"Concentration (Particles / ml),1430", b"Concentration,1430", instruments.UnitMissing),
        (b"Bin centre (nm)", b"Bin centre (um)", instruments.UnitMissing),
        (b"Weighting,Number", b"Weighting,Volume", instruments.UnitMissing),
        (b"[Results]", b"[Outcomes]", instruments.SectionMissing),
        (b"\r\n95.5,", b"\r\n94.5,", instruments.TwoTables),
        (b"\r\n95.5,", b"\r\n95.6,", instruments.Truncated),
        (b"\r\n100,543", b"\r\n98.5,543", instruments.Truncated),
        (b",1430000000,", b",1430000000x,", instruments.NotReadable),
        (b",10824,", b",10824.5,", instruments.NotReadable),
    ],
)  # fmt: skip
def test_nanosight_damage_is_refused(old: bytes, new: bytes, error: type[BadInput]):
    data = BEADS.read_bytes()
    assert old in data
    with pytest.raises(error) as refused:
        instruments.read(data.replace(old, new, 1), "damaged.csv")
    assert "damaged.csv" in str(refused.value)


def test_nanosight_second_volume_weighted_table_is_left_and_named():
    data = BEADS.read_bytes()
    table = data[data.index(b"[Size Data]") :]
    twice = data + table.replace(b"Weighting,Number", b"Weighting,Volume")
    reading = instruments.read(twice, "x.csv")
    assert reading.samples == read(BEADS).samples
    assert any("must not be added" in str(each.what) for each in reading.warnings)
    with pytest.raises(instruments.TwoTables):
        instruments.read(data + table, "x.csv")


def test_nanosight_recorded_dilution_says_that_it_is_already_applied():
    data = BEADS.read_bytes().replace(b"Not recorded", b"10000")
    sample = instruments.read(data, "x.csv").samples[0]
    assert (sample.dilution, sample.dilution_applied) == (D(10000), True)
    assert sample.captures == nta().captures
    mixed = BEADS.read_bytes().replace(b"Not recorded", b"10000", 3)
    assert instruments.read(mixed, "x.csv").samples[0].dilution is None


@pytest.mark.parametrize("figure", [b"1430000000", b"1280000000", b"1470000000", b"1800000000"])
def test_nanosight_edited_concentration_is_marked(figure: bytes):
    data = BEADS.read_bytes()
    edited = data.replace(b"," + figure, b"," + figure[:2] + b"9" + figure[3:], 1)
    edited = edited.replace(b"," + figure[:2] + b"9", b",9" + figure[1:3], 1)
    assert edited != data
    before, after = read(BEADS).warnings, instruments.read(edited, "x.csv").warnings
    assert len(after) > len(before)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"Plate Number\tPlate 1\n", b"", instruments.SectionMissing),
        (b"630nmAbsRead:630\n\t3.336", b"630nmAbsRead:631\n\t3.336", instruments.Truncated),
        (b"\nC\t0.371", b"\nD\t0.371", instruments.Truncated),
        (b"\t0.178\t", b"\t", instruments.Truncated),
        (b"\tBlank 630nmAbsRead:630\n", b"\t630nmAbsRead:630\n", instruments.TwoTables),
        (b"\t1.998\t", b"\t1.9.98\t", instruments.NotReadable),
        (b"Wavelengths:  630", b"Wavelengths:  562", instruments.SectionMissing),
        (b"\t1\t?????", b"\t1\t???", instruments.Truncated),
    ],
)
def test_gen5_damage_is_refused(old: bytes, new: bytes, error: type[BadInput]):
    data = BCA.read_bytes()
    assert old in data
    with pytest.raises(error):
        instruments.read(data.replace(old, new, 1), "damaged.txt")


def test_gen5_two_plates_are_two_samples():
    data = BCA.read_bytes()
    second = data[data.index(b"Plate Number") :].replace(b"Plate 1", b"Plate 2")
    samples = instruments.read(data + b"\n" + second, "x.txt").samples
    assert [each.name for each in samples] == ["Plate 1", "Plate 2"]
    assert samples[0].wells == samples[1].wells == plate(BCA).wells


def test_gen5_result_matrix_twice_is_refused():
    data = BCA.read_bytes()
    start, end = data.index(b"Results\n\t1"), data.index(b"StdCurve Fitting")
    with pytest.raises(instruments.TwoTables):
        instruments.read(data[:end] + data[start:end] + data[end:], "x.txt")


def test_nanosight_last_line_cut_within_its_cells_is_refused():
    data = BEADS.read_bytes().rstrip()
    cut = data[: data.rindex(b",665")] + b"\r\n"
    with pytest.raises(instruments.Truncated, match="last line"):
        instruments.read(cut, "x.csv")
