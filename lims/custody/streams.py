"""The stream of an item, and entries on it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lims import ledger
from lims.core.permissions import Actor
from lims.custody.models import Item


def stream(code: str) -> str:
    """The stream of an item."""
    return f"item/{code}"


def touch(
    actor: Actor,
    item: Item,
    kind: str,
    data: Mapping[str, Any] | None = None,
    *,
    rows: Iterable[Any] = (),
    reason: str = "",
    parents: Sequence[str] = (),
) -> None:
    """Write an entry on an item's stream that accounts for its changed columns and `rows`."""
    ledger.record(
        actor,
        stream(item.code),
        kind,
        data,
        rows=[item, *rows],
        reason=reason,
        parents=parents,
    )
