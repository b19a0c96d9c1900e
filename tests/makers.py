"""Makers: fixtures that build what a test needs; a test names only what it is about."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from lims.core import clock, codes, db
from lims.core.permissions import Actor, Role
from tests.laboratory import START, Laboratory, Site


def actor(*roles: Role, name: str = "somebody") -> Actor:
    """A person with these roles, new at each call."""
    return Actor(uuid4(), uuid4(), name, frozenset(roles), station="bench-1")


def unlike(letter: str, taken: set[str]) -> str:
    """A drawn code that is not among those taken: of a hundred thousand two may be alike."""
    while (code := codes.draw(letter)) in taken:
        continue
    taken.add(code)
    return code


@pytest.fixture
def technician() -> Actor:
    """A technician at a bench."""
    return actor(Role.TECHNICIAN, name="technician")


@pytest.fixture
def laboratory(database: db.Database) -> Iterator[Laboratory]:
    """A site with people and a study; what happens there happens by a clock that stands still."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        yield Laboratory(standing)


@pytest.fixture
def site(laboratory: Laboratory, tmp_path: Path) -> Site:
    """The whole application over the laboratory, with its people at browsers and programs."""
    return Site(laboratory, tmp_path)
