"""A browser, an address, and a shelf of things, for the pages that belong to no step."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lims import custody, studies
from lims.core import clock, db
from lims.core.permissions import Actor
from lims.custody import ItemKind, State, Taken
from tests import services_here
from tests.laboratory import PASSWORD, Site
from tests.station import practice


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """The application on a port of its own."""
    with services_here.listening(site.app) as url:
        yield url


SIZES = {"desk": (1366, 768), "tablet": (1024, 768), "phone": (390, 844)}


class Seat:
    """Somebody signed in at a browser of one size; weighs every page that she opens."""

    def __init__(self, chromium: Any, address: str, login: str, size: str) -> None:
        width, height = SIZES[size]
        self.context = chromium.new_context(
            base_url=address, viewport={"width": width, "height": height}, locale="en-GB"
        )
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.width, self.address = width, address
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.route("**/*", lambda route: route.continue_())  # without the cache
        self.page.goto("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url, wait_until="networkidle")

    def speaks(self, language: str) -> None:
        """From the next page on."""
        self.context.add_cookies([{"name": "language", "value": language, "url": self.address}])

    def opens(self, path: str) -> int:
        """Open a page that fits: at most 12 requests, 150 kB, no wider than the window.

        Returns:
            Its weight in bytes.
        """
        self.page.goto(path, wait_until="networkidle")
        weights = self.page.evaluate(
            "[...performance.getEntriesByType('navigation'),"
            " ...performance.getEntriesByType('resource')].map((each) => each.encodedBodySize)"
        )
        assert len(weights) <= 12, path
        assert sum(weights) <= 150_000, (path, weights)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width
        assert self.faults == []
        return sum(weights)


@pytest.fixture
def seat(chromium: Any, address: str) -> Iterator[Callable[..., Seat]]:
    """Seats by login and size."""
    taken: list[Seat] = []

    def take(login: str = "tara", size: str = "desk") -> Seat:
        taken.append(Seat(chromium, address, login, size))
        return taken[-1]

    yield take
    for each in taken:
        each.context.close()


def grown(actor: Actor, number: str, doses: int) -> dict[str, str]:
    """A specimen, six flasks, their pool, its lot with one sample and so many doses."""
    with db.transaction() as session:
        her = studies.subject_by_number(session, number)
        about: dict[str, Any] = {"study_id": her.study_id, "step": "test"}
        specimen = custody.make(actor, ItemKind.SPECIMEN, donor_id=her.id, volume_ul=9000, **about)
        flasks = [
            custody.make(actor, ItemKind.FLASK, parents=[Taken(specimen, 100)], **about)
            for _each in range(8)
        ]
        pool = custody.make(
            actor, ItemKind.HARVEST, parents=[Taken(each) for each in flasks], volume_ul=500_000,
            **about,
        )  # fmt: skip
        lot = custody.make(
            actor, ItemKind.LOT, parents=[Taken(pool, 400_000)], volume_ul=400_000, **about
        )
        custody.make(
            actor, ItemKind.RETAINED, parents=[Taken(lot, 10), Taken(specimen, 5)], **about
        )
        made = [
            custody.make(
                actor, ItemKind.DOSE, parents=[Taken(lot, 1000)], volume_ul=1000,
                state=State.FILLED, expires_at=clock.now().replace(year=2027), **about,
            )
            for _each in range(doses)
        ]  # fmt: skip
        return {"specimen": specimen.code, "flask": flasks[0].code, "pool": pool.code,
                "lot": lot.code, "dose": made[0].code}  # fmt: skip


@pytest.fixture(scope="session")
def practice_home(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """The folder of a demonstration that was made once."""
    home = tmp_path_factory.mktemp("practice")
    practice.make(home, sqlite_template)
    return home


@pytest.fixture
def shown(practice_home: Path, tmp_path: Path) -> Iterator[practice.Shown]:
    """A demonstration to do with as a test likes."""
    home = tmp_path / "demo"
    shutil.copytree(practice_home, home)
    with practice.opened(home) as found:
        found.now = json.loads((home / "now.json").read_text())
        yield found
