"""Collection through its doors: a kit for one woman, her sample, its receipt, her markers."""

import re

import pytest

from lims import collection, custody
from lims.core import codes, db
from tests.site_here import BORN, CORD, MENSTRUAL, NAME, Site, ago, entries, local, site, verified

__all__ = ["site"]
SAID = {"stated_name": NAME, "stated_birth_date": BORN}
CUP = {"device_lot": "CUP-7", "device_expires_on": "2031-01-01"}
ARRIVED = {
    "label_matches": True,
    "seal_intact": True,
    "leaked": False,
    "temperature_min": "3 Cel",
    "temperature_max": "6 Cel",
    "volume": "8 mL",
    "appearance": "dark red",
    "clots": False,
    "decision": "accept",
}


def collection_of(kit: str, **change) -> dict:
    return {
        "kit": kit,
        **SAID,
        "collected_at": ago(hours=3),
        "cycle_day": 2,
        "cup_in_place": "3 h",
        "active_infection": False,
        "medium": "DMEM",
        "medium_lot": "M-1",
        "medium_expires_on": "2031-01-01",
        **change,
    }


def blood_of(**change) -> dict:
    return {
        "purpose": "blood-for-tests",
        **SAID,
        "drawn_at": ago(hours=1),
        "volume": {"value": "10", "unit": "mL"},
        "anticoagulant": "edta",
        "anticoagulant_lot": "T-1",
        **change,
    }


def kit(here: Site) -> str:
    return here.did("tech", f"/studies/{MENSTRUAL}/kits", CUP)["kit"]


def ordered(here: Site) -> tuple[str, str, str]:
    """A number, her kit and her tube."""
    number, box = here.consented(), kit(here)
    tube = here.did("nurse", f"/kits/{box}/issue", {"participant": number, **SAID})["code"]
    return number, box, tube


def collected(here: Site) -> str:
    _number, box, tube = ordered(here)
    here.did("nurse", f"/specimens/{tube}/collection", collection_of(box))
    return tube


def state(code: str) -> str:
    with db.reading() as session:
        return custody.find(session, code).state.value


def test_a_kit_goes_to_a_woman_and_her_sample_to_the_lab_by_page(site):
    number = site.consented()
    at = site.done("tech", f"/studies/{MENSTRUAL}/kits", **CUP)
    box = at.rpartition("/")[2]
    at = site.done("nurse", f"/kits/{box}/issue", participant=number, **SAID)
    tube = at.rpartition("/")[2]
    site.done(
        "nurse",
        f"/specimens/{tube}/collection",
        **{"kit": codes.grouped(box), **SAID, "collected_at": local(hours=3)},
        **{"collected_at.zone": "Asia/Tehran", "cycle_day": "2", "cup_in_place": "180"},
        **{"cup_in_place.unit": "min", "active_infection": "no", "medium": "DMEM"},
        **{"medium_lot": "M-1", "medium_expires_on": "2031-01-01"},
    )
    site.done(
        "tech",
        f"/specimens/{tube}/receipt",
        **{"label_matches": "yes", "seal_intact": "yes", "leaked": "no"},
        **{"received_at": local(minutes=1), "received_at.zone": "Asia/Tehran"},
        **{"temperature_min": "3", "temperature_max": "6", "volume": "8", "volume.unit": "mL"},
        **{"appearance": "dark red", "clots": "no", "decision": "accept"},
    )
    page = site.page("doctor", f"/participants/{number}").text

    assert tube[0] == "S"
    assert (state(box), state(tube)) == ("used", "accepted")
    assert f'href="/items/{tube}"' in page
    assert re.findall(r'<li data-mark="(\w+)"', page)[3:6] == ["done", "done", "done"]
    assert verified() == []


def test_the_same_through_the_api(site):
    tube = collected(site)
    answer = site.did(
        "tech", f"/specimens/{tube}/receipt", {**ARRIVED, "received_at": ago(hours=0)}
    )

    assert answer["state"] == "accepted"
    assert answer["kind"] == "menstrual-fluid"
    assert set(answer) == {"code", "kind", "state", "participant"}


def test_blood_markers_and_a_cord_by_page_and_api(site):
    number = site.consented()
    donor = site.consented(CORD, kind="donor")
    tube = site.did("nurse", f"/participants/{number}/blood", blood_of())["code"]
    at = site.done(
        "nurse",
        f"/participants/{donor}/cord",
        **{"collected_at": local(hours=1), "collected_at.zone": "Asia/Tehran"},
        **{"length": "22", "medium_lot": "M-2"},
    )
    site.done(
        "nurse",
        f"/participants/{number}/blood",
        **{"purpose": "blood-for-tests", **SAID, "drawn_at": local(hours=1)},
        **{"drawn_at.zone": "Asia/Tehran", "volume": "9000", "volume.unit": "uL"},
        **{"anticoagulant": "none", "anticoagulant_lot": "T-2"},
    )
    result = {"marker": "hbsag", "state": "negative", "material": "serum", "nucleic_acid": False}
    told = site.did("qc", f"/specimens/{tube}/markers", {**result, "sampled_at": ago(hours=1)})
    site.done(
        "qc",
        f"/specimens/{tube}/markers",
        **{"marker": "syphilis", "state": "negative", "material": "plasma"},
        **{"nucleic_acid": "no", "sampled_at": local(hours=1), "sampled_at.zone": "Asia/Tehran"},
    )

    assert at.rpartition("/")[2][0] == "S"
    assert told["marker"] == "hbsag"
    with db.reading() as session:
        item = custody.find(session, tube)
        known = collection.markers_of(session, item.donor_id)
        assert (item.volume_ul, set(known)) == (10_000, {"hbsag", "syphilis"})
    assert "syphilis" in site.page("doctor", f"/participants/{number}").text


