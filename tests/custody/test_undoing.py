"""Undo within ten minutes: what is taken back, and every reason why not (I1, I3, H06, H10, H11)."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from lims import custody, ledger, studies
from lims.core import acts, clock, db, device
from lims.core.device import Scan
from lims.core.errors import NotAllowed
from lims.core.gate import GateStopped
from lims.core.permissions import Role
from lims.custody import opentime, standing
from lims.custody.errors import (
    Answered,
    ChangedSince,
    EntryUnknown,
    NotUndoable,
    UndoTooLate,
)
from lims.custody.standing import stood
from lims.ledger.ordering import ClockBehind
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import a_place, badge, kinds, row, somebody, verified
from tests.laboratory import START
from tests.makers import actor


@pytest.fixture
def ticking() -> Iterator[clock.SetClock]:
    """A clock that a test moves."""
    found = clock.SetClock(START)
    with clock.running(found):
        yield found


@pytest.fixture
def donor(database: db.Database, ticking: clock.SetClock) -> Iterator[studies.Subject]:
    """One registered woman; at the end the trail must hold and the tables follow from it."""
    (her,) = bench.women(bench.open_study(), 1)
    yield her
    found = verified()
    assert found.ok, found.breaks


def number(code: str, kind: str, of: str = "item") -> int:
    """The number of the newest entry of a kind."""
    with db.reading() as session:
        written = ledger.entries_of(session, f"{of}/{code}")
    return max(each.number for each in written if each.kind == kind)


def moved(who, code: str, to: str) -> int:
    custody.move(who, code=code, to=to)
    return number(code, "custody.moved")


def place_of(code: str) -> str | None:
    with db.reading() as session:
        place = custody.place(session, custody.find(session, code).place_id)
        return place.code if place else None


def test_an_undo_brings_it_back_and_names_what_it_undoes(donor, ticking):
    code, who, before = bench.thing(donor=donor), somebody("first"), somebody("second")
    slot = a_place(name="Slot", kind="slot", one_item=True)
    shelf = a_place(name="Shelf", kind="rack")
    custody.move(before, code=code, to=slot)
    entry = moved(who, code, shelf)
    kept = _body(code, entry)
    ticking.forward(minutes=10)  # to the second

    custody.undo(who, code=code, entry=entry)

    assert place_of(code) == slot
    assert row(code).slot_id is not None
    assert row(code).holder_id == before.person
    with db.reading() as session:
        last = ledger.entries_of(session, f"item/{code}")[-1]
    assert (last.kind, last.data["kind"], last.person) == (
        "custody.undone", "custody.moved", who.label,
    )  # fmt: skip
    assert last.data["counters"]["number"] == ledger.counters(last) == entry
    assert _body(code, entry) == kept


def _body(code: str, entry: int) -> bytes:
    with db.reading() as session:
        return ledger.bodies(session, {f"item/{code}": entry})[-1]


def test_what_stood_nowhere_stands_nowhere_again(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="slot", one_item=True))
    custody.undo(who, code=code, entry=entry)
    assert (row(code).place_id, row(code).slot_id) == (None, None)


def test_an_offer_nobody_accepted_is_taken_back_by_its_giver(donor):
    giver, (_other, to) = badge("tara")[0], badge("teo")
    code = bench.thing(donor=donor)
    custody.move(giver, code=code, to=a_place(kind="rack"))
    custody.hand_over(giver, code=code, to=to)
    custody.undo(giver, code=code, entry=number(code, "custody.offered"))
    with db.reading() as session:
        assert custody.open_offer(session, row(code).id) is None
    custody.hand_over(giver, code=code, to=to)


def test_a_box_comes_back_to_its_rack_with_what_stands_in_it(donor):
    who = somebody()
    rack, other = a_place(name="Rack 1", kind="rack"), a_place(name="Rack 2", kind="rack")
    box = custody.make_box(who, name="Box", parent=rack, rows=1, columns=2)
    custody.put(who, code=bench.thing(donor=donor), to=box.code)
    custody.move_place(who, code=box.code, to=other)
    entry = number(box.code, "custody.place-moved", "place")
    custody.undo(who, code=box.code, entry=entry)
    with db.reading() as session:
        found = custody.place_by_code(session, box.code)
        assert custody.place(session, found.parent_id).code == rack


def test_undo_by_undo_one_goes_back_step_by_step(donor):
    code, who, shelves = bench.thing(donor=donor), somebody(), [a_place(kind="rack") for _ in "ab"]
    first, second = (moved(who, code, each) for each in shelves)
    with pytest.raises(ChangedSince):
        custody.undo(who, code=code, entry=first)
    custody.undo(who, code=code, entry=second)
    assert place_of(code) == shelves[0]
    custody.undo(who, code=code, entry=first)
    assert place_of(code) is None
    again = moved(who, code, shelves[1])  # done again, it is an act like any other
    custody.undo(who, code=code, entry=again)


# Every reason why not


def test_nobody_undoes_twice(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    custody.undo(who, code=code, entry=entry)
    with pytest.raises(Answered):
        custody.undo(who, code=code, entry=entry)
    with pytest.raises(NotUndoable):
        custody.undo(who, code=code, entry=number(code, "custody.undone"))
    with pytest.raises(EntryUnknown):
        custody.undo(who, code=code, entry=99)


def test_nobody_undoes_what_another_did_nor_without_the_right_to_do_it(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    with pytest.raises(NotAllowed):
        custody.undo(somebody("other"), code=code, entry=entry)
    with pytest.raises(NotAllowed):  # she lost her role meanwhile
        custody.undo(
            bench.Actor(who.person, who.account, who.name, frozenset({Role.OPERATOR})),
            code=code, entry=entry,
        )  # fmt: skip
    assert place_of(code) is not None


def test_after_ten_minutes_and_a_second_it_is_too_late(donor, ticking):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    ticking.forward(minutes=10, seconds=1)
    with pytest.raises(UndoTooLate):
        custody.undo(who, code=code, entry=entry)


def test_a_clock_that_went_back_undoes_nothing(donor, ticking):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    ticking.forward(minutes=20)
    custody.observe(who, code=bench.thing(donor=donor), note="frost")
    ticking.set(START + timedelta(minutes=1))
    with pytest.raises(ClockBehind):
        custody.undo(who, code=code, entry=entry)
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
        assert custody.undoable(session, who, written) is None


def test_a_record_from_a_clock_that_ran_ahead_is_not_undone_for_ever(donor, ticking):
    code, who = bench.thing(donor=donor), somebody()
    ticking.forward(hours=5)
    entry = moved(who, code, a_place(kind="rack"))
    ticking.set(START)
    ledger.trust_clock(bench.OPERATOR, "the radio clock says so")
    with pytest.raises(UndoTooLate):
        custody.undo(who, code=code, entry=entry)


@pytest.mark.parametrize("later", ["observe", "hold", "count"])
def test_what_happened_afterwards_keeps_it(donor, later):
    code, who, shelf = bench.thing(donor=donor), somebody(), a_place(kind="rack")
    entry = moved(who, code, shelf)
    if later == "observe":
        custody.observe(who, code=code, note="frost")
    elif later == "hold":
        custody.hold(who, code=code, reason="doubt")
    else:
        custody.count(who, code=shelf, seen=[])
    with pytest.raises(ChangedSince):
        custody.undo(who, code=code, entry=entry)


def test_a_slot_that_another_took_meanwhile_is_not_taken_back(donor):
    one, other, who = bench.thing(donor=donor), bench.thing(donor=donor), somebody()
    slot = a_place(kind="slot", one_item=True)
    custody.move(who, code=one, to=slot)
    entry = moved(who, one, a_place(kind="rack"))
    custody.move(who, code=other, to=slot)
    with pytest.raises(ChangedSince) as refused:
        custody.undo(who, code=one, entry=entry)
    assert "Scan it to where it stands now" in str(refused.value)
    assert place_of(other) == slot


def test_what_another_person_took_over_or_somebody_read_is_not_undone(donor):
    giver, (taker, to) = badge("tara", *bench.EVERYBODY)[0], badge("teo", *bench.EVERYBODY)
    code = bench.thing(donor=donor)
    custody.move(giver, code=code, to=a_place(kind="rack"))
    custody.hand_over(giver, code=code, to=to)
    offered = number(code, "custody.offered")
    custody.accept(taker, code=code)
    with pytest.raises(ChangedSince):
        custody.undo(giver, code=code, entry=offered)
    with pytest.raises(NotUndoable):
        custody.undo(taker, code=code, entry=number(code, "custody.accepted"))
    custody.observe(taker, code=code, note="frost")
    with pytest.raises(NotUndoable):
        custody.undo(taker, code=code, entry=number(code, "custody.observed"))


def test_one_entry_of_a_larger_act_is_not_undone_by_itself(donor):
    code, who, shelf = bench.thing(donor=donor), somebody(), a_place(kind="rack")
    with db.transaction():
        custody.move(who, code=code, to=shelf)
        custody.observe(who, code=bench.thing(donor=donor), note="both at once")
    with pytest.raises(NotUndoable):
        custody.undo(who, code=code, entry=number(code, "custody.moved"))


# What it must not loosen


def test_H02_a_work_area_that_the_move_opened_stays_open_after_the_undo(donor, measured):
    (other,) = bench.women(bench.open_study(), 1)
    who, bench_ = somebody(), a_place(name="Hood", kind="hood", temperature="room", work_area=True)
    code = bench.thing(donor=donor)
    entry = moved(who, code, bench_)
    custody.undo(who, code=code, entry=entry)
    with pytest.raises(GateStopped):
        custody.move(who, code=bench.thing(donor=other), to=bench_)
    assert place_of(code) is None
    measured("H02", trials=1, failures=int("custody.area-cleared" in kinds(bench_, "place")))


def test_an_undo_brings_nothing_into_anothers_open_area(donor):
    (other,) = bench.women(bench.open_study(), 1)
    who, hood = somebody(), a_place(name="Hood", kind="hood", temperature="room")
    code, away = bench.thing(donor=donor), a_place(kind="rack")
    custody.move(who, code=code, to=hood)
    entry = moved(who, code, away)
    custody.mark_work_area(who, code=hood)
    custody.move(who, code=bench.thing(donor=other), to=hood)
    with pytest.raises(GateStopped):
        custody.undo(who, code=code, entry=entry)
    assert place_of(code) == away


def test_H19_minutes_in_a_freezer_that_were_undone_count_as_out(donor, ticking, measured):
    code, who = bench.thing(donor=donor), somebody()
    freezer, second = a_place(name="F1"), a_place(name="F2")
    warm = a_place(name="Bench", kind="bench", temperature="room")
    custody.move(who, code=code, to=freezer)
    ticking.forward(minutes=60)
    custody.move(who, code=code, to=warm)
    ticking.forward(minutes=3)
    entry = moved(who, code, second)  # the wrong vial was in her hand
    ticking.forward(minutes=9)
    custody.undo(who, code=code, entry=entry)
    ticking.forward(minutes=2)
    custody.move(who, code=code, to=freezer)
    ticking.forward(minutes=5)
    between = moved(who, code, second)  # from freezer to freezer: cold either way
    ticking.forward(minutes=4)
    custody.undo(who, code=code, entry=between)
    with db.reading() as session:
        item = custody.find(session, code)
        out = opentime.open_time(stood(session, item), clock.now())
        stay = standing.whereabouts(session, item, START + timedelta(minutes=70))
    assert out == timedelta(minutes=14)
    assert stay.undone
    measured("H19", trials=2, failures=int(out != timedelta(minutes=14)))


# Late scans (H11)


def test_H11_a_scan_kept_for_longer_than_ten_minutes_is_not_undone(donor, ticking, measured):
    code, who, shelf = bench.thing(donor=donor), somebody(), a_place(kind="rack")
    ticking.forward(hours=2)
    wrong = 0
    for late, good in ((timedelta(minutes=11), False), (timedelta(minutes=4), True)):
        with device.said(Scan(clock.now() - late, "handheld", 1)):
            entry = moved(who, code, shelf)
        try:
            custody.undo(who, code=code, entry=entry)
            wrong += not good
        except UndoTooLate:
            wrong += good
        ticking.forward(minutes=20)
    measured("H11", trials=2, failures=wrong, what="undo of kept scans")
    assert wrong == 0


def test_a_device_ahead_of_time_does_not_lengthen_the_ten_minutes(donor, ticking):
    code, who = bench.thing(donor=donor), somebody()
    with device.said(Scan(clock.now() + timedelta(minutes=2))):
        entry = moved(who, code, a_place(kind="rack"))
    ticking.forward(minutes=10, seconds=1)
    with pytest.raises(UndoTooLate):
        custody.undo(who, code=code, entry=entry)


# At once, and again


def test_H06_of_many_undos_at_once_exactly_one_is_done(donor, measured):
    who, shelf = somebody(), a_place(kind="rack")
    rounds, lost, wrong = (200 if SOAK else 4), 0, 0
    for _each in range(rounds):
        code = bench.thing(donor=donor)
        entry = moved(who, code, shelf)

        def call(code=code, entry=entry):
            return acts.once(
                who, uuid4().hex, "undo",
                lambda: vars(custody.undo(who, code=code, entry=entry)),
            ).answer  # fmt: skip

        answers = bench.race([call] * 4)
        won = [each for each in answers if isinstance(each, dict)]
        lost += sum(isinstance(each, Answered) for each in answers)
        wrong += len(won) != 1 or kinds(code).count("custody.undone") != 1
    measured("H06", trials=rounds, failures=wrong, refused=lost)
    assert wrong == 0
    assert lost == 3 * rounds


def test_H06_an_undo_and_a_move_at_once_are_in_one_order(donor, measured):
    who, other = somebody(), somebody("other")
    shelf, third = a_place(kind="rack"), a_place(kind="rack")
    rounds, wrong = (200 if SOAK else 4), 0
    for _each in range(rounds):
        code = bench.thing(donor=donor)
        entry = moved(who, code, shelf)
        answers = bench.race(
            [
                lambda code=code, entry=entry: bench.once(
                    who, lambda actor: custody.undo(actor, code=code, entry=entry)
                ),
                lambda code=code: bench.once(other, custody.move, code=code, to=third),
            ]
        )
        undone = isinstance(answers[0], str)
        wrong += not (undone or isinstance(answers[0], ChangedSince))
        # Whoever came second, it stands where the move says.
        wrong += answers[1] != code or place_of(code) != third
    measured("H06", trials=rounds, failures=wrong)
    assert wrong == 0


def test_H10_an_undo_sent_again_is_done_once_and_answered_alike(donor, measured):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    key = uuid4().hex
    answers = [
        acts.once(who, key, "undo", lambda: vars(custody.undo(who, code=code, entry=entry)))
        for _each in range(3)
    ]
    done = kinds(code).count("custody.undone")
    measured("H10", trials=3, failures=done - 1)
    assert [each.repeated for each in answers] == [False, True, True]
    assert len({str(each.answer) for each in answers}) == done == 1


def test_only_whoever_may_do_it_is_shown_that_it_can_be_undone(donor, ticking):
    code, who = bench.thing(donor=donor), somebody()
    entry = moved(who, code, a_place(kind="rack"))
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
        found = custody.undoable(session, who, written)
        assert found.number == entry
        assert custody.undoable_until(found) == START + timedelta(minutes=10)
        assert custody.undoable(session, somebody("other"), written) is None
        assert custody.undoable(session, actor(Role.AUDITOR), written) is None
        ticking.forward(minutes=11)
        assert custody.undoable(session, who, written) is None
