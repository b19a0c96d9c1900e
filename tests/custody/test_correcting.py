"""Corrections by counter-entry, and the mark of a work area (I1, I3, H06, H10)."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from lims import custody, ledger, qc, studies
from lims.core import acts, clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.gate import GateStopped
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.custody import ItemKind, NotEnough, State
from lims.custody.errors import Answered, EntryUnknown, NotCorrectable
from lims.custody.marking import AreaInUse, MarkedAlready
from lims.custody.models import ShipmentLine
from tests.custody import bench
from tests.custody.bench import a_place, badge, kinds, row, somebody, verified
from tests.custody.test_undoing import number
from tests.laboratory import PASSWORD, START
from tests.makers import actor

WHY = {"reason_code": "misread", "reason": "read again on the display"}
QC = actor(Role.QC_OFFICER, name="quin")


@pytest.fixture
def donor(database: db.Database) -> Iterator[studies.Subject]:
    """One registered woman; at the end the trail must hold and the tables follow from it."""
    with clock.running(clock.SetClock(START)):
        (her,) = bench.women(bench.open_study(), 1)
        yield her
        found = verified()
        assert found.ok, found.breaks


def seen(who, code: str) -> int:
    custody.observe(who, code=code, note="frost", temperature=Quantity("-61.5", "Cel"))
    return number(code, "custody.observed")


def stands(code: str, entry: int) -> dict[str, str]:
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
        return custody.values_of(written, written[entry - 1])


def test_old_and_new_stand_side_by_side(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = seen(who, code)
    with db.reading() as session:
        kept = ledger.bodies(session, {f"item/{code}": entry})[-1]
    custody.correct(
        who, code=code, entry=entry, temperature=Quantity("-16.5", "Cel"), note="", **WHY
    )
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
        assert ledger.bodies(session, {f"item/{code}": entry})[-1] == kept
    last = written[-1]
    assert (last.kind, last.reason) == ("custody.corrected", WHY["reason"])
    assert last.data["was"] == {"temperature": "-61.5 Cel"}
    assert last.data["now"] == {"temperature": "-16.5 Cel"}
    assert last.data["reason_code"] == "misread"
    assert ledger.counters(last) == entry
    assert stands(code, entry) == {"note": "frost", "temperature": "-16.5 Cel"}


def test_a_correction_of_a_correction_names_the_newest(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = seen(who, code)
    custody.correct(who, code=code, entry=entry, note="ice", **WHY)
    first = number(code, "custody.corrected")
    with pytest.raises(Answered):
        custody.correct(who, code=code, entry=entry, note="snow", **WHY)
    custody.correct(QC, code=code, entry=first, note="snow", **WHY)
    assert stands(code, entry)["note"] == "snow"
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
        assert not custody.may_correct(who, written, written[entry - 1])
        assert custody.may_correct(who, written, written[-1])
        assert not custody.may_correct(actor(Role.TECHNICIAN), written, written[-1])


def test_she_corrects_her_own_and_a_qc_officer_anybodys(donor):
    code, who = bench.thing(donor=donor), actor(Role.TECHNICIAN)
    entry = seen(who, code)
    for other in (actor(Role.TECHNICIAN), actor(Role.PHARMACIST), actor(Role.AUDITOR)):
        with pytest.raises(NotAllowed):
            custody.correct(other, code=code, entry=entry, note="ice", **WHY)
    custody.correct(QC, code=code, entry=entry, note="ice", **WHY)


def test_what_cannot_be_a_correction_is_refused(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = seen(who, code)
    correct = custody.correct
    for wrong in ({"reason": " "}, {"reason_code": "because"}):
        with pytest.raises(BadInput):
            correct(who, code=code, entry=entry, note="ice", **{**WHY, **wrong})
    with pytest.raises(BadInput):  # nothing is different
        correct(who, code=code, entry=entry, note="frost", **WHY)
    with pytest.raises(BadInput):
        correct(who, code=code, entry=entry, colour="red", **WHY)
    with pytest.raises(EntryUnknown):
        correct(who, code=code, entry=99, note="ice", **WHY)
    custody.move(who, code=code, to=a_place(kind="rack"))
    with pytest.raises(NotCorrectable):
        correct(who, code=code, entry=number(code, "custody.moved"), note="ice", **WHY)
    assert "custody.corrected" not in kinds(code)


def test_a_volume_follows_into_its_columns_and_what_was_taken_stays_taken(donor):
    code, who = bench.thing(ItemKind.SPECIMEN, donor=donor), somebody()
    with db.transaction() as session:
        item = custody.find(session, code, lock=True)
        custody.add_volume(who, item, 9_000, why="measured at receipt")
    with db.transaction() as session:
        custody.take(who, custody.find(session, code), 1_500, purpose="test")
    entry = number(code, "custody.measured")
    custody.correct(who, code=code, entry=entry, volume=Quantity("6", "mL"), **WHY)
    assert (row(code).initial_volume_ul, row(code).volume_ul) == (6_000, 4_500)
    newest = number(code, "custody.corrected")
    with pytest.raises(NotEnough):
        custody.correct(who, code=code, entry=newest, volume=Quantity("1.4", "mL"), **WHY)
    assert row(code).volume_ul == 4_500


def test_what_was_missing_in_a_shipment_turns_up_and_stays_held(donor):
    (sender, _), (receiver, _) = (badge(each, *bench.EVERYBODY) for each in ("tara", "teo"))
    box, there = a_place(name="Box", kind="transport"), a_place(name="Clinic", kind="site")
    one, other = bench.thing(donor=donor), bench.thing(donor=donor)
    for each in (one, other):
        custody.move(sender, code=each, to=box)
    custody.dispatch(sender, code=box, to=there, hours=4, password=PASSWORD)
    custody.receive_shipment(receiver, code=box, seen=[one], password=PASSWORD)
    custody.correct(
        receiver, code=other, entry=number(other, "custody.shipment-missing"),
        outcome="received", **WHY,
    )  # fmt: skip
    custody.correct(
        receiver, code=one, entry=number(one, "custody.shipment-received"),
        outcome="damaged", **WHY,
    )  # fmt: skip
    with db.reading() as session:
        outcomes = dict(session.execute(select(ShipmentLine.item_id, ShipmentLine.outcome)).all())
        held = {
            each: sorted((hold.source, hold.shipment_id is not None) for hold in found)
            for each in (one, other)
            for found in [custody.holds(session, [row(each).id])]
        }
    assert outcomes == {row(one).id: "damaged", row(other).id: "received"}
    # Each is held by how it came, and by its way, which no logger recorded.
    why = [("shipment", False), ("temperature", True)]
    assert held == {one: why, other: why}


def test_H06_of_two_corrections_at_once_one_is_told_of_the_other(donor, measured):
    code, who = bench.thing(donor=donor), somebody()
    rounds, wrong = 4, 0
    for each in range(rounds):
        entry = seen(who, code)
        answers = bench.race(
            [
                lambda note=note, entry=entry: bench.once(
                    who,
                    lambda actor: custody.correct(actor, code=code, entry=entry, note=note, **WHY),
                )
                for note in (f"ice {each}", f"snow {each}")
            ]
        )
        won = [each for each in answers if isinstance(each, str)]
        wrong += len(won) != 1 or sum(isinstance(each, Answered) for each in answers) != 1
    measured("H06", trials=rounds, failures=wrong)
    assert wrong == 0


def test_H10_a_correction_sent_again_is_made_once(donor, measured):
    code, who, key = bench.thing(donor=donor), somebody(), uuid4().hex
    entry = seen(who, code)
    answers = [
        acts.once(who, key, "correct",
                  lambda: vars(custody.correct(who, code=code, entry=entry, note="ice", **WHY)))
        for _each in range(2)
    ]  # fmt: skip
    made = kinds(code).count("custody.corrected")
    measured("H10", trials=2, failures=made - 1)
    assert [each.repeated for each in answers] == [False, True]
    assert made == 1


def test_a_count_is_corrected_and_what_it_said_of_each_thing_is_answered(donor):
    who, shelf = somebody(), a_place(name="Shelf", kind="rack")
    here, forgotten, stray = (bench.thing(donor=donor) for _each in range(3))
    for each in (here, forgotten):
        custody.move(who, code=each, to=shelf)
    custody.count(who, code=shelf, seen=[here, stray])
    entry = number(shelf, "custody.counted", "place")
    missing = number(forgotten, "custody.missing")
    with pytest.raises(NotAllowed):
        custody.correct_count(
            actor(Role.TECHNICIAN), code=shelf, entry=entry, seen=[here, forgotten], **WHY
        )
    with pytest.raises(BadInput):
        custody.correct_count(who, code=shelf, entry=entry, seen=[here, stray], **WHY)
    with pytest.raises(NotCorrectable):
        custody.correct_count(who, code=shelf, entry=1, seen=[], **WHY)

    # What is there by now does not matter: it is judged by what was expected then.
    custody.move(who, code=here, to=a_place(kind="rack"))
    found = custody.correct_count(who, code=shelf, entry=entry, seen=[here, forgotten], **WHY)

    assert (found.matched, found.missing, found.unexpected) == (sorted([here, forgotten]), [], [])
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{forgotten}")
        assert ledger.countered(written)[missing].kind == "custody.count-corrected"
        (stands,) = custody.counts_of(ledger.entries_of(session, f"place/{shelf}"))
        assert ledger.counters(stands) == entry
    assert "custody.count-corrected" in kinds(stray)
    assert "custody.count-corrected" not in kinds(here)
    with pytest.raises(Answered):
        custody.correct_count(who, code=shelf, entry=entry, seen=[], **WHY)
    # And back: the thing was not there after all.
    custody.correct_count(QC, code=shelf, entry=stands.number, seen=[here], **WHY)
    assert kinds(forgotten).count("custody.missing") == 2
    again = number(shelf, "custody.count-corrected", "place")
    custody.correct_count(QC, code=shelf, entry=again, seen=[here, forgotten], **WHY)
    assert kinds(forgotten).count("custody.count-corrected") == 2


# A lot that was judged hears of it


def test_a_correction_beneath_a_released_lot_opens_a_deviation(laboratory):
    lab = laboratory
    lab.confirm_units()
    lot = lab.awaiting()
    lab.release(lab.rosa, lot)
    with db.reading() as session:
        item = custody.find(session, lot)
        above = custody.ancestors(session, [item.id])
        harvest = next(each for each in above if each.kind is ItemKind.HARVEST)
        specimen = next(each for each in above if each.kind is ItemKind.SPECIMEN)
        assert qc.findings_of(session, [item.id]) == []
        writer = ledger.entries_of(session, f"item/{harvest.code}")
    entry = next(each for each in writer if each.kind == "culture.harvested")
    custody.correct(
        QC, code=harvest.code, entry=entry.number, viability_percent=Quantity("40", "%"), **WHY
    )
    receipt = number(specimen.code, "collection.received")
    custody.correct(QC, code=specimen.code, entry=receipt, appearance="dark red", **WHY)
    custody.correct(
        QC, code=specimen.code, entry=number(specimen.code, "custody.corrected"),
        temperature_max=Quantity("44", "Cel"), **WHY,
    )  # fmt: skip
    with db.reading() as session:
        found = qc.findings_of(session, [custody.find(session, lot).id])
        held = {
            custody.item(session, each.item_id).code: each.source
            for each in custody.holds(session, [each.id for each in above])
        }
    assert [each.kind for each in found] == ["deviation"] * 3
    assert row(lot).state is State.RELEASED
    assert held == {harvest.code: "correction", specimen.code: "correction"}
    assert verified().ok


def test_a_lot_that_nobody_judged_yet_is_left_alone(donor):
    code, who = bench.thing(donor=donor), somebody()
    entry = seen(who, code)
    custody.correct(who, code=code, entry=entry, note="ice", **WHY)
    with db.reading() as session:
        assert qc.findings_of(session, [row(code).id]) == []


# What verification says of a forged counter-entry


@pytest.mark.parametrize("forged", ["twice", "later", "digest"])
def test_I2_a_counter_entry_that_names_wrongly_is_found(database, forged):
    with clock.running(clock.SetClock(START)):
        (her,) = bench.women(bench.open_study(), 1)
        code, who = bench.thing(donor=her), somebody()
        entry = seen(who, code)
        with db.transaction() as session:
            item = custody.find(session, code, lock=True)
            named = ledger.counter(session, ledger.entry_at(session, f"item/{code}", entry))
            named |= {"later": {"number": 99}, "digest": {"digest": "00" * 32}}.get(forged, {})
            times = 2 if forged == "twice" else 1
            for _each in range(times):
                data = {"counters": named, "first": entry, "was": {}, "now": {}}
                custody.touch(who, item, "custody.corrected", data)
        found = verified()
        assert not found.ok
        assert {each.stream for each in found.breaks} == {f"item/{code}"}
        said = found.breaks[0].what
        assert {"twice": "was answered before", "later": "no earlier entry",
                "digest": "is not there as it says"}[forged] in said  # fmt: skip


def test_I3_a_corrected_column_changed_by_hand_is_found(database):
    with clock.running(clock.SetClock(START)):
        (her,) = bench.women(bench.open_study(), 1)
        code, who = bench.thing(ItemKind.SPECIMEN, donor=her), somebody()
        with db.transaction() as session:
            item = custody.find(session, code, lock=True)
            custody.add_volume(who, item, 9_000, why="measured at receipt")
        entry = number(code, "custody.measured")
        custody.correct(who, code=code, entry=entry, volume=Quantity("6", "mL"), **WHY)
        with database.engine.begin() as connection:
            connection.execute(
                text("UPDATE custody_item SET volume_ul = 9000 WHERE code = :code"), {"code": code}
            )
        found = verified()
    assert [each.what for each in found.breaks] == [
        f"custody_item.volume_ul of {row(code).id} stands as 9000, the entries say 6000"
    ]
    assert json.dumps(found.breaks[0].stream) == f'"item/{code}"'


# The mark of a work area


def test_a_place_becomes_a_work_area_and_is_none_again_once_it_is_cleared(donor):
    (other,) = bench.women(bench.open_study(), 1)
    pairs = [badge(each, *bench.EVERYBODY) for each in ("tara", "teo")]
    who, second = (each for each, _code in pairs)
    hood, away = a_place(name="Hood", kind="hood", temperature="room"), a_place(kind="rack")
    code = bench.thing(donor=donor)
    custody.mark_work_area(who, code=hood)
    with pytest.raises(MarkedAlready):
        custody.mark_work_area(who, code=hood)
    custody.move(who, code=code, to=hood)
    with pytest.raises(GateStopped):
        custody.move(who, code=bench.thing(donor=other), to=hood)
    with pytest.raises(AreaInUse):
        custody.unmark_work_area(who, code=hood, reason="moved house")
    custody.move(who, code=code, to=away)
    with pytest.raises(AreaInUse):  # out, and still not cleared by two people
        custody.unmark_work_area(who, code=hood, reason="moved house")
    custody.ask_clearance(who, code=hood, waste_out=True, cleaned=True)
    custody.clear(second, code=hood, password=PASSWORD)
    with pytest.raises(BadInput):
        custody.unmark_work_area(who, code=hood, reason=" ")
    custody.unmark_work_area(who, code=hood, reason="moved house")
    with pytest.raises(MarkedAlready):
        custody.unmark_work_area(who, code=hood, reason="moved house")
    assert kinds(hood, "place")[-1] == "custody.area-unmarked"


def test_what_stands_there_keeps_a_place_from_becoming_a_work_area(donor):
    who, hood = somebody(), a_place(name="Hood", kind="hood", temperature="room")
    shelf = a_place(name="Shelf", kind="shelf", temperature="room", parent=hood)
    custody.move(who, code=bench.thing(donor=donor), to=shelf)
    with pytest.raises(AreaInUse):
        custody.mark_work_area(who, code=hood)
    with pytest.raises(BadInput):
        custody.mark_work_area(who, code=a_place(kind="freezer"))
    with pytest.raises(NotAllowed):
        custody.mark_work_area(actor(Role.TECHNICIAN), code=hood)


def test_within_an_open_area_no_other_area_is_made(donor):
    who = somebody()
    hood = a_place(name="Hood", kind="hood", temperature="room", work_area=True)
    shelf = a_place(name="Shelf", kind="shelf", temperature="room", parent=hood)
    custody.move(who, code=bench.thing(donor=donor), to=hood)
    with pytest.raises(AreaInUse):
        custody.mark_work_area(who, code=shelf)
