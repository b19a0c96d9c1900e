"""The station without a network, in Chromium: kept over a closed tab, sent in order, once."""

import re
import time
from typing import Any

import pytest
from sqlalchemy import select

from lims import custody, ledger, people
from lims.core import codes, db
from lims.custody.models import LateScan, LateState
from tests.site_here import site  # noqa: F401
from tests.station.test_bench_browser import here, idle, moved, said  # noqa: F401
from tests.web.typing import Scanner

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def apart(here):  # noqa: F811
    """The station, kept on the device, and a way to cut its network."""
    page = here.page
    for _each in range(150):  # wait_for_function needs eval, which the policy forbids
        if page.evaluate(
            "async () => navigator.serviceWorker.controller !== null"
            " && Boolean(await (await caches.open('exotrace-device')).match('/language'))"
        ):
            break
        page.wait_for_timeout(200)

    def cut(gone: bool = True) -> None:
        if gone:
            page.context.set_offline(True)
            here.serving.stop()  # a new tab may ask before the browser knows that it is offline
        else:
            here.serving.start()
            page.context.set_offline(False)

    here.cut = cut
    return here


def opened(here, path: str = "/station") -> Any:  # noqa: F811
    """A new tab of the same browser."""
    page = here.page.context.new_page()
    page.goto(path)
    here.page, here.scanner = page, Scanner(page)
    return page


def kept(here, count: int) -> None:  # noqa: F811
    """Wait until so many scans stand as kept, in the header and as a verdict."""
    expect = playwright.expect
    try:
        expect(here.page.locator("[data-queue]")).to_have_attribute("data-queue", str(count))
        expect(here.page.locator("[data-network=offline]")).to_contain_text(f"{count} not sent")
    except AssertionError as missing:  # a scan that was not taken says so there
        told = here.page.locator("#scan-said").inner_text()
        raise AssertionError(f"{missing}\nthe page said: {told or 'nothing'}") from None


def comes_instead(here, badge: str, held: int) -> None:  # noqa: F811
    """The network is back, her sign-in ended meanwhile, and another is at the device first."""
    page = here.page
    page.goto("about:blank")
    here.cut(False)
    page.context.clear_cookies()
    page.goto("/sign-in?next=/station")
    page.fill("#badge", badge)
    page.fill("#pin", "4071")
    page.press("#pin", "Enter")
    page.wait_for_url("**/station")
    waiting = page.locator("[data-held]")
    playwright.expect(waiting).to_contain_text(f"{held} scans are held for Tech")
    here.scanner = Scanner(page)


def late_rows() -> list[LateScan]:
    with db.reading() as session:
        return list(session.scalars(select(LateScan).order_by(LateScan.counter)))


def test_H10_ten_scans_without_a_network_arrive_in_order_once(apart, measured):
    page = apart.page
    apart.scanner.scan("BATCH")
    apart.scanner.scan(apart.box)
    idle(page)
    apart.cut()
    for number, vial in enumerate(apart.vials[:4], 1):
        apart.scanner.scan(vial)
        kept(apart, number)
    playwright.expect(page.locator("#scan-said [data-verdict=wait]")).to_contain_text("NOT SENT")
    assert re.search(r"OFFLINE since \d\d:\d\d, 4 not sent", page.inner_text("[data-network]"))

    page.reload()
    kept(apart, 4)
    assert page.locator("#board[data-shell]").count() == 1
    for vial in apart.vials[4:7]:
        apart.scanner.scan(vial)
    kept(apart, 7)
    page.close()
    page = opened(apart)
    kept(apart, 7)
    for vial in apart.vials[7:]:
        apart.scanner.scan(vial)
    kept(apart, 10)
    assert moved() == []

    apart.cut(False)
    playwright.expect(page.locator(".person[data-person]")).to_contain_text("Tech", timeout=20_000)
    idle(page)
    rows = late_rows()
    wrong = int(moved() != apart.vials) + int([each.counter for each in rows] != list(range(1, 11)))
    measured("H10", trials=10, failures=wrong, what="scans without a network, reload, closed tab")
    assert moved() == apart.vials
    assert [each.counter for each in rows] == list(range(1, 11))
    assert {each.state for each in rows} == {LateState.TAKEN}
    assert len({each.device for each in rows}) == 1
    playwright.expect(page.locator("[data-last] li[data-kind=ok]")).to_have_count(10)
    playwright.expect(page.locator("[data-network]")).to_have_text("online")


