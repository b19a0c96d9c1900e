"""A trial and its participants through their doors: by page, by API, and what is refused."""

import io
import re

import pytest

from lims import studies
from lims.collection.schemas import CollectIn, IssueIn
from lims.core import db
from lims.studies import protocol, schemas
from lims.web import forms
from tests.site_here import (
    BORN,
    CORD,
    MENSTRUAL,
    NAME,
    PASSWORD,
    Site,
    ago,
    entries,
    local,
    site,
    verified,
)

__all__ = ["site"]
FIELDS = {
    "failed_transfer_cycles": 3,
    "good_quality_embryos_transferred": 4,
    "conceived_from_them": False,
    "age": 36,
    "height": {"value": "165", "unit": "cm"},
    "weight": {"value": "61.5", "unit": "kg"},
    "measured_on": "2026-01-05",
    "sex": "female",
    "hysteroscopy_report": True,
    "hysterosalpingography_report": True,
    "genetic_result_woman": True,
    "genetic_result_partner": True,
}
JUDGED = {"E1": True, "E2": True, "E3": True, "E4": True, "E5": True}
ANSWERS = {**FIELDS, **JUDGED, "password": PASSWORD}
LIST = "IRCT-EXO\nIRCT-CTL\nIRCT-CTL\nIRCT-EXO\n"
CORD_JUDGED = ("I6", "I7", "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E9", "E10", "E11", "E12")
CORD_FIELDS = {
    "sex": "female",
    "age": 32,
    "AFC": 9,
    "AMH": "2.1 ng/mL",
    "previous_tcra": True,
    "tcra_date": "2025-01-10",
    "prp_date": "2025-03-10",
    "transfer_cycles": 2,
    "transfer_cycle_thickness": "5.5 mm",
    "consent_in_force": True,
    "infection_results_present": True,
    "infection_found": False,
    "allergy_to_component": False,
    "untreated_submucosal_fibroid": False,
    "adenomyosis": False,
    "uterine_malformation": False,
    "endometrial_polyps": False,
    "fibroid_size": "0 cm",
    "hydrosalpinx_size": "0 cm",
    "significant_vaginal_discharge": False,
    "endometriotic_cyst_size": "0 cm",
    "surgery_date": "2026-06-01",
    "other_trial_date_never": True,
}


