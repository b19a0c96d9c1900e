"""A recall in the laboratory: what it blocks, whom it names, its rehearsal and its end."""

import pytest
from sqlalchemy import select

from lims import custody, dosing, ledger, release
from lims.core import codes, db
from lims.core.errors import BadInput, DomainError, NotAllowed, NotFound
from lims.core.gate import Result
from lims.custody import ItemKind, State
from lims.dosing.models import Administration
from lims.people import WrongSecret
from lims.release import Outcome, recalls
from lims.release.errors import RecallOver
from lims.release.rules import state_after
from lims.station import waiting
from tests.bed import Bed
from tests.dosing.test_doors import Caller, Tablet, web  # noqa: F401
from tests.dosing.test_late import lot_of


def recalled(bed: Bed, what: str, **how) -> release.Recall:
    return release.recall(bed.actor("quin"), what=what, reason="suspected", **how)


def lifted(bed: Bed, row: release.Recall, outcome: Outcome) -> release.Recall:
    return release.lift(
        bed.actor("rosa"), reference=row.reference, outcome=outcome, reason="found out",
        password=bed.stage.passwords["rosa"],
    )  # fmt: skip


def report(bed: Bed, row: release.Recall) -> dict:
    return recalls.recall_report(bed.actor("auda"), reference=row.reference)


def every_state() -> dict[str, State]:
    with db.reading() as session:
        return {
            row[0]: row[1] for row in session.execute(select(custody.Item.code, custody.Item.state))
        }


def holds() -> bool:
    with db.reading() as session:
        return ledger.verify(session).ok


def told(bed: Bed, login: str) -> list[str]:
    with db.reading() as session:
        (chosen,) = (each for each in waiting.LISTS if each.id == "recalled")
        return [line.code for line in chosen.find(session, bed.actor(login))]


def test_a_recall_blocks_doses_that_are_out_and_names_everybody(bed):
    first, second = bed.world.first, bed.world.second
    bed.given(bed.ready(first))
    row = recalled(bed, lot_of(str(second.dose)).code)

    found = report(bed, row)
    by_code = {each["code"]: each for each in found["items"]}
    assert bed.state(str(first.dose)) == "administered"
    assert bed.state(str(second.dose)) == "blocked"
    assert (by_code[second.dose]["was"], by_code[second.dose]["holder"]) == (
        "thawed", bed.actor("clea").name,
    )  # fmt: skip
    whom = {each["number"]: each for each in found["participants"]}
    assert whom[first.number]["given_at"] is not None
    assert whom[second.number]["given_at"] is None
    assert whom[second.number]["issued_at"] is not None
    # Whoever holds it is told, and nothing gives it.
    assert told(bed, "clea") == told(bed, "pari") == [second.dose]
    _check, answer = bed.check(second)
    assert "B11" in answer.ids(Result.STOPPED)
    row_of = next(each for each in answer.rows if each.id == "B11")
    assert "recalled" in row_of.finding.why.spoken("en")
    assert holds()


def test_a_drill_finds_the_same_and_changes_nothing(bed):
    before, lot = every_state(), lot_of(str(bed.world.first.dose)).code
    drill = recalled(bed, lot, drill=True)
    rehearsed = report(bed, drill)
    assert every_state() == before
    assert drill.took_ms >= 0
    assert told(bed, "clea") == []
    real = report(bed, recalled(bed, lot))
    assert [each["code"] for each in rehearsed["items"]] == [each["code"] for each in real["items"]]
    assert rehearsed["participants"] == real["participants"]
    with pytest.raises(RecallOver):
        lifted(bed, drill, Outcome.FREED)
    with db.reading() as session:
        kinds = [each.kind for each in ledger.entries_of(session, f"recall/{drill.reference}")]
    assert kinds == ["release.recall-drill"]
    assert holds()


def test_freed_items_are_judged_again_and_none_is_usable_at_once(bed):
    first = bed.world.first
    lot, before = lot_of(str(first.dose)).code, every_state()
    row = recalled(bed, lot)
    lifted(bed, row, Outcome.FREED)
    after = every_state()
    for code, state in before.items():
        if state in custody.FINAL or after[code] is state:
            continue
        assert after[code] not in (State.RELEASED, State.AVAILABLE, State.ISSUED, State.THAWED), (
            code
        )
    assert after[lot] is State.AWAITING_REVIEW
    assert after[str(first.dose)] is State.FILLED
    with db.reading() as session:
        item = custody.find(session, first.dose)
        assert dosing.assignment_of(session, item.id) is None  # meant for nobody any more
        assert (
            custody.holds(session, [each.id for each in custody.ancestors(session, [item.id])])
            == []
        )
        signed = ledger.entries_of(session, f"recall/{row.reference}")[-1].data["signature"]
    assert (signed["meaning"], signed["name"]) == ("recall freed", bed.actor("rosa").name)
    assert told(bed, "clea") == []
    with pytest.raises(RecallOver):
        lifted(bed, row, Outcome.FREED)
    assert holds()


