"""What every test stands on: databases, people, the clock, and the report of hazards."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher

from lims import migrations
from lims.core import db
from lims.people import rules
from tests import services_here

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SOAK = bool(os.environ.get("EXOTRACE_SOAK"))
ROOT = Path(__file__).parent.parent
pytest_plugins = ["tests.makers", "tests.bed"]


def pytest_configure(config: pytest.Config) -> None:
    config.hazards = []
    config.per_database = Counter()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, on this machine's programs."""
    with services_here.postgres() as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for all tests of a module."""
    with services_here.browser() as opened:
        yield opened


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of passwords as production makes them in the tests of people alone.

    They are slow on purpose, and a laboratory of six persons would wait for them in each test.
    """
    rules._nobodys.cache_clear()
    if "people" not in request.path.parts:
        monkeypatch.setattr(rules, "_HASHER", CHEAP)


def _empty(url: str) -> None:
    database = db.open_database(url)
    migrations.upgrade(database)
    database.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database of the newest form, to copy."""
    path = tmp_path_factory.mktemp("template") / "lims.db"
    _empty(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """An empty PostgreSQL database of the newest form, to clone."""
    name = "template_lims"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    _empty(f"{postgres}/{name}")
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; every test that asks runs on both kinds."""
    request.config.per_database[request.param] += 1
    if request.param == "sqlite":
        path = tmp_path / "lims.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    with request.getfixturevalue("emptied").one() as url:
        yield url


class Emptied:
    """PostgreSQL databases that are emptied after each test: a new one costs ten times as much.

    A test that changed the database's form (dropped a guard, a table) costs it its life.
    """

    _FORM = """
        SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
          SELECT attrelid::regclass || ' ' || attname || ' ' || atttypid AS line
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace AND attnum > 0
          UNION ALL SELECT tgname || ' ' || tgenabled::text || ' ' || tgrelid::regclass
            FROM pg_trigger WHERE NOT tgisinternal
          UNION ALL SELECT rulename || ' ' || ev_class::regclass FROM pg_rewrite
            WHERE rulename <> '_RETURN'
          UNION ALL SELECT proname || ' ' || md5(prosrc) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace) AS lines"""

    def __init__(self, server: str, template: str) -> None:
        self.server, self.template = server, template
        self.free: list[str] = []
        with psycopg.connect(f"{server}/{template}", autocommit=True) as connection:
            self.form = connection.execute(self._FORM).fetchone()
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename <> 'alembic_version'"
            )
            self.tables = [name for (name,) in found]
            self.guards = connection.execute(
                "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
            ).fetchall()

    @contextmanager
    def one(self) -> Iterator[str]:
        """An empty database for one test."""
        name = self.free.pop() if self.free else self._clone()
        try:
            yield f"{self.server}/{name}"
        finally:
            if self._empty(name):
                self.free.append(name)
            else:
                self._root(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _root(self, statement: str) -> None:
        with psycopg.connect(f"{self.server}/postgres", autocommit=True) as connection:
            connection.execute(statement)

    def _clone(self) -> str:
        name = f"test_{uuid4().hex[:12]}"
        self._root(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY")
        return name

    def _empty(self, name: str) -> bool:
        try:
            with psycopg.connect(f"{self.server}/{name}", autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                if connection.execute(self._FORM).fetchone() != self.form:
                    return False
                asked = " UNION ALL ".join(
                    f"(SELECT '{each}' FROM {each} LIMIT 1)" for each in self.tables
                )
                filled = [each for (each,) in connection.execute(asked)]
                if not filled:
                    return True
                # The guards stand in the way of a test's broom as of everybody's.
                with connection.transaction():
                    for each in {table for _guard, table in self.guards}:
                        connection.execute(f"ALTER TABLE {each} DISABLE TRIGGER USER")
                    connection.execute(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE")
                    for guard, each in self.guards:
                        connection.execute(f"ALTER TABLE {each} ENABLE ALWAYS TRIGGER {guard}")
                return connection.execute(self._FORM).fetchone() == self.form
        except psycopg.Error:
            return False


@pytest.fixture(scope="session")
def emptied(postgres: str, postgres_template: str) -> Emptied:
    """Databases on PostgreSQL for tests that want an empty one."""
    return Emptied(postgres, postgres_template)


@pytest.fixture
def database(database_url: str) -> Iterator[db.Database]:
    """An empty database, opened and in use by this process."""
    opened = db.open_database(database_url)
    db.use(opened)
    yield opened
    db._database.clear()
    opened.engine.dispose()


@dataclass
class Measured:
    """One figure of a hazard test."""

    id: str
    trials: int
    failures: int
    seed: str | None
    database: str | None
    test: str
    facts: dict = field(default_factory=dict)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Write a hazard's figure into the report: `measured("H07", trials=200, failures=0)`."""

    def keep(hazard: str, *, trials: int, failures: int, seed: object = None, **facts: object):
        here = None
        if db._database:
            here = db.current().engine.dialect.name
        request.config.hazards.append(
            Measured(
                hazard,
                trials,
                failures,
                None if seed is None else str(seed),
                here,
                request.node.name,
                facts,
            )
        )
        print(f"{hazard}: {failures} failures in {trials} trials, seed {seed}, {here}")

    return keep


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands its figures up; whoever has them all writes the report."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["hazards"] = json.dumps(
            [vars(each) for each in config.hazards], default=str
        )
        config.workeroutput["per_database"] = dict(config.per_database)
        return
    if config.hazards:
        report = [vars(each) for each in config.hazards]
        (ROOT / "hazard_report.json").write_text(json.dumps(report, indent=1, default=str))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Take a worker's figures in; one that crashed has none, and its test failed anyway."""
    output = getattr(node, "workeroutput", {})
    node.config.hazards += [Measured(**each) for each in json.loads(output.get("hazards", "[]"))]
    node.config.per_database.update(output.get("per_database", {}))


def pytest_terminal_summary(terminalreporter) -> None:
    config = terminalreporter.config
    counts = ", ".join(f"{name} {n}" for name, n in sorted(config.per_database.items()))
    terminalreporter.write_line(f"tests by database: {counts or 'none'}")
    for each in config.hazards:
        terminalreporter.write_line(
            f"{each.id}: {each.failures} failures in n = {each.trials}"
            f" ({each.database or 'no database'}, seed {each.seed}) {each.test}"
        )
