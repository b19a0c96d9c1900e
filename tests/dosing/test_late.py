"""A dose entered from paper: true events come in, are checked afterwards, and none is doubled."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from lims import custody, dosing, isolation, ledger, qc, studies
from lims.core import acts, clock, codes, db
from lims.core.errors import BadInput, DomainError, NotAllowed, NotFound
from lims.core.units import Quantity
from lims.custody import State
from lims.dosing.errors import AlreadyGiven, NotOut, OnePerson
from lims.dosing.models import Administration
from lims.people import WrongSecret
from lims.station.rehearsal import giving
from tests.bed import FIGURES, Bed, second_account
from tests.conftest import SOAK
from tests.dosing.test_services import administered, both_at_once

ml = Quantity
PNG = b"\x89PNG\r\n\x1a\n" + b"scanned" * 9


def entered(bed: Bed, **instead: Any) -> dict[str, Any]:
    """A sheet on which everything was right, given now."""
    woman = instead.pop("woman", bed.world.first)
    now = clock.now()
    looked = giving.seen(bed.stage, woman, 1500)
    looked.pop("sites_ul")
    looked.update(instead.pop("seen", {}))
    return {
        "code": woman.dose,
        "participant": woman.number,
        "operator": bed.stage.logins["clea"],
        "operator_password": bed.stage.passwords["clea"],
        "witness": bed.stage.logins["cyra"],
        "witness_password": bed.stage.passwords["cyra"],
        "checked_at": now - timedelta(minutes=6),
        "drawn_up_at": now - timedelta(minutes=2),
        "draw_up_witnessed": True,
        "started_at": now,
        "ended_at": now + timedelta(minutes=1),
        "sites": [ml(1500, "uL")],
        "residual": ml(100, "uL"),
        "wasted": ml(0, "uL"),
        "band": woman.band,
        "witness_band": woman.band,
        "witness_dose": woman.dose,
        "figures": FIGURES,
        "reason": "no network on the ward",
        "seen": looked,
        **instead,
    }


def record(bed: Bed, sheet: dict[str, Any], who: str = "clea") -> Any:
    """Enter it as a door does."""

    def call() -> str:
        return str(dosing.record_from_paper(bed.actor(who), **sheet).check_id)

    return acts.once(bed.actor(who), uuid4().hex, acts.digest_of(uuid4().hex), call).answer


def paper_of(code: str) -> Any:
    with db.reading() as session:
        return dosing.paper_of(session, custody.find(session, code).id)


def lot_of(code: str) -> custody.Item:
    with db.reading() as session:
        vial = isolation.vial_of(session, custody.find(session, code).id)
        return custody.item(session, vial.lot_id)


def held(code: str) -> bool:
    with db.reading() as session:
        return bool(custody.holds(session, [lot_of(code).id]))


def found_on(code: str) -> list[str]:
    with db.reading() as session:
        return [each.reference for each in qc.findings_of(session, [lot_of(code).id])]


def test_a_dose_given_on_paper_is_entered_with_both_times_and_holds(bed):
    dose, sheet, gave = str(bed.world.first.dose), entered(bed), clock.now()
    bed.clock.forward(hours=5)
    record(bed, sheet | {"sheet": ("d-1.png", PNG)}, who="pari")

    paper = paper_of(dose)
    assert bed.state(dose) == "administered"
    assert (paper.given_at, paper.recorded_at) == (gave, clock.now())
    assert paper.failed == []
    assert paper.finding is None
    assert paper.sheet_sha256 == hashlib.sha256(PNG).hexdigest()
    assert found_on(dose) == []
    assert not held(dose)
    with db.reading() as session:
        row = dosing.given_of(session, custody.find(session, dose).id)
        assert (row.started_at, row.recorded_at) == (gave, clock.now())
        assert row.operator_id == bed.actor("clea").person
        assert row.witness_id == bed.actor("cyra").person
        entry = ledger.entries_of(session, custody.stream(dose))[-1]
        assert entry.kind == "dosing.given-on-paper"
        assert entry.person == str(bed.actor("pari").person)
        assert entry.data["recorded_from_paper"] is True
        assert entry.data["given_at"] == clock.text(gave)
        assert entry.data["recorded_at"] == clock.text(clock.now())
        assert [each["meaning"] for each in entry.data["signatures"]] == [
            "administered, recorded from paper",
            "witnessed, recorded from paper",
        ]
        assert entry.data["gate"]["at"] == clock.text(gave)
        assert ledger.verify(session).ok


# What went wrong on paper, and which row must say so: stopped, or not looked at.
STOPS, OPEN, WARNS = "stopped", "pending", "warned"
WRONG: dict[str, tuple[str, str, Any]] = {
    "another woman": ("B07", STOPS, lambda here: {"participant": here.world.second.number}),
    "band of another": ("B02", STOPS, lambda here: {"band": here.world.second.band}),
    "no band": ("B02", OPEN, lambda _here: {"band": None}),
    "another name": ("B02", STOPS, lambda _here: {"seen": {"name_agrees": False}}),
    "name not asked": ("B02", OPEN, lambda _here: {"seen": {"name_agrees": None}}),
    "other figures": ("B29", STOPS, lambda _here: {"figures": "0000"}),
    "no figures": ("B29", OPEN, lambda _here: {"figures": None}),
    "second scan of another": ("B29", STOPS, lambda here: {"witness_dose": here.world.second.dose}),
    "seal broken": ("B18", STOPS, lambda _here: {"seen": {"seal_intact": False}}),
    "not clear": ("B19", STOPS, lambda _here: {"seen": {"appearance_good": False}}),
    "label not compared": ("B20", OPEN, lambda _here: {"seen": {"label_matches": None}}),
    "device expired": ("B24", STOPS, lambda _here: {"seen": {"device_expires_on": "2026-01-01"}}),
    "another route": ("B25", STOPS, lambda _here: {"seen": {"route": "other"}}),
    "too much": ("B23", STOPS, lambda _here: {"sites": [ml(1600, "uL")], "residual": ml(0, "uL")}),
    "volumes disagree": ("volumes", WARNS, lambda _here: {"residual": ml(500, "uL")}),
    "no emergency kit": ("B33", STOPS, lambda _here: {"seen": {"emergency_kit": False}}),
    "not watched": ("B32", STOPS, lambda _here: {"draw_up_witnessed": False}),
    "drawn up before": (
        "B32", STOPS, lambda _here: {"drawn_up_at": clock.now() - timedelta(minutes=9)},
    ),
    "check too long": (
        "B30", STOPS, lambda _here: {"checked_at": clock.now() - timedelta(minutes=16)},
    ),
    "thawed for too long": (
        "B14", STOPS,
        lambda _here: {name: clock.now() + timedelta(minutes=each) for name, each in
                      (("checked_at", 50), ("drawn_up_at", 51), ("started_at", 52),
                       ("ended_at", 53))},
    ),
    "a giver who holds it not": ("B17", STOPS, lambda here: {
        "operator": here.stage.logins["cyra"], "operator_password": here.stage.passwords["cyra"],
        "witness": here.stage.logins["clea"], "witness_password": here.stage.passwords["clea"],
    }),
    "a giver without the role": ("B01", STOPS, lambda here: {
        "operator": here.stage.logins["tara"], "operator_password": here.stage.passwords["tara"],
    }),
}  # fmt: skip


def test_H33_every_paper_entry_is_checked_afterwards(beds, measured):
    failures = 0
    wanted = list(WRONG) if SOAK else list(WRONG)[::2]
    for name in wanted:
        check, result, instead = WRONG[name]
        with beds() as bed:
            dose = str(bed.world.first.dose)
            sheet = entered(bed, **instead(bed))
            bed.clock.forward(hours=4)
            record(bed, sheet)
            paper = paper_of(dose)
            said = {each["id"]: each["result"] for each in paper.failed}
            good = (
                bed.state(dose) == "administered"
                and said.get(check) == result
                and found_on(dose) == [paper.finding]
                and held(dose) is (STOPS in said.values())
            )
            if not good:
                print(name, said, paper.finding, held(dose))
            failures += not good
            with db.reading() as session:
                failures += not ledger.verify(session).ok
    measured("H33", trials=len(wanted), failures=failures)
    assert failures == 0


def test_H33_a_dose_given_to_another_frees_whom_it_was_meant_for(bed, measured):
    first, second = bed.world.first, bed.world.second
    record(bed, entered(bed, participant=second.number) | {"ended_at": clock.now()})
    with db.reading() as session:
        got = dosing.given_to(session, studies.subject_by_number(session, second.number).id)
        none = dosing.given_to(session, studies.subject_by_number(session, first.number).id)
        assert custody.item(session, got.item_id).code == first.dose
        assert none is None
        assert [
            each.ended_at is None
            for each in dosing.assignments_to(
                session, studies.subject_by_number(session, first.number).id
            )
        ] == [False]
    # She who had it is given no second one, on paper or otherwise.
    with pytest.raises(AlreadyGiven):
        record(bed, entered(bed, woman=second) | {"ended_at": clock.now()})
    measured("H33", trials=1, failures=administered() - 1)
    assert administered() == 1


def test_what_changed_after_it_was_given_does_not_make_it_wrong(bed):
    woman = bed.world.first
    dose, sheet = str(woman.dose), entered(bed)
    bed.clock.forward(hours=1)
    lot = lot_of(dose)
    with db.transaction() as session:
        # A recall in the meantime: the lot is held and the dose blocked, though it is gone already.
        found = custody.find(session, lot.code, lock=True)
        custody.place_hold(bed.actor("quin"), session, found, "suspected", "person")
        custody.block_descendants(bed.actor("quin"), found, reason="suspected")
    studies.withdraw_consent(
        bed.actor("ines"), number=woman.number, reason="moves away", material="destroy"
    )
    assert bed.state(dose) == "blocked"
    bed.clock.forward(hours=1)
    record(bed, sheet)
    assert paper_of(dose).failed == []
    assert bed.state(dose) == "administered"
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_what_was_wrong_when_it_was_given_stays_wrong_though_it_was_mended(bed):
    dose = str(bed.world.first.dose)
    lot = lot_of(dose).code
    custody.hold(bed.actor("quin"), code=lot, reason="suspected")
    bed.clock.forward(minutes=5)
    sheet = entered(bed)
    bed.clock.forward(minutes=30)
    custody.lift_hold(bed.actor("quin"), code=lot, reason="nothing found")
    record(bed, sheet)
    assert [each["id"] for each in paper_of(dose).failed] == ["B11"]
    assert held(dose)


def test_what_cannot_have_been_is_refused_and_nothing_is_written(bed):
    woman, sheet = bed.world.first, entered(bed)
    with db.reading() as session:
        free = next(
            each.code
            for each in custody.items_of(session, kind=custody.ItemKind.DOSE)
            if each.state is State.AVAILABLE
        )
        before = session.scalar(select(func.count()).select_from(Administration))
    bed.clock.forward(minutes=30)
    other, password = second_account(bed, "clea")
    assert other.person == bed.actor("clea").person
    early = {
        name: clock.now() - timedelta(days=2)
        for name in ("checked_at", "drawn_up_at", "started_at", "ended_at")
    }
    refused: list[tuple[dict[str, Any], type[DomainError]]] = [
        ({"code": free}, NotOut),
        ({"code": codes.draw("V", practice=True)}, NotFound),
        ({"participant": "TANG-999"}, NotFound),
        (early, NotOut),
        ({"ended_at": clock.now() + timedelta(days=1)}, BadInput),
        ({"ended_at": sheet["started_at"] - timedelta(minutes=1)}, BadInput),
        ({"witness": "clea-two", "witness_password": password}, OnePerson),
        ({"operator_password": "not hers at all"}, WrongSecret),
        ({"witness_password": "not hers at all"}, WrongSecret),
        ({"witness": "nobody"}, WrongSecret),
        ({"reason": " "}, BadInput),
        ({"seen": {"invented": True}}, BadInput),
        ({"sheet": ("d-1.exe", b"MZ\x90")}, BadInput),
        ({"thawed_at": sheet["checked_at"], "thawed_by": "clea", "kept": None}, BadInput),
    ]
    for instead, kind in refused:
        with pytest.raises(kind):
            record(bed, sheet | instead)
        bed.clock.forward(minutes=20)  # so that no refused password makes the next one wait
    assert administered() == before
    assert bed.state(str(woman.dose)) == "thawed"
    assert paper_of(str(woman.dose)) is None
    for who in ("tara", "quin", "ana"):
        with pytest.raises(NotAllowed):
            record(bed, sheet, who=who)
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_H31_paper_and_bedside_at_once_give_one_dose(beds, measured):
    rounds, failures = (50 if SOAK else 2), 0
    for _round in range(rounds):
        with beds() as bed:
            check = bed.ready(bed.world.first)
            sheet = entered(bed) | {"ended_at": clock.now()}
            answers = both_at_once(lambda: bed.given(check), lambda: record(bed, sheet))  # noqa: B023
            good = sum(isinstance(each, str) for each in answers)
            failures += not (good == 1 and administered() == 1)
    measured("H31", trials=rounds, failures=failures)
    assert failures == 0


def test_a_thaw_that_is_on_paper_alone_comes_in_with_it(bed):
    woman = bed.world.first
    pari = bed.actor("pari")
    giving.destroy(bed.stage, woman.dose, "dropped")
    with db.reading() as session:
        dose = next(
            each.code
            for each in custody.items_of(session, kind=custody.ItemKind.DOSE)
            if each.state is State.AVAILABLE and each.product != "prp"
            and lot_of(each.code).id == lot_of(str(woman.dose)).id
        )  # fmt: skip
    dosing.assign(pari, code=dose, participant=woman.number)
    dosing.issue(pari, code=dose, to=bed.stage.badges["clea"])
    custody.accept(bed.actor("clea"), code=dose)
    thawed = clock.now()
    bed.clock.forward(minutes=12)
    sheet = entered(bed) | {
        "code": dose,
        "witness_dose": dose,
        "thawed_at": thawed,
        "thawed_by": bed.stage.logins["clea"],
        "kept": dosing.Kept.ROOM,
    }
    bed.clock.forward(hours=3)
    record(bed, sheet)
    assert paper_of(dose).failed == []
    with db.reading() as session:
        item = custody.find(session, dose)
        assert (item.thawed_at, item.thaw_count) == (thawed, 1)
        assert ledger.verify(session).ok
