"""What the plain models of custody share: who takes part, how a run is drawn, what ends it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from lims.core.errors import DomainError
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import badge, verified


class World:
    """Donors and people that all runs share; each run has items of its own."""

    def __init__(self) -> None:
        self.donors = bench.women(bench.open_study(), 2)
        pairs = [badge(login, *sorted(bench.EVERYBODY)) for login in ("tara", "teo", "ana")]
        self.people = [who for who, _badge in pairs]
        self.badges = [code for _who, code in pairs]
        self.runs = 0

    def furnish(self) -> None:
        """Make what is new for each run."""


class Plain(RuleBasedStateMachine):
    """Plain dictionaries beside the real services."""

    world: Any

    def _tried(self, expected: bool, call: Callable[[], Any]) -> Any:
        """Do it; that it was refused, and only then, is what the model expected."""
        if not expected:
            with pytest.raises(DomainError):
                call()
            return None
        return call()

    def teardown(self) -> None:
        """The trail holds, follows to the same tables and adds up."""
        if not getattr(self, "volume", None):
            return
        found = verified()
        assert found.ok, found.breaks
        self.world.runs += 1


def run(model: type[Plain], world: World, *, examples: int) -> None:
    """Draw so many runs of a model, a thousand in the soak."""

    class Here(model):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            world.furnish()
            self.world = world

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=1_000 if SOAK else examples,
            stateful_step_count=50 if SOAK else 15,
            deadline=None,
            derandomize=not SOAK,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert world.runs > 0
