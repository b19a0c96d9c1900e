"""One declaration, two doors: each acts once, refuses in words, and says what it is."""

import json
import logging
import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from lims import ledger
from lims.core import db, words
from lims.core.acts import Act
from lims.core.codes import grouped
from lims.web import doors
from tests.web.demo import PLACE, SPECIMEN, called

PATH = f"/things/{SPECIMEN}/weight"
BODY = {
    "volume": {"value": "2.5", "unit": "mL"},
    "place": PLACE,
    "mood": "clear",
    "sealed": True,
}
FORM = {"volume": "2.5", "volume.unit": "mL", "place": PLACE, "mood": "clear", "sealed": "yes"}


def with_volume(text: str) -> dict:
    return {**BODY, "volume": text}


def entries() -> list:
    with db.reading() as session:
        return [each.kind for each in ledger.entries_of(session, f"item/{SPECIMEN}")]


def test_H10_the_same_key_acts_once_and_is_answered_with_the_same_bytes(api, measured):
    key = str(uuid4())

    answers = [api(PATH, BODY, Idempotency_Key=key) for _each in range(20)]

    differing = sum(each.data != answers[0].data or each.status_code != 200 for each in answers)
    measured("H10", trials=20, failures=differing + called.times - 1)
    assert differing == 0
    assert called.times == 1
    assert entries() == ["demo.weighed"]
    assert "Idempotency-Replayed" not in answers[0].headers
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_the_same_key_with_another_body_is_refused(api):
    key = str(uuid4())
    api(PATH, BODY, Idempotency_Key=key)

    again = api(PATH, with_volume("2.6 mL"), Idempotency_Key=key)

    assert (again.status_code, again.json["code"]) == (422, "idempotency_key_reused")
    assert called.times == 1


def test_a_call_without_a_key_is_an_act_of_its_own(api):
    assert [api(PATH, BODY).json["number"] for _each in range(2)] == [1, 2]


def test_the_answer_has_the_shape_that_was_declared(api):
    assert api(PATH, BODY).json == {
        "code": SPECIMEN,
        "volume": {"value": "2.5", "unit": "mL"},
        "place": PLACE,
        "number": 1,
    }


@pytest.mark.parametrize("name", ["state", "version", "id", "donor", "_key", "code"])
def test_H53_an_unknown_field_is_refused_at_both_doors(api, browser, name, measured):
    refused = api(PATH, {**BODY, name: "released"})
    browser.sign_in()
    extra = {name: "released"} if name != "_key" else {"key": "released"}
    page = browser.send(PATH, **FORM, **extra)

    measured("H53", trials=2, failures=sum(r.status_code != 422 for r in (refused, page)))
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == [name]
    assert page.status_code == 422
    assert called.times == 0


def test_a_json_number_stays_exact_and_a_bare_number_is_refused(api):
    exact = api(
        PATH,
        json.dumps(BODY).replace('"2.5"', "2.501"),
    )
    bare = api(PATH, {**BODY, "volume": 2.5})

    assert exact.json["volume"]["value"] == "2.501"
    assert (bare.status_code, bare.json["code"]) == (422, "no_unit")


