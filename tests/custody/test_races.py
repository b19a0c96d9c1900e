"""Custody's hazards of a hurry: of many at once one wins, and nothing is overdrawn."""

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from lims import collection, culture, custody, ledger, studies
from lims.core import clock, db
from lims.core.errors import Conflict
from lims.custody import ItemKind, State
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import once, race, somebody, verified
from tests.laboratory import BORN, START, VESSEL

SEED = 20261121


@pytest.fixture
def lab(database):
    """A laboratory in which nobody signs."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        yield bench.Light(standing)


# H06


class Contest:
    """Acts of which only one may win; each round a fresh thing to fight for."""

    def __init__(self, lab) -> None:
        self.lab = lab
        self.who = [somebody(f"person {each}") for each in range(16)]
        self.flasks: list[str] = []
        self.study = lab.study
        self.number = lab.woman()
        with db.reading() as session:
            self.donor = studies.subject_by_number(session, self.number)

    def passages(self):
        if not self.flasks:
            self.flasks = self.lab.passage(
                self.lab.flask(), [100_000] * 14, reason="thin, for the contest"
            )
        code = self.flasks.pop()
        more = {
            "total_cells": 1_200_000, "viability_percent": Decimal(95),
            "confluence_percent": Decimal(78),
            "seeded": [500_000], "reason": "for the contest", **VESSEL,
        }  # fmt: skip
        return [lambda who=who: once(who, culture.passage, code=code, **more) for who in self.who]

    def slot(self):
        to = custody.make_place(
            self.who[0], name="Slot", kind="slot", temperature_class="-80C", one_item=True
        ).code
        things = [bench.thing(donor=self.donor) for _each in self.who]
        return [
            lambda who=who, code=code: once(who, custody.move, code=code, to=to)
            for who, code in zip(self.who, things, strict=True)
        ]

    def kit(self):
        code = collection.prepare_kit(
            self.lab.tara, study=self.study, device_lot="CUP-1",
            device_expires_on=VESSEL["medium_expires_on"],
        ).code  # fmt: skip
        her = {"stated_name": "Laleh Ahmadi", "stated_birth_date": BORN}
        return [
            lambda who=who: once(
                who, collection.issue_kit, code=code, participant=self.number, **her
            )
            for who in self.who
        ]

    def hold(self):
        code = bench.thing(donor=self.donor)
        custody.hold(self.who[0], code=code, reason="for the contest")
        return [
            lambda who=who: once(who, custody.lift_hold, code=code, reason="settled")
            for who in self.who
        ]

    def state(self):
        code = bench.thing(ItemKind.DOSE, donor=self.donor)

        def available(who, code):
            with db.transaction() as session:
                item = custody.find(session, code, lock=True)
                custody.set_state(who, item, State.AVAILABLE, "test.available")
                return item

        return [lambda who=who: once(who, available, code=code) for who in self.who]

    def last_drop(self):
        code = bench.thing(donor=self.donor, volume_ul=1000)

        def take(who, code):
            with db.transaction() as session:
                item = custody.find(session, code)
                custody.take(who, item, 600, purpose="test")
                return item

        return [lambda who=who: once(who, take, code=code) for who in self.who]


@pytest.mark.parametrize("fight", ["passages", "slot", "kit", "hold", "state", "last_drop"])
def test_H06_of_sixteen_at_once_exactly_one_wins(lab, fight, measured):
    contest = Contest(lab)
    rounds = 500 if SOAK else 3
    wrong, waits, said = 0, [], Counter()
    for _round in range(rounds):
        calls = getattr(contest, fight)()
        began = time.monotonic()
        answers = race([_timed(call, waits, began) for call in calls])
        won = [each for each in answers if not isinstance(each, Exception)]
        lost = [each for each in answers if isinstance(each, Exception)]
        # The loser is told who won, and when.
        told = [each for each in lost if isinstance(each, Conflict) and _names_somebody(each)]
        said.update(type(each).__name__ for each in lost)
        wrong += len(won) != 1 or len(told) != 15

    found = verified()
    waits.sort()
    measured(
        "H06", trials=rounds, failures=wrong + len(found.breaks), fight=fight, lost=dict(said),
        p99_ms=round(waits[int(len(waits) * 0.99)] * 1000),
    )  # fmt: skip
    assert (wrong, said) == (0, said), said
    assert found.ok, found.breaks


def _names_somebody(refused: Conflict) -> bool:
    said = str(refused.why or "")
    return "The last to act on it was" in said and clock.printed(clock.now()) in said


def _timed(call, waits, began):
    def run():
        try:
            return call()
        finally:
            waits.append(time.monotonic() - began)

    return run


def test_H06_moves_of_one_vial_at_once_are_all_kept_in_one_chain(lab, measured):
    who = [somebody(f"person {each}") for each in range(16)]
    donor = Contest(lab).donor
    places = [
        custody.make_place(who[0], name=f"Box {each}", kind="box", temperature_class="-80C").code
        for each in range(16)
    ]
    rounds, wrong = (500 if SOAK else 3), 0
    for _round in range(rounds):
        code = bench.thing(donor=donor)
        answers = race(
            [
                partial(once, actor, custody.move, code=code, to=to)
                for actor, to in zip(who, places, strict=True)
            ]
        )
        with db.reading() as session:
            moves = [
                each for each in ledger.entries_of(session, f"item/{code}")
                if each.kind == "custody.moved"
            ]  # fmt: skip
            # Each move starts where the one before ended: nothing was forked, nothing was lost.
            froms = [each.data["from"] for each in moves]
            tos = [each.data["to"] for each in moves]
            stands = custody.place(session, custody.find(session, code).place_id)
        wrong += answers != [code] * 16
        wrong += froms != ["", *tos[:-1]] or sorted(tos) != sorted(places)
        wrong += stands.code != tos[-1]

    found = verified()
    measured("H06", trials=rounds, failures=wrong + len(found.breaks), fight="moves")
    assert wrong == 0
    assert found.ok, found.breaks


# H07


PROCESSES = 6 if SOAK else 3


@pytest.fixture(scope="module")
def processes():
    """Processes beside this one; spawned, not forked: each opens the database for itself."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        yield pool


