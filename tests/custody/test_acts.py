"""Dividing, pooling, losing, thawing and ending, through the services: what adds up, what stops."""

import pytest
from sqlalchemy import text

from lims import custody, labels, ledger, people
from lims.core import clock, db
from lims.core.errors import BadInput, DomainError, NotAllowed
from lims.core.gate import GateStopped, Result
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.custody import ItemKind, NotEnough, OnHold, State, StateRefused
from lims.custody.ending import SameWitness
from lims.custody.errors import WrongItemKind
from lims.people.errors import WrongSecret
from tests.custody import bench
from tests.custody.bench import OPERATOR, badge, kinds, row, somebody, thing, verified
from tests.laboratory import PASSWORD

Q = ItemKind.QC_SAMPLE


def ml(*volumes: str) -> list[Quantity]:
    return [Quantity(each, "mL") for each in volumes]


def ul(volume: int) -> Quantity:
    return Quantity(volume, "uL")


def tube(donor, volume_ul: int | None = 1000, kind: ItemKind = Q) -> str:
    return thing(kind, donor=donor, volume_ul=volume_ul)


def gone(code: str) -> list[tuple[str, int, str]]:
    """What left it and went into nothing."""
    with db.reading() as session:
        found = custody.spent(session, custody.find(session, code))
    return [(each.purpose, each.volume_ul, each.cause) for each in found]


def line_holds(code: str) -> set[str]:
    with db.reading() as session:
        item = custody.find(session, code)
        line = [item, *custody.ancestors(session, [item.id])]
        return {each.reason for each in custody.holds(session, [one.id for one in line])}


def refused_by(call) -> tuple[str, Result]:
    with pytest.raises(GateStopped) as stop:
        call()
    return stop.value.row.id, stop.value.row.result


# Aliquots and splits


def test_aliquots_have_codes_labels_and_all_that_their_whole_has(donor):
    code = tube(donor)
    custody.thaw(somebody(), code=code)
    done = custody.divide(somebody(), code=code, volumes=ml("0.25", "0.3"), waste=ul(50))

    assert (row(code).volume_ul, row(code).state) == (400, State.STORED)
    assert [each.volume_ul for each in done.parts] == [250, 300]
    assert len({code, *(each.code for each in done.parts)}) == 3
    for part in done.parts:
        assert (part.kind, part.state, part.donor_id) == (Q, State.STORED, donor.id)
        assert (part.thaw_count, part.thawed_at) == (1, clock.now())
        with db.reading() as session:
            ((parent, edge),) = custody.parents(session, part.id)
            assert (parent.code, edge.volume_ul, edge.donor_id) == (code, part.volume_ul, donor.id)
            assert labels.live_copy(session, part.code) == 1
    assert gone(code) == [("waste", 50, "")]


def test_a_hold_on_the_whole_is_found_from_every_part_until_it_is_lifted(donor):
    code = tube(donor)
    (part,) = custody.divide(somebody(), code=code, volumes=ml("0.5")).parts
    (small,) = custody.divide(somebody(), code=part.code, volumes=ml("0.1")).parts
    custody.hold(somebody(), code=code, reason="late result")

    for each in (code, part.code, small.code):
        with pytest.raises(OnHold):
            custody.divide(somebody(), code=each, volumes=ml("0.01"))
    assert line_holds(small.code) == {"late result"}
    custody.lift_hold(somebody(), code=code, reason="cleared")
    custody.divide(somebody(), code=small.code, volumes=ml("0.01"))


def test_two_percent_more_than_measured_may_come_out_once_and_never_more(donor):
    code = tube(donor)
    assert refused_by(
        lambda: custody.divide(somebody(), code=code, volumes=[ul(1021)], reason="try")
    ) == ("mass-balance", Result.STOPPED)
    custody.divide(somebody(), code=code, volumes=[ul(900)])
    # 120 out of the 100 that are left: the tube held 1020 in all.
    custody.divide(somebody(), code=code, volumes=[ul(120)])
    assert (row(code).volume_ul, row(code).initial_volume_ul) == (0, 1020)
    assert row(code).state is State.EXHAUSTED

    other = tube(donor)
    custody.divide(somebody(), code=other, volumes=[ul(990)])
    custody.divide(somebody(), code=other, volumes=[ul(20)])  # 1010 out of 1000
    assert row(other).state is State.EXHAUSTED
    third = tube(donor)
    custody.divide(somebody(), code=third, volumes=[ul(990)])
    assert refused_by(lambda: custody.divide(somebody(), code=third, volumes=[ul(31)]))[1] is (
        Result.STOPPED
    )
    assert row(third).volume_ul == 10


