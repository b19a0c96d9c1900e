"""A real server, killed under a real browser: what was scanned is there, once, in order."""

import os
import sys
import time
from pathlib import Path
from random import Random

import pytest

from lims.core import db
from tests import services_here
from tests.conftest import SOAK
from tests.faults.cluster import Process
from tests.site_here import site, verified  # noqa: F401
from tests.station.test_bench_browser import here, moved  # noqa: F401

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
LIMS = str(Path(sys.executable).parent / "lims")
SEED = 20261127


def test_H10_scans_survive_a_server_that_is_killed_between_scan_and_answer(
    here, tmp_path, measured  # noqa: F811
):  # fmt: skip
    """Killed at a random moment after a scan, by SIGKILL, and started again."""
    page, scanner, chance = here.page, here.scanner, Random(SEED)
    here.serving.stop()
    settings = {
        **os.environ,
        "LIMS_HOME": str(tmp_path),
        "LIMS_DATABASE_URL": str(db.current().engine.url),
        "LIMS_SECRET_KEY": "k" * 40,
    }
    where = ("serve", "--port", str(here.serving.port))
    server = Process(settings, *where, program=(LIMS,))
    rounds = 40 if SOAK else 2
    wanted: list[str] = []
    try:
        server.wait()
        page.reload()
        page.wait_for_selector("#board:not([data-shell])")
        _sent(page)  # the script is at work
        scanner.scan("BATCH")
        scanner.scan(here.box)
        _sent(page)
        for number in range(rounds):
            some = [here.vials[(number * 3 + each) % len(here.vials)] for each in range(3)]
            for vial in some:
                scanner.scan(vial)
            wanted += [vial for vial in some if vial not in wanted]
            time.sleep(chance.uniform(0, 0.4))
            server.kill()
            if number % 2:
                page.reload()
                page.wait_for_selector("#board[data-shell]")
            services_here.until(lambda: page.locator("[data-network=offline]").count(), 20)
            server.again()
            page.wait_for_selector("#board:not([data-shell])", timeout=30_000)
            _sent(page)
    finally:
        server.close()
        here.serving.start()
    doubled, lost = len(moved()) - len(set(moved())), set(wanted) - set(moved())
    measured(
        "H10", trials=len(wanted), failures=doubled + len(lost), seed=SEED, kills=rounds,
        what="a real server killed between scan and answer",
    )  # fmt: skip
    assert moved() == wanted
    assert verified() == []


def _sent(page) -> None:
    """Wait until the station has sent everything it has."""
    shown = page.locator("[data-queue='0']")
    playwright.expect(shown).to_have_count(1, timeout=60_000)
