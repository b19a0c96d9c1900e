"""A trace begins at whatever is in hand: a woman, a place, a colleague, a typed word."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from lims import custody
from lims.core import clock, codes, db
from lims.core.errors import BadInput, NotFound
from lims.ledger import rules
from lims.ledger.models import LedgerEntry
from lims.station import tracing


def _codes(answer):
    return {each["code"]: each["because"] for each in answer["found"]}


def test_a_woman_leads_to_her_material_and_to_the_dose_she_was_given(bed):
    woman, other = bed.world.first, bed.world.second
    before = tracing.trace(bed.actor("quin"), code=woman.number)
    assert before["given"] == []
    assert woman.dose in _codes(before)
    assert other.dose not in _codes(before)

    bed.given(bed.ready(woman))

    after = tracing.trace(bed.actor("quin"), code=woman.number)
    assert [(each["code"], each["participant"]) for each in after["given"]] == [
        (woman.dose, woman.number)
    ]
    assert _codes(after)[woman.dose] == "given"


def test_a_colleague_leads_to_what_she_touched_and_to_nothing_else(bed):
    clea = bed.actor("clea")
    bed.given(bed.ready(bed.world.first))
    with db.reading() as session:
        trail = session.execute(select(LedgerEntry.stream, LedgerEntry.body)).all()
    hers = {
        row.stream.removeprefix("item/")
        for row in trail
        if row.stream.startswith("item/") and rules.read(row.body).person == clea.label
    }
    others = {row.stream.removeprefix("item/") for row in trail} - hers

    touched = _codes(tracing.trace(bed.actor("quin"), code="clea"))

    assert bed.world.first.dose in hers
    assert others
    assert touched == dict.fromkeys(hers, "touched")


def test_a_place_leads_to_what_stood_there_in_the_period_and_only_then(bed):
    pari, woman = bed.actor("pari"), bed.world.first
    bench, other = (
        custody.make_place(
            bed.actor("tara"), name=name, kind="bench", temperature_class="room"
        ).code
        for name in ("Bench 8", "Bench 9")
    )
    bed.clock.forward(minutes=1)
    arrived = clock.now()
    custody.move(pari, code=woman.dose, to=bench)
    bed.clock.forward(minutes=2)
    left = clock.now()
    custody.move(pari, code=woman.dose, to=other)

    def found(since, until):
        return _codes(tracing.trace(pari, code=bench, since=since, until=until))

    second = timedelta(seconds=1)
    assert found(None, None) == found(arrived, left) == {woman.dose: "stood"}
    assert found(None, arrived - second) == {}
    assert found(left + second, None) == {}
    assert _codes(tracing.trace(pari, code=other)) == {woman.dose: "stood"}


@pytest.mark.parametrize("text", ["nobody-here", "IRC99-999", "x"])
def test_what_is_called_nothing_is_said_in_one_sentence(bed, text):
    with pytest.raises(NotFound, match="is called"):
        tracing.trace(bed.actor("quin"), code=text)


def test_a_misread_code_and_a_period_that_fits_nothing_are_refused(bed):
    woman, quin = bed.world.first, bed.actor("quin")
    wrong = woman.dose[:-1] + next(each for each in "0123456789" if each != woman.dose[-1])
    with pytest.raises(codes.WrongCheckCharacter):
        tracing.trace(quin, code=wrong)
    with pytest.raises(BadInput, match="Only a place"):
        tracing.trace(quin, code=woman.dose, since=clock.now())
    with pytest.raises(BadInput, match="ends before"):
        tracing.trace(
            quin, code=woman.dose, since=clock.now(), until=clock.now() - timedelta(hours=1)
        )
