"""What the tests of labels share: designs that two persons have approved."""

from datetime import UTC, datetime

import pytest

from lims.core import clock
from tests.approved import put_in_force

BEFORE = datetime(2025, 12, 1, 8, tzinfo=UTC)
"""Earlier than the clock of any test."""


@pytest.fixture(autouse=True)
def designs_in_force(request: pytest.FixtureRequest) -> None:
    """Labels are printed from approved designs only, so each database of these tests has them."""
    if "database" in request.fixturenames and request.path.name != "test_designs.py":
        request.getfixturevalue("database")
        with clock.running(clock.SetClock(BEFORE)):
            put_in_force()
