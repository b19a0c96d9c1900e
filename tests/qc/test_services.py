"""Results through the services: computed verdicts, files read strictly, findings that stay."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from lims import custody, people, qc
from lims.core import db
from lims.core.errors import BadInput
from lims.core.gate import GateStopped, Result
from lims.core.units import UnitDoesNotConvert
from lims.custody import StateRefused, find
from lims.instruments import synthetic
from lims.qc.errors import FileKnown, NoSuchTest, OwnResult, ResultStands, WrongSample
from tests.laboratory import CELLS, PASSWORD, VESICLES

DATA = Path(__file__).parent.parent / "data"
BEADS = ("beads.csv", (DATA / "nta/beads.csv").read_bytes())
PLATE = (
    "endpoint_stdcurve_singleplate.txt",
    (DATA / "plate-reader/endpoint_stdcurve_singleplate.txt").read_bytes(),
)


def stops(refused):
    return set(refused.value.answer.ids(Result.STOPPED))


def results(lot):
    with db.reading() as session:
        return {each.test: each for each in qc.results_of(session, find(session, lot).id)}


def counted(sample, per_ml="5.2E8"):
    """A NanoSight file of three captures within limits, without the mark of practice."""
    content = synthetic.nanosight_file(
        sample=sample,
        captures=[D(per_ml) + each for each in (D("-1E7"), D(0), D("1E7"))],
        particles_per_frame=D(50), mode_nm=D(110), d10_nm=D(72), d50_nm=D(121), d90_nm=D(188),
    )  # fmt: skip
    return f"{sample}.csv", content


def test_a_verdict_is_computed_from_value_limit_and_unit(laboratory):
    lab = laboratory
    lot = lab.quarantined()

    for test, value, unit, wanted in (
        ("S14", "0.499", "[IU]/mL", "met"),
        ("S16", "7.61", "[pH]", "outside"),
        ("S04", "20000", "ug/mL", "met"),
        ("S03", "5E10", "{particles}/mL", "reported"),
        ("S01", "cloudy", "", "outside"),
        ("S18", "<0.1", "ng/mL", "met"),
    ):
        made = qc.enter(lab.ana, code=lot, test=test, value=value, unit=unit)
        assert made.standing.value == wanted, test
    assert (results(lot)["S04"].value, results(lot)["S04"].unit) == ("20", "ug/uL")
    with db.reading() as session:
        found = qc.findings_of(session, [find(session, lot).id])
    assert [each.kind for each in found] == ["out-of-specification"] * 2
    assert lab.state(lot) == "testing"


def test_what_is_wrong_about_a_result_is_refused(laboratory):
    lab = laboratory
    lot = lab.lot()
    with pytest.raises(StateRefused):
        qc.enter(lab.ana, code=lot, test="S01", value="clear")
    lot = lab.quarantined()

    for test, value, unit, kind in (
        ("S99", "1", "mL", NoSuchTest),
        ("S04", "20", "", BadInput),
        ("S04", "20", "mL", UnitDoesNotConvert),
        ("S04", "twenty", "ug/uL", BadInput),
        ("S02", "2", "mL", BadInput),
        ("S22", "complete", "", BadInput),
    ):
        with pytest.raises(kind):
            qc.enter(lab.ana, code=lot, test=test, value=value, unit=unit)
    with pytest.raises(BadInput):
        qc.enter(lab.ana, code=lot, test="S10", value="", components={"CD73": "99"})
    assert results(lot) == {}


def test_panels_conform_only_as_a_whole(laboratory):
    lab = laboratory
    lot = lab.quarantined()

    cells = qc.enter(lab.ana, code=lot, test="S10", value="", components={**CELLS, "CD45": "2.1"})
    vesicles = qc.enter(lab.ana, code=lot, test="S08", value="", components=VESICLES)

    assert (cells.value, cells.standing.value) == ("does_not_conform", "outside")
    assert (vesicles.value, vesicles.standing.value) == ("conforms", "met")


def test_beads_of_another_laboratory_are_not_a_release_result(laboratory):
    """Twelve real captures: they vary by more than the limit, with too many tracks per frame."""
    lab = laboratory
    sample = lab.sample(lab.quarantined())

    with pytest.raises(GateStopped) as refused:
        qc.read_particles(lab.ana, code=sample, file=BEADS, dilution=D(10000), reason="please")

    assert {"nta-variation", "nta-frames"} <= stops(refused)


def test_a_plate_read_at_630_nm_is_refused_and_says_why(laboratory):
    lab = laboratory
    lot = lab.quarantined()

    with pytest.raises(GateStopped) as refused:
        qc.read_protein(
            lab.ana, code=lab.sample(lot), file=PLATE, sample_name="SPL1", dilution=D(20),
            standard_unit="ug/mL", reason="please",
        )  # fmt: skip

    assert "bca-wavelength" in stops(refused)
    assert "630" in str(refused.value.answer.first(Result.STOPPED).finding.what)
    assert results(lot) == {}


def test_a_count_is_read_once_for_the_sample_it_names_and_diluted_once(laboratory):
    lab = laboratory
    lot = lab.quarantined()
    sample, other = lab.sample(lot), lab.sample(lab.quarantined())
    name, content = counted(sample)
    real = content.replace(synthetic.PRACTICE.encode(), b"")

    with pytest.raises(BadInput, match="made up"):
        qc.read_particles(lab.ana, code=sample, file=(name, content), dilution=D(100))
    with pytest.raises(WrongSample):
        qc.read_particles(lab.ana, code=other, file=(name, real), dilution=D(100))
    made = qc.read_particles(lab.ana, code=sample, file=(name, real), dilution=D(100))
    with pytest.raises(FileKnown):
        qc.read_particles(lab.ana, code=sample, file=("again.csv", real), dilution=D(100))

    assert {each.test for each in made} == {"S03", "S05", "S05-D50", "S06", "S06-200"}
    assert D(results(lot)["S03"].value) == D("5.2E10")


def test_a_result_stays_until_an_investigation_proves_an_error(laboratory):
    lab = laboratory
    lot = lab.quarantined()
    qc.enter(lab.ana, code=lot, test="S14", value="0.6", unit="[IU]/mL")

    with pytest.raises(ResultStands):
        qc.enter(lab.ana, code=lot, test="S14", value="0.1", unit="[IU]/mL")
    same = lab.join("ana2", *lab.quin.roles, person="ana")
    with db.reading() as session:
        (finding,) = qc.findings_of(session, [custody.find(session, lot).id])
    how = {"reference": finding.reference, "cause": "pipette out of calibration"}
    with pytest.raises(OwnResult):
        qc.close_finding(same, **how, laboratory_error=True, password=PASSWORD)
    with pytest.raises(people.WrongSecret):
        qc.close_finding(lab.quin, **how, laboratory_error=True, password="wrong")
    qc.close_finding(lab.quin, **how, laboratory_error=True, password=PASSWORD)
    qc.enter(lab.ana, code=lot, test="S14", value="0.1", unit="[IU]/mL")

    with db.reading() as session:
        kept = [
            (each.value, each.set_aside) for each in qc.results_of(session, find(session, lot).id)
        ]
    assert kept == [("0.6", True), ("0.1", False)]


def test_derived_results_follow_from_the_record(laboratory):
    lab = laboratory
    lot = lab.quarantined()
    qc.enter(lab.ana, code=lot, test="S03", value="4E10", unit="{particles}/mL")
    qc.enter(lab.ana, code=lot, test="S04", value="20", unit="ug/uL")

    qc.derive(lab.ana, code=lot)

    found = results(lot)
    assert D(found["S02"].value) == D("2.08")
    assert D(found["S11"].value) == D("94.5")
    assert D(found["S07"].value) == D("2E6")  # 4E10 per mL over 20 000 ug per mL
    assert qc.derive(lab.ana, code=lot) == []


def test_nobody_reviews_her_own_result_and_unreviewed_ones_are_not_handed_on(laboratory):
    lab = laboratory
    lot = lab.tested()

    with pytest.raises(OwnResult):
        qc.review(lab.ana, code=lot, password=PASSWORD)
    qc.review(lab.quin, code=lot, password=PASSWORD, tests=["S01"])
    with pytest.raises(BadInput, match="S03"):
        qc.submit(lab.quin, code=lot)
    qc.review(lab.quin, code=lot, password=PASSWORD)
    qc.submit(lab.quin, code=lot)
    assert lab.state(lot) == "awaiting-review"
