"""What tests of backups stand on: settings of a database, and another that is empty."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from lims.core import db
from lims.settings import Settings
from tests import apps


def settings_of(url: str, home: Path) -> Settings:
    """An installation over one database."""
    return apps.settings_of(home, database_url=url)


@pytest.fixture
def here(database: db.Database, database_url: str, tmp_path: Path) -> Settings:
    """The installation that is at work."""
    return settings_of(database_url, tmp_path)


@pytest.fixture
def elsewhere(here: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable]:
    """Makes settings of a database with nothing in it at all, of the same kind."""
    made = []

    def one() -> Settings:
        name = f"restored_{uuid4().hex[:8]}"
        if here.database_url.startswith("sqlite"):
            return replace(here, database_url=f"sqlite:///{tmp_path / name}.db")
        server = request.getfixturevalue("postgres")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        made.append(name)
        return replace(here, database_url=f"{server}/{name}")

    yield one
    if made:
        server = request.getfixturevalue("postgres")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            for name in made:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
