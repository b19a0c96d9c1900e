"""The doors of culture, by page and by API."""

from datetime import timedelta

import pytest

from lims import culture, custody
from lims.core import clock, db
from tests.laboratory import local

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
VESSEL = {
    "vessel": "T175", "area_cm2": "175", "medium": "alpha-MEM", "medium_lot": "MED-1",
    "medium_expires_on": "2026-12-01",
}  # fmt: skip
COUNTED = {"total_cells": 1_700_000, "viability_percent": "95", "confluence_percent": "78"}


def run_of(sister, start, end):
    return {
        "strain": {"value": "10", "unit": "%"}, "frequency": "0.5 Hz", "axis": "uniaxial",
        "time_per_day": "8 h", "device": "SB-4", "calibrated_on": "2026-01-10",
        "substrate": "silicone", "coating": "fibronectin", "started_at": clock.text(start),
        "ended_at": clock.text(end), "duty_on": "3 h", "duty_off": "9 h",
        "during_harvest": False, "static_sister": sister,
    }  # fmt: skip


def test_a_specimen_becomes_vessels_and_a_harvest_by_page(site):
    lab = site.lab
    tube = lab.specimen()
    form = site.page("tara", f"/specimens/{tube}/isolation")
    assert form.status_code == 200
    made = site.send(
        "tara", f"/specimens/{tube}/isolation", route="density-gradient",
        nucleated_cells="200000", antibiotic="yes", **VESSEL,
    )  # fmt: skip
    assert made.status_code == 303, made.text
    flask = made.location.rsplit("/", 1)[-1]
    lab.clock.forward(hours=120)

    wrong = site.send("tara", f"/cultures/{flask}/passage", **VESSEL, **COUNTED, antibiotic="no",
                      seeded="3000000")  # fmt: skip
    assert (wrong.status_code, 'data-verdict="stop"' in wrong.text) == (409, True)
    assert 'value="T175"' in wrong.text  # what was typed is kept
    done = site.send("tara", f"/cultures/{flask}/passage", **VESSEL, **COUNTED, antibiotic="no",
                     seeded="500000\n500000")  # fmt: skip
    assert done.status_code == 303, done.text
    with db.reading() as session:
        one, two = (
            each.code
            for each in custody.items_of(session, kind=custody.ItemKind.FLASK)
            if each.state is custody.State.GROWING
        )
    lab.clock.forward(hours=72)
    pooled = site.send(
        "tara", f"/cultures/{one}/harvest", flasks=two, medium_kind="serum_free", washes="3",
        total_cells="6000000", viability_percent="94", confluence_percent="82", volume="40",
        **{"volume.unit": "mL"}, **local("started_at", clock.now() - timedelta(hours=48)),
        **local("ended_at", clock.now()),
    )  # fmt: skip
    assert pooled.status_code == 303, pooled.text
    pool = pooled.location.rsplit("/", 1)[-1]
    assert (lab.state(pool), lab.state(one), lab.state(two)) == (
        "stored",
        "exhausted",
        "exhausted",
    )


def test_cells_are_passaged_stretched_and_rejected_by_api(site):
    lab = site.lab
    flask = lab.flask()
    body = {**VESSEL, **COUNTED, "antibiotic": False, "seeded": [500_000, 500_000]}
    made = site.api("tara", f"/cultures/{flask}/passage", body, key="p1")
    assert made.status_code == 200, made.text
    one, two = (each["code"] for each in made.json["items"])
    assert site.api("tara", f"/cultures/{flask}/passage", body, key="p1").json == made.json
    lab.clock.forward(hours=84)
    run = run_of(two, clock.now() - timedelta(hours=24), clock.now())

    at = f"/cultures/{one}/preconditioning"
    assert site.api("tara", f"{at}/levitation", run).status_code == 422
    assert site.api("tara", f"{at}/cyclic_stretch", {**run, "shear": "1 Pa"}).status_code == 422
    assert site.api("tara", f"{at}/cyclic_stretch", {**run, "strain": "10"}).status_code == 422
    asked = site.api("tara", f"{at}/cyclic_stretch", {**run, "strain": "25 %"})
    assert (asked.status_code, asked.json["verdict"]) == (409, "ask")
    assert site.api("tara", f"{at}/cyclic_stretch", run).status_code == 200
    with db.reading() as session:
        (kept,) = culture.preconditionings(session, [custody.find(session, one).id])
    assert (kept.modality, kept.flag) == ("cyclic_stretch", True)
    assert kept.parameters["strain"] == "10 %"

    assert site.api("tara", f"/cultures/{two}/rejection", {"reason": ""}).status_code == 422
    seen = site.api("tara", f"/cultures/{two}/rejection", {"reason": "cloudy"})
    assert seen.json["state"] == "rejected"


def test_a_modality_is_chosen_before_its_form(site):
    lab = site.lab
    flask = lab.flask()
    choice = site.page("tara", f"/cultures/{flask}/preconditioning")
    form = site.page("tara", f"/cultures/{flask}/preconditioning/ultrasound")

    assert f"/cultures/{flask}/preconditioning/cyclic_stretch" in choice.text
    for name in ("intensity", "duty", "time_per_day", "static_sister"):
        assert f'name="{name}"' in form.text
    assert 'name="strain"' not in form.text
    assert site.page("ana", f"/cultures/{flask}/preconditioning").status_code == 403


def test_what_does_not_fit_is_refused_at_the_door(site):
    lab = site.lab
    flask = lab.flask()
    body = {**VESSEL, **COUNTED, "antibiotic": False, "seeded": [500_000]}
    at = f"/cultures/{flask}/passage"

    for change in (
        {"override": True},
        {"total_cells": "1.5"},
        {"viability_percent": "101"},
        {"seeded": [0]},
        {"seeded": []},
        {"antibiotic": "perhaps"},
        {"total_cells": 10**12},
        {"medium_expires_on": "1405-02-18"},
    ):
        assert site.api("tara", at, {**body, **change}).status_code == 422, change
    assert site.api("ana", at, body).status_code == 403
    blood = site.api("tara", "/cultures/NOTACODE/passage", body)
    assert blood.status_code == 422
    assert lab.state(flask) == "growing"
