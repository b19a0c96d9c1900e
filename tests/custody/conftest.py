"""A clock that stands still, and a woman: what most tests of custody begin with."""

from collections.abc import Iterator

import pytest

from lims import studies
from lims.core import clock, db
from tests.custody import bench
from tests.laboratory import START


@pytest.fixture
def standing(database: db.Database) -> Iterator[clock.SetClock]:
    """The clock that stands still; at the end the trail must hold."""
    kept = clock.SetClock(START)
    with clock.running(kept):
        yield kept
        found = bench.verified()
    assert found.ok, found.breaks


@pytest.fixture
def donor(standing: clock.SetClock) -> studies.Subject:
    """One registered woman."""
    return bench.women(bench.open_study(), 1)[0]