def test_a_split_that_loses_much_wants_a_reason_and_the_loss_stays_on_the_record(donor):
    code, other = tube(donor), tube(donor)
    split = {"volumes": ml("0.4", "0.4"), "nothing_left": True}
    assert refused_by(lambda: custody.divide(somebody(), code=code, **split)) == (
        "mass-balance",
        Result.WARNED,
    )
    custody.divide(somebody(), code=code, **split, reason="the cap leaked")
    custody.divide(somebody(), code=other, volumes=ml("0.45", "0.45"), nothing_left=True)

    assert (row(code).state, row(code).volume_ul) == (State.EXHAUSTED, 0)
    assert gone(code) == [("loss", 200, "")]
    assert gone(other) == [("loss", 100, "")]
    assert kinds(code)[-1] == "custody.divided"
    with pytest.raises(StateRefused):
        custody.divide(somebody(), code=code, volumes=ml("0.1"))


@pytest.mark.parametrize("volume", ["0", "-0.1"])
def test_nothing_and_less_is_no_part(donor, volume):
    with pytest.raises(DomainError):
        custody.divide(somebody(), code=tube(donor), volumes=ml("0.1", volume))
    with pytest.raises(BadInput):
        custody.divide(somebody(), code=tube(donor), volumes=[])


def test_doses_are_never_divided_and_a_lot_only_into_samples(donor):
    lot = tube(donor, 3000, ItemKind.LOT)
    with pytest.raises(DomainError):
        custody.divide(somebody(), code=tube(donor, 100, ItemKind.DOSE), volumes=ml("0.05"))
    with pytest.raises(BadInput):
        custody.divide(somebody(), code=lot, volumes=ml("1"))
    (sample,) = custody.divide(somebody(), code=lot, volumes=ml("1"), into="qc-sample").parts
    (kept,) = custody.divide(somebody(), code=lot, volumes=ml("0.5"), into="retained").parts
    with pytest.raises(StateRefused):
        custody.divide(somebody(), code=tube(donor, None), volumes=ml("0.1"))

    assert (sample.kind, kept.kind, row(lot).volume_ul) == (Q, ItemKind.RETAINED, 1500)


# Pools


def test_a_pool_takes_all_adds_up_and_has_all_that_hangs_on_its_parents(donor):
    one, two, three = (tube(donor, each) for each in (300, 400, 500))
    custody.thaw(somebody(), code=two)
    made = custody.pool(somebody(), code=one, others=[two, three])

    assert (made.volume_ul, made.donor_id, made.state) == (1200, donor.id, State.STORED)
    assert (made.thaw_count, made.thawed_at) == (1, clock.now())
    assert [row(each).state for each in (one, two, three)] == [State.EXHAUSTED] * 3
    custody.hold(somebody(), code=one, reason="one")
    custody.hold(somebody(), code=three, reason="three")
    assert line_holds(made.code) == {"one", "three"}
    custody.lift_hold(somebody(), code=one, reason="settled")
    with pytest.raises(OnHold, match="three"):
        custody.use_up(somebody(), code=made.code, waste=ul(1200))


def test_a_pool_of_some_of_each_leaves_the_rest_and_a_held_one_stays_out(donor):
    one, two, held = tube(donor), tube(donor), tube(donor)
    custody.hold(somebody(), code=held, reason="doubt")
    made = custody.pool(somebody(), code=one, others=[two], volumes=ml("0.4", "0.1"),
                        volume=ul(480))  # fmt: skip
    with pytest.raises(OnHold):
        custody.pool(somebody(), code=one, others=[held])
    with pytest.raises(NotEnough):
        custody.pool(somebody(), code=one, others=[two], volumes=ml("0.61", "0.1"))
    with pytest.raises(BadInput):
        custody.pool(somebody(), code=one, others=[two], volumes=ml("0.1"))
    with pytest.raises(BadInput):
        custody.pool(somebody(), code=one, others=[one])
    with pytest.raises(WrongItemKind):
        custody.pool(somebody(), code=one, others=[tube(donor, kind=ItemKind.RETAINED)])

    assert [row(each).volume_ul for each in (one, two, made.code)] == [600, 900, 480]
    assert gone(made.code) == [("loss", 20, "")]


