"""Places, boxes, slots, capacity, counts; out of the freezer and back (H19, H64)."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from lims import custody
from lims.core import clock, codes, db
from lims.core.errors import BadInput, Conflict
from lims.core.gate import GateStopped
from lims.custody import Item, ItemKind, NoFreeSlot, PlaceFull, SlotTaken, State
from lims.custody.boxes import NotEmptied, PlaceInItself
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import a_place, kinds, once, race, row, somebody

SEED = 20261126


def a_box(rows: int = 2, columns: int = 3, name: str = "Box 7") -> str:
    freezer = a_place(name="Freezer 2")
    return custody.make_box(somebody(), name=name, parent=freezer, rows=rows, columns=columns).code


def at(code: str) -> str | None:
    """The position of the slot an item stands in."""
    with db.reading() as session:
        place = custody.place(session, row(code).place_id)
        return place.position if place else None


def test_a_box_is_made_with_its_grid_in_one_act(donor):
    box = a_box(2, 3)
    with db.reading() as session:
        place = custody.place_by_code(session, box)
        slots = custody.slots_of(session, place.id)
    assert [slot.position for slot, _item in slots] == ["A1", "A2", "A3", "B1", "B2", "B3"]
    assert all(slot.one_item and slot.temperature_class == "-80C" for slot, _item in slots)
    assert len({slot.code for slot, _item in slots}) == 6
    assert kinds(box, "place") == ["custody.place-made", "custody.slots-made"]
    with pytest.raises(BadInput):
        a_box(27, 1)


def test_an_item_goes_to_the_slot_named_or_to_the_first_free(donor):
    who, box = somebody(), a_box(1, 3)
    one, two, three, four = (bench.thing(donor=donor) for _each in range(4))
    custody.put(who, code=one, to=box, position="a2")
    custody.put(who, code=two, to=box)
    with pytest.raises(SlotTaken) as taken:
        custody.put(who, code=three, to=box, position="A1")
    assert "The last to act on it was" in str(taken.value.why)
    with pytest.raises(NoFreeSlot, match="A1 to A3"):
        custody.put(who, code=three, to=box, position="B1")
    custody.put(who, code=three, to=box)
    with pytest.raises(NoFreeSlot, match="no free slot"):
        custody.put(who, code=four, to=box)
    with pytest.raises(NoFreeSlot, match="name the one"):
        custody.move(who, code=four, to=box)
    with pytest.raises(NoFreeSlot, match="no slots"):
        custody.put(who, code=four, to=a_place(), position="A1")
    assert [at(each) for each in (one, two, three, four)] == ["A2", "A1", "A3", None]


def test_what_ended_leaves_its_slot_to_the_next(donor):
    who, box = somebody(), a_box(1, 1)
    dose, other = bench.thing(ItemKind.DOSE, donor=donor), bench.thing(donor=donor)
    custody.put(who, code=dose, to=box)
    with db.transaction() as session:
        custody.set_state(
            who, custody.find(session, dose, lock=True), State.DESTROYED, "test.destroyed"
        )
    custody.put(who, code=other, to=box)
    assert at(other) == "A1"


def test_a_place_takes_as_many_as_it_holds(donor):
    who, rack = somebody(), a_place(name="Rack", kind="rack", capacity=2)
    things = [bench.thing(donor=donor) for _each in range(3)]
    for code in things[:2]:
        custody.move(who, code=code, to=rack)
    custody.move(who, code=things[0], to=rack)  # it is there already and takes no second place
    with pytest.raises(PlaceFull, match="full") as full:
        custody.move(who, code=things[2], to=rack)
    assert "The last to act on it was" in str(full.value.why)


def test_a_place_never_lies_in_itself(donor):
    who = somebody()
    room, freezer = a_place(name="Room", kind="room"), a_place(name="Freezer")
    rack = a_place(name="Rack", kind="rack", parent=freezer)
    box = a_place(name="Box", kind="box", parent=rack)
    custody.move_place(who, code=freezer, to=room)
    for inner in (freezer, rack, box):
        with pytest.raises(PlaceInItself):
            custody.move_place(who, code=freezer, to=inner)
    custody.move_place(who, code=box, to=freezer)
    with db.reading() as session:
        around = custody.place_by_code(session, freezer).id
        assert custody.place_by_code(session, box).parent_id == around


def test_two_places_put_into_each_other_at_once_make_no_ring(donor):
    for each in range(20 if SOAK else 3):
        one, two, three = (
            a_place(name=f"Rack {each}{name}", kind="rack") for name in ("a", "b", "c")
        )
        calls = [
            lambda inner=inner, outer=outer: once(
                somebody(), custody.move_place, code=inner, to=outer
            )
            for inner, outer in ((one, two), (two, three), (three, one))
        ]
        refused = [answer for answer in race(calls) if isinstance(answer, Exception)]
        assert [type(answer) for answer in refused] == [PlaceInItself]


def test_a_box_with_things_in_it_does_not_leave_the_cold_without_their_scans(donor):
    who, box, bench_ = somebody(), a_box(1, 2), a_place(name="B", kind="bench", temperature="room")
    code = bench.thing(donor=donor)
    custody.put(who, code=code, to=box)
    with pytest.raises(NotEmptied, match=codes.grouped(code)):
        custody.move_place(who, code=box, to=bench_)
    custody.move(who, code=code, to=bench_)
    with pytest.raises(NotEmptied):
        custody.move_place(who, code=box, to=bench_)
    custody.move_place(who, code=box, to=a_place(name="Freezer 3"))


# Out of the freezer


def test_out_of_the_freezer_is_counted_from_the_moves(donor, standing):
    who, code = somebody(), bench.thing(donor=donor)
    freezer, table = a_place(), a_place(name="Bench", kind="bench", temperature="room")

    def out() -> timedelta:
        with db.reading() as session:
            return custody.open_time(session, row(code))

    custody.move(who, code=code, to=table)
    standing.forward(hours=5)
    assert out() == timedelta(0), "it was never in a freezer"
    custody.move(who, code=code, to=freezer)
    standing.forward(hours=5)
    custody.move(who, code=code, to=table)
    standing.forward(seconds=61)
    assert out() == timedelta(seconds=61)
    custody.move(who, code=code, to=freezer)
    standing.forward(hours=5)
    custody.move(who, code=code, to=table)
    standing.forward(seconds=4)
    assert out() == timedelta(seconds=65)


def test_H19_a_thawed_dose_is_never_frozen_again(donor, standing, measured):
    who, code = somebody(), bench.thing(ItemKind.DOSE, donor=donor)
    freezer, table = a_place(), a_place(name="Bench", kind="bench", temperature="room")
    box = a_box(1, 1)
    custody.move(who, code=code, to=freezer)
    custody.move(who, code=code, to=table)
    custody.move(who, code=code, to=freezer)  # frozen still: out for a moment, and back
    with db.transaction() as session:
        item = custody.find(session, code, lock=True)
        item.thaw_count, item.thawed_at = 1, clock.now()
        custody.touch(who, item, "test.thawed")
    custody.move(who, code=code, to=table)
    refused = 0
    for to in (freezer, box):
        try:
            once(who, custody.put, code=code, to=to)
        except GateStopped as stop:
            refused += stop.row.id == "T01"
    measured("H19", trials=2, failures=2 - refused, how="refreezing")
    assert refused == 2
    assert kinds(code)[-2:] == ["refused", "refused"]


# Where it was


def test_whereabouts_at_every_instant(donor, standing):
    (tara, tara_badge), (teo, teo_badge) = bench.badge("tara"), bench.badge("teo")
    assert tara_badge != teo_badge
    shelf, ward = a_place(), a_place(name="Ward", kind="ward", temperature="room")
    before = clock.now()
    standing.forward(minutes=1)
    code = bench.thing(donor=donor)
    told = [(clock.now(), None, None)]
    standing.forward(minutes=5)
    custody.move(tara, code=code, to=shelf)
    told.append((clock.now(), shelf, tara.person))
    standing.forward(minutes=5)
    custody.hand_over(tara, code=code, to=teo_badge, place=ward)
    standing.forward(minutes=5)
    custody.accept(teo, code=code)
    told.append((clock.now(), ward, teo.person))
    with db.reading() as session:
        item = custody.find(session, code)
        assert custody.whereabouts(session, item, before) is None
        for number, (since, place, holder) in enumerate(told):
            until = told[number + 1][0] if number + 1 < len(told) else since + timedelta(days=1)
            for when in (since, until - timedelta(seconds=1)):
                stay = custody.whereabouts(session, item, when)
                found = custody.place(session, stay.place_id)
                assert (found.code if found else None) == place
                if holder is not None:
                    assert stay.holder_id == holder


# H64


def test_H64_of_sixteen_threads_none_books_a_slot_twice(donor, measured):
    places = 200 if SOAK else 8
    rounds, wrong = (500 // places if SOAK else 2), 0
    for number in range(max(rounds, 1)):
        box = a_box(1, 8, name=f"Box {number}")
        things = [bench.thing(donor=donor) for _each in range(16)]
        answers = race(
            [
                lambda code=code: once(somebody(), custody.put, code=code, to=box)  # noqa: B023
                for code in things
            ]
        )
        won = [each for each in answers if not isinstance(each, Exception)]
        lost = [each for each in answers if isinstance(each, Exception)]
        wrong += len(won) != 8 or not all(isinstance(each, NoFreeSlot) for each in lost)
        with db.reading() as session:
            doubled = session.scalar(
                select(func.count())
                .select_from(Item)
                .where(Item.place_id.is_not(None))
                .group_by(Item.place_id)
                .having(func.count() > 1)
                .limit(1)
            )
        wrong += doubled is not None
    measured("H64", trials=16 * max(rounds, 1), failures=wrong, how="a box of 8, 16 threads")
    assert wrong == 0


def test_H64_a_place_is_never_fuller_than_it_may_be(donor, measured):
    rounds, wrong = (50 if SOAK else 2), 0
    for each in range(rounds):
        rack = a_place(name=f"Rack {each}", kind="rack", capacity=5)
        things = [bench.thing(donor=donor) for _one in range(16)]
        answers = race(
            [
                lambda code=code: once(somebody(), custody.move, code=code, to=rack)  # noqa: B023
                for code in things
            ]
        )
        lost = [each for each in answers if isinstance(each, Exception)]
        wrong += len(lost) != 11 or not all(isinstance(each, Conflict) for each in lost)
    measured("H64", trials=rounds, failures=wrong, how="capacity 5, 16 threads")
    assert wrong == 0


def test_H64_a_count_finds_every_thing_moved_without_a_scan(donor, measured):
    chance = Random(SEED)
    rounds, planted, found, false = (200 if SOAK else 10), 0, 0, 0
    freezer, other = a_place(name="Freezer 2"), a_place(name="Freezer 3")
    box = custody.make_box(somebody(), name="Box", parent=freezer, rows=3, columns=4).code
    here = [bench.thing(donor=donor) for _each in range(10)]
    for code in here:
        custody.put(somebody(), code=code, to=box)
    there = [bench.thing(donor=donor) for _each in range(6)]
    for code in there:
        custody.move(somebody(), code=code, to=other)
    for _round in range(rounds):
        gone = set(chance.sample(here, chance.randint(0, 3)))
        come = set(chance.sample(there, chance.randint(0, 3)))
        stray = {codes.draw("V")} if chance.random() < 0.3 else set()
        seen = [*(set(here) - gone), *come, *stray]
        chance.shuffle(seen)
        counted = custody.count(somebody(), code=freezer, seen=seen)
        planted += len(gone) + len(come) + len(stray)
        for told, really in (
            (counted.missing, gone), (counted.unexpected, come), (counted.not_known, stray),
        ):  # fmt: skip
            found += len(set(told) & really)
            false += len(set(told) - really)
    measured("H64", trials=planted, failures=planted - found + false, seed=SEED, counts=rounds)
    assert (found, false) == (planted, 0)
    assert kinds(freezer, "place").count("custody.counted") == rounds