def on_form(answers: dict) -> dict:
    """The same answers as a browser sends them."""
    sent = {}
    for name, value in answers.items():
        if isinstance(value, dict):
            sent |= {name: value["value"], f"{name}.unit": value["unit"]}
        else:
            sent[name] = (
                {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
            )
    return sent


def subject(number: str) -> studies.Subject:
    with db.reading() as session:
        found = studies.subject_by_number(session, number)
        session.expunge(found)
        return found


def eligible(here: Site) -> str:
    number = here.consented()
    here.did("doctor", f"/participants/{number}/eligibility", ANSWERS)
    return number


def with_list(here: Site) -> None:
    here.did(
        "sponsor",
        f"/studies/{MENSTRUAL}/allocation-list",
        {"content": {"name": "list.txt", "content": encoded(LIST)}},
    )


def encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def cord_arm(here: Site, arm: str = "TD-ME") -> str:
    number = here.consented(CORD)
    here.did(
        "doctor",
        f"/participants/{number}/eligibility",
        {**CORD_FIELDS, **dict.fromkeys(CORD_JUDGED, True), "password": PASSWORD},
    )
    here.did(
        "doctor", f"/participants/{number}/allocation", {"arm": arm, "ground": "her procedure"}
    )
    return number


def test_a_woman_joins_by_page_from_her_number_to_her_arm(site):
    at = site.done("nurse", f"/studies/{MENSTRUAL}/participants", kind="participant", name=NAME,
                   birth_date=BORN)  # fmt: skip
    number = at.rpartition("/")[2]
    her = f"/participants/{number}"
    site.done("sponsor", f"/studies/{MENSTRUAL}/allocation-list",
              content=(io.BytesIO(LIST.encode()), "list.txt"))  # fmt: skip
    site.done(
        "nurse",
        her + "/consents",
        **{"form_version": "3", "signed_at": local(hours=2), "signed_at.zone": "Asia/Tehran"},
        **dict.fromkeys(("collection", "processing", "storage", "allocation"), "yes"),
    )
    site.done("nurse", her + "/wristband")
    site.done("doctor", her + "/eligibility", **on_form(ANSWERS))
    site.done("doctor", her + "/allocation")
    plan = {"planned_at": local(days=-3), "planned_at.zone": "Asia/Tehran"}
    site.done("nurse", her + "/transfer-plan", **plan)
    site.done("nurse", her + "/transfer-plan/confirmation")
    page = site.page("doctor", her).text

    assert subject(number).arm == "IRCT-EXO"
    assert re.findall(r'<li data-mark="(\w+)"', page)[:4] == ["done", "done", "done", "open"]
    assert "IRCT-EXO" in page
    assert NAME not in page
    assert BORN not in page
    assert verified() == []


def test_the_same_way_through_the_api(site):
    with_list(site)
    number = eligible(site)
    site.did("nurse", f"/participants/{number}/wristband", {})
    arm = site.did("doctor", f"/participants/{number}/allocation", {})
    site.did("nurse", f"/participants/{number}/transfer-plan", {"planned_at": ago(days=-2)})
    site.did("nurse", f"/participants/{number}/transfer-plan/confirmation", {})
    done = site.did("nurse", f"/participants/{number}/transfer", {"done_at": ago(minutes=5)})
    read = site.api("auditor", f"/participants/{number}").json

    assert arm["arm"] == "IRCT-EXO"
    assert done["number"] == number
    assert (read["state"], read["study"]) == ("allocated", MENSTRUAL)
    assert [each["mark"] for each in read["journey"]][:3] == ["done", "done", "done"]
    assert set(read) & {"name", "birth_date"} == set()


def test_the_next_steps_are_those_that_her_record_leaves_open(site):
    with_list(site)
    number = site.registered()
    her = f"/participants/{number}"
    plan = {"planned_at": ago(days=-2)}

    def offered(who: str) -> list[str]:
        page = site.page(who, her).text
        return re.findall(rf'class="button[^"]*" href="{her}/([\w/-]+)"', page)

    first = offered("doctor")
    site.did("nurse", f"{her}/consents",
             {"form_version": "3", "signed_at": ago(hours=1), "collection": True})  # fmt: skip
    consented = offered("doctor")
    site.did("doctor", her + "/eligibility", ANSWERS)
    judged = offered("doctor")
    site.did("doctor", her + "/allocation", {})
    in_arm = offered("doctor")
    site.did("nurse", her + "/transfer-plan", plan)
    planned = offered("doctor")
    site.did("nurse", her + "/transfer-plan", {"planned_at": ago(hours=-3)})
    near = offered("doctor")

    assert first[0] == "consents"
    assert "eligibility" not in first
    assert "withdrawal" not in first
    assert consented[0] == "eligibility"
    assert judged[0] == "allocation"
    assert in_arm[0] == "transfer-plan"
    assert "transfer-plan/confirmation" not in in_arm
    assert "cycle-day-one" not in in_arm
    assert planned[0] == "transfer-plan/confirmation"
    assert "transfer" not in planned
    assert "transfer" in near
    assert "window-overrides/second" not in in_arm
    assert offered("auditor") == []


def test_a_donor_is_offered_a_cord_and_no_arm(site):
    number = site.consented(CORD, kind="donor")

    page = site.page("doctor", f"/participants/{number}").text

    assert f"/participants/{number}/cord" in page
    assert f"/participants/{number}/eligibility" not in page
    assert f"/participants/{number}/allocation" not in page


def test_an_assigned_arm_needs_its_ground_and_a_randomised_one_takes_none(site):
    number = cord_arm(site, "TD-CONV")
    refused = site.api("doctor", f"/participants/{number}/allocation", {"arm": "TD-ME"})
    with_list(site)
    sari = eligible(site)
    chosen = site.api("doctor", f"/participants/{sari}/allocation", {"arm": "IRCT-EXO"})

    assert subject(number).arm == "TD-CONV"
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == ["ground"]
    assert chosen.status_code == 422
    assert list(chosen.json["errors"]) == ["arm"]
    assert subject(sari).arm is None


def test_cycle_day_and_an_override_that_another_person_seconds(site):
    number = cord_arm(site)
    her = f"/participants/{number}"
    site.done("nurse", her + "/cycle-day-one", day="2026-01-02", source="natural")
    site.done("doctor", her + "/window-overrides", check_id="B22",
              deviation="Day 13, the ultrasound shows growth.", password=PASSWORD)  # fmt: skip
    waiting = site.page("doctor2", her).text
    own = site.api("doctor", her + "/window-overrides/second",
                   {"check_id": "B22", "password": PASSWORD})  # fmt: skip
    wrong = site.api("doctor2", her + "/window-overrides/second",
                     {"check_id": "B22", "password": "something else"})  # fmt: skip
    site.done("doctor2", her + "/window-overrides/second", check_id="B22", password=PASSWORD)

    assert "window-overrides/second" in waiting
    assert own.status_code == 409
    assert wrong.status_code in (403, 422)
    with db.reading() as session:
        assert studies.override(session, subject(number).id, "B22") is not None


def test_withdrawal_stops_her_and_offers_nothing_more(site):
    number = site.consented()
    her = f"/participants/{number}"
    site.done("nurse", her + "/withdrawal", material="destroy", reason="not given")

    page = site.page("nurse", her).text
    again = site.api("nurse", her + "/withdrawal", {"material": "destroy", "reason": "again"})

    assert subject(number).state == "withdrawn"
    assert f'href="{her}/consents"' not in page
    assert 'data-mark="stopped"' in page
    assert again.status_code == 409


def test_load_confirm_and_delegate(site):
    text = protocol.read_file(protocol.shipped()[0])
    at = site.done("admin", "/study-files", document=(io.BytesIO(text.encode()), "study.toml"))
    broken = site.form("admin", "/study-files",
                       document=(io.BytesIO(b"[study]\ncode = 1\n"), "study.toml"))  # fmt: skip
    site.done("sponsor", f"/studies/{MENSTRUAL}/units-confirmation", password=PASSWORD)
    delegated = site.did(
        "admin",
        f"/studies/{MENSTRUAL}/delegations",
        {"login": "nurse", "role": "clinician", "trained_at": ago(days=2),
         "valid_until": ago(days=-300)},
    )  # fmt: skip
    nobody = site.api(
        "admin",
        f"/studies/{MENSTRUAL}/delegations",
        {"login": "nobody", "role": "clinician", "trained_at": ago(days=2),
         "valid_until": ago(days=-300)},
    )  # fmt: skip

    assert at.startswith("/studies/")
    assert broken.status_code == 422
    assert site.api("auditor", f"/studies/{MENSTRUAL}").json["units_confirmed"] is True
    assert delegated["role"] == "clinician"
    assert nobody.status_code == 404


def test_H16_H53_an_answer_that_does_not_fit_is_refused_and_nothing_is_written(site, measured):
    changes = {
        "weight": [{"value": "61", "unit": "cm"}, 61, "61", {"value": "61"}],
        "failed_transfer_cycles": ["3.5", -1, None],
        "measured_on": ["05/01/2026", "never"],
        "sex": ["f"],
        "E1": ["yes", None],
        "waiver": [True],
        "name": [NAME],
    }
    number = site.consented()
    before = entries()

    faults = []
    trials = [(field, value) for field, each in changes.items() for value in each]
    for field, value in trials:
        refused = site.api(
            "doctor", f"/participants/{number}/eligibility", {**ANSWERS, field: value}
        )
        if refused.status_code != 422 or list(refused.json["errors"]) != [field]:
            faults.append((field, value, refused.json))

    measured("H53", trials=len(trials), failures=len(faults) + entries() - before)
    assert faults == []
    assert entries() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_criterion_that_is_not_met_keeps_her_out_and_the_form_keeps_what_was_typed(site):
    number = site.consented()
    before = entries()
    her = f"/participants/{number}/eligibility"

    page = site.form("doctor", her, **on_form({**ANSWERS, "age": 44}))
    unsigned = site.api("doctor", her, {**ANSWERS, "password": "something else"})

    assert page.status_code == 422
    assert "I2" in page.text
    assert 'data-verdict="stop"' in page.text
    assert 'value="44"' in page.text
    assert PASSWORD not in page.text
    assert unsigned.status_code in (403, 422)
    assert entries() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_wrong_role_is_refused_at_both_doors(site):
    number = site.consented()
    before = entries()
    tried = [
        ("auditor", f"/participants/{number}/consents", {}),
        ("nurse", f"/participants/{number}/eligibility", ANSWERS),
        ("tech", f"/participants/{number}/allocation", {}),
        ("sponsor", f"/participants/{number}/wristband", {}),
        ("tech", f"/participants/{number}/withdrawal", {"material": "destroy", "reason": "x"}),
        ("auditor", f"/participants/{number}/identity?purpose=call", None),
        ("tech", f"/studies/{MENSTRUAL}/participants", {}),
        ("doctor", f"/studies/{MENSTRUAL}/units-confirmation", {"password": PASSWORD}),
        ("nurse", "/study-files", {}),
        ("doctor", f"/studies/{MENSTRUAL}/allocation-list", {}),
    ]

    refused = [site.api(*each) for each in tried]
    pages = [site.page(who, path) for who, path, _body in tried]

    assert [(each.status_code, each.json["code"]) for each in refused] == [
        (403, "not_allowed")
    ] * len(tried)
    assert [each.status_code for each in pages] == [403] * len(tried)
    assert entries() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_number_or_study_that_is_not_known_is_not_found(site):
    assert site.page("doctor", "/participants/IRC01-999").status_code == 404
    assert site.page("doctor", "/participants/IRC01-999/eligibility").status_code == 404
    assert site.api("doctor", "/participants/IRC01-999/allocation", {}).status_code == 404
    assert site.api("nurse", "/participants/IRC01-999/wristband", {}).status_code == 404
    assert site.page("doctor", "/studies/NOBODY").status_code == 404


def test_H49_her_name_is_on_the_identity_page_alone_and_the_look_is_written(site, measured):
    number = site.consented()
    pages = [
        "/studies",
        f"/studies/{MENSTRUAL}",
        f"/participants/{number}",
        f"/participants/{number}/identity",
        *(
            f"/participants/{number}/{each}"
            for each in ("consents", "eligibility", "wristband", "withdrawal", "blood")
        ),
        f"/api/v1/participants/{number}",
        f"/api/v1/studies/{MENSTRUAL}/participants",
    ]
    found = [
        path
        for path in pages
        for shown in [site.page("doctor", path)]
        if NAME in shown.text or BORN in shown.text or shown.status_code != 200
    ]
    before = entries()
    unasked = site.form("nurse", f"/participants/{number}/identity")
    looked = site.form("nurse", f"/participants/{number}/identity", purpose="call")

    measured("H49", trials=len(pages), failures=len(found))
    assert found == []
    assert unasked.status_code == 422
    assert NAME not in unasked.text
    assert NAME in looked.text
    assert BORN in looked.text
    assert entries() == before + 1


def test_H49_nothing_that_a_request_leaves_behind_tells_her_name(site, database, measured):
    number = site.registered()
    site.form("nurse", f"/participants/{number}/identity", purpose="call")
    site.api("nurse", f"/participants/{number}/identity?purpose=call")

    kept = []
    with database.engine.connect() as connection:
        for table in db.Base.metadata.sorted_tables:
            kept += [
                table.name
                for row in connection.execute(table.select())
                for value in row
                if "Roya" in str(value) or BORN in str(value) or b"Roya" in bytes_of(value)
            ]

    measured("H49", trials=1, failures=len(kept))
    assert kept == []


@pytest.mark.parametrize("schema", [schemas.RegisterIn, IssueIn, CollectIn])
def test_H49_no_digest_of_a_request_is_made_from_who_she_is(schema, measured):
    said = {"name", "birth_date", "stated_name", "stated_birth_date"}
    names = set(schema().fields)

    kept = set(forms.secretless(schema(), dict.fromkeys(names, "x")))

    measured("H49", trials=len(names & said), failures=len(kept & said))
    assert names & said
    assert kept == names - said


def bytes_of(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else b""


def test_the_list_of_participants_pages_by_cursor(site):
    numbers = [site.registered() for _each in range(3)]
    path = f"/studies/{MENSTRUAL}/participants"

    first = site.api("auditor", path + "?limit=2").json
    rest = site.api("auditor", f"{path}?limit=2&after={first['next']}").json

    assert [each["number"] for each in first["participants"]] == numbers[:2]
    assert [each["number"] for each in rest["participants"]] == numbers[2:]
    assert rest["next"] is None
