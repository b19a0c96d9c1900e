"""Every page in Chromium: it fits, it is light, and axe-core finds nothing serious in it."""

from importlib.resources import files
from typing import Any

import pytest

from lims.station.look_pages import PARTS
from tests.conftest import SOAK
from tests.dosing.test_doors import web  # noqa: F401
from tests.station.every_page import Page, address, furnish, pages, signed_in  # noqa: F401

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("beds", ["sqlite"], indirect=True)]
pytest.importorskip("axe_playwright_python")
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
LANGUAGES = ("en", "fa", "zh")
NARROW = {"width": 320, "height": 640}  # what 1280 px are at 400 % zoom
ASKED = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  resultTypes: ["violations"],
}).then((found) => found.violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 160)]))"""
# For fingers in gloves and eyes at arm's length: 48 px to press, 16 px to read, and words that
# people say rather than names of the program.
TOUCHED = """() => {
  const found = [];
  const KIND = "(?:collection|culture|custody|dosing|isolation|labels|people|qc|release)[.][a-z]";
  const RAW = new RegExp(`\\\\b[a-z]+_[a-z]+(_[a-z]+)*\\\\b(?!_?[0-9])|[+]00:00|\\\\b${KIND}`);
  const seen = (each) => each.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });
  const pressed = "button, select, textarea, summary, input:not([type=hidden]), nav a, .button";
  for (const each of document.querySelectorAll(pressed)) {
    if (!seen(each)) continue;
    const named = ["checkbox", "radio", "file"].includes(each.type);
    const { width, height } = ((named && each.closest("label")) || each).getBoundingClientRect();
    const size = `${Math.round(width)} x ${Math.round(height)}`;
    if (width > 1 && Math.min(width, height) < 47.5)
      found.push(["small to press", size, each.outerHTML.slice(0, 120)]);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: each, textContent } = texts.currentNode;
    if (!textContent.trim() || each.closest("svg, script, style, noscript")) continue;
    if (!seen(each)) continue;
    const size = parseFloat(getComputedStyle(each).fontSize);
    if (size < 16 && each.getBoundingClientRect().width > 1)
      found.push(["small to read", size, textContent.trim(), each.outerHTML.slice(0, 80)]);
    if (RAW.test(textContent))
      found.push(["no word of people", textContent.trim(), each.outerHTML.slice(0, 80)]);
  }
  return found;
}"""
# Of what is to be seen: each verdict's two colours, and how much leads further.
PRINTED = """() => {
  const seen = (each) => each.checkVisibility();
  const short = { "rgb(0, 0, 0)": "#000", "rgb(255, 255, 255)": "#fff" };
  const said = (each) => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]
    .map((colour) => short[colour] ?? colour).join(" on ");
  return {
    verdicts: [...document.querySelectorAll(".verdict")].filter(seen).map(said),
    leads: [...document.querySelectorAll(".top, .places, .tiles, .go")].filter(seen).length,
  };
}"""
WEIGHED = """() => Object.values(Object.fromEntries(
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map((each) => [each.name, each.encodedBodySize])))"""


def every(web: Any, bed: Any) -> list[tuple[Page, str]]:  # noqa: F811
    """Pages with a language each; in the soak every page under every role, in all of them."""
    found = pages(web, bed, few=not SOAK)
    assert len(found) > (150 if SOAK else 50)
    if SOAK:
        return [(page, language) for page in found for language in LANGUAGES]
    return [(page, LANGUAGES[at % 3]) for at, page in enumerate(found)]


def test_every_page_fits_a_phone_is_light_and_can_be_read_by_all(
    web, bed, address, chromium  # noqa: F811
):  # fmt: skip
    furnish(bed)
    faults: list[tuple[Any, ...]] = []
    wanted = every(web, bed)
    for login in dict.fromkeys(page.login for page, _language in wanted):
        page = signed_in(chromium, bed, address, login, viewport=NARROW)
        context = page.context
        context.add_init_script(AXE)
        # What is kept from the page before weighs nothing, so nothing is kept.
        context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.on(
            "pageerror",
            lambda fault, at=page, kept=faults: kept.append(("script", at.url, str(fault))),
        )
        for each, language in [one for one in wanted if one[0].login == login]:
            context.add_cookies([{"name": "language", "value": language, "url": address}])
            page.goto(each.url, wait_until="load")
            wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
            weights = page.evaluate(WEIGHED)
            found = page.evaluate(ASKED) + page.evaluate(TOUCHED)
            about = (login, each.url, language)
            if wide > 0:
                faults.append((*about, "wider than the window", wide))
            if len(weights) > 12 or sum(weights) > 150_000:
                faults.append((*about, "heavy", len(weights), sum(weights)))
            faults += [(*about, *one) for one in found]
        context.close()
    print(f"{len(wanted)} pages, {len(faults)} faults", *faults, sep="\n")
    assert faults == []


def test_in_the_dark_every_part_can_be_read_as_well(web, bed, address, chromium):  # noqa: F811
    page = signed_in(chromium, bed, address, "tara", color_scheme="dark")
    page.context.add_init_script(AXE)
    faults = []
    for part in ("", *(f"/{each}" for each in PARTS)):
        page.goto(f"/look{part}?shade=dark", wait_until="load")
        faults += [(part, *each) for each in page.evaluate(ASKED)]
    page.context.close()
    assert faults == []


def test_on_paper_it_is_black_on_white_and_no_verdict_of_the_bedside_is_printed(
    web, bed, address, chromium  # noqa: F811
):  # fmt: skip
    page = signed_in(chromium, bed, address, "tara", color_scheme="dark")
    page.context.add_init_script(AXE)
    page.emulate_media(media="print", color_scheme="dark")
    faults, seen = [], {}
    for part in PARTS:
        page.goto(f"/look/{part}?shade=light", wait_until="load")
        faults += [(part, *each) for each in page.evaluate(ASKED)]
        seen[part] = page.evaluate(PRINTED)
    page.emulate_media(media="screen", color_scheme="light")
    page.goto("/look/paper", wait_until="load")
    shown = page.evaluate(PRINTED)
    page.set_viewport_size(NARROW)
    wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    weights = page.evaluate(WEIGHED)
    page.context.close()

    assert faults == []
    assert seen["answers"] == {"verdicts": ["#000 on #fff"] * 12, "leads": 0}
    assert seen["bed"] == {"verdicts": [], "leads": 0}
    assert wide <= 0
    assert len(weights) <= 12
    assert shown == seen["paper"] == {"verdicts": ["#000 on #fff"] * 6, "leads": 0}