def test_H11_what_happened_meanwhile_puts_a_kept_scan_aside(apart, measured):
    """Another person moves the vial while this device has no network; somebody must answer."""
    page, lab = apart.page, apart.site
    with db.reading() as session:
        was = custody.item(session, custody.find(session, apart.vials[0]).id).place_id
    apart.cut()
    apart.scanner.scan(apart.vials[0])
    kept(apart, 1)
    apart.scanner.scan(apart.box)
    kept(apart, 2)
    apart.scanner.scan(apart.vials[1])
    apart.scanner.scan(apart.box)
    kept(apart, 4)
    other = custody.make_place(
        lab.actor("tech2"), name="F9", kind="freezer", temperature_class="-80C"
    ).code
    time.sleep(max(0, apart.scanner.at - time.time()) + 0.1)  # the scanner's clock ran ahead
    custody.put(lab.actor("tech2"), code=apart.vials[0], to=other)
    apart.cut(False)
    idle(page)
    playwright.expect(page.locator("#scan-said [data-verdict=ask]")).to_contain_text(
        "Not everything that was kept could be done"
    )
    playwright.expect(page.locator("[data-last] li[data-kind=ask]")).to_have_count(1)

    with db.reading() as session:
        stands = custody.place(session, custody.find(session, apart.vials[0]).place_id).name
    aside = [each for each in late_rows() if each.state is LateState.WAITING]
    start = lab.page("qc", "/").get_data(as_text=True)
    shown = f"/late-scans/{aside[0].id}/answer" in start if aside else False
    failures = int(stands != "F9") + int(len(aside) != 1) + int(not shown)
    measured("H11", trials=1, failures=failures, what="a conflict at arrival, at the station")
    assert was is None
    assert stands == "F9"
    assert [each.why for each in aside] == ["moved-later"]
    assert shown
    assert moved() == [apart.vials[0], apart.vials[1]]
    refused = lab.api("qc", f"/late-scans/{aside[0].id}/answer", {"decision": "dismiss"})
    assert refused.status_code == 422
    lab.did(
        "qc", f"/late-scans/{aside[0].id}/answer", {"decision": "dismiss", "reason": "It is in F9"}
    )
    assert lab.api("qc", "/late-scans").json == {"waiting": [], "missing": []}


def test_H11_what_must_be_known_now_is_refused_in_words_without_a_network(apart, measured):
    page = apart.page
    with db.reading() as session:
        badge = people.badge_of(session, people.account_of(session, "tech2").id)
    apart.cut()
    apart.scanner.scan(apart.vials[0])
    kept(apart, 1)
    wrong = []
    for text, words in (
        (badge, "A badge cannot be checked"),
        (codes.draw("W"), "Cannot confirm: no connection"),
        ("UNDO", "not done without a connection"),
        ("VERIFY", "not done without a connection"),
        ("LOOK", "not done without a connection"),
        (codes.draw("E"), "not done without a connection"),
    ):
        apart.scanner.scan(text)
        stop = page.locator("#scan-said [data-verdict=stop]")
        playwright.expect(stop).to_contain_text(words)
        playwright.expect(stop).to_contain_text("Nothing was recorded")
        if page.get_attribute("[data-queue]", "data-queue") != "1":
            wrong.append(text)
    for path in ("/bedside", "/bedside/check"):
        page.goto(path)
        stop = page.locator("[data-verdict=stop]")
        playwright.expect(stop).to_contain_text("Cannot confirm: no connection")
        playwright.expect(stop).to_contain_text("Do not give")
        wrong += [path] * page.locator("[data-verdict=ok], form").count()
    for path in ("/", f"/items/{apart.vials[0]}", "/work-areas"):
        page.goto(path)
        stop = page.locator("[data-verdict=stop]")
        playwright.expect(stop).to_contain_text("never done without a connection")
        wrong += [path] * page.locator("[data-verdict=ok], form").count()
    measured("H11", trials=11, failures=len(wrong), what="asked without a network, refused")
    assert wrong == []


