"""Makers: fixtures that build what a test needs; a test names only what it is about."""

from uuid import uuid4

import pytest

from lims.core.permissions import Actor, Role


def actor(*roles: Role, name: str = "somebody") -> Actor:
    """A person with these roles, new at each call."""
    return Actor(uuid4(), uuid4(), name, frozenset(roles), station="bench-1")


@pytest.fixture
def technician() -> Actor:
    """A technician at a bench."""
    return actor(Role.TECHNICIAN, name="technician")
