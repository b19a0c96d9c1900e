"""How a later step is heard by an earlier one: inside the transaction, nothing returned.

Subscribers are listed in ARCHITECTURE.md. A subscriber that raises undoes the act.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

_subscribers: dict[str, list[Callable[..., None]]] = defaultdict(list)


def subscribe(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call the decorated function whenever `name` is published."""

    def keep(call: Callable[..., None]) -> Callable[..., None]:
        _subscribers[name].append(call)
        return call

    return keep


def publish(name: str, /, **facts: Any) -> None:
    """Tell every subscriber, in the order they subscribed."""
    for call in _subscribers[name]:
        call(**facts)


def subscribers() -> dict[str, list[str]]:
    """Who listens to what, for ARCHITECTURE.md's table and its test."""
    return {
        name: [f"{call.__module__}.{call.__name__}" for call in calls]
        for name, calls in _subscribers.items()
        if calls
    }
