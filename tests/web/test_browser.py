"""Chromium at the pages: verdicts that are heard, targets that can be hit, and no script at all."""

from datetime import date
from random import Random

import pytest

from lims.core import codes
from lims.core.words import speaking
from lims.web.calendars import spoken_day
from tests.web.demo import PLACE, SPECIMEN, called
from tests.web.typing import Scanner

playwright = pytest.importorskip("playwright.sync_api")
PATH = f"/things/{SPECIMEN}/weight"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


def test_slow_hands_type_what_they_like(page):
    page.focus("[name=note]")
    Scanner(page).type("Checked twice")

    assert page.input_value("[name=note]") == "Checked twice"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_day_is_said_beside_the_browsers_own_input(page, web, language):
    """05/08 in a browser's own order is two days; what the page says is one."""
    page.goto(f"/language/{language}?next={PATH}")
    said = page.locator(".said-day[for=f-born]")
    playwright.expect(said).to_be_hidden()
    page.fill("[name=born]", "2026-05-08")

    with speaking(language):
        playwright.expect(said).to_have_text(spoken_day(date(2026, 5, 8)))
    page.fill("[name=born]", "")
    playwright.expect(said).to_be_hidden()


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
    for _each in range(100):  # the page is there before its script has spoken
        if page.evaluate("window.heard.length"):
            break
        page.wait_for_timeout(50)

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
