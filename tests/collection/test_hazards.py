"""H01: a kit belongs to one woman, once; nothing of another's is ever collected with it."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from random import Random

import pytest
from sqlalchemy import select

from lims import collection, ledger, studies
from lims.collection.errors import KitBound
from lims.collection.models import Kit
from lims.core import clock, db
from lims.core.errors import BadInput, Conflict
from lims.core.gate import GateStopped, Result
from lims.core.units import Quantity
from lims.custody import ItemKind, State
from tests.conftest import SOAK
from tests.custody.bench import Light, once, row
from tests.laboratory import BORN, START

SEED = 20261121
LATER = date(2026, 12, 1)
OTHER_BIRTH = date(1994, 5, 9)


@pytest.fixture
def lab(database) -> Iterator[Light]:
    """A laboratory in which nobody signs."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        yield Light(standing)


class Woman:
    """A consented participant, with a kit of hers where she has one."""

    def __init__(self, lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.number = lab.woman(name=name)
        self.kit = self.tube = ""

    def bind(self, kit: str, **other) -> str:
        """Hand her a kit, through a door's act."""
        told = {
            "participant": self.number, "stated_name": self.name, "stated_birth_date": BORN, **other
        }  # fmt: skip
        return once(self.lab.clea, collection.issue_kit, code=kit, **told)

    def take_home(self) -> "Woman":
        """Hand her a fresh kit."""
        self.kit = prepared(self.lab)
        self.tube = self.bind(self.kit)
        return self

    def collect(self, *, kit: str = "", tube: str = "", **other) -> str:
        """Return it at collection."""
        told = {
            "stated_name": self.name, "stated_birth_date": BORN, "collected_at": clock.now(),
            "cycle_day": 2, "cup_in_place": Quantity("3", "h"), "active_infection": False,
            "medium": "PBS", "medium_lot": "T-1", "medium_expires_on": LATER, **other,
        }  # fmt: skip
        return once(
            self.lab.clea, collection.collect, kit=kit or self.kit, code=tube or self.tube, **told
        )


def prepared(lab) -> str:
    """A kit that nobody has."""
    return once(
        lab.tara, collection.prepare_kit, study=lab.study, device_lot="CUP-1",
        device_expires_on=LATER,
    )  # fmt: skip


def refused(family: type[Exception], act: Callable[[], object]) -> bool:
    """Whether an act was refused in the right way."""
    try:
        act()
    except family:
        return True
    return False


def everything() -> dict[str, list]:
    """All rows that a collection could touch, as they stand."""
    from lims.collection.models import Specimen
    from lims.custody import Edge, Hold, Item
    from lims.labels.models import LabelRequest

    with db.reading() as session:
        return {
            model.__tablename__: sorted(
                repr(tuple(each)) for each in session.execute(select(model.__table__))
            )
            for model in (Item, Kit, Specimen, Edge, Hold, LabelRequest, studies.Subject)
        }


def refusals(code: str) -> list[list[str]]:
    """The rows that stopped, of each refusal in an item's stream."""
    with db.reading() as session:
        return [
            [each["id"] for each in entry.data["gate"]["rows"] if each["result"] == "stopped"]
            for entry in ledger.entries_of(session, f"item/{code}")
            if entry.kind == "refused"
        ]


def entries() -> int:
    """How many entries the ledger has."""
    with db.reading() as session:
        return ledger.entry_count(session)


def test_H01_a_kit_is_bound_once_to_whomever(lab, measured):
    one, two = Woman(lab, "Laleh Ahmadi").take_home(), Woman(lab, "Mina Karimi")
    before, written, bound = everything(), entries(), 0
    for woman in (one, two):
        for state in (State.ISSUED, State.USED):
            if state is State.USED and woman is one:
                one.collect()
                before, written = everything(), entries()
            bound += not refused(KitBound, lambda woman=woman: woman.bind(one.kit))
    measured("H01", trials=4, failures=bound, what="bound twice")
    assert bound == 0
    assert (everything(), entries()) == (before, written)


def test_H01_another_womans_kit_or_tube_is_stopped_at_return(lab, measured):
    women = [Woman(lab, f"Woman {each}").take_home() for each in range(3)]
    loose = prepared(lab)
    before, trials, accepted = everything(), 0, 0
    for kit_of, tube_of, stated in product(women, women, women):
        if kit_of is tube_of:
            continue
        trials += 1
        accepted += not refused(
            GateStopped,
            lambda kit=kit_of.kit, tube=tube_of.tube, her=stated: her.collect(kit=kit, tube=tube),
        )
    for woman in women:
        trials += 1
        with pytest.raises(Conflict):
            woman.collect(kit=loose)
    written = [each for woman in women for each in refusals(woman.tube)]
    measured("H01", trials=trials, failures=accepted + trials - len(written), what="swapped")
    assert accepted == 0
    # The refusal is kept, once for each try, and nothing else is.
    assert written == [["C05"]] * trials
    assert everything() == before


WRONG = [
    {"stated_name": "Mina Karimi"},
    {"stated_name": "Laleh"},
    {"stated_name": ""},
    {"stated_name": "Ahmadi Laleh"},
    {"stated_birth_date": OTHER_BIRTH},
    {"stated_birth_date": date(1995, 5, 8)},
    {"stated_name": "Mina Karimi", "stated_birth_date": OTHER_BIRTH},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_H01_whoever_does_not_state_who_she_is_gets_no_kit_and_returns_none(lab, measured, wrong):
    woman = Woman(lab, "Laleh Ahmadi")
    kit = prepared(lab)
    before = everything()
    rows = [{"stated_name": "I01", "stated_birth_date": "I02"}[each] for each in wrong]

    with pytest.raises(GateStopped) as at_issue:
        woman.bind(kit, **wrong)
    assert everything() == before
    woman.kit, woman.tube = kit, woman.bind(kit)
    held = everything()
    with pytest.raises(GateStopped) as at_return:
        woman.collect(**wrong)

    assert everything() == held
    stopped = [stop.value.answer.ids(Result.STOPPED) for stop in (at_issue, at_return)]
    measured("H01", trials=2, failures=sum(each != rows for each in stopped), what="identity")
    assert stopped == [rows, rows]
    assert (refusals(kit), refusals(woman.tube)) == ([rows], [rows])
    # What she said is kept nowhere.
    with db.reading() as session:
        said = str([each.data for each in ledger.entries_of(session, f"item/{kit}")])
    assert "Karimi" not in said
    assert "1994" not in said


@pytest.mark.parametrize(
    "stated",
    ["LALEH AHMADI", " laleh  ahmadi ", "Laleh-Ahmadi", "Laléh Ahmadi", "Ｌａｌｅｈ Ahmadi"],
)
def test_writing_a_name_in_another_way_does_not_make_it_another(lab, stated):
    woman = Woman(lab, "Laleh Ahmadi")
    assert woman.bind(prepared(lab), stated_name=stated)


def test_H01_a_kit_goes_to_nobody_whose_arm_or_consent_has_no_collection(lab, measured):
    control, withdrew, narrow = (Woman(lab, name) for name in ("Control", "Left", "Narrow"))
    with db.transaction() as session:
        her = studies.subject_by_number(session, control.number, lock=True)
        her.arm = "IRCT-CTL"
        ledger.record(lab.clea, studies.stream(her), "test.allocated", rows=[her])
    studies.withdraw_consent(
        lab.clea, number=withdrew.number, reason="asked", material=choices(lab)[0]
    )
    studies.give_consent(
        lab.clea, number=narrow.number, form_version="1.3", covers=["follow_up"],
        signed_at=clock.now(),
    )  # fmt: skip
    kit = prepared(lab)
    before, found = everything(), []
    for woman in (control, withdrew, narrow):
        with pytest.raises(GateStopped) as stop:
            woman.bind(kit)
        found.append(stop.value.answer.ids(Result.STOPPED))

    expected = [["C03"], ["C02"], ["C02"]]
    wrong = sum(one != two for one, two in zip(found, expected, strict=True))
    measured("H01", trials=3, failures=wrong, what="no collection planned")
    assert found == expected == refusals(kit)
    assert everything() == before


def choices(lab) -> tuple[str, ...]:
    """What may become of material when she withdraws."""
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, lab.study))
    return tuple(read.consent.withdrawal_choices)


