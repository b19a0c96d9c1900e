"""Chromium at the pages: scans in every layout, verdicts that are heard, and no script at all."""

import threading
from collections.abc import Iterator
from random import Random

import pytest
from werkzeug.serving import make_server

from lims.core import codes
from tests import services_here
from tests.web.demo import PLACE, SPECIMEN, called

playwright = pytest.importorskip("playwright.sync_api")
PATH = f"/things/{SPECIMEN}/weight"
# What a Persian keyboard types on the keys of a US one.
PERSIAN = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "شذزیثبلاهتنمئدخحضقسفعرصطغظ", strict=True))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A browser for all tests here."""
    with services_here.browser() as opened:
        yield opened


@pytest.fixture
def address(web) -> Iterator[str]:
    """The app on a port of its own."""
    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium, address) -> Iterator[object]:
    """The form, opened by a technician; tones are counted instead of sounded."""
    context = chromium.new_context(base_url=address, viewport={"width": 1024, "height": 768})
    context.add_init_script(
        "window.heard = []; window.exotrace = "
        "{tone: (kind) => window.heard.push(kind), vibrate: () => {}};"
    )
    shown = context.new_page()
    shown.faults = []
    shown.on("pageerror", lambda fault: shown.faults.append(str(fault)))
    shown.goto(f"/sign-in?next={PATH}")
    shown.fill("#login", "tech")
    shown.fill("#password", "right")
    shown.press("#password", "Enter")
    shown.wait_for_url("**" + PATH)
    yield shown
    assert shown.faults == []
    context.close()


def scan(page, text: str, *, persian: bool = False, end: str = "Enter") -> None:
    """Send the keys of a scanner: physical keys, and what the layout makes of them."""
    cdp = page.context.new_cdp_session(page)
    for each in text:
        code = f"Digit{each}" if each.isdigit() else f"Key{each}"
        key = PERSIAN.get(each, chr(ord(each) + 0x6C0)) if persian else each
        for kind in ("keyDown", "keyUp"):
            cdp.send(
                "Input.dispatchKeyEvent",
                {
                    "type": kind,
                    "code": code,
                    "key": key,
                    **({"text": key} if kind == "keyDown" else {}),
                },
            )
    if end:
        page.keyboard.press(end)


@pytest.mark.parametrize("persian", [False, True])
@pytest.mark.parametrize("end", ["Enter", "Tab", ""])
def test_H05_a_scan_fills_the_field_that_it_fits_whatever_has_the_focus(
    page, persian, end, measured
):
    page.focus("[name=note]")
    page.fill("[name=note]", "keep me")

    scan(page, codes.symbol(PLACE, 2), persian=persian, end=end)

    playwright.expect(page.locator("[name=place]")).to_have_value(codes.symbol(PLACE, 2))
    note = page.input_value("[name=note]")
    measured("H05", trials=1, failures=note != "keep me", end=end, persian=persian)
    assert note == "keep me"
    assert page.url.endswith(PATH)


def test_a_scan_of_another_kind_goes_to_the_scan_page(page):
    page.focus("[name=place]")
    lot = codes.symbol(codes.draw("L"), 1)

    with page.expect_navigation(url=f"**/scan?code={lot}"):
        scan(page, lot)


def test_a_damaged_scan_changes_no_field_it_does_not_know(page):
    wrong = PLACE[:-1] + ("A" if PLACE[-1] != "A" else "B")
    page.focus("#scan")
    scan(page, wrong, end="")
    page.wait_for_timeout(200)

    assert page.input_value("[name=place]") == ""
    assert page.input_value("#scan") == wrong


def test_slow_hands_type_what_they_like(page):
    page.focus("[name=note]")
    page.keyboard.type("Checked twice", delay=15)

    assert page.input_value("[name=note]") == "Checked twice"


def test_H04_the_check_character_is_the_same_in_the_browser(page, measured):
    random = Random(4)
    drawn = [codes.draw(random.choice("SCLVQK")) for _each in range(500)]
    wrong = [code[:-2] + code[-1] + code[-2] for code in drawn if code[-1] != code[-2]]
    script = "async (all) => { const m = await import('/static/scan.js'); return all.map(m.valid) }"

    failures = sum(not each for each in page.evaluate(script, drawn))
    failures += sum(
        each != codes.valid(code)
        for each, code in zip(page.evaluate(script, wrong), wrong, strict=True)
    )
    measured("H04", trials=len(drawn) + len(wrong), failures=failures, seed=4)
    assert failures == 0


def fill(page, volume: str) -> None:
    page.fill("[name=volume]", volume)
    page.fill("[name=place]", PLACE)
    page.check("[name=mood][value=clear]")
    page.check("[name=sealed][value=yes]")
    page.click("button.main")


def test_a_stop_is_heard_once_and_stays(page):
    fill(page, "13")
    page.wait_for_selector("[data-verdict=stop]")

    assert page.evaluate("window.heard") == ["stop"]
    assert page.evaluate("document.activeElement.id") == "scan"
    page.wait_for_timeout(300)
    assert page.is_visible("[data-verdict=stop]")


def test_ok_and_stop_differ_without_colour(page):
    def grey(selector: str) -> float:
        return page.evaluate(
            "(s) => { const c = getComputedStyle(document.querySelector(s)).backgroundColor"
            ".match(/\\d+/g).map((v) => { v /= 255;"
            " return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });"
            " return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] + 0.05 }",
            selector,
        )

    fill(page, "13")
    page.wait_for_selector("[data-verdict=stop]")
    stop = grey("[data-verdict=stop]")
    page.fill("[name=volume]", "2.5")
    page.click("button.main")
    page.wait_for_selector("[data-verdict=ok]")

    assert grey("[data-verdict=ok]") / stop > 6.5


@pytest.mark.parametrize("language", ["en", "fa", "zh"])
def test_nothing_is_cut_and_every_target_can_be_hit_with_gloves(page, language):
    page.goto(f"/language/{language}?next={PATH}")
    fill(page, "13")
    page.wait_for_selector("[data-verdict=stop]")

    for width, height in ((1366, 768), (1024, 768), (390, 844), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate(
            """() => {
              const all = [...document.querySelectorAll("body *")];
              const size = (e) => parseFloat(getComputedStyle(e).fontSize);
              const target = (e) => e.closest(".pick label") ?? e;
              const low = (e) => {
                const box = target(e).getBoundingClientRect();
                return box.width && Math.min(box.width, box.height) < 47.5;
              };
              return {
                over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
                low: all.filter((e) => e.matches(
                  "a:not(.skip), button, input:not([type=hidden]), select, textarea",
                )).filter(low).map((e) => e.outerHTML),
                small: all.filter((e) => e.innerText?.trim() && size(e) < 16)
                  .map((e) => e.outerHTML),
                person: size(document.querySelector("[data-person]")),
              };
            }"""
        )
        assert found["low"] == found["small"] == [], (width, language)
        assert found["over"] <= 0, (width, language)
        assert found["person"] >= 24


def test_everything_works_without_script(chromium, address):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/sign-in?next={PATH}")
    page.fill("#login", "tech")
    page.fill("#password", "right")
    page.press("#password", "Enter")
    page.wait_for_url("**" + PATH)
    fill(page, "13")
    page.wait_for_selector("[data-verdict=stop]")
    page.fill("[name=volume]", "2.5")
    page.click("button.main")
    page.wait_for_selector("[data-verdict=ok]")

    assert called.last["code"] == SPECIMEN
    context.close()


def test_H54_no_script_that_somebody_typed_ever_runs(page, measured):
    payloads = [
        "<script>window.hit=1</script>",
        '"><img src=x onerror="window.hit=1">',
        "'><svg onload=window.hit=1>",
        "</textarea><script>window.hit=1</script>",
        '" autofocus onfocus="window.hit=1',
        "{{7*7}}",
        "javascript:window.hit=1",
        "<iframe srcdoc='<script>parent.hit=1</script>'>",
    ]
    hits = 0
    for payload in payloads:
        page.fill("[name=volume]", "1" + payload)
        page.fill("[name=place]", payload[:40])
        page.fill("[name=note]", payload)
        page.evaluate("document.querySelector('[data-act]').noValidate = true")
        page.click("button.main")
        page.wait_for_selector("[data-verdict=stop]")
        hits += page.evaluate("Boolean(window.hit)")
        assert page.input_value("[name=note]") == payload
    measured("H54", trials=len(payloads) * 3, failures=hits)
    assert hits == 0