@pytest.mark.parametrize(
    ("measured", "wanted"),
    [(2041, Result.STOPPED), (2040, None), (1800, None), (1799, Result.WARNED)],
)
def test_what_is_measured_in_a_pool_is_held_against_what_went_in(donor, measured, wanted):
    one, two = tube(donor), tube(donor)
    pooled = lambda **more: custody.pool(  # noqa: E731
        somebody(), code=one, others=[two], volume=ul(measured), **more
    )
    if wanted is None:
        assert pooled().volume_ul == measured
    else:
        assert refused_by(pooled) == ("mass-balance", wanted)


def test_what_measuring_may_be_off_is_not_there_twice(donor):
    made = custody.pool(somebody(), code=tube(donor), others=[tube(donor)], volume=ul(2040))
    assert refused_by(lambda: custody.divide(somebody(), code=made.code, volumes=[ul(2041)]))[
        1
    ] is (Result.STOPPED)
    custody.divide(somebody(), code=made.code, volumes=[ul(2040)])
    assert row(made.code).state is State.EXHAUSTED


# Loss, end, destruction


def test_a_loss_has_a_cause_and_takes_no_more_than_is_there(donor):
    code = tube(donor)
    lose = lambda **how: custody.record_loss(somebody(), code=code, **how)  # noqa: E731
    lose(cause="spill", volume=ul(150), note="at the hood")
    with pytest.raises(NotEnough):
        lose(cause="leak", volume=ul(851))
    for wrong in ({"cause": "sneeze", "volume": ul(1)}, {"cause": "other", "volume": ul(1)},
                  {"cause": "spill"}, {"cause": "spill", "volume": ul(1), "everything": True},
                  {"cause": "spill", "volume": ul(-1)}):  # fmt: skip
        with pytest.raises(DomainError):
            lose(**wrong)
    lose(cause="breakage", everything=True)
    with pytest.raises(StateRefused):
        lose(cause="breakage", everything=True)

    assert gone(code) == [("loss", 150, "spill"), ("loss", 850, "breakage")]
    assert (row(code).volume_ul, row(code).state) == (0, State.STORED)


def test_what_is_used_up_is_final_and_its_rest_is_waste_or_a_loss(donor):
    code, other = tube(donor), tube(donor)
    assert refused_by(lambda: custody.use_up(somebody(), code=code, waste=ul(899))) == (
        "mass-balance",
        Result.WARNED,
    )
    assert refused_by(lambda: custody.use_up(somebody(), code=code, waste=ul(1021), reason="x"))[
        1
    ] is (Result.STOPPED)
    custody.use_up(somebody(), code=code, waste=ul(900))
    custody.use_up(somebody(), code=other, waste=ul(1020))

    assert gone(code) == [("waste", 900, ""), ("loss", 100, "")]
    assert gone(other) == [("waste", 1000, "")]
    for each in (code, other):
        assert (row(each).volume_ul, row(each).state) == (0, State.EXHAUSTED)
        for act in (custody.use_up, custody.thaw):
            with pytest.raises(DomainError):
                act(somebody(), code=each)


@pytest.fixture
def staff(standing):
    """Who acts, with a second account; a colleague who may see it, and one who may not."""
    tara, _code = badge("tara", Role.TECHNICIAN)
    badge("teo", Role.TECHNICIAN)
    badge("ada", Role.AUDITOR)
    people.add_user(
        OPERATOR, login="tara2", person="tara", roles=[Role.TECHNICIAN], password=PASSWORD
    )
    return tara


def test_a_destruction_is_seen_by_another_person_not_another_account(donor, staff):
    tara = staff
    code = tube(donor)
    gives = {"cause": "unfit", "witness_password": PASSWORD}
    for witness in ("tara", "tara2"):
        with pytest.raises(SameWitness):
            custody.destroy(tara, code=code, witness=witness, **gives)
    with pytest.raises(WrongSecret):
        custody.destroy(tara, code=code, cause="unfit", witness="teo", witness_password="guess")
    with pytest.raises(NotAllowed):
        custody.destroy(tara, code=code, witness="ada", **gives)
    with pytest.raises(BadInput):
        custody.destroy(tara, code=code, witness="teo", cause="other", witness_password=PASSWORD)
    assert row(code).state is State.STORED
    custody.destroy(tara, code=code, witness="teo", **gives)

    assert (row(code).state, row(code).volume_ul) == (State.DESTROYED, 0)
    assert gone(code) == [("destroyed", 1000, "unfit")]
    with pytest.raises(StateRefused):
        custody.destroy(tara, code=code, witness="teo", **gives)


