"""Chromium at the item page, the storage map and the start page: three languages, three sizes."""

import os
import time
from datetime import timedelta

import pytest

from lims import custody, studies
from lims.core import clock, codes, db
from lims.custody import ItemKind
from tests.conftest import SOAK
from tests.custody.test_racks import fluidx
from tests.station.conftest import SIZES, grown

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    # A browser that goes on to the next page hangs up on a picture that the server still sends.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LANGUAGES = ("en", "fa", "zh")


def shot(seen, name: str) -> None:
    folder = os.environ.get("EXOTRACE_SHOTS")
    if folder:
        seen.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
def test_sample_rtl_a_lineage_of_two_hundred_reads_in_three_languages(seat, laboratory, size):
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


def _boxed(laboratory) -> tuple[str, dict[str, str]]:
    """A box of eight by twelve with tubes of every mark, and its tubes by position."""
    tara = laboratory.tara
    cold = custody.make_place(tara, name="Freezer 2", kind="freezer", temperature_class="-80C")
    box = custody.make_box(tara, name="Box 07", parent=cold.code, rows=8, columns=12).code
    number = laboratory.woman()
    tubes = {}
    for at, kind in (("A1", ItemKind.DOSE), ("A2", ItemKind.LOT), ("A3", ItemKind.SPECIMEN),
                     ("B1", ItemKind.RETAINED), ("C5", ItemKind.DOSE)):  # fmt: skip
        with db.transaction() as session:
            her = studies.subject_by_number(session, number)
            item = custody.make(
                tara, kind, study_id=her.study_id, donor_id=her.id, step="test",
                expires_at=clock.now() + timedelta(days=-1 if at == "A3" else 20),
            )  # fmt: skip
        custody.put(tara, code=item.code, to=box, position=at)
        tubes[at] = item.code
    custody.hold(tara, code=tubes["B1"], reason="looks cloudy")
    return box, tubes


@pytest.mark.parametrize("size", SIZES)
def test_map_rtl_not_mirrored_and_map_keyboard(seat, laboratory, size):
    box, tubes = _boxed(laboratory)
    seen = seat(size=size)
    for language in LANGUAGES:
        seen.speaks(language)
        seen.opens("/storage")
        shot(seen, f"storage-{size}-{language}")
        seen.opens(f"/places/{box}")
        shot(seen, f"box-{size}-{language}")
        at = {each: seen.page.locator(f"#{each} > *").bounding_box() for each in ("A1", "A2", "B1")}
        assert at["A1"]["x"] < at["A2"]["x"]
        assert at["A1"]["y"] < at["B1"]["y"]
        assert min(at["A1"]["width"], at["A1"]["height"]) >= 48
    marks = {each: seen.page.locator(f"#{each}").get_attribute("data-mark") for each in tubes}
    assert (marks["A3"], marks["B1"]) == ("!", "x")
    # By the keyboard alone: into the grid, down, back, and open.
    seen.page.locator("#A1 > a").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        seen.page.keyboard.press(key)
    assert codes.grouped(tubes["B1"]) in seen.page.inner_text("[data-slot-said]")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(f"**/items/{tubes['B1']}")


def test_a_full_box_of_the_largest_kind_is_a_light_page(seat, laboratory):
    tara, number = laboratory.tara, laboratory.woman()
    cold = custody.make_place(tara, name="Freezer 3", kind="freezer", temperature_class="-80C")
    side = 26 if SOAK else 6
    box = custody.make_box(tara, name="Box 26", parent=cold.code, rows=side, columns=side).code
    with db.transaction() as session:
        her = studies.subject_by_number(session, number)
        made = [
            custody.make(tara, ItemKind.DOSE, study_id=her.study_id, donor_id=her.id, step="test")
            for _each in range(side * side)
        ]
        kept = [each.code for each in made]
        spots = [slot.position for slot, _item in
                 custody.slots_of(session, custody.place_by_code(session, box).id)]  # fmt: skip
    for code, spot in zip(kept, spots, strict=True):
        custody.put(tara, code=code, to=box, position=str(spot))
    seen = seat()
    for language in LANGUAGES:
        seen.speaks(language)
        weight = seen.opens(f"/places/{box}")
        # A slot more costs 120 bytes at most; all 676 must fit beside the rest of the page.
        assert weight + (676 - side * side) * 120 < 150_000


