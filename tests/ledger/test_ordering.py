"""Order is the chain, not the clock: a clock that jumps breaks no stream and confirms nothing."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import func, select

from lims import custody, dosing, ledger, release
from lims.core import clock, db, device
from lims.core.device import Scan
from lims.core.errors import Conflict, DomainError
from lims.dosing.models import Administration
from lims.ledger import rules
from lims.ledger.models import LedgerEntry
from lims.web import health
from tests.conftest import SOAK
from tests.custody import bench
from tests.laboratory import OPERATOR, PASSWORD, START

SEED = 20261126
JUMPS = 500 if SOAK else 30


@pytest.fixture
def standing(database):
    """A clock that stands still until it is moved."""
    still = clock.SetClock(START)
    with clock.running(still):
        yield still


def write(stream="item/S7K4M29XC"):
    """One entry."""
    with db.transaction():
        ledger.record(bench.somebody(), stream, "test.done")


def entries(stream="item/S7K4M29XC"):
    with db.reading() as session:
        return ledger.entries_of(session, stream)


def behind():
    with db.reading() as session:
        return ledger.behind(session)


def test_what_a_clock_writes_that_went_back_is_marked_and_stays_in_order(standing):
    for by in (0, 5, -3600, 1, -1, 3700):
        standing.forward(seconds=by)
        write()

    written = entries()
    assert [each.number for each in written] == [1, 2, 3, 4, 5, 6]
    assert [list(each.marks) for each in written] == [
        [], [], ["clock-behind"], ["clock-behind"], ["clock-behind"], [],
    ]  # fmt: skip
    assert {bool(each.host) for each in written if each.marks} == {True}
    assert {each.host for each in written if not each.marks} == {""}
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_two_seconds_are_forgiven_and_no_more(standing):
    write()
    standing.forward(seconds=-2)
    write()
    standing.forward(microseconds=-1)
    write()
    assert [list(each.marks) for each in entries()] == [[], [], ["clock-behind"]]


def test_a_slow_drift_back_is_seen_as_a_jump_is(standing):
    write()
    for _each in range(10):
        standing.forward(seconds=-0.5)
        write()
    assert [bool(each.marks) for each in entries()] == [False] * 5 + [True] * 6
    assert behind() == timedelta(seconds=5)


def test_another_stream_knows_of_the_newest_entry_too(standing):
    write("item/a")
    standing.forward(minutes=-1)
    write("item/b")
    assert entries("item/b")[0].marks == ["clock-behind"]


def test_two_hosts_that_disagree_keep_one_order(standing, monkeypatch):
    for number in range(6):
        fast = number % 2 == 0
        monkeypatch.setattr("platform.node", lambda fast=fast: "web-1" if fast else "web-2")
        standing.set(START + timedelta(seconds=number + (40 if fast else 0)))
        write()

    written = entries()
    assert [each.number for each in written] == [1, 2, 3, 4, 5, 6]
    assert [(each.host, list(each.marks)) for each in written if each.marks] == [
        ("web-2", ["clock-behind"])
    ] * 3
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_readyz_shows_a_clock_that_is_behind(standing):
    write()
    assert health._clock(None) == ""
    standing.forward(minutes=-5)
    assert health._clock(None) == "300 s behind the newest record"


def test_an_entry_of_before_there_were_marks_reads_and_keeps_its_digest():
    old = (
        b'{"actor":{"account":"","by":"worker","person":"worker","station":""},'
        b'"at":"2026-11-21T12:00:00.000000Z","command":"c","data":{},"device_at":"",'
        b'"kind":"test.done","number":1,"parents":[],"peers":[],"prev":"' + b"00" * 32 + b'",'
        b'"reason":"","rows":[],"stream":"item/a","v":1}'
    )
    read = rules.read(old)
    draft = rules.Draft(bench.OPERATOR, "item/a", "test.done", {})
    fresh = rules.body(
        draft, number=1, prev=rules.FIRST, command="c", at=read.at, rows=[], peers=[], parents=[]
    )

    assert (read.marks, read.host) == ((), "")
    assert set(json.loads(fresh)) == set(json.loads(old))
    assert rules.digest(old).hex() == (
        "350158d4e525c140ea8cb0cff6568169047d0f223225a0df7b029f826e1dc7d0"
    )


def test_a_clock_that_ran_ahead_is_answered_by_an_operator(standing):
    write()
    standing.forward(days=365)
    write()
    standing.forward(days=-365)
    write()
    with db.reading() as session, pytest.raises(ledger.ClockBehind):
        ledger.require_clock(session)

    by = ledger.trust_clock(OPERATOR, "compared with two other clocks")

    assert by == timedelta(days=365)
    assert behind() == timedelta()
    write()
    assert not entries()[-1].marks
    with pytest.raises(Conflict):
        ledger.trust_clock(OPERATOR, "once more")
    # It forgives what was, not what comes.
    standing.forward(days=3)
    write()
    standing.forward(days=-3)
    assert behind() == timedelta(days=3)


def test_a_device_that_says_another_time_is_marked(standing):
    for by in (timedelta(0), timedelta(hours=-1), timedelta(hours=1)):
        with device.said(Scan(START + by)):
            write()
    assert [list(each.marks) for each in entries()] == [[], ["late-scan"], ["device-ahead"]]


def given_doses() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Administration))


def jumps(chance: Random):
    """How far a clock is set away from the time that it is."""
    back = (
        lambda: timedelta(hours=1),
        lambda: timedelta(days=365),
        lambda: timedelta(seconds=chance.uniform(3, 300)),
        lambda: timedelta(minutes=chance.uniform(1, 24 * 60)),
        lambda: timedelta(seconds=chance.choice((1, 2))),  # a leap second, and slow clocks
    )
    while True:
        yield -chance.choice(back)()


def test_H18_a_clock_that_jumps_confirms_nothing_that_expired(bed, measured):
    """Her dose was thawed; its time runs out; then the clock goes back to where it was good."""
    chance = Random(SEED)
    woman = bed.world.first
    check = bed.ready(woman)
    good, who = bed.clock.at, bench.somebody()
    confirmed = said_ok = refused = wrong = 0
    for number, jump in zip(range(JUMPS), jumps(chance), strict=False):
        # The day goes on and something is recorded, long after the dose could be given.
        bed.clock.set(good + timedelta(hours=30 + number))
        custody.observe(who, code=woman.dose, note="stands on the ward")
        true = bed.clock.at
        # Back by the jump, or to the very minute at which the gate said yes.
        bed.clock.set(good + timedelta(minutes=1) if number % 3 == 0 else true + jump)
        before = given_doses()
        try:
            bed.given(check)
            wrong += 1
        except DomainError:
            refused += 1
        confirmed += given_doses() - before
        with suppress(DomainError):
            _check, answer = bed.check(woman)
            said_ok += answer.verdict == "ok"
        custody.observe(who, code=woman.dose, note="the rest goes on, marked")
    with db.reading() as session:
        whole = ledger.verify(session)
        times = [each.at for each in ledger.entries_of(session, f"item/{woman.dose}", limit=10_000)]
        marked = sum(
            bool(each.marks)
            for each in ledger.entries_of(session, f"item/{woman.dose}", limit=10_000)
        )
    broken = len({each.stream for each in whole.breaks})

    measured(
        "H18", trials=JUMPS, failures=confirmed + said_ok + broken, seed=SEED, marked=marked,
        steps_back=sum(later < earlier for earlier, later in pairwise(times)),
    )  # fmt: skip
    assert (confirmed, said_ok, wrong, refused) == (0, 0, 0, JUMPS)
    assert whole.ok, whole.breaks[:3]
    assert marked > JUMPS // 2


def test_H18_the_same_check_gives_the_dose_where_the_clock_is_right(bed, measured):
    check = bed.ready(bed.world.first)
    custody.observe(bench.somebody(), code=bed.world.first.dose, note="on the ward")
    bed.clock.forward(minutes=1)
    bed.given(check)
    measured("H18", trials=1, failures=1 - given_doses(), what="a right clock")
    assert given_doses() == 1


def test_H18_nothing_is_released_and_nobody_witnesses_behind_time(laboratory, measured):
    laboratory.confirm_units()
    lot = laboratory.awaiting()
    laboratory.clock.forward(hours=1)
    write()
    refused = 0
    for back in (3, 60, 3600, 400 * 86400):
        laboratory.clock.forward(seconds=-back)
        with pytest.raises(ledger.ClockBehind):
            release.release(laboratory.rosa, code=lot, meaning="released", password=PASSWORD)
        refused += laboratory.state(lot) == "awaiting-review"
        laboratory.clock.forward(seconds=back)

    measured("H18", trials=4, failures=4 - refused, what="release")
    laboratory.release(laboratory.rosa, lot)
    assert laboratory.state(lot) == "released"


def test_H18_a_witness_is_refused_behind_time(bed, measured):
    found, _answer = bed.check(bed.world.first)
    bed.clock.forward(seconds=-5)
    with pytest.raises(ledger.ClockBehind):
        bed.witness(found.id, bed.world.first)
    measured("H18", trials=1, failures=0, what="witness")
    with db.reading() as session:
        newest = session.scalar(select(func.max(LedgerEntry.at)))
    assert isinstance(newest, datetime)
    assert dosing.verdict_of(bed.actor("clea"), found.id)[0].witnessed_at is None
