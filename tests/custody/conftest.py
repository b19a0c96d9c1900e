"""A clock that stands still, and a woman: what most tests of custody begin with."""

from collections.abc import Iterator

import pytest

from lims import studies
from lims.core import clock, db
from lims.core.permissions import Actor, Role
from tests.custody import bench
from tests.custody.cold import Cold
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


@pytest.fixture
def quality(donor: studies.Subject) -> Actor:
    """A QC officer."""
    return bench.badge("quinn", Role.QC_OFFICER)[0]


@pytest.fixture
def investigator(donor: studies.Subject) -> Actor:
    """An investigator."""
    return bench.badge("ida", Role.INVESTIGATOR)[0]


@pytest.fixture
def cold(donor: studies.Subject, standing: clock.SetClock) -> Cold:
    """A measured freezer with a box in it, and another that is not measured."""
    return Cold(donor, standing)
