"""The first page of a demonstration and its eight tasks, by keyboard in a real browser."""

import re
from datetime import datetime

import pytest
import zxingcpp
from PIL import Image
from playwright import sync_api as playwright
from sqlalchemy import func, select

from lims import ledger
from lims.core import db, mode
from lims.ledger.models import LedgerEntry
from lims.people import actor_for
from lims.station import practising, tasks
from lims.station.demo import LEARNER

NIMA = LEARNER[0]


class Hands:
    """Somebody who has a keyboard and nothing else."""

    def __init__(self, page) -> None:
        self.page = page

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=3)
        self.page.keyboard.press("Enter")

    def reach(self, selector: str) -> None:
        """Press Tab until it has the focus."""
        for _press in range(120):
            if self.page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no key leads to {selector}")

    def press(self, selector: str) -> None:
        self.reach(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def scan(self, *texts: str) -> None:
        """One after the other at the station, each answered before the next."""
        for text in texts:
            with self.page.expect_response(lambda answer: answer.request.method == "POST"):
                self.type(text)
            playwright.expect(self.page.locator("[data-queue]")).to_have_attribute(
                "data-queue", "0", timeout=15_000
            )


def wants(page) -> dict[str, str]:
    """What the next task is done with, as the page says it."""
    found = page.locator("[data-want]")
    return {each.get_attribute("data-want"): each.inner_text().strip() for each in found.all()}


@pytest.fixture
def hands(shown, chromium):
    with shown.listening() as address:
        context = chromium.new_context(base_url=address, viewport={"width": 1366, "height": 768})
        context.set_default_timeout(30_000)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        yield Hands(page)
        context.close()
        assert faults == []


def test_demo_all_tasks_can_be_done_by_keyboard(shown, hands):
    page = hands.page
    page.goto("/")
    assert page.url.endswith("/practice")
    assert "PRACTICE" in page.inner_text(".practice")
    hands.press("form[action='/sign-in'] button")
    done = []
    while page.locator("[data-want]").count():
        task = page.locator("[data-done=no]").first.get_attribute("data-task")
        given = wants(page)
        hands.press("#next-task a.button")
        if task in ("hand-over", "bedside"):
            {"hand-over": _hand_over, "bedside": _bedside}[task](hands, given)
        else:
            playwright.expect(page.locator("#scan")).to_be_focused()
            hands.scan(*given.values())
            if task not in ("look",):
                playwright.expect(page.locator(".practised")).to_contain_text("You did it in")
        done.append(task)
        page.goto("/practice")
        assert page.locator(f"[data-task={task}][data-done=yes]").count() == 1, task
    assert done == [each.id for each in tasks.TASKS]
    said = page.inner_text("[data-task=move] .result")
    assert re.fullmatch(r"You did it in 2 scans, \d+\.\d s\.", said), said
    with db.reading() as session:
        nima, other = actor_for(NIMA), actor_for("tara")
        since = datetime.fromtimestamp((shown.home / "people.json").stat().st_mtime).astimezone()
        assert set(practising.results(session, nima, since)) == {each.id for each in tasks.TASKS}
        assert practising.results(session, other, since) == {}
        assert ledger.verify(session).ok


def _hand_over(hands: Hands, given: dict[str, str]) -> None:
    hands.press("a[href$='/hand-over'], a[href$='/handovers']")
    hands.reach("[name=to]")
    hands.type(given["badge"])
    playwright.expect(hands.page.locator("[name=to]")).to_have_value(given["badge"])
    hands.press("main form button.main")


def _bedside(hands: Hands, given: dict[str, str]) -> None:
    page = hands.page
    hands.reach("[name=band]")
    with page.expect_navigation():
        hands.type(given["band"])
    for name in ("name_agrees", "birth_date_agrees"):
        hands.reach(f"[name={name}]")
        page.keyboard.press("Space")
    hands.press("main form button.main")
    hands.reach("[name=dose]")
    with page.expect_navigation():
        hands.type(given["dose"])
    playwright.expect(page.locator("[data-verdict=stop]").first).to_be_visible()


def _forms(page: str) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_the_code_for_the_phone_says_the_address_that_the_browser_asked_for(shown):
    browser = shown.app().test_client()
    page = browser.get("/practice", base_url="http://lab.example:8123").text
    drawn = re.search(r'<svg class="symbol" viewBox="0 0 (\d+) \1"[^>]*>.*?d="([^"]+)"', page)
    size = int(drawn[1])
    image = Image.new("L", (size, size), 255)
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn[2]):
        image.putpixel((int(x), int(y)), 0)
    read = zxingcpp.read_barcode(image.resize((size * 4, size * 4)))
    assert read.text == "http://lab.example:8123/practice"


@pytest.mark.parametrize(
    ("base", "local", "camera"),
    [
        ("http://127.0.0.1:8000", True, True),
        ("http://lab.example:8000", False, False),
        ("https://lab.example", False, True),
    ],
)
def test_demo_http_the_page_says_what_an_address_without_https_lacks(shown, base, local, camera):
    page = shown.app().test_client().get("/practice", base_url=base).text
    assert ("HOST=0.0.0.0 make demo" in page) is local
    assert ("data-no-https" in page) is not camera
    assert ("Take a photograph of each code" in page) is not camera
    assert ("LIMS_BEHIND_PROXY=1" in page) is not camera


def test_tasks_can_be_begun_anew_and_are_each_persons_own(shown):
    nima, tara = actor_for(NIMA), actor_for("tara")
    practising.finish(nima, task="move", scans=2, seconds="3.1")
    practising.finish(nima, task="move", scans=9, seconds="30.0")
    with db.reading() as session:
        assert practising.results(session, nima, None)["move"].scans == 2
        assert "move" not in practising.results(session, tara, None)
    practising.begin(nima)
    with db.reading() as session:
        assert practising.results(session, nima, None) == {}


def test_a_live_system_has_no_page_to_practise(site):
    assert site.app.test_client().get("/practice").status_code == 404
    assert site.app.test_client().get("/").headers["Location"].startswith("/sign-in")
    with pytest.raises(mode.NotForPractice):
        practising.begin(site.lab.tara)
    with db.reading() as session:
        count = select(func.count()).where(LedgerEntry.stream.startswith("practice/"))
        assert session.scalar(count) == 0
