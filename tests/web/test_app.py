"""The application as a whole: headers, cookies, sign-in, health, practice."""

import gzip
import json
from dataclasses import replace

import pytest
from markupsafe import escape

from lims import app as application
from lims.core import clock, db, heartbeat, mode, space, words
from lims.web import health
from tests.conftest import SOAK
from tests.ledger.tampering import outside
from tests.web.demo import SPECIMEN

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def test_H54_every_answer_carries_the_headers(browser, measured, caplog):
    browser.sign_in()
    weight = f"/things/{SPECIMEN}/weight"
    answers = [
        browser.client.open(path, method=method)
        for method, path in (
            ("GET", "/"),
            ("GET", "/sign-in"),
            ("POST", "/sign-in"),
            ("GET", weight),
            ("POST", weight),
            ("GET", "/nowhere"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/metrics"),
            ("GET", "/api/openapi.json"),
            ("GET", "/api/docs"),
            ("GET", "/api/v1/nowhere"),
            ("PUT", weight),
            ("GET", "/static/lims.css"),
            ("GET", "/static/scan.js"),
            ("GET", "/language/fa"),
            ("OPTIONS", weight),
            ("GET", "/things/wrong/weight"),
        )
    ]

    missing = [
        (answer.request.path, name)
        for answer in answers
        for name, wanted in HEADERS.items()
        if wanted not in answer.headers.get(name, "")
    ]
    for answer in answers:
        answer.close()
    measured("H54", trials=len(answers) * len(HEADERS), failures=len(missing))
    assert missing == []
    assert "script-src" not in answers[0].headers["Content-Security-Policy"]
    assert "unsafe" not in answers[0].headers["Content-Security-Policy"]
    assert "default-src 'self'" in answers[0].headers["Content-Security-Policy"]


def test_a_page_that_forgets_to_ask_is_guarded_as_well(web, browser):
    web.add_url_rule("/forgetful", "forgetful", lambda: "done", methods=["POST"])
    browser.sign_in()

    assert browser.client.post("/forgetful").status_code == 403
    assert browser.send("/forgetful").text == "done"
    assert browser.client.post("/nowhere").status_code == 404


def test_pages_are_never_cached_and_static_files_are_asked_for_again(browser):
    assert browser.client.get("/sign-in").headers["Cache-Control"] == "no-store"
    with browser.client.get("/static/lims.css") as sheet:
        assert sheet.headers["Cache-Control"] == "no-cache"


def test_a_sign_in_cookie_is_hidden_from_scripts_and_from_other_sites(browser):
    cookie = next(
        each for each in browser.sign_in().headers.getlist("Set-Cookie") if "sign-in" in each
    )

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_behind_the_proxy_cookies_belong_to_the_host_and_need_https(
    web, settings, database, monkeypatch
):
    made = application.create_app(replace(settings, behind_proxy=True), database)
    client = made.test_client()
    client.get("/sign-in", base_url="https://lims.example")
    with client.session_transaction(base_url="https://lims.example") as session:
        secret = session["csrf"]
    answer = client.post(
        "/sign-in",
        data={"_csrf": secret, "login": "tech", "password": "right"},
        base_url="https://lims.example",
    )

    cookies = answer.headers.getlist("Set-Cookie")
    assert {each.split("=")[0] for each in cookies} >= {"__Host-sign-in"}
    assert all("Secure" in each and "Domain" not in each for each in cookies)
    assert "Strict-Transport-Security" in answer.headers


def test_a_forwarded_header_is_believed_behind_the_proxy_alone(web):
    answer = web.test_client().get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers


def test_H50_a_cookie_is_worth_nothing_after_signing_out(browser, web, measured):
    failures, trials = 0, 100 if SOAK else 20
    for _each in range(trials):
        browser.sign_in()
        old = browser.client.get_cookie("sign-in").value
        assert browser.client.get("/").status_code == 200
        assert browser.send("/sign-out").status_code == 303
        thief = web.test_client()
        thief.set_cookie("sign-in", old)
        failures += thief.get("/").status_code != 303
    measured("H50", trials=trials, failures=failures)
    assert failures == 0


def test_another_sign_in_ends_the_first_one(browser, people):
    browser.sign_in()
    first = browser.client.get_cookie("sign-in").value
    browser.sign_in("audit")

    assert people.by_sign_in(first) is None
    assert "Li Wei" in browser.client.get("/").text


def test_a_wrong_password_says_so_and_keeps_the_name_but_not_the_password(browser):
    page = browser.sign_in("tech", "wr0ng!")

    assert page.status_code == 409
    assert 'data-verdict="stop"' in page.text
    assert 'value="tech"' in page.text
    assert "wr0ng!" not in page.text


def test_a_language_is_chosen_once_and_keeps_the_page(browser):
    sent = browser.client.get("/language/fa?next=/sign-in%3Fnext%3D/things")
    assert sent.location == "/sign-in?next=/things"

    page = browser.client.get(sent.location)
    assert '<html lang="fa" dir="rtl">' in page.text
    assert browser.client.get("/language/xx?next=//evil").location == "/"


def test_a_browser_is_spoken_to_in_its_own_language(web):
    client = web.test_client()
    assert 'lang="zh"' in client.get("/sign-in", headers={"Accept-Language": "zh-CN,zh"}).text
    assert words.language() == "en"


def test_a_practice_system_says_so_on_every_page_and_lists_its_people(browser, database, settings):
    people = {
        "people": [
            {
                "user": "sara",
                "name": "Sara",
                "role": "technician",
                "PIN": "2468",
                "password": "practice-1",
                "badge": "PZ12345AB",
            }
        ]
    }
    (settings.home / "people.json").write_text(json.dumps(people))
    live = browser.client.get("/sign-in").text
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    practice = browser.client.get("/sign-in").text

    assert "practice-1" not in live
    assert "PRACTICE" not in live
    assert "practice-1" in practice
    assert "2468" in practice
    for path in ("/sign-in", "/nowhere", "/api/docs"):
        assert "PRACTICE" in browser.client.get(path).text


def test_a_page_is_drawn_although_the_database_is_away(browser, database, monkeypatch, caplog):
    browser.sign_in()
    database.engine.dispose()

    def away():
        raise OSError("no disk")

    monkeypatch.setattr(db, "reading", away)
    page = browser.client.get("/nowhere")

    assert page.status_code == 404
    assert "no disk" not in page.text


def test_health_is_the_process_and_readiness_is_what_it_needs(browser, settings, monkeypatch):
    assert browser.client.get("/healthz").json == {"alive": True}
    found = browser.client.get("/readyz").json
    assert set(found["checks"]) == {
        *("database", "migrations", "ledger_guards", "broker", "worker", "seals"),
        *("restored_copy", "clock", "disk"),
    }
    assert found["checks"]["database"]["ok"]
    assert found["checks"]["ledger_guards"]["ok"]

    def away():
        raise OSError("host=10.0.0.1 password=hidden")

    monkeypatch.setattr(db, "reading", away)
    answer = browser.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == {"ok": False, "why": "failed: OSError"}
    assert not health.readiness(replace(settings, broker_url="redis://127.0.0.1:1/0"))["checks"][
        "broker"
    ]["ok"]


def test_readiness_sees_a_missing_guard(browser, database):
    without = (
        "DROP TRIGGER ledger_entry_no_update"
        if database.is_sqlite
        else "ALTER TABLE ledger_entry DISABLE TRIGGER USER"
    )
    with outside(database) as connection:
        connection.exec_driver_sql(without)

    found = browser.client.get("/readyz")
    assert (found.status_code, found.json["checks"]["ledger_guards"]["ok"]) == (503, False)


def test_readiness_says_that_a_disk_fills_and_works_on(browser, monkeypatch):
    assert browser.client.get("/readyz").json["checks"]["disk"] == {"ok": True}
    monkeypatch.setattr(space, "LEAST_PERCENT", 101)
    disk = browser.client.get("/readyz").json["checks"]["disk"]
    assert disk["ok"]
    assert "no new work area is opened below 101 %" in disk["note"]


def test_readiness_sees_a_worker_that_stands_still(browser):
    heartbeat.beat("worker-1")
    later = clock.SetClock(clock.now())

    with clock.running(later):
        assert browser.client.get("/readyz").json["checks"]["worker"]["ok"]
        later.forward(minutes=3)
        assert not browser.client.get("/readyz").json["checks"]["worker"]["ok"]


def test_metrics_count_by_rule_and_never_by_address(browser):
    browser.client.get(f"/things/{SPECIMEN}/weight")
    browser.client.open("/nowhere", method="BREW")
    text = browser.client.get("/metrics").text

    assert 'rule="/things/<code>/weight"' in text
    assert SPECIMEN not in text
    assert "BREW" not in text


def test_a_body_over_ten_megabytes_is_refused(api):
    answer = api(f"/things/{SPECIMEN}/weight", b"x" * 10_000_001)
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
        "javascript:1",
    ],
)
def test_what_somebody_typed_is_shown_as_text(browser, payload):
    browser.sign_in()
    page = browser.send(f"/things/{SPECIMEN}/weight", note=payload, volume=payload, place=payload)

    assert page.status_code == 422
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert escape(payload) in page.text


def test_the_programs_own_files_are_sent_packed_and_pages_never(browser):
    def asked(path, encoding, **more):
        headers = {"Accept-Encoding": encoding, **more}
        with browser.client.get(path, headers=headers, buffered=True) as answer:
            return answer

    plain = asked("/static/lims.css", "identity")
    packed = asked("/static/lims.css", "gzip, br")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 2 < len(plain.data)
    assert {packed.headers["Vary"], plain.headers["Vary"]} == {"Accept-Encoding"}
    again = asked("/static/lims.css", "gzip", **{"If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "Content-Encoding" not in asked("/sign-in", "gzip").headers
