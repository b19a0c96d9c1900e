"""Isolation through the services: runs in order, frozen specifications, fills that add up."""

from datetime import timedelta

import pytest

from lims import collection, custody, isolation
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.gate import GateStopped, Result
from lims.core.units import Quantity
from tests.laboratory import BORN, spins


def stops(refused):
    return set(refused.value.answer.ids(Result.STOPPED))


def run(lab, code, **other):
    given = {
        "method": "ultracentrifugation", "spins": spins(), "rotor": "70", "formulation": "PBS",
        "started_at": clock.now() - timedelta(hours=5), "ended_at": clock.now(),
        "volume": Quantity("3.25", "mL"),
    }  # fmt: skip
    return isolation.isolate_vesicles(lab.tara, code=code, **{**given, **other})


def ml(*volumes):
    return [Quantity(each, "mL") for each in volumes]


def filled(lab, lot, doses, qc="0.8", retained="0.3", waste="0.02", **more):
    given = {"qc": qc, "retained": retained, "waste": waste}
    return isolation.fill(
        lab.tara,
        code=lot,
        doses=ml(*doses),
        **{name: Quantity(each, "mL") for name, each in given.items()},
        **more,
    )


def test_a_harvest_becomes_a_lot_with_its_specification_frozen(laboratory):
    lab = laboratory
    pool = lab.harvest()
    item = run(lab, pool)

    with db.reading() as session:
        lot = isolation.lot_of(session, item.id)
    assert lot.specification_digest == isolation.digest_of(lot.specification)
    assert {each["id"] for each in lot.specification} >= {"S01", "S09", "S13", "S22"}
    assert (lot.mechanical, lot.mechanical_record) == (False, "absent")
    assert (lab.state(pool), lab.state(item.code)) == ("exhausted", "in-process")


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"spins": [each for each in spins() if each.step != "3"]}, "isolation-order"),
        ({"spins": spins()[:4]}, "isolation-complete"),
        ({"spins": [spins()[1], spins()[0], *spins()[2:]]}, "isolation-order"),
        ({"method": "precipitation"}, "isolation-method"),
    ],
    ids=["a step left out", "not finished", "reversed", "a refused method"],
)
def test_a_run_that_is_not_the_method_makes_no_lot(laboratory, change, row):
    lab = laboratory
    pool = lab.harvest()

    with pytest.raises(GateStopped) as refused:
        run(lab, pool, **change, reason="try")

    assert row in stops(refused)
    assert lab.state(pool) == "stored"


def test_a_force_at_another_radius_asks_for_a_reason(laboratory):
    lab = laboratory
    pool = lab.harvest()

    with pytest.raises(GateStopped) as refused:
        run(lab, pool, spins=spins("36897"))  # 100 000 g at rmin is 139 900 g at rmax
    assert set(refused.value.answer.ids(Result.WARNED)) == {"isolation-spin-4", "isolation-spin-5"}
    run(lab, pool, spins=spins("36897"), reason="validated at rmin, protocol P-12")


def test_what_comes_out_of_a_lot_adds_up_to_what_was_in(laboratory):
    lab = laboratory
    lot = lab.lot()

    with pytest.raises(GateStopped) as refused:
        filled(lab, lot, ["2.5"], reason="try")
    assert stops(refused) == {"mass-balance"}
    with pytest.raises(GateStopped) as asked:
        filled(lab, lot, ["1.5"])
    assert asked.value.answer.ids(Result.WARNED) == ["mass-balance"]
    (vial,) = filled(lab, lot, ["2.08"])
    with pytest.raises(custody.StateRefused):
        filled(lab, lot, ["2.08"])

    with db.reading() as session:
        item = custody.find(session, lot)
        fill = isolation.fill_of(session, item.id)
        figures = isolation.vial_of(session, vial.id).figures
    parts = fill.filled_ul + fill.qc_ul + fill.retained_ul + fill.waste_ul + fill.loss_ul
    assert (parts, item.volume_ul, item.state.value) == (3250, 0, "quarantine")
    assert lab.state(vial.code) == "filled"
    assert len(figures) > 4  # sealed


def test_prp_is_made_of_blood_drawn_for_it_and_of_nothing_else(laboratory):
    lab = laboratory
    number = lab.woman()
    her = {"stated_name": "Laleh Ahmadi", "stated_birth_date": BORN}
    blood = lab.blood(number, collection.SpecimenKind.TEST_BLOOD, her)
    lab.receive(blood, None)
    lab.clock.forward(hours=1)

    with pytest.raises(BadInput, match="something else"):
        isolation.prepare_prp(
            lab.tara, code=blood, spins=spins()[:2], rotor="4",
            started_at=clock.now() - timedelta(minutes=30), ended_at=clock.now(),
            volume=Quantity("2", "mL"),
        )  # fmt: skip
    assert lab.state(blood) == "accepted"