def test_H01_random_hands_never_collect_one_womans_cup_for_another(lab, measured):
    chance = Random(SEED)
    rounds, wrong, collected = (300 if SOAK else 12), 0, 0
    for _round in range(rounds):
        women = [Woman(lab, f"Woman {_round}-{each}").take_home() for each in range(2)]
        for _try in range(6):
            kit_of, tube_of, said = (chance.choice(women) for _each in range(3))
            right = kit_of is tube_of is said
            fresh = row(tube_of.tube).state is State.ORDERED
            try:
                said.collect(kit=kit_of.kit, tube=tube_of.tube)
                collected += 1
                wrong += not (right and fresh)
            except Conflict:
                wrong += right and fresh
        for woman in women:
            with db.reading() as session:
                tube = row(woman.tube)
                her = studies.subject_by_number(session, woman.number)
                wrong += tube.donor_id != her.id
                wrong += (tube.state is State.COLLECTED) != (row(woman.kit).state is State.USED)

    measured("H01", trials=rounds * 6, failures=wrong, seed=SEED, collected=collected)
    assert collected > 0
    assert wrong == 0
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_H01_a_kit_of_another_study_is_refused(lab, measured):
    from tests.laboratory import OPERATOR, PROTOCOLS

    other = studies.load(
        OPERATOR,
        document=(PROTOCOLS / "tangdu-me-ucmsc.toml").read_text(),
        site_document=(PROTOCOLS / "site.toml").read_text(),
    ).code
    kit = once(
        lab.tara, collection.prepare_kit, study=other, device_lot="C", device_expires_on=LATER
    )
    woman = Woman(lab, "Laleh Ahmadi")

    with pytest.raises(BadInput, match="not in the study"):
        woman.bind(kit)
    measured("H01", trials=1, failures=int(row(kit).state is not State.PREPARED), what="study")
    assert row(kit).kind is ItemKind.KIT
    assert row(kit).state is State.PREPARED
