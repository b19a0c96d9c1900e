"""What a device says of a scan: when it was made, and which of the device's scans it is.

Decisions are made by the server's clock and order comes from the chain; the device's time stands
beside them in the entry. A scan that a device kept while it had no network arrives late (H11).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

# Two clocks may be apart by so much, and a person may take so long between scan and sending.
PROMPT = timedelta(minutes=2)
# What is older is not believed without a person who looks at it.
OLDEST = timedelta(hours=72)


@dataclass(frozen=True)
class Scan:
    """A scan as its device tells it.

    Attributes:
        at: by the device's clock.
        device: its own name for itself; empty for a scan that was sent at once.
        counter: the device's count of its kept scans, from 1 on without a gap; 0 for none.
    """

    at: datetime
    device: str = ""
    counter: int = 0

    @property
    def replayed(self) -> bool:
        """Whether the device kept it and sends it now."""
        return self.counter > 0

    def is_prompt(self, now: datetime) -> bool:
        """Whether it was made just now, as far as two clocks can tell."""
        return abs(now - self.at) <= PROMPT


_said: ContextVar[Scan | None] = ContextVar("scan", default=None)


@contextmanager
def said(scan: Scan | None) -> Iterator[None]:
    """Let the entries of an act carry what the device said."""
    token = _said.set(scan)
    try:
        yield
    finally:
        _said.reset(token)


def at() -> datetime | None:
    """When the scan at work was made, by its device; None where none said so."""
    scan = _said.get()
    return scan.at if scan else None
