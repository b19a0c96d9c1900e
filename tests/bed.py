"""A bed with two women whose doses are thawed, and plasma that nobody has released yet.

Made once in a test process for each kind of database, by the rehearsal's own steps, then copied
for every test. A plugin of the suite (tests/conftest.py), so that all modules share what was made.
"""

import copy
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from lims import custody, dosing, people, studies
from lims.core import acts, clock, console, db, mode, vault
from lims.core.gate import Result
from lims.core.permissions import Actor, Role
from lims.core.units import Quantity
from lims.isolation.models import Vial
from lims.station.rehearsal import enrolling, giving, making, testing
from lims.station.rehearsal.bank import Bank, cycle
from lims.station.rehearsal.playing import documents, open_study
from lims.station.rehearsal.stage import Stage, Woman

STUDY = "TANGDU-ME-UCMSC"
FIGURES = "8317"  # of every vial here, so that a search finds them and nothing else
ml = Quantity


@dataclass
class World:
    """What was made: people, two women with a dose each, and a third with plasma.

    Attributes:
        drawn_at: when the plasma's blood was drawn.
        at: when both doses had been thawed for ten minutes.
    """

    stage: Stage
    first: Woman
    second: Woman
    plasma: Woman
    drawn_at: datetime
    at: datetime


@dataclass
class Bed:
    """A copy of the world, its clock standing at the bedside."""

    world: World
    clock: clock.SetClock
    url: str

    @property
    def stage(self) -> Stage:
        return self.world.stage

    def actor(self, login: str) -> Actor:
        return self.stage.actors[login]

    def check(self, woman: Woman, dose: str | None = None, *, who: str = "clea", **seen: Any):
        """Steps 1 and 2, everything looked at unless said otherwise."""
        looked = giving.seen(self.stage, woman, 1500)
        looked.update(seen)
        return dosing.start_check(
            self.actor(who),
            dose=giving.symbol(dose or str(woman.dose)),
            participant=woman.number,
            band=giving.symbol(woman.band),
            seen=looked,
        )

    def witness(
        self,
        check_id: UUID,
        woman: Woman,
        figures: str = FIGURES,
        *,
        who: Actor | None = None,
        password: str = "",
    ):
        """Step 3."""
        return dosing.witness(
            who or self.actor("cyra"),
            check_id=check_id,
            band=giving.symbol(woman.band),
            dose=giving.symbol(str(woman.dose)),
            figures=figures,
            password=password or self.stage.passwords["cyra"],
        )

    def given(
        self, check_id: UUID, *, key: str | None = None, who: str = "clea", **seen: Any
    ) -> Any:
        """The dose was given, inside an act of its own as a door has it."""
        now = clock.now()
        actor = self.actor(who)

        def call() -> str:
            row = dosing.given(
                actor,
                check_id=check_id,
                started_at=now,
                ended_at=now,
                sites=[ml(1500, "uL")],
                residual=ml(100, "uL"),
                wasted=ml(0, "uL"),
                drawn_up_at=now,
                draw_up_witnessed=True,
                password=self.stage.passwords[who],
                seen=seen,
            )
            return str(row.id)

        digest = acts.digest_of("given", str(check_id))
        return acts.once(actor, key or uuid4().hex, digest, call).answer

    def ready(self, woman: Woman) -> UUID:
        """A check that both people have confirmed."""
        found, answer = self.check(woman)
        assert answer.verdict == "ok", answer.ids(Result.STOPPED)
        self.witness(found.id, woman)
        return found.id

    def state(self, code: str) -> str:
        with db.reading() as session:
            return custody.find(session, code).state.value


def _forward(stage: Stage, walk: Iterator[Any]) -> None:
    for pause in walk:
        if isinstance(pause, timedelta):
            stage.clock.at += pause


