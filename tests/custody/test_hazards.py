"""Custody's hazards of identity: donors never meet, slips are stopped, no code comes twice."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, islice, product
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from lims import collection, culture, custody, studies
from lims.core import clock, codes, db, gate
from lims.core.errors import DomainError
from lims.core.gate import GateStopped
from lims.core.units import Quantity
from lims.core.words import Text
from lims.custody import Edge, Item, ItemKind, NotEnough, State, Taken, pooling
from lims.custody.errors import CrossesDonors
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


def crossing() -> int:
    """Edges whose two ends, or whose own donor, are not of one woman: asked in plain SQL."""
    parent, child = aliased(Item), aliased(Item)
    with db.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(Edge)
            .join(parent, parent.id == Edge.parent_id)
            .join(child, child.id == Edge.child_id)
            .where(
                (parent.donor_id != child.donor_id)
                | (Edge.donor_id != child.donor_id)
                | parent.donor_id.is_(None)
                | child.donor_id.is_(None)
            )
        )


# H03


def test_H03_no_genealogy_crosses_donors(database, measured):
    chance = Random(SEED)
    study = bench.open_study()
    donors = bench.women(study, 4)
    pool = [bench.thing(donor=each, volume_ul=10**9) for each in donors for _one in range(3)]
    donor_of = {code: bench.row(code).donor_id for code in pool}
    who = somebody()
    edges = refused = tried = wrong = 0
    wanted = 100_000 if SOAK else 400
    while edges < wanted:
        parents = chance.sample(pool[-60:], chance.randint(1, 3))
        mixed = len({donor_of[each] for each in parents}) > 1
        if mixed and chance.random() < 0.7:
            continue  # most random picks are mixed; a third of them is enough
        named = chance.choice([None, None, *(each.id for each in donors)])
        mixed = mixed or (named is not None and named != donor_of[parents[0]])
        tried += 1
        try:
            with db.transaction() as session:
                found = [custody.find(session, each) for each in parents]
                made = custody.make(
                    who,
                    chance.choice((ItemKind.FLASK, ItemKind.HARVEST, ItemKind.LOT, ItemKind.DOSE)),
                    study_id=found[0].study_id,
                    donor_id=named,
                    parents=[
                        Taken(each, chance.randint(1, 5) if each.volume_ul else None)
                        for each in found
                    ],
                    volume_ul=chance.choice((None, 10**6)),
                    step="test",
                )
        except CrossesDonors:
            refused += 1
            wrong += not mixed
            continue
        except NotEnough:
            continue
        wrong += mixed
        edges += len(parents)
        pool.append(made.code)
        donor_of[made.code] = made.donor_id

    with db.reading() as session:
        for code in chance.sample(pool, 30):
            item = custody.find(session, code)
            line = [item, *custody.ancestors(session, [item.id])]
            wrong += len({each.donor_id for each in line}) != 1
    failures = wrong + crossing()
    measured("H03", trials=edges, failures=failures, seed=SEED, refused=refused, tried=tried)
    assert refused > 20
    assert failures == 0
    assert verified().ok


def family(donors: list[studies.Subject]) -> dict[str, Item]:
    """Of each donor a lot and a dose made from it."""
    found = {}
    for name, donor in zip("ab", donors, strict=True):
        lot = bench.thing(donor=donor, volume_ul=1000)
        with db.transaction() as session:
            parent = custody.find(session, lot)
            dose = custody.make(
                somebody(), ItemKind.DOSE, study_id=donor.study_id, parents=[Taken(parent, 10)],
                step="fill",
            )  # fmt: skip
        found[f"lot_{name}"], found[f"dose_{name}"] = bench.row(lot), bench.row(dose.code)
    return found


def test_H03_raw_sql_cannot_cross_donors_either(database, measured):
    study = bench.open_study()
    one, two, third = bench.women(study, 3)
    of = family([one, two])
    edge, item = Edge.__table__, Item.__table__

    def new_edge(parent: Item, child: Item, donor) -> object:
        return edge.insert().values(
            id=uuid4(), version=1, parent_id=parent.id, child_id=child.id, donor_id=donor,
            step="raw", volume_ul=None,
        )  # fmt: skip

    own = edge.c.child_id == of["dose_a"].id
    attacks = [
        *(
            new_edge(of[parent], of[child], donor)
            for parent, child in (("lot_a", "dose_b"), ("lot_b", "dose_a"), ("lot_a", "lot_b"))
            for donor in (one.id, two.id, third.id, None)
        ),
        new_edge(of["lot_a"], of["dose_a"], two.id),
        update(edge).where(own).values(donor_id=two.id),
        update(edge).where(own).values(donor_id=None),
        update(edge).where(own).values(parent_id=of["lot_b"].id),
        update(edge).where(own).values(child_id=of["dose_b"].id),
        update(edge).where(own).values(parent_id=of["lot_b"].id, donor_id=two.id),
        *(
            update(item).where(item.c.id == of[each].id).values(donor_id=donor)
            for each in ("lot_a", "dose_a")
            for donor in (two.id, third.id, None)
        ),
        # Whole families at once: the one edge between them still says whose they were.
        update(item)
        .where(item.c.id.in_([of["lot_a"].id, of["dose_a"].id]))
        .values(donor_id=two.id),
        item.delete().where(item.c.id == of["lot_a"].id),
    ]
    passed = []
    for number, attack in enumerate(attacks):
        try:
            with database.engine.begin() as connection:
                connection.execute(attack)
            passed.append(number)
        except IntegrityError:
            pass

    failures = len(passed) + crossing()
    measured("H03", trials=len(attacks), failures=failures, how="raw SQL")
    assert passed == []
    assert crossing() == 0
    assert verified().ok


def test_H03_no_pool_of_two_women_is_made_whatever_is_offered(database, measured):
    chance = Random(SEED)
    women = bench.women(bench.open_study(), 3)
    tubes = [
        bench.thing(ItemKind.QC_SAMPLE, donor=each, volume_ul=10**6)
        for each in women
        for _n in "abc"
    ]
    donor_of = {code: bench.row(code).donor_id for code in tubes}
    trials = 20_000 if SOAK else 60
    wrong = made = stopped = 0
    for _trial in range(trials):
        chosen = chance.sample(tubes, chance.randint(2, 4))
        mixed = len({donor_of[each] for each in chosen}) > 1
        try:
            pool = custody.pool(
                somebody(), code=chosen[0], others=chosen[1:],
                volumes=[Quantity(chance.randint(1, 9), "uL") for _each in chosen],
            )  # fmt: skip
        except GateStopped as stop:
            stopped += 1
            wrong += not mixed or stop.row.id != "culture-pool"
            continue
        except (NotEnough, custody.StateRefused):  # a small pool that was emptied
            continue
        made += 1
        wrong += mixed or pool.donor_id != donor_of[chosen[0]]
        tubes.append(pool.code)
        donor_of[pool.code] = pool.donor_id

    failures = wrong + crossing()
    measured("H03", trials=trials, failures=failures, seed=SEED, pools=made, stopped=stopped)
    assert made > 3
    assert stopped > 10
    assert failures == 0
    assert verified().ok


def test_H03_where_a_site_only_warns_a_pool_of_two_women_is_refused_all_the_same(
    database, monkeypatch, measured
):
    one, two = (
        bench.thing(ItemKind.QC_SAMPLE, donor=each, volume_ul=100)
        for each in bench.women(bench.open_study(), 2)
    )
    passes = gate.Row("culture-pool", gate.passed(Text("planted"), Text("planted")))
    monkeypatch.setattr(pooling, "judge_pool", lambda *_any, **_more: passes)
    with pytest.raises(CrossesDonors):
        custody.pool(somebody(), code=one, others=[two])
    measured("H03", trials=1, failures=crossing(), how="the rule taken out")
    assert crossing() == 0


def test_H03_a_file_changed_with_the_references_switched_off_is_found(database, measured):
    if not database.is_sqlite:
        pytest.skip("only an owner of the tables can do so there")
    of = family(bench.women(bench.open_study(), 2))
    with sqlite3.connect(database.engine.url.database) as plain:
        plain.execute(
            "UPDATE custody_edge SET parent_id = ? WHERE child_id = ?",
            (of["lot_b"].id.hex, of["dose_a"].id.hex),
        )
    plain.close()

    found = verified()
    measured("H03", trials=1, failures=int(found.ok), how="references off")
    assert crossing() == 1
    assert [each.what for each in found.breaks if "custody_edge.parent_id" in each.what]


# H04


def double_edits(code: str, chance: Random, letters: str = "") -> Iterator[str]:
    """All double edits of a code that pass the check character, about 1 000, in any order.

    Args:
        letters: where given, the type letter stays, and the practice range is not entered.
    """
    places = list(combinations(range(1 if letters else 0, codes.LENGTH), 2))
    for at in chance.sample(places, len(places)):
        keys = ["".join(codes.LETTERS) if place == 0 else codes.ALPHABET for place in at]
        edits = list(product(*keys))
        for one, two in chance.sample(edits, len(edits)):
            if one == code[at[0]] or two == code[at[1]]:
                continue
            text_ = list(code)
            text_[at[0]], text_[at[1]] = one, two
            edited = "".join(text_)
            practice = edited[1] == codes.PRACTICE
            if codes.valid(edited) and not (letters and practice):
                yield edited


def test_H04_a_double_slip_that_passes_the_character_is_stopped_by_context(lab, measured):
    chance = Random(SEED)
    who = somebody()
    tube = lab.specimen()
    bench_place = custody.make_place(who, name="Bench", kind="bench", temperature_class="room").code
    her = {"stated_name": "Laleh Ahmadi", "stated_birth_date": BORN}
    kit = collection.prepare_kit(
        lab.tara, study=lab.study, device_lot="CUP-1", device_expires_on=VESSEL["medium_expires_on"]
    ).code
    number = lab.woman()
    ordered = collection.issue_kit(lab.clea, code=kit, participant=number, **her).code
    before = verified().entries

    def found_at(kind: ItemKind, code: str) -> None:
        with db.reading() as session:
            custody.find(session, code, kinds=[kind])

    def collected(tube_: str, kit_: str) -> None:
        collect(lab, kit_, tube_, her)

    def moved(code: str, to: str) -> None:
        once(who, custody.move, code=code, to=to)

    points = {
        "find": (tube, lambda code: found_at(ItemKind.SPECIMEN, code)),
        "tube": (ordered, lambda code: collected(code, kit)),
        "kit": (kit, lambda code: collected(ordered, code)),
        "item": (tube, lambda code: moved(code, bench_place)),
        "place": (bench_place, lambda code: moved(tube, code)),
        "receiver": (
            codes.draw("P"),
            lambda code: once(who, custody.hand_over, code=tube, to=code),
        ),
        "held": (tube, lambda code: once(who, custody.hold, code=code, reason="test")),
        "isolated": (tube, lambda code: isolate(lab, code)),
    }
    trials, passed = 0, []
    for name, (right, offer) in points.items():
        for slip in islice(double_edits(right, chance), None if SOAK else 40):
            trials += 1
            try:
                offer(slip)
                passed.append((name, right, slip))
            except DomainError:
                pass

    measured("H04", trials=trials, failures=len(passed), seed=SEED, edit="double, at scan points")
    assert passed == []
    assert verified().entries == before


def collect(lab, kit: str, tube: str, her: dict) -> None:
    """Collect a tube with a kit, everything else in order."""
    from lims.core.units import Quantity

    once(
        lab.clea, collection.collect, kit=kit, code=tube, collected_at=clock.now(), cycle_day=2,
        cup_in_place=Quantity("3", "h"), active_infection=False, medium="PBS", medium_lot="T-1",
        medium_expires_on=VESSEL["medium_expires_on"], **her,
    )  # fmt: skip


def isolate(lab, tube: str) -> str:
    """Isolate cells from a tube."""
    return once(
        lab.tara, culture.isolate, code=tube, route="density-gradient", nucleated_cells=200_000,
        **VESSEL,
    )  # fmt: skip


def test_H04_a_slip_that_lands_on_another_womans_tube_is_stopped(lab, measured, monkeypatch):
    chance = Random(SEED)
    real = codes.draw
    stopped = trials = 0
    for index in range(200 if SOAK else 6):
        pairs = []
        slip: list[str] = []
        for name in (f"Mina {index}", f"Nora {index}"):
            number = lab.woman(name=name)
            kit = collection.prepare_kit(
                lab.tara, study=lab.study, device_lot="CUP-1",
                device_expires_on=VESSEL["medium_expires_on"],
            ).code  # fmt: skip
            # The second woman is given the very code that two slips make of the first one's.
            monkeypatch.setattr(
                codes,
                "draw",
                lambda letter, practice=False, slip=slip: (
                    slip.pop() if slip and letter == "S" else real(letter, practice=practice)
                ),
            )
            her = {"stated_name": name, "stated_birth_date": BORN}
            tube = collection.issue_kit(lab.clea, code=kit, participant=number, **her).code
            pairs.append((kit, tube, her))
            slip.append(next(double_edits(tube, chance, "S")))
        (kit_a, tube_a, her_a), (kit_b, tube_b, her_b) = pairs
        assert sum(one != two for one, two in zip(tube_a, tube_b, strict=True)) == 2
        for kit, tube, her in ((kit_a, tube_b, her_a), (kit_a, tube_b, her_b),
                               (kit_b, tube_a, her_b), (kit_b, tube_a, her_a)):  # fmt: skip
            trials += 1
            try:
                collect(lab, kit, tube, her)
            except GateStopped as stop:
                stopped += stop.row.id == "C05"
        monkeypatch.setattr(codes, "draw", real)
        assert {bench.row(tube).state for tube in (tube_a, tube_b)} == {State.ORDERED}

    measured("H04", trials=trials, failures=trials - stopped, seed=SEED, edit="onto a live code")
    assert stopped == trials
    assert verified().ok


# H09


def test_H09_codes_are_never_drawn_twice_nor_recycled(database, monkeypatch, measured):
    study = bench.open_study()
    (donor,) = bench.women(study, 1)
    clients, each_makes = (32, 1000) if SOAK else (8, 15)
    chance, guard = Random(SEED), threading.Lock()
    real = codes.draw
    few = {letter: [real(letter) for _each in range(clients * each_makes // 3)] for letter in "LVA"}
    drawn: Counter[str] = Counter()

    def crowded(letter: str, *, practice: bool = False) -> str:
        with guard:
            code = chance.choice(few[letter]) if chance.random() < 0.6 else real(letter)
            drawn[code] += 1
            return code

    monkeypatch.setattr(codes, "draw", crowded)
    made: list[str] = []
    cancelled: list[str] = []

    def client() -> None:
        who = somebody()
        for number in range(each_makes):
            if number % 5 == 4:
                place = once(who, custody.make_place, name="Box", kind="box",
                             temperature_class="-80C")  # fmt: skip
                made.append(place)
                continue
            kind = ItemKind.LOT if number % 2 else ItemKind.DOSE
            code = once(who, custody.make, kind=kind, study_id=donor.study_id, donor_id=donor.id)
            made.append(code)
            if number % 4 == 0:
                once(who, _cancel, code=code)
                cancelled.append(code)

    faults = [each for each in race([client] * clients) if each is not None]

    with db.reading() as session:
        stored = [
            *session.scalars(select(Item.code)),
            *session.scalars(select(custody.Place.code)),
        ]
        still = {each: custody.find(session, each).state for each in cancelled}
    collisions = sum(drawn.values()) - len(drawn)
    doubles = len(made) - len(set(made))
    failures = doubles + len(faults) + abs(len(stored) - len(made))
    measured(
        "H09", trials=len(made), failures=failures, seed=SEED, collisions=collisions,
        cancelled=len(cancelled),
    )  # fmt: skip
    assert faults == []
    assert doubles == 0
    assert sorted(stored) == sorted(made)
    assert collisions > len(made) // 10, "too few draws met a code that was taken"
    assert set(still.values()) == {State.BLOCKED}
    assert verified().ok


def _cancel(who, *, code: str) -> Item:
    with db.transaction() as session:
        item = custody.find(session, code, lock=True)
        custody.set_state(who, item, State.BLOCKED, "test.cancelled")
        return item


def test_H09_participants_registered_at_once_have_numbers_of_their_own(database, measured):
    study = bench.open_study()
    clients, each_makes = (32, 30) if SOAK else (8, 4)

    def client() -> list[str]:
        who = somebody()
        return [once_number(who, study, f"Woman {number}") for number in range(each_makes)]

    answers = race([client] * clients)
    faults = [each for each in answers if isinstance(each, Exception)]
    numbers = [number for each in answers if isinstance(each, list) for number in each]
    with db.reading() as session:
        rows = studies.subjects(session, studies.study_by_code(session, study).id)

    doubles = len(numbers) - len(set(numbers))
    measured("H09", trials=len(numbers), failures=doubles + len(faults), what="participants")
    assert faults == []
    assert doubles == 0
    assert sorted(each.number for each in rows) == sorted(numbers)
    assert len({each.chain_id for each in rows}) == len(rows)


def once_number(who, study: str, name: str) -> str:
    from lims.core import acts

    return acts.once(
        who,
        uuid4().hex,
        acts.digest_of(name),
        lambda: studies.register(who, study=study, name=name, birth_date=BORN).number,
    ).answer
