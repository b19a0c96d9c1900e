"""Programs and the database die while people act: nothing acknowledged is lost or done twice."""

import sys
from random import Random

import pytest

from tests import services_here
from tests.conftest import SOAK
from tests.faults import campaign
from tests.faults.campaign import crash_database, kill_web, kill_web_child, kill_worker
from tests.faults.cluster import LIMS, Installation, crashing

SEED = 20261126
SHORT = [kill_web_child, crash_database, kill_worker]


@pytest.fixture
def site(tmp_path):
    """A function that starts an installation with a program, and ends it with the test."""
    open_ = []
    with crashing() as cluster, services_here.redis_server() as broker:

        def start(*program):
            found = Installation(cluster, broker, tmp_path / "home", program or (str(LIMS),))
            open_.append(found)
            return found

        yield start
        for each in open_:
            each.close()


def schedule() -> list[campaign.Fault]:
    """The faults: three in the short run; in the long one 240 in any order."""
    if not SOAK:
        return SHORT
    kinds = [kill_web_child] * 120 + [kill_web] * 20 + [kill_worker] * 60 + [crash_database] * 40
    Random(SEED).shuffle(kinds)
    return kinds


def test_H10_H36_nothing_acknowledged_is_lost_or_doubled_when_programs_die(
    site, tmp_path, request, measured
):
    request.config.per_database["postgresql"] += 1
    plan = campaign.prepare(50)
    drivers, each = (8, 2000) if SOAK else (3, 40)

    journals, faults = campaign.run(
        site(), plan, tmp_path, drivers=drivers, acts_each=each, schedule=schedule(), seed=SEED
    )

    found = campaign.reckon(journals)
    for hazard in ("H10", "H36"):
        measured(
            hazard, trials=found.acts, failures=found.failures, seed=SEED, what="campaign",
            faults=faults.number, **vars(faults), answers=dict(found.answers),
        )  # fmt: skip
    assert found.failures == 0, found.told()
    assert found.acts == drivers * each
    assert found.answers[200] > found.acts // 3
    assert faults.number == len(schedule())
    assert faults.longest_s < 30


def test_H10_the_campaign_finds_a_guard_that_was_removed(site, tmp_path, measured):
    """The answer is not kept under its key: a request that is sent again acts again."""
    plan = campaign.prepare(10)
    planted = (sys.executable, "-m", "tests.faults.planted")

    journals, faults = campaign.run(
        site(*planted), plan, tmp_path, drivers=3, acts_each=40, schedule=[kill_web_child],
        seed=SEED,
    )  # fmt: skip

    found = campaign.reckon(journals)
    measured("H10", trials=1, failures=int(not found.doubled), what="a planted fault, found",
             doubled=len(found.doubled), faults=faults.number)  # fmt: skip
    assert found.doubled