def test_H50_kept_scans_wait_for_whoever_scanned_them(apart, measured):
    """Another person signs in when the network is back: nothing is written in her name."""
    page = apart.page
    with db.reading() as session:
        first, other = (
            people.badge_of(session, people.account_of(session, login).id)
            for login in ("tech", "tech2")
        )
    hers = page.get_attribute("#board", "data-person")
    apart.cut()
    for text in (apart.vials[0], apart.box):
        apart.scanner.scan(text)
    kept(apart, 2)
    comes_instead(apart, other, 2)
    apart.scanner.scan(apart.vials[1])
    apart.scanner.scan(apart.box)
    said(page, "ok", "Box 7")
    assert moved() == [apart.vials[1]]

    # What the page would not do, the server refuses.
    csrf = page.get_attribute("#board", "data-csrf")
    answer = page.evaluate(
        "async ([csrf, code, box, person]) => (await fetch('/station', {method: 'POST',"
        " headers: {'X-Board': 'yes'}, body: new URLSearchParams({_csrf: csrf, code: box,"
        " hand: code, mode: 'single', age: '10', person})})).status",
        [csrf, apart.vials[0], apart.box, hers],
    )
    assert answer == 409
    assert moved() == [apart.vials[1]]

    apart.scanner.scan(first)
    page.wait_for_selector("#pin")
    page.keyboard.type("4071", delay=120)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    said(page, "ok", "Box 7")
    idle(page)
    with db.reading() as session:
        (row,) = [each for each in session.scalars(select(LateScan)) if each.kind == "move"]
    measured("H50", trials=2, failures=int(str(row.scanned_by) != hers), what="kept scans")
    assert moved() == [apart.vials[1], apart.vials[0]]
    assert str(row.scanned_by) == hers
    playwright.expect(page.locator("[data-held]")).to_be_hidden()


def test_H11_a_note_is_kept_and_arrives_with_the_moves_in_order(apart, measured):
    page = apart.page
    apart.cut()
    apart.scanner.scan(apart.vials[0])
    kept(apart, 1)
    page.fill("#scan", "note frost at the cap")
    page.press("#scan", "Enter")
    kept(apart, 2)
    apart.scanner.scan(apart.box)
    kept(apart, 3)
    page.fill("#scan", "note of nothing in hand")
    page.press("#scan", "Enter")
    stop = page.locator("#scan-said [data-verdict=stop]")
    playwright.expect(stop).to_contain_text("It is about the thing in hand")
    apart.cut(False)
    idle(page)
    with db.reading() as session:
        entries = ledger.entries_of(session, f"item/{apart.vials[0]}")
    came = [each.kind for each in entries if each.kind in ("custody.observed", "custody.moved")]
    rows = late_rows()
    measured("H11", trials=2, failures=int(len(rows) != 2), what="a note and a move, kept")
    assert came == ["custody.observed", "custody.moved"]
    assert [(each.kind, each.state) for each in rows] == [
        ("observe", LateState.TAKEN), ("move", LateState.TAKEN),
    ]  # fmt: skip
    assert rows[0].given["note"] == "frost at the cap"


