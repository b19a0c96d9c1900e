"""The places a person can go to from every page. Features add theirs."""

from collections.abc import Iterable
from dataclasses import dataclass

from lims.core.permissions import Actor, Role
from lims.core.words import Text


@dataclass(frozen=True)
class Place:
    """One entry of the navigation."""

    title: Text
    url: str
    roles: frozenset[Role]
    order: int


_places: dict[str, Place] = {}


def add(title: Text, url: str, roles: Iterable[Role], order: int = 50) -> None:
    """Offer a page to people with one of these roles; lower order stands first."""
    _places[url] = Place(title, url, frozenset(roles), order)


def places(actor: Actor | None) -> list[Place]:
    """What this person is offered."""
    if actor is None:
        return []
    return sorted(
        (each for each in _places.values() if each.roles & actor.roles),
        key=lambda each: (each.order, each.url),
    )