@pytest.mark.parametrize("size", SIZES)
def test_a_racks_file_is_reviewed_and_confirmed_by_one_button(seat, laboratory, size, tmp_path):
    box, tubes = _boxed(laboratory)
    positions = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)]
    held = dict(zip(tubes, [tubes["A2"], tubes["A1"], "FD06299917", tubes["B1"], ""], strict=True))
    name, content = fluidx("Box 07", {at: code for at, code in held.items() if code}, positions)
    file = tmp_path / name
    file.write_bytes(content)
    seen = seat(size=size)
    for language in LANGUAGES:
        seen.speaks(language)
        seen.opens(f"/places/{box}/rack")
        seen.page.set_input_files("#file", str(file))
        began = time.monotonic()
        seen.page.click("form.act button.main")
        seen.page.wait_for_selector(".settle")
        assert time.monotonic() - began < 5
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= seen.width
        shot(seen, f"rack-{size}-{language}")
    counts = {
        each.get_attribute("data-count-of"): int(each.locator("b").inner_text())
        for each in seen.page.locator("[data-count-of]").all()
    }
    assert counts == {
        "match": 1, "inside": 2, "unexpected": 0, "unknown": 1, "missing": 2, "no-read": 0,
    }  # fmt: skip
    seen.page.check("[data-key='C5-'] [value=leave]")
    seen.page.click(".settle button.main")
    seen.page.wait_for_selector("[data-verdict=ok]")
    with db.reading() as session:
        standing = {slot.position: item.code for slot, item in
                    custody.slots_of(session, custody.place_by_code(session, box).id)
                    if item}  # fmt: skip
    assert standing == {"A1": tubes["A2"], "A2": tubes["A1"], "B1": tubes["B1"], "C5": tubes["C5"]}
    # Another rack's file stops, and nothing is recorded.
    file.write_bytes(fluidx("container1", {}, positions)[1])
    seen.speaks("en")
    seen.opens(f"/places/{box}/rack")
    seen.page.set_input_files("#file", str(file))
    seen.page.click("form.act button.main")
    seen.page.wait_for_selector("[data-verdict]")
    assert "Nothing was recorded." in seen.page.inner_text("[data-verdict]")
    shot(seen, f"rack-wrong-{size}")


@pytest.mark.parametrize("size", SIZES)
def test_dash_focus_kept_over_a_refresh_and_a_lost_network_is_said(seat, laboratory, size):
    tara = laboratory.tara
    for number in range(7):
        custody.make_place(tara, name=f"Freezer {number}", kind="freezer", temperature_class="-80C")
    made = grown(tara, laboratory.woman(), 2)
    seen = seat(size=size)
    for language in LANGUAGES:
        seen.speaks(language)
        seen.opens("/")
        shot(seen, f"home-{size}-{language}")
        cards = seen.page.locator(".waiting .card").all()
        assert len(cards) >= 3
        if size == "desk":  # every card is seen without scrolling
            assert max(each.bounding_box()["y"] for each in cards) + 60 < SIZES[size][1]
    # The list of cultures has the focus while one of them ends and a place is added elsewhere.
    held = seen.page.locator(f"#l-growing a[href='/items/{made['flask']}']")
    count = seen.page.locator("#l-warmth .count")
    assert count.get_attribute("data-count") == "7"
    held = held if held.count() else seen.page.locator("#l-growing h2 a")
    held.focus()
    custody.make_place(tara, name="Tank", kind="tank", temperature_class="vapour")
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    playwright.expect(count).to_have_attribute("data-count", "8")
    assert seen.page.evaluate("document.activeElement.closest('.card').id") == "l-growing"
    seen.context.set_offline(True)
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    playwright.expect(seen.page.locator("[data-stale]")).to_be_visible()
    seen.context.set_offline(False)
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    playwright.expect(seen.page.locator("[data-stale]")).to_be_hidden()