def build() -> World:
    """Everything from the first account to the thawed doses, in the open database."""
    vault.use("k" * 40)
    start = datetime(2026, 3, 2, 6, tzinfo=UTC)
    stage = Stage(STUDY, 5, clock.SetClock(start))
    with clock.running(stage.clock):
        with db.transaction() as session:
            mode.declare_practice(session, empty=True)
        stage.cast(console.actor())
        document, site = documents(STUDY)
        stage.do("adel", studies.load, document=document, site_document=site)
        open_study(stage, start + timedelta(days=300))
        with db.reading() as session:
            read = studies.protocol_of(studies.study_by_code(session, STUDY))
        women = [enrolling.made_up(stage, index) for index in range(3)]
        bank = Bank(stage, read, women[:1])
        bank.per_lot = 4
        _forward(stage, bank.make())
        arms = list(read.arms.values())
        wanted = next(each.code for each in arms if each.mechanical)
        plasma = next(each.code for each in arms if each.product == "prp")
        for woman, arm in zip(women, (wanted, wanted, plasma), strict=True):
            _forward(stage, enrolling.enrol(stage, woman, arm=arm))
        first, second, third = women
        blood = making.blood_for_tests(stage, third)
        stage.clock.forward(hours=3)
        making.receive(stage, blood, "8")
        stage.clock.forward(hours=17)
        making.markers(stage, blood)
        for woman in women:
            cycle(stage, woman)
        drawn_at = clock.now()
        _forward(stage, making.plasma(stage, third))
        _forward(stage, testing.assay_plasma(stage, str(third.lot)))
        for woman in (first, second):
            woman.lot, woman.dose = bank.take(True) or ("", "")
            _forward(stage, giving.supply(stage, woman, str(woman.dose)))
        for woman in women:
            giving.assess(stage, woman)
        for woman in (first, second):
            stage.do("clea", dosing.thaw, code=woman.dose, kept="room")
        stage.clock.forward(minutes=10)
        with db.transaction() as session:
            for vial in session.query(Vial):
                vial.figures = vault.seal(vial.figures_key, FIGURES)
        return World(stage, first, second, third, drawn_at, clock.now())


@pytest.fixture(scope="session")
def worlds() -> dict[str, World]:
    """What was made, by kind of database."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
def beds(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    worlds: dict[str, World],
) -> Iterator[Callable[[], Any]]:
    """Opens a fresh copy of the bed; call it as a context manager, as often as needed."""
    kind = request.param
    request.config.per_database[kind] += 1
    copies = _sqlite if kind == "sqlite" else _postgresql
    yield copies(request, tmp_path_factory, worlds)
    db._database.clear()


@pytest.fixture
def bed(beds: Callable[[], Any]) -> Iterator[Bed]:
    """One copy of the bed."""
    with beds() as opened:
        yield opened


def _made(url: str, kind: str, worlds: dict[str, World]) -> None:
    opened = db.open_database(url)
    db.use(opened)
    worlds[kind] = build()
    opened.engine.dispose()
    db._database.clear()


@contextmanager
def _open(url: str, world: World) -> Iterator[Bed]:
    opened = db.open_database(url)
    db.use(opened)
    vault.use("k" * 40)
    now = clock.SetClock(world.at)
    try:
        with clock.running(now):
            yield Bed(copy.deepcopy(world), now, url)
    finally:
        db._database.clear()
        opened.engine.dispose()


def _sqlite(request: pytest.FixtureRequest, folders: Any, worlds: dict[str, World]) -> Any:
    if "sqlite" not in worlds:
        template: Path = folders.mktemp("bed") / "bed.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), template)
        _made(f"sqlite:///{template}", "sqlite", worlds)
        worlds["sqlite"].file = template  # type: ignore[attr-defined]

    @contextmanager
    def another() -> Iterator[Bed]:
        path = folders.mktemp("bed") / "bed.db"
        shutil.copy(worlds["sqlite"].file, path)  # type: ignore[attr-defined]
        with _open(f"sqlite:///{path}", worlds["sqlite"]) as bed:
            yield bed

    return another


def _postgresql(request: pytest.FixtureRequest, folders: Any, worlds: dict[str, World]) -> Any:
    server = request.getfixturevalue("postgres")
    if "postgresql" not in worlds:
        empty = request.getfixturevalue("postgres_template")
        template = "bed_template"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {template} TEMPLATE {empty}")
        _made(f"{server}/{template}", "postgresql", worlds)
        worlds["postgresql"].template = template  # type: ignore[attr-defined]

    @contextmanager
    def another() -> Iterator[Bed]:
        name = f"bed_{uuid4().hex[:12]}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            template = worlds["postgresql"].template  # type: ignore[attr-defined]
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            with _open(f"{server}/{name}", worlds["postgresql"]) as bed:
                yield bed
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return another


def second_account(bed: Bed, login: str) -> tuple[Actor, str]:
    """Another account of the same person."""
    password = "another-of-mine-7"
    people.add_user(
        bed.actor("adel"),
        login=login + "-two",
        roles=[Role.CLINICIAN],
        password=password,
        person=login,
    )
    return people.actor_for(login + "-two"), password
