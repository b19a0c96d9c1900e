"""Everything periodic in one table: what, when, why."""

from collections.abc import Sequence
from dataclasses import dataclass

from lims import custody
from lims.core import heartbeat
from lims.ledger import sealing


@dataclass(frozen=True)
class Periodic:
    """One row.

    Attributes:
        seconds: how often.
        at_start: whether a worker also asks for it when it comes up.
    """

    task: str
    seconds: float
    why: str
    at_start: bool = False


PERIODIC: Sequence[Periodic] = (
    Periodic(
        heartbeat.TASK,
        heartbeat.EVERY.total_seconds(),
        "a worker that stands still is seen",
        at_start=True,
    ),
    Periodic("labels.sweep", 5, "labels whose message was lost are sent again", at_start=True),
    Periodic(
        sealing.TASK,
        sealing.EVERY.total_seconds(),
        "what was written is sealed within a minute",
        at_start=True,
    ),
    Periodic(
        custody.monitoring.TASK,
        custody.monitoring.EVERY_S,
        "a freezer whose logger is silent is seen, and what stands there is held in time",
        at_start=True,
    ),
)
