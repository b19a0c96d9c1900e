"""She withdraws, and what is hers or meant for her is held in the same commit (X8, H24)."""

import pytest

from lims import custody, ledger, studies
from lims.core import db
from lims.core.gate import GateStopped, Result


def withdraw(bed, number):
    bed.stage.do(
        "clea",
        studies.withdraw_consent,
        number=number,
        reason="changed her mind",
        material="keep_for_traceability",
    )


def held(code):
    with db.reading() as session:
        item = custody.find(session, code)
        return [each.reason for each in custody.holds(session, [item.id])]


def test_H24_a_dose_meant_for_her_is_held_and_cannot_be_given(bed, measured):
    woman = bed.world.first
    check = bed.ready(woman)

    withdraw(bed, woman.number)

    assert held(woman.dose) == ["her consent was withdrawn"]
    with pytest.raises(GateStopped) as raised:
        bed.given(check)
    assert {"B03", "B04", "B11"} <= set(raised.value.answer.ids(Result.STOPPED))
    assert bed.state(woman.dose) == "thawed"
    with db.reading() as session:
        assert ledger.verify(session).ok
    measured("H24", trials=1, failures=0)


def test_H24_her_own_material_is_held_and_nothing_more_is_made_of_it(bed, measured):
    woman = bed.world.plasma
    withdraw(bed, woman.number)

    with db.reading() as session:
        subject = studies.subject_by_number(session, woman.number)
        mine = [
            each
            for each in custody.items_of(session, donor_id=subject.id)
            if each.state not in custody.FINAL
        ]
        loose = [each.code for each in mine if not custody.holds(session, [each.id])]
        assert mine
        for each in mine:
            with pytest.raises(custody.OnHold):
                custody.require_free(session, each)
        assert ledger.verify(session).ok
    measured("H24", trials=len(mine), failures=len(loose))
    assert loose == []
