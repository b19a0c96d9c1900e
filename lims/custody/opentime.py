"""The clock outside of the freezer, from the moves alone (H19). Knows no database.

Source: domain.md 6.8: a dose is thawed once, never frozen again, and used within its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Temperature classes of places in which a thing is frozen. Older places say -80 and -20.
FROZEN = frozenset({"-20C", "-80C", "vapour", "-80", "-20"})


@dataclass(frozen=True)
class Stood:
    """From an instant on it stood somewhere cold enough, or not."""

    at: datetime
    frozen: bool


def open_time(stood: Sequence[Stood], now: datetime) -> timedelta:
    """How long a thing was outside of a freezer since it first stood in one.

    Args:
        stood: in the order of time.

    >>> from datetime import UTC
    >>> t = datetime(2026, 2, 2, 8, tzinfo=UTC)
    >>> m = timedelta(minutes=1)
    >>> open_time([Stood(t, True), Stood(t + 5 * m, False), Stood(t + 8 * m, True)], t + 60 * m)
    datetime.timedelta(seconds=180)
    """
    total = timedelta(0)
    out_since: datetime | None = None
    was_in = False
    for each in stood:
        if each.frozen:
            if out_since is not None:
                total += each.at - out_since
            out_since, was_in = None, True
        elif was_in and out_since is None:
            out_since = each.at
    if out_since is not None and now > out_since:
        total += now - out_since
    return total


def refrozen(stood: Sequence[Stood], thawed_at: datetime | None) -> bool:
    """Whether a thing came into a freezer after it was thawed."""
    return thawed_at is not None and any(each.frozen and each.at > thawed_at for each in stood)