@pytest.mark.parametrize("how", ["make", "locked", "divide", "lose"])
def test_H07_quarters_taken_by_processes_never_overdraw(
    database, database_url, processes, how, measured
):
    parents = 200 if SOAK else 8
    (donor,) = bench.women(bench.open_study(), 1)
    lots = [bench.thing(donor=donor, volume_ul=4000) for _each in range(parents)]
    running = [
        processes.submit(bench.take_quarters, database_url, lots, 1000, 3, how)
        for _each in range(PROCESSES)
    ]
    faults = [fault for each in running for fault in each.result(600)]

    overdrawn = unbalanced = 0
    with db.reading() as session:
        for code in lots:
            lot = custody.find(session, code)
            children = len(custody.descendants(session, [lot.id]))
            if how == "lose":
                children = len(custody.spent(session, lot))
            overdrawn += children > 4 or (lot.volume_ul or 0) < 0
            unbalanced += lot.volume_ul != 4000 - 1000 * children or children != 4
    found = verified()
    failures = overdrawn + unbalanced + len(faults) + len(found.breaks)
    measured("H07", trials=parents, failures=failures, processes=PROCESSES, how=how)
    assert (overdrawn, unbalanced, faults) == (0, 0, [])
    assert found.ok, found.breaks


def test_H07_the_database_itself_keeps_a_volume_from_going_below_zero(database, measured):
    (donor,) = bench.women(bench.open_study(), 1)
    code = bench.thing(donor=donor, volume_ul=100)
    attacks = [
        "UPDATE custody_item SET volume_ul = volume_ul - 101",
        "UPDATE custody_item SET volume_ul = -1",
    ]
    passed = 0
    for attack in attacks:
        try:
            with database.engine.begin() as connection:
                connection.execute(text(attack))
            passed += 1
        except IntegrityError as refused:
            passed += "volume_not_negative" not in str(refused)
    measured("H07", trials=len(attacks), failures=passed, how="raw SQL")
    assert passed == 0
    assert bench.row(code).volume_ul == 100