def test_H50_what_nobody_comes_back_for_is_handed_in_and_answered_by_a_third(apart, measured):
    """She went home; her scans leave the device without being done, in nobody's name but theirs."""
    page = apart.page
    with db.reading() as session:
        other = people.badge_of(session, people.account_of(session, "tech2").id)
    hers = page.get_attribute("#board", "data-person")
    apart.scanner.scan(apart.vials[0])  # in hand while the network was there
    said(page, "ok")
    apart.cut()
    for text in (apart.box, apart.vials[1], apart.box, apart.vials[2]):
        apart.scanner.scan(text)
    kept(apart, 4)
    comes_instead(apart, other, 4)
    apart.serving.delay = 0.4
    apart.scanner.scan(apart.vials[3])
    page.click("[data-hand-in]")  # while a scan of hers is under way
    ask = page.locator("#scan-said [data-verdict=ask]")
    playwright.expect(ask).to_contain_text("Handed in for another person: 4", timeout=15_000)
    playwright.expect(page.locator("[data-hand-in]")).to_be_hidden()
    playwright.expect(page.locator("[data-held]")).to_be_hidden()
    with db.reading() as session:
        rows = list(session.scalars(select(LateScan).order_by(LateScan.counter)))
    wrong = len(moved()) + sum(str(each.claimed_by) != hers for each in rows)
    measured("H50", trials=2, failures=wrong, what="handed in from a device")
    assert moved() == []
    assert [each.given["code"] for each in rows] == apart.vials[:2]
    # What she who is here has in hand is hers still.
    apart.scanner.scan(apart.box)
    said(page, "ok", "Box 7")
    assert moved() == [apart.vials[3]]
    page.reload()
    playwright.expect(page.locator("[data-held]")).to_be_hidden()


def test_H54_nothing_of_a_person_stays_on_the_device_after_sign_out(apart, measured):
    page = apart.page
    apart.scanner.scan(apart.vials[0])
    said(page, "ok")
    apart.scanner.scan(apart.box)
    said(page, "ok", "Box 7 A1")
    keep = """async () => {
      const found = [];
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const key of await cache.keys()) {
          const answer = await cache.match(key);
          const rule = answer.headers.get("cache-control") ?? "";
          if (rule.includes("no-store")) found.push("KEPT-ANYWAY");
          found.push(key.url, await answer.text());
        }
      }
      const base = await new Promise((done) => {
        indexedDB.open("exotrace.station").onsuccess = (e) => done(e.target.result);
      });
      for (const store of ["scans", "facts"]) {
        const all = base.transaction(store).objectStore(store);
        for (const what of [all.getAll(), all.getAllKeys()]) {
          await new Promise((done) => (what.onsuccess = done));
          found.push(JSON.stringify(what.result));
        }
      }
      base.close();
      return [...found, JSON.stringify(sessionStorage), JSON.stringify(localStorage)].join("\\n");
    }"""
    label = page.get_attribute("#board", "data-person")
    before = page.evaluate(keep)
    assert label in before  # the look sees what there is
    apart.scanner.scan("SIGN-OUT")
    page.wait_for_url("**/sign-in")
    after = page.evaluate(keep)
    left = [
        each for each in (label, "Tech", apart.vials[0], "Box 7", "KEPT-ANYWAY") if each in after
    ]
    measured("H54", trials=5, failures=len(left), what="left on a device after sign-out")
    assert left == []
    assert "/offline/en/station" in after

    apart.cut()
    page.goto("/station")
    playwright.expect(page.locator(".said")).to_contain_text("nobody is signed in here")
    Scanner(page).scan(apart.vials[1])
    stop = page.locator("#scan-said [data-verdict=stop]")
    playwright.expect(stop).to_contain_text("Nobody is signed in here")
    assert page.get_attribute("[data-queue]", "data-queue") == "0"
    page.goto("/language/fa?next=/station")
    assert page.get_attribute("html", "lang") == "fa"


def test_the_worker_is_named_by_what_it_keeps_and_never_kept_itself(here):  # noqa: F811
    client = here.site.app.test_client()
    answer = client.get("/service-worker.js")
    assert answer.content_type.startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    signed_in = here.site.browser("tech")
    for language in ("en", "fa", "zh"):
        for name in ("station", "bedside", "page"):
            path = f"/offline/{language}/{name}"
            mine, nobodys = signed_in.get(path), client.get(path)
            assert mine.data == nobodys.data
            assert "no-store" not in mine.headers["Cache-Control"]
            assert "Set-Cookie" not in nobodys.headers
    assert client.get("/offline/xx/station").status_code == 404