def test_what_is_held_or_blocked_may_be_destroyed_and_the_entry_says_so(donor, staff):
    tara = staff
    code = tube(donor)
    (part,) = custody.divide(somebody(), code=code, volumes=ml("0.4")).parts
    custody.hold(somebody(), code=code, reason="consent withdrawn")
    with db.transaction() as session:
        custody.block_descendants(
            somebody(), custody.find(session, code, lock=True), reason="contaminated"
        )
    with pytest.raises(OnHold):
        custody.use_up(tara, code=part.code)
    custody.destroy(tara, code=part.code, cause="consent", witness="teo",
                    witness_password=PASSWORD)  # fmt: skip

    with db.reading() as session:
        said = ledger.entries_of(session, custody.stream(part.code))[-1].data
    assert (said["was"], said["holds"]) == ("blocked", ["consent withdrawn"])
    assert said["witness"]["name"] == "Teo"
    assert row(part.code).state is State.DESTROYED


# Thaws


def test_each_thaw_counts_and_a_sample_thawed_more_often_than_a_dose_warns(donor, standing):
    code = tube(donor)
    custody.thaw(somebody(), code=code)
    with pytest.raises(StateRefused, match="thawed already"):
        custody.thaw(somebody(), code=code)
    assert refused_by(lambda: custody.refreeze(somebody(), code=code)) == ("thaws", Result.WARNED)
    custody.refreeze(somebody(), code=code, reason="kept for a stability test")
    standing.forward(hours=1)
    assert refused_by(lambda: custody.thaw(somebody(), code=code)) == ("thaws", Result.WARNED)
    custody.thaw(somebody(), code=code, reason="stability test")

    assert (row(code).thaw_count, row(code).thawed_at) == (2, clock.now())
    assert kinds(code)[-3:] == ["custody.thawed", "custody.refrozen", "custody.thawed"]


def test_what_stood_in_a_freezer_since_its_thaw_is_thawed_again(donor, standing):
    code, freezer = tube(donor), bench.a_place()
    custody.thaw(somebody(), code=code)
    standing.forward(minutes=5)
    custody.move(somebody(), code=code, to=freezer)
    standing.forward(minutes=5)

    custody.thaw(somebody(), code=code, reason="stability test")
    assert row(code).thaw_count == 2


def test_cells_are_thawed_once_and_never_frozen_again(donor):
    with db.transaction() as session:
        item = custody.find(session, thing(ItemKind.FLASK, donor=donor), lock=True)
        custody.set_state(somebody(), item, State.BLOCKED, "test.blocked")
        custody.set_state(somebody(), item, State.STORED, "test.freed")
        code = item.code
    custody.thaw(somebody(), code=code)

    assert refused_by(lambda: custody.refreeze(somebody(), code=code, reason="x")) == (
        "thaws",
        Result.STOPPED,
    )
    assert row(code).thaw_count == 1


# I5


def test_volumes_that_do_not_add_up_are_found_whatever_the_rows_say(donor, database):
    code = tube(donor)
    custody.divide(somebody(), code=code, volumes=ml("0.5"))
    with db.transaction() as session:  # the row and its entry agree; only the sum does not
        item = custody.find(session, code, lock=True)
        item.volume_ul = 400
        custody.touch(somebody(), item, "test.shrunk")
    (found,) = verified().breaks
    assert (found.stream, "do not add up" in found.what) == (f"item/{code}", True)
    with db.transaction() as session:
        item = custody.find(session, code, lock=True)
        item.volume_ul = 500
        custody.touch(somebody(), item, "test.back")
    assert verified().ok

    with database.engine.begin() as connection:
        connection.execute(text("UPDATE custody_edge SET volume_ul = 501 WHERE volume_ul = 500"))
    assert any("custody_edge.volume_ul" in each.what for each in verified().breaks)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE custody_edge SET volume_ul = 500 WHERE volume_ul = 501"))