@pytest.mark.parametrize(
    "body",
    [
        '{"volume": "1 mL", "volume": "9 mL"}',
        '{"volume": NaN}',
        "[1, 2]",
        '"text"',
        "{",
        b"\xff\xfe",
        "[" * 100_000,
        '{"a":' * 30 + "1" + "}" * 30,
        '{"volume": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_not_strict_json_is_refused_in_words(api, body):
    refused = api(PATH, body)

    assert (refused.status_code, refused.json["code"]) == (422, "not_json")


@pytest.mark.parametrize(
    ("volume", "status", "code"),
    [
        ("1 mL", 404, "not_found"),
        ("2 mL", 409, "conflict"),
        ("3 mL", 422, "rule_broken"),
        ("4 mL", 503, "temporary_failure"),
        ("5 mL", 500, "unexpected"),
        ("13 mL", 409, "gate_stopped"),
        ("0 mL", 422, "too_small"),
        ("0.0001 mL", 422, "bad_input"),
        ("2.5", 422, "bad_input"),
        ("2,5 mL", 422, "not_a_number"),
        ("2 kg", 422, "unit_does_not_convert"),
    ],
)
def test_each_family_of_refusals_has_its_status_in_one_shape(api, volume, status, code, caplog):
    caplog.set_level(logging.CRITICAL)
    refused = api(PATH, with_volume(volume))

    assert refused.status_code == status
    assert refused.content_type == "application/problem+json"
    problem = refused.json
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:exotrace:problem:{problem['code']}"
    assert problem["instance"] == "/api/v1" + PATH
    assert problem["title"]
    assert problem["detail"]
    assert b"secret detail" not in refused.data
    assert "demo.weighed" not in entries()


def test_an_unexpected_failure_has_a_number_that_is_in_the_log(api, caplog):
    refused = api(PATH, with_volume("5 mL"))

    assert refused.json["number"] in caplog.text
    assert "Traceback" not in refused.text


def test_nobody_and_a_dead_token_are_told_to_sign_in(api):
    for token in ("", "dead"):
        refused = api(PATH, BODY, token=token)
        assert (refused.status_code, refused.json["code"]) == (401, "not_signed_in")
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_another_role_is_refused_before_its_input_is_looked_at(api):
    refused = api(PATH, {"nonsense": 1}, token="a")

    assert (refused.status_code, refused.json["code"]) == (403, "not_allowed")
    assert "technician" in refused.json["detail"]


def test_a_wrong_method_says_which_are_right(api):
    refused = api(PATH, method="DELETE")

    assert refused.status_code == 405
    assert refused.content_type == "application/problem+json"
    assert "POST" in refused.headers["Allow"]


def test_a_stopped_gate_answers_with_all_its_rows(api):
    refused = api(PATH, with_volume("13 mL"))

    assert refused.status_code == 409
    assert refused.json["verdict"] == "stop"
    assert [(row["id"], row["result"]) for row in refused.json["checks"]] == [
        ("D01", "stopped"),
        ("D02", "passed"),
    ]
    assert refused.json["do_now"] == "Put it into quarantine."


def test_a_code_in_the_address_is_judged_before_the_service(api):
    wrong = SPECIMEN[:-1] + ("A" if SPECIMEN[-1] != "A" else "B")
    answers = {
        wrong: "code_check",
        "nonsense": "code_shape",
        PLACE: "code_kind",
    }

    for code, said in answers.items():
        refused = api(f"/things/{code}/weight", BODY)
        assert (refused.status_code, refused.json["code"]) == (422, said)
    assert called.times == 0


def test_a_code_typed_with_blanks_in_small_letters_is_the_same_code(api):
    typed = grouped(SPECIMEN).lower()

    assert api(f"/things/{typed}/weight", BODY).json["code"] == SPECIMEN


def test_a_read_refuses_a_question_it_does_not_know(api):
    assert api(f"/things/{SPECIMEN}?deep=yes", method="GET").json["deep"] is True
    refused = api(f"/things/{SPECIMEN}?depth=9", method="GET")
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["depth"])


def test_a_secret_is_in_no_stored_digest_and_in_no_page(api, browser, web):
    secret = "471100815263"  # longer than what a drawn key may hold by chance
    key = str(uuid4())
    api(PATH, {**BODY, "pin": "0000"}, Idempotency_Key=key)
    with db.reading() as session:
        first = session.scalar(select(Act.digest).where(Act.key == key))
    other = str(uuid4())
    api(PATH, {**BODY, "pin": secret}, Idempotency_Key=other)
    with db.reading() as session:
        second = session.scalar(select(Act.digest).where(Act.key == other))
    browser.sign_in()
    page = browser.send(PATH, **{**FORM, "volume": "-1"}, pin=secret)

    assert first == second
    assert page.status_code == 422
    assert secret not in page.text


# --- pages ---


def test_a_page_asks_a_visitor_to_sign_in_and_brings_her_back(browser):
    sent = browser.client.get(PATH)
    assert sent.status_code == 303
    assert sent.location.startswith("/sign-in?next=%2Fthings%2F")

    back = browser.sign_in(next=PATH)
    assert (back.status_code, back.location) == (303, PATH)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil", "x"])
def test_a_sign_in_leads_to_no_other_site(browser, wanted):
    assert browser.sign_in(next=wanted).location == "/"


def test_a_form_is_drawn_acts_once_and_the_next_page_says_done(browser):
    browser.sign_in()
    drawn = browser.client.get(PATH)
    key = re.search(r'name="_key" value="(\w+)"', drawn.text)[1]
    assert "Volume in the tube" in drawn.text
    assert grouped(SPECIMEN) in drawn.text

    for _each in range(2):
        sent = browser.send(PATH, _key=key, **FORM)
        assert (sent.status_code, sent.location) == (303, PATH)
    after = browser.client.get(PATH)

    assert called.times == 1
    assert 'data-verdict="ok"' in after.text
    assert "DONE" in after.text
    assert "data-verdict" not in browser.client.get(PATH).text


def test_a_refused_form_comes_back_with_what_was_typed_and_its_key(browser):
    browser.sign_in()
    key = uuid4().hex

    back = browser.send(PATH, _key=key, **{**FORM, "volume": "2,5"}, note="keep me")

    assert back.status_code == 422
    assert "keep me" in back.text
    assert 'value="2,5"' in back.text
    assert f'value="{key}"' in back.text
    assert "could mean two numbers" in back.text
    assert 'data-verdict="stop"' in back.text
    assert called.times == 0


def test_every_fault_of_a_form_is_shown_in_one_round(browser):
    browser.sign_in()

    back = browser.send(PATH, volume="x", at="yesterday", **{"at.zone": "Asia/Tehran"})

    for name in ("volume", "place", "at", "mood", "sealed"):
        assert re.search(rf'id="h-{name}" class="about">\s*<p class="fault">', back.text), name


def test_a_key_used_for_something_else_does_not_lock_the_form(browser):
    browser.sign_in()
    key = uuid4().hex
    browser.send(PATH, _key=key, **FORM)

    back = browser.send(PATH, _key=key, **{**FORM, "volume": "2.6"})
    fresh = re.search(r'name="_key" value="(\w+)"', back.text)[1]

    assert back.status_code == 422
    assert fresh != key
    assert called.times == 1


@pytest.mark.parametrize(("language", "word"), [("en", "STOP"), ("fa", "ایست"), ("zh", "停止")])
def test_a_stop_has_four_lines_in_each_language(browser, language, word, monkeypatch):
    spoken = {
        "Specimen %(code)s": f"WHAT-{language} %(code)s",
        "It was warm for 5 h; the limit is 4 h.": f"WHY-{language}",
        "Put it into quarantine.": f"DO-{language}",
        "QC officer": f"CALL-{language}",
        "Nothing was recorded.": f"NOTHING-{language}",
    }
    monkeypatch.setattr(words, "catalogue", lambda chosen: spoken)
    browser.sign_in()
    browser.client.get(f"/language/{language}?next=/")

    page = browser.send(PATH, **{**FORM, "volume": "13"})

    assert page.status_code == 409
    panel = re.search(
        r'<section class="verdict" data-verdict="stop" role="alert">.*?</section>',
        page.text,
        re.DOTALL,
    )[0]
    assert word in panel
    lines = re.findall(r"<dd[^>]*>(.*?)</dd>", panel)
    assert lines == [
        f"WHAT-{language} {SPECIMEN}",
        f"WHY-{language}",
        f"DO-{language}",
        f"CALL-{language}",
    ]
    assert f"NOTHING-{language}" in panel
    assert f'lang="{language}" dir="{"rtl" if language == "fa" else "ltr"}"' in page.text


def test_a_warning_asks_for_a_reason_and_takes_it(browser):
    browser.sign_in()

    asked = browser.send(PATH, **{**FORM, "volume": "14"})
    assert asked.status_code == 409
    assert 'data-verdict="ask"' in asked.text
    assert 'name="reasons.D01"' in asked.text

    done = browser.send(PATH, **{**FORM, "volume": "14", "reasons.D01": "The donor waits."})
    assert done.status_code == 303
    assert called.last["reasons"] == {"D01": "The donor waits."}


def test_a_refusal_keeps_no_act_but_the_gates_own_entry(browser):
    browser.sign_in()
    browser.send(PATH, **{**FORM, "volume": "2"})

    assert entries() == []


def test_a_form_sends_local_time_in_the_zone_of_the_site(browser):
    browser.sign_in()
    browser.send(PATH, **FORM, at="2026-05-08T10:00", **{"at.zone": "Asia/Tehran"})
    assert called.last["at"].isoformat() == "2026-05-08T06:30:00+00:00"

    browser.send(
        PATH, **FORM, at="۱۴۰۵-۰۲-۱۸ ۱۰:۰۰", **{"at.zone": "Asia/Tehran", "at.calendar": "jalali"}
    )
    assert called.last["at"].isoformat() == "2026-05-08T06:30:00+00:00"
    assert browser.send(PATH, **FORM, at="2026-05-08T10:00").status_code == 422


def test_a_day_of_another_calendar_is_refused_unless_the_form_says_so(api, browser):
    refused = api(PATH, {**BODY, "born": "1404-05-06"})
    assert refused.status_code == 422
    assert "Jalali" in refused.json["detail"]
    browser.sign_in()
    assert browser.send(PATH, **FORM, born="1404-05-06").status_code == 422

    browser.send(PATH, **FORM, born="1404-05-06", **{"born.calendar": "jalali"})
    assert called.last["born"].isoformat() == "2025-07-28"


def test_H54_a_form_or_a_cookie_call_without_the_secret_is_refused(browser, measured, api):
    browser.sign_in()
    tried = [
        browser.client.post(PATH, data=FORM),
        browser.client.post(PATH, data={**FORM, "_csrf": "guess"}),
        browser.client.post("/sign-out", data={}),
        browser.client.post("/sign-in", data={"login": "tech", "password": "right"}),
        browser.client.post("/api/v1" + PATH, json=BODY),
        browser.client.post("/api/v1" + PATH, json=BODY, headers={"X-CSRF-Token": "guess"}),
    ]

    measured("H54", trials=len(tried), failures=sum(each.status_code != 403 for each in tried))
    assert [each.status_code for each in tried] == [403] * len(tried)
    assert called.times == 0
    good = browser.client.post(
        "/api/v1" + PATH, json=BODY, headers={"X-CSRF-Token": browser.secret()}
    )
    assert good.status_code == 200
    assert api(PATH, BODY).status_code == 200


def test_a_form_of_whoever_was_here_before_is_not_hers_to_send(browser):
    browser.sign_in()
    old = browser.secret()
    browser.sign_in("audit")

    assert browser.send(PATH, secret=old, **FORM).status_code == 403


def test_a_person_without_the_role_gets_a_page_that_says_who_may(browser):
    browser.sign_in("audit")
    page = browser.client.get(PATH)

    assert page.status_code == 403
    assert "technician" in page.text
    assert "Nothing was recorded" in page.text


def test_a_page_that_fails_shows_a_number_and_no_traceback(browser, caplog):
    browser.sign_in()
    page = browser.send(PATH, **{**FORM, "volume": "5"})

    assert page.status_code == 500
    assert "secret detail" not in page.text
    number = re.search(r"[0-9a-f]{12}(?=</bdi>)", page.text)[0]
    assert number in caplog.text


def test_an_unknown_page_is_a_page_and_an_unknown_route_a_problem(browser, api):
    assert browser.client.get("/nowhere").status_code == 404
    assert "Nothing was recorded" in browser.client.get("/nowhere").text
    problem = api("/nowhere", method="GET")
    assert (problem.status_code, problem.json["code"]) == (404, "not_found")


def test_next_steps_follow_kind_state_and_role(web, people):
    def names(*about):
        return [act.name for act in doors.acts_for(*about) if act.feature == "demo"]

    assert names("S", "collected", people.technician) == ["weigh"]
    assert names("S", "rejected", people.technician) == []
    assert names("L", "collected", people.technician) == []
    assert names("S", "collected", people.auditor) == []
    act = doors.ACTS["demo", "weigh"]
    assert act.url(code=SPECIMEN) == PATH
    assert act.api_url(code=SPECIMEN) == "/api/v1" + PATH


def test_the_api_describes_itself(browser):
    spec = json.loads(browser.client.get("/api/openapi.json").data)

    assert spec["openapi"].startswith("3.1")
    assert spec["info"]["title"] == "Exotrace"
    act = spec["paths"]["/api/v1/things/{code}/weight"]["post"]
    assert "$ref" in act["requestBody"]["content"]["application/json"]["schema"]
    schema = spec["components"]["schemas"]["demo.WeighIn"]
    assert schema["additionalProperties"] is False
    assert sorted(schema["required"]) == ["mood", "place", "sealed", "volume"]
    assert schema["properties"]["mood"]["enum"] == ["clear", "cloudy"]
    problem = spec["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(problem) == ["application/problem+json"]
    names = {each["name"] for each in spec["paths"]["/api/v1/things/{code}"]["get"]["parameters"]}
    assert "deep" in names
    for ref in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(spec)):
        at = spec
        for part in ref.split("/"):
            at = at[part]
    assert browser.client.get("/api/docs").status_code == 200


def test_next_steps_are_drawn_as_buttons_to_their_pages(web, people):
    with web.test_request_context():
        drawn = web.jinja_env.from_string(
            '{% from "_steps.html" import steps %}{{ steps(acts, code=code) }}'
        ).render(acts=doors.acts_for("S", None, people.technician), code=SPECIMEN)

    assert f'href="{PATH}"' in drawn
    assert "Weigh a specimen" in drawn
