"""The doors of quality control, by page and by API."""

import base64
from io import BytesIO
from pathlib import Path

import pytest

from lims import qc
from lims.core import db
from lims.custody import find
from tests.laboratory import CELLS, PASSWORD, VESICLES

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DATA = Path(__file__).parent.parent / "data"
BEADS = DATA / "nta/beads.csv"
PLATE = DATA / "plate-reader/endpoint_stdcurve_singleplate.txt"


def sent(path):
    return {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}


def stopped(answer):
    return {each["id"] for each in answer.json["checks"] if each["result"] == "stopped"}


def results(lot):
    with db.reading() as session:
        return {each.test: each for each in qc.results_of(session, find(session, lot).id)}


def test_results_are_entered_by_page_as_each_test_asks(site):
    lab = site.lab
    lot = lab.quarantined()
    choice = site.page("ana", f"/lots/{lot}/results").text
    assert f"/lots/{lot}/results/S14" in choice
    assert f"/lots/{lot}/results/S02" not in choice  # follows from the record
    form = site.page("ana", f"/lots/{lot}/results/S14").text
    assert 'name="unit"' in form
    assert '"mL"' not in form

    at = f"/lots/{lot}/results"
    assert site.send("ana", f"{at}/S14", value="<0.05", unit="[IU]/mL").status_code == 303
    assert site.send("ana", f"{at}/S01", value="clear").status_code == 303
    assert site.send("ana", f"{at}/S20", value="other").status_code == 422
    assert site.send("ana", f"{at}/S20", value="other", found="debris").status_code == 303
    assert site.send("ana", f"{at}/S10", **CELLS).status_code == 303
    assert (
        site.send("ana", f"{at}/S08", **{**VESICLES, "calnexin": "none_of_these"}).status_code
        == 303
    )
    found = {test: each.standing.value for test, each in results(lot).items()}
    assert found == {"S14": "met", "S01": "met", "S20": "outside", "S10": "met", "S08": "outside"}

    shown = site.page("ana", f"/lots/{lot}").text
    assert 'data-test="S20" data-verdict-of="outside"' in shown
    assert "outside the limit" in shown
    assert "-F1" in shown
    assert f"/lots/{lot}/results/S14" not in site.page("ana", at).text


def test_results_are_entered_by_api_and_wrong_ones_refused(site):
    lab = site.lab
    lot = lab.quarantined()
    at = f"/lots/{lot}/results"

    for test, body in (
        ("S04", {"value": "20"}),
        ("S04", {"value": "20", "unit": "mL"}),
        ("S04", {"value": "twenty", "unit": "ug/uL"}),
        ("S04", {"value": "20", "unit": "ug/uL", "verdict": "pass"}),
        ("S01", {"value": "pass"}),
        ("S10", {**CELLS, "CD45": ""}),
        ("S10", {**CELLS, "CD99": "1"}),
        ("S02", {"value": "2", "unit": "mL"}),
    ):
        assert site.api("ana", f"{at}/{test}", body).status_code == 422, (test, body)
    assert site.api("ana", f"{at}/S99", {"value": "1"}).status_code == 404
    assert site.api("quin", f"{at}/S01", {"value": "clear"}).status_code == 403
    assert results(lot) == {}
    made = site.api("ana", f"{at}/S04", {"value": "20000", "unit": "ug/mL"})
    assert (made.json["value"], made.json["unit"], made.json["verdict"]) == ("20", "ug/uL", "met")
    again = site.api("ana", f"{at}/S04", {"value": "21", "unit": "ug/uL"})
    assert (again.status_code, again.json["code"]) == (409, "result_stands")


def test_the_real_bead_file_is_no_release_result(site):
    lab = site.lab
    lot = lab.quarantined()
    at = f"/samples/{lab.sample(lot)}/particles"
    body = {"file": sent(BEADS), "dilution": "10000", "reason": "please"}

    assert site.api("ana", at, {"file": sent(BEADS)}).status_code == 422  # without a dilution
    refused = site.api("ana", at, body)
    assert refused.status_code == 409
    assert {"nta-variation", "nta-frames"} <= stopped(refused)
    page = site.send("ana", at, dilution="10000", reason="please",
                     file=(BytesIO(BEADS.read_bytes()), "beads.csv"))  # fmt: skip
    assert (page.status_code, 'data-verdict="stop"' in page.text) == (409, True)
    assert "Nothing was recorded" in page.text
    assert results(lot) == {}


def test_the_real_plate_says_why_it_is_refused(site):
    lab = site.lab
    lot = lab.quarantined()
    at = f"/samples/{lab.sample(lot)}/protein"
    body = {"file": sent(PLATE), "sample_name": "SPL1", "dilution": "20"}

    assert site.api("ana", at, body).status_code == 422  # the standards have no unit in the file
    refused = site.api("ana", at, {**body, "standard_unit": "ug/mL"})
    assert refused.status_code == 409
    assert "bca-wavelength" in stopped(refused)
    assert "630 nm" in refused.text
    nobody = site.api("ana", at, {**body, "standard_unit": "ug/mL", "sample_name": "SPL9"})
    assert (nobody.status_code, nobody.json["field"]) == (422, "sample_name")
    other = site.api("ana", at, {**body, "standard_unit": "ug/mL", "file": sent(BEADS)})
    assert other.status_code == 422


def test_review_is_by_another_person_and_ends_in_release(site):
    lab = site.lab
    lot = lab.tested()
    at = f"/lots/{lot}/review"
    second = lab.join("ana2", *lab.quin.roles, person="ana")
    assert second.person == lab.ana.person

    assert "entered by Ana" in site.page("quin", at).text
    assert site.api("ana2", at, {"password": PASSWORD}).json["code"] == "own_result"
    assert site.send("ana", at, password=PASSWORD).status_code == 422
    assert site.send("quin", at, tests="S01", password="wrong").status_code in (403, 422)
    assert site.send("quin", at, tests="S01\nS03", password=PASSWORD).status_code == 303
    assert site.api("quin", f"/lots/{lot}/submission").status_code == 422
    assert site.api("quin", at, {"password": PASSWORD}).status_code == 200
    assert site.send("quin", f"/lots/{lot}/submission").status_code == 303
    assert lab.state(lot) == "awaiting-review"


def test_deviations_are_opened_and_closed(site):
    lab = site.lab
    lot = lab.quarantined()

    assert site.send("quin", f"/lots/{lot}/deviations", description="").status_code == 422
    made = site.api("quin", f"/lots/{lot}/deviations", {"description": "freezer open 20 min"})
    name = made.json["reference"]
    assert f"/findings/{name}/closing" in site.page("quin", f"/lots/{lot}").text
    body = {"cause": "door not latched", "laboratory_error": False, "password": PASSWORD}
    closed = site.api("quin", f"/findings/{name}/closing", body)
    assert (closed.status_code, closed.json["open"]) == (200, False)
    assert site.api("quin", f"/findings/{name}/closing", body).status_code == 404
    assert site.api("quin", "/findings/SARI-26-999-F9/closing", body).status_code == 404
    assert site.page("quin", "/findings/SARI-26-999-F9/closing").status_code == 404


def test_derived_results_are_worked_out_by_page(site):
    lab = site.lab
    lot = lab.quarantined()

    assert site.send("ana", f"/lots/{lot}/derived-results").status_code == 303
    assert set(results(lot)) == {"S02", "S11"}
