"""The doors of isolation, by page and by API."""

from datetime import timedelta

import pytest

from lims import isolation
from lims.core import clock, db, vault
from lims.custody import find
from tests.laboratory import local, spins

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RUN = {
    "method": "ultracentrifugation", "rotor": "70", "radius_mm": "91.9", "convention": "rmax",
    "formulation": "PBS",
    **{f"rpm_{each.step}": str(each.rpm) for each in spins()},
    **{f"minutes_{each.step}": str(each.minutes) for each in spins()},
}  # fmt: skip


def api_run():
    return {
        **RUN,
        "filtered": False,
        "started_at": clock.text(clock.now() - timedelta(hours=5)),
        "ended_at": clock.text(clock.now()),
        "volume": "3.25 mL",
    }


def test_a_harvest_becomes_a_filled_lot_by_page(site):
    lab = site.lab
    pool = lab.harvest()
    assert 'name="rpm_5"' in site.page("tara", f"/harvests/{pool}/isolation").text
    made = site.send(
        "tara", f"/harvests/{pool}/isolation", **RUN, filtered="yes", volume="3.25",
        **{"volume.unit": "mL"}, **local("started_at", clock.now() - timedelta(hours=5)),
        **local("ended_at", clock.now()),
    )  # fmt: skip
    assert made.status_code == 303, made.text
    lot = made.location.removeprefix("/lots/")
    shown = site.page("tara", f"/lots/{lot}").text
    assert f'href="/lots/{lot}/fill"' in shown
    assert f'href="/lots/{lot}/review"' not in shown

    at = f"/lots/{lot}/fill"
    units = {"qc.unit": "mL", "retained.unit": "mL", "waste.unit": "uL"}
    little = {"qc": "0.8", "retained": "0.3", "waste": "20", **units}
    assert site.send("tara", at, doses="2.5", **little).status_code == 409
    assert site.send("tara", at, doses="2.0805123", **little).status_code == 422
    done = site.send("tara", at, doses="1.04\n1.04", **little)
    assert (done.status_code, done.location) == (303, f"/lots/{lot}")
    with db.reading() as session:
        item = find(session, lot)
        run, vials = isolation.run_of(session, item.id), isolation.vials_of(session, item.id)
    assert [each["step"] for each in run.steps] == ["1", "2", "3", "3b", "4", "5"]
    assert [each.initial_volume_ul for each in vials] == [1040, 1040]


def test_H27_the_four_figures_of_a_vial_leave_by_no_door(site, measured):
    lab = site.lab
    pool = lab.harvest()
    lot = site.api("tara", f"/harvests/{pool}/isolation", api_run()).json["code"]
    filled = site.api(
        "tara", f"/lots/{lot}/fill",
        {"doses": ["2.08 mL"], "qc": "0.8 mL", "retained": "0.3 mL", "waste": "0.02 mL"},
    )  # fmt: skip
    assert filled.status_code == 200, filled.text
    (vial,) = filled.json["vials"]
    with db.reading() as session:
        kept = isolation.vial_of(session, find(session, vial["code"]).id)
        figures = vault.unseal(kept.figures_key, kept.figures)
    answers = [filled.json["vials"][0], site.get("tara", f"/lots/{lot}").json["vials"][0]]

    shown = sum(figures in map(str, each.values()) or "figures" in each for each in answers)
    measured("H27", trials=len(answers), failures=shown)
    assert shown == 0
    assert set(vial) == {"code", "kind", "state", "name", "product", "volume_ul", "expires_at"}


def test_a_run_that_is_not_whole_or_not_understood_is_refused(site):
    lab = site.lab
    pool = lab.harvest()
    at, body = f"/harvests/{pool}/isolation", api_run()

    def without(*names):
        return {name: value for name, value in body.items() if name not in names}

    assert site.api("tara", at, without("convention")).status_code == 422
    assert site.api("tara", at, without("minutes_4")).status_code == 422
    skipped = site.api("tara", at, without("rpm_3", "minutes_3"))
    assert (skipped.status_code, skipped.json["code"]) == (409, "gate_stopped")
    assert site.api("tara", at, {**body, "method": "precipitation"}).status_code == 409
    assert site.api("tara", at, {**body, "volume": "3.25"}).status_code == 422
    assert site.api("tara", at, {**body, "force": "100000"}).status_code == 422
    assert site.api("ana", at, body).status_code == 403
    assert lab.state(pool) == "stored"


def test_prp_is_refused_of_other_material_before_its_form_is_filled(site):
    tube = site.lab.specimen()

    page = site.page("tara", f"/specimens/{tube}/prp")

    assert page.status_code == 422
    assert "PRP is made from blood drawn for it" in page.text
