"""Undo and correction in a browser: three languages, three sizes, with script and without."""

import os
from collections.abc import Iterator

import pytest

from tests import services_here
from tests.custody.test_doors import kit, place
from tests.site_here import PASSWORD, site, verified

__all__ = ["site"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
SIZES = {"desk": (1280, 900), "tablet": (820, 1112), "phone": (390, 844)}


@pytest.fixture
def address(site) -> Iterator[str]:
    """The site on a port of its own."""
    with services_here.listening(site.app) as url:
        yield url


def signed_in(chromium, address: str, size: tuple[int, int], *, script: bool = True):
    context = chromium.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=login]", "tech")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/")
    return page


def shot(page, name: str) -> None:
    folder = os.environ.get("EXOTRACE_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_undo_and_correction_fit_every_screen_in_three_languages(chromium, address, site):
    code, shelf = kit(site), place(site, name="Shelf 3", kind="rack")
    observed = {"note": "frost", "temperature": {"value": "-61.5", "unit": "Cel"}}
    site.did("tech", f"/items/{code}/observations", observed)
    entry = site.api("tech", f"/items/{code}/trail").json["entries"][-1]["number"]
    correction = f"/items/{code}/entries/{entry}/correction"
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    site.did("tech", f"/items/{code}/undo", {"entry": entry + 1})
    site.did(
        "tech",
        correction,
        {"reason_code": "misread", "reason": "read again", "note": "much frost"},
    )
    site.did("tech", f"/places/{shelf}/counts", {"seen": [code]})
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    newest = f"/items/{code}/entries/{entry + 3}/correction"
    for size, (width, height) in SIZES.items():
        page = signed_in(chromium, address, (width, height))
        for language in ("en", "fa", "zh"):
            page.goto(f"/language/{language}?next=/")
            pages = {"item": f"/items/{code}", "undo": "/undo", "correct": newest,
                     "place": f"/places/{shelf}"}  # fmt: skip
            for name, path in pages.items():
                page.goto(path)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert page.get_attribute("html", "lang") == language
                assert wide <= width, (size, language, name, wide)
                shot(page, f"{name}-{size}-{language}")
                if name in ("item", "undo"):
                    button = page.locator("form.undo button").first.bounding_box()
                    assert button["height"] >= 72
        page.context.close()


def test_sample_undo_visible_both_entries_stay_also_without_script(chromium, address, site):
    code, shelf = kit(site), place(site, name="Shelf 3", kind="rack")
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    page = signed_in(chromium, address, SIZES["phone"], script=False)
    page.goto("/undo")
    page.click("form.undo button")
    page.wait_for_url(f"**/items/{code}")
    undone = page.locator("[data-answered]")
    assert undone.count() == 1
    assert "moved" in undone.locator("s").inner_text()
    by = undone.get_attribute("data-answered")
    assert f"undone by #{by}" in undone.inner_text()
    undo = page.locator(f"[data-event-id='{by}']")
    assert f"#{undone.get_attribute('data-event-id')}" in undo.inner_text()
    assert page.locator("form.undo").count() == 0
    page.context.close()
    assert verified() == []
