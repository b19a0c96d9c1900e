"""From hand to hand: offered, accepted, refused, withdrawn, overdue."""

from datetime import timedelta

import pytest

from lims import custody
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Role
from lims.custody import NotHere
from lims.station import waiting
from tests.custody import bench
from tests.custody.bench import badge, kinds, row


def gaps(code: str) -> list[str]:
    """What is missing in its chain of hands."""
    with db.reading() as session:
        return [str(each) for each in custody.custody_gaps(session, custody.find(session, code))]


def overdue(who) -> list[str]:
    """Codes on her list of overdue hand-overs."""
    (listed,) = [each for each in waiting.LISTS if each.id == "overdue"]
    with db.reading() as session:
        return [each.code for each in listed.find(session, who)]


def test_a_hand_over_has_two_sides(donor):
    (tara, tara_badge), (teo, teo_badge), (ana, _ana_badge) = map(badge, ("tara", "teo", "ana"))
    code, ward = bench.thing(donor=donor), bench.a_place(name="Ward")
    custody.move(tara, code=code, to=bench.a_place())

    for who, to in ((teo, tara_badge), (tara, tara_badge)):
        with pytest.raises(NotHere):
            custody.hand_over(who, code=code, to=to)
    custody.hand_over(tara, code=code, to=teo_badge, place=ward)
    assert row(code).holder_id == tara.person, "offered is not accepted"
    with pytest.raises(NotHere, match="offered already"):
        custody.hand_over(tara, code=code, to=teo_badge)
    for other in (ana, tara):
        with pytest.raises(NotHere, match="not offered to you"):
            custody.accept(other, code=code)
    with db.reading() as session:
        assert [str(each) for each in custody.custody_gaps(session, row(code))] == [
            "offered to Teo and not accepted yet"
        ]
    custody.accept(teo, code=code, condition="frozen")

    item = row(code)
    with db.reading() as session:
        assert custody.custody_gaps(session, item) == []
        (kept,) = custody.transfers(session, item.id)
        assert custody.place(session, item.place_id).code == ward
    assert (item.holder_id, kept.condition) == (teo.person, "frozen")
    with pytest.raises(NotHere):
        custody.accept(teo, code=code)
    assert kinds(code)[-2:] == ["custody.offered", "custody.accepted"]


def test_the_receiver_may_refuse_with_a_reason_and_the_giver_goes_on_holding_it(donor):
    (tara, _badge), (teo, teo_badge), (ana, _other) = map(badge, ("tara", "teo", "ana"))
    code = bench.thing(donor=donor)
    custody.move(tara, code=code, to=bench.a_place())
    custody.hand_over(tara, code=code, to=teo_badge)

    for other in (ana, tara):
        with pytest.raises(NotHere):
            custody.refuse(other, code=code, reason="not mine")
    with pytest.raises(BadInput):
        custody.refuse(teo, code=code, reason=" ")
    custody.refuse(teo, code=code, reason="thawed")

    assert row(code).holder_id == tara.person
    assert gaps(code) == []
    with pytest.raises(NotHere):
        custody.accept(teo, code=code)
    custody.hand_over(tara, code=code, to=teo_badge)
    custody.accept(teo, code=code)
    with db.reading() as session:
        first, second = custody.transfers(session, row(code).id)
    assert (first.ended_because, first.is_open, second.accepted_at) == (
        "thawed", False, clock.now(),
    )  # fmt: skip
    assert "custody.hand-over-refused" in kinds(code)


def test_the_giver_alone_may_withdraw_what_nobody_accepted(donor):
    (tara, _tara_badge), (teo, teo_badge) = map(badge, ("tara", "teo"))
    code = bench.thing(donor=donor)
    custody.move(tara, code=code, to=bench.a_place())
    custody.hand_over(tara, code=code, to=teo_badge)

    with pytest.raises(NotHere):
        custody.withdraw(teo, code=code)
    custody.withdraw(tara, code=code, reason="wrong person")
    with pytest.raises(NotHere, match="not offered to you"):
        custody.accept(teo, code=code)
    with pytest.raises(NotHere):
        custody.withdraw(tara, code=code)
    assert (row(code).holder_id, gaps(code)) == (tara.person, [])


def test_what_left_the_givers_hands_meanwhile_is_not_accepted(donor):
    (tara, _badge), (teo, teo_badge), (ana, _other) = map(badge, ("tara", "teo", "ana"))
    code, shelf = bench.thing(donor=donor), bench.a_place()
    custody.move(tara, code=code, to=shelf)
    custody.hand_over(tara, code=code, to=teo_badge)
    custody.move(ana, code=code, to=shelf)

    with pytest.raises(NotHere, match="no longer with the person") as refused:
        custody.accept(teo, code=code)
    assert "Ana" in str(refused.value.why)
    assert row(code).holder_id == ana.person


@pytest.mark.parametrize(("minutes", "second"), [(30, 0), (30, -1), (5, 0), (5, -1)])
def test_an_offer_is_overdue_at_its_deadline_and_not_a_second_before(
    donor, standing, minutes, second
):
    (tara, _badge), (teo, teo_badge) = map(badge, ("tara", "teo"))
    (quin, _quin), (ana, _ana) = badge("quin", Role.QC_OFFICER), badge("ana")
    code = bench.thing(donor=donor)
    custody.move(tara, code=code, to=bench.a_place())
    more = {} if minutes == 30 else {"minutes": minutes}
    custody.hand_over(tara, code=code, to=teo_badge, **more)
    standing.forward(seconds=minutes * 60 + second)

    late = second == 0
    assert [overdue(who) for who in (tara, teo, quin, ana)] == [
        *[[code] if late else []] * 3, [],
    ]  # fmt: skip
    (said,) = gaps(code)
    assert ("overdue since" in said) is late
    custody.accept(teo, code=code)
    assert (overdue(quin), gaps(code)) == ([], [])
    with db.reading() as session:
        (kept,) = custody.transfers(session, row(code).id)
    assert kept.due_at == kept.offered_at + timedelta(minutes=minutes)