def test_H01_another_name_another_tube_or_a_bound_kit_stop_and_write_nothing(site, measured):
    number, box, tube = ordered(site)
    other, fresh = site.consented(), kit(site)
    _third, _box, strange = ordered(site)
    before = entries()
    tried = [
        (f"/kits/{fresh}/issue", {"participant": number, **SAID, "stated_name": "Mina Rad"}),
        (f"/kits/{fresh}/issue",
         {"participant": number, **SAID, "stated_birth_date": "1990-03-05"}),
        (f"/kits/{box}/issue", {"participant": other, **SAID}),
        (f"/specimens/{strange}/collection", collection_of(box)),
        (f"/specimens/{tube}/collection", collection_of(fresh)),
    ]  # fmt: skip

    refused = [site.api("nurse", path, body) for path, body in tried]

    wrong = [each.json for each in refused if each.status_code != 409]
    measured("H01", trials=len(tried), failures=len(wrong))
    assert wrong == []
    assert state(tube) == "ordered"
    assert state(fresh) == "prepared"
    assert entries() == before


def test_what_cannot_be_accepted_is_held_or_rejected_with_a_coded_reason(site):
    tube = collected(site)
    path = f"/specimens/{tube}/receipt"
    warm = {**ARRIVED, "received_at": ago(hours=0), "temperature_max": "31 Cel"}
    before = entries()
    stopped = site.api("tech", path, warm)
    uncoded = site.api("tech", path, {**warm, "decision": "reject"})
    unknown = site.api("tech", path, {**warm, "decision": "reject", "reason_code": "dropped"})

    assert (stopped.status_code, stopped.json["code"]) == (409, "gate_stopped")
    assert (uncoded.status_code, unknown.status_code) == (422, 422)
    assert entries() == before
    assert state(tube) == "collected"
    rejected = site.did("tech", path, {**warm, "decision": "reject", "reason_code": "too-warm"})
    assert rejected["state"] == "rejected"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_H07_H53_wrong_codes_units_and_fields_are_refused_and_nothing_is_written(site, measured):
    number, box, tube = ordered(site)
    last = codes.ALPHABET[(codes.ALPHABET.index(box[-2]) + 1) % len(codes.ALPHABET)]
    misread = box[:-2] + last + box[-1]
    unknown = codes.draw("K")
    before = entries()
    tried = [
        (422, "code_check", f"/kits/{misread}/issue", {"participant": number, **SAID}),
        (422, "code_kind", f"/kits/{tube}/issue", {"participant": number, **SAID}),
        (404, "item_unknown", f"/kits/{unknown}/issue", {"participant": number, **SAID}),
        (422, "code_check", f"/specimens/{tube}/collection", collection_of(misread)),
        (422, "code_kind", f"/specimens/{tube}/collection", collection_of(tube)),
        (404, "item_unknown", f"/specimens/{tube}/collection", collection_of(unknown)),
        (422, "unit_does_not_convert", f"/specimens/{tube}/collection",
         collection_of(box, cup_in_place="3 mL")),
        (422, None, f"/specimens/{tube}/collection", collection_of(box, cup_in_place=3)),
        (422, None, f"/specimens/{tube}/collection", collection_of(box, state="accepted")),
        (422, None, f"/specimens/{tube}/collection", collection_of(box, collected_at="now")),
        (404, "subject_unknown", f"/kits/{kit(site)}/issue",
         {"participant": "IRC01-999", **SAID}),
        (422, None, f"/participants/{number}/blood", blood_of(volume="10 g")),
        (422, None, f"/participants/{number}/blood", blood_of(anticoagulant="honey")),
    ]  # fmt: skip
    before = entries()

    faults = []
    for status, code, path, body in tried:
        refused = site.api("nurse", path, body)
        if refused.status_code != status or (code and refused.json["code"] != code):
            faults.append((path, refused.status_code, refused.json))

    measured("H07", trials=len(tried), failures=len(faults) + entries() - before)
    assert faults == []
    assert entries() == before
    assert state(tube) == "ordered"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_input_brings_the_form_back_with_its_fault(site):
    _number, box, tube = ordered(site)
    form = {**collection_of(box), "cup_in_place": "3", "cup_in_place.unit": "h",
            "active_infection": "no", "collected_at": local(hours=3)}  # fmt: skip

    page = site.form("nurse", f"/specimens/{tube}/collection", **{**form, "kit": tube})

    assert page.status_code == 422
    assert 'data-verdict="stop"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert state(tube) == "ordered"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_wrong_role_is_refused_at_both_doors(site):
    number, box, tube = ordered(site)
    before = entries()
    tried = [
        ("nurse", f"/studies/{MENSTRUAL}/kits"),
        ("qc", f"/kits/{box}/issue"),
        ("qc", f"/specimens/{tube}/collection"),
        ("analyst", f"/participants/{number}/blood"),
        ("auditor", f"/participants/{number}/cord"),
        ("nurse", f"/specimens/{tube}/receipt"),
        ("tech", f"/specimens/{tube}/markers"),
    ]

    refused = [site.api(who, path, {}) for who, path in tried]
    pages = [site.page(who, path) for who, path in tried]

    assert [each.json["code"] for each in refused] == ["not_allowed"] * len(tried)
    assert [each.status_code for each in pages] == [403] * len(tried)
    assert entries() == before
