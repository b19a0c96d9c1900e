"""Chromium at the item page, the storage map and the start page: three languages, three sizes."""

import os
import time

import pytest

from lims.core import codes
from tests.conftest import SOAK
from tests.station.conftest import SIZES, grown

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
LANGUAGES = ("en", "fa", "zh")


def shot(seen, name: str) -> None:
    folder = os.environ.get("EXOTRACE_SHOTS")
    if folder:
        seen.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
def test_a_lineage_of_two_hundred_is_readable_in_three_languages(seat, laboratory, size):
    made = grown(laboratory.tara, laboratory.woman(), 190)
    seen = seat(size=size)
    for language in LANGUAGES:
        seen.speaks(language)
        began = time.monotonic()
        seen.opens(f"/items/{made['lot']}")
        assert time.monotonic() - began < 5  # networkidle waits half a second by itself
        here, parent = (
            seen.page.locator(f".lineage [data-node='{made[each]}'] > rect").bounding_box()
            for each in ("lot", "pool")
        )
        # Persian reads from the right: the first parent stands there, the codes stay Latin.
        assert (parent["x"] > here["x"]) is (language == "fa")
        said = seen.page.locator(".lineage a.here .c").text_content()
        assert said.replace(" ", "") == made["lot"]
        assert codes.grouped(made["lot"]) in seen.page.locator("h1").inner_text()
        # The thing itself is in sight without scrolling the picture.
        frame = seen.page.locator(".lineage-box").bounding_box()
        assert frame["x"] <= here["x"] <= frame["x"] + frame["width"]
        shot(seen, f"item-{size}-{language}")
        if language != "fa" and not SOAK:
            continue
        group = seen.page.locator(".lineage [data-group$=dose]")
        assert group.count() == 1
        seen.opens(f"/items/{made['lot']}?open={group.get_attribute('data-group')}")
        assert seen.page.locator(".lineage a[href^='/items/V']").count() == 190
        shot(seen, f"item-open-{size}-{language}")
