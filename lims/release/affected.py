"""Whom a recall reaches: later steps say so, since release knows none of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Affected:
    """A participant and the recalled dose that was given to her, or is meant for her.

    Attributes:
        participant: her number.
        dose: its code.
        given_at: when she was given it; None where it is still meant for her.
        issued_at: when it went out; None where it has not.
    """

    participant: str
    dose: str
    given_at: datetime | None
    issued_at: datetime | None


Finder = Callable[[Session, Sequence[UUID]], list[Affected]]
_FINDERS: list[Finder] = []


def on_recall(finder: Finder) -> Finder:
    """Let a step say whom the items of a recall came to."""
    _FINDERS.append(finder)
    return finder


def affected(session: Session, items: Sequence[UUID]) -> list[Affected]:
    """Everybody, those who were given something first."""
    found = [each for finder in _FINDERS for each in finder(session, items)]
    return sorted(found, key=lambda each: (each.given_at is None, each.participant, each.dose))