def test_a_confirmed_recall_rejects_what_can_be_and_frees_nothing(bed):
    dose = str(bed.world.first.dose)
    lot = lot_of(dose).code
    row = recalled(bed, lot)
    lifted(bed, row, Outcome.REJECTED)
    assert bed.state(lot) == "rejected"
    assert bed.state(dose) == "blocked"
    assert set(told(bed, "clea")) == {dose, bed.world.second.dose}
    with db.reading() as session:
        item = custody.find(session, lot)
        line = [item.id, *(each.id for each in custody.ancestors(session, [item.id]))]
        assert custody.holds(session, line) != []
    assert holds()


def test_what_another_recall_reaches_stays_blocked(bed):
    dose = str(bed.world.first.dose)
    one, other = recalled(bed, lot_of(dose).code), recalled(bed, dose, whole=False)
    assert other.blocked == 0  # it was blocked already, and is held all the same
    lifted(bed, one, Outcome.FREED)
    assert bed.state(dose) == "blocked"
    assert bed.state(lot_of(dose).code) == "awaiting-review"
    assert holds()


def test_a_rejected_parent_keeps_what_it_blocked(bed):
    dose = str(bed.world.first.dose)
    lot = lot_of(dose).code
    row = recalled(bed, lot)
    with db.transaction() as session:
        parent = custody.find(session, lot, lock=True)
        custody.set_state(bed.actor("quin"), parent, State.REJECTED, "release.rejected", reason="x")
    lifted(bed, row, Outcome.FREED)
    assert (bed.state(lot), bed.state(dose)) == ("rejected", "blocked")


def test_below_alone_leaves_what_it_came_from(bed):
    dose = str(bed.world.first.dose)
    before = every_state()
    row = recalled(bed, dose, whole=False)
    assert (row.reached, row.blocked) == (1, 1)
    after = every_state()
    assert {code for code in before if before[code] is not after[code]} == {dose}
    assert set(told(bed, "clea")) == {dose}


def test_what_cannot_be_recalled_is_said(bed):
    before = every_state()
    for what, kind in (
        (codes.draw("V", practice=True), NotFound),
        ("TANG-999", NotFound),
        (bed.stage.badges["quin"], BadInput),
        (bed.world.first.number, BadInput),
    ):
        with pytest.raises(kind):
            recalled(bed, what)
    with pytest.raises(BadInput):
        release.recall(bed.actor("quin"), what=str(bed.world.first.dose), reason=" ")
    for login in ("tara", "clea", "pari", "ines", "auda"):
        with pytest.raises(NotAllowed):
            release.recall(bed.actor(login), what=str(bed.world.first.dose), reason="x")
    row = recalled(bed, str(bed.world.first.dose), drill=True)
    with pytest.raises((WrongSecret, RecallOver)):
        release.lift(
            bed.actor("rosa"), reference=row.reference, outcome=Outcome.FREED, reason="x",
            password="not hers",
        )  # fmt: skip
    with pytest.raises(DomainError):
        recalls.recall_report(bed.actor("quin"), reference="RC-NONE")
    assert every_state() == before


def test_every_state_after_a_recall_is_one_of_the_table():
    for kind in ItemKind:
        for was in (*State, None):
            for freed in (True, False):
                to = state_after(kind, was, freed=freed)
                assert to is None or custody.may_become(kind, State.BLOCKED, to), (kind, was, to)


def test_the_pages_and_the_api_say_it_in_one_answer(web, bed):  # noqa: F811
    first, second = bed.world.first, bed.world.second
    bed.given(bed.ready(first))
    lot = lot_of(str(first.dose)).code
    quin = Caller(web, bed, "quin")
    answer = quin.post("/recalls", what=lot, reason="suspected", drill=True)
    assert answer.status_code == 200, answer.json
    assert answer.json["drill"] is True
    assert {each["number"] for each in answer.json["participants"]} == {first.number, second.number}
    for each in answer.json["items"]:
        assert set(each) == {"code", "kind", "state", "was", "place", "holder"}

    bed.clock.forward(minutes=1)
    tablet = Tablet(web, bed, "quin")
    tablet.get(f"/recalls?what={lot}")
    assert f'value="{lot}"' in tablet.text
    tablet.send("/recalls", what=lot, reach="whole", reason="suspected")
    assert f'data-participant="{first.number}"' in tablet.text
    reference = answer.json["reference"]
    assert quin.get(f"/recalls/{reference}").json["drill"] is True
    listed = quin.get("/recalls").json["recalls"]
    assert [each["drill"] for each in listed] == [False, True]
    real = listed[0]["reference"]
    tablet.get(f"/recalls/{real}/lifting")
    tablet.send(
        f"/recalls/{real}/lifting", outcome="freed", reason="nothing found",
        password=bed.stage.passwords["quin"],
    )  # fmt: skip
    assert "freed" in tablet.text
    for login, status in (("tara", 403), ("clea", 200)):
        assert Caller(web, bed, login).get(f"/recalls/{real}").status_code == status
    clea = Tablet(web, bed, "clea")
    clea.get(f"/recalls/{real}")
    assert "/lifting" not in clea.text


def test_a_drill_names_nobody_who_was_given_nothing(bed):
    with db.reading() as session:
        assert session.scalars(select(Administration)).all() == []
    found = report(bed, recalled(bed, lot_of(str(bed.world.first.dose)).code, drill=True))
    assert all(each["given_at"] is None for each in found["participants"])
