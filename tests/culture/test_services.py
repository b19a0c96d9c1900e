"""Culture through the services: growth, one donor to a vessel, preconditioning, rejection."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from lims import culture, custody, studies
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.gate import GateStopped, Result
from lims.core.units import Quantity
from lims.custody.errors import CrossesDonors
from tests.laboratory import VESSEL


def stops(refused):
    return set(refused.value.answer.ids(Result.STOPPED))


def stretched(lab, code, sister, **other):
    given = {
        "modality": "cyclic_stretch",
        "parameters": {"strain": "10 %", "frequency": "0.5 Hz", "axis": "uniaxial",
                       "time_per_day": "8 h"},
        "device": "SB-4", "calibrated_on": clock.now().date() - timedelta(days=40),
        "substrate": "silicone", "coating": "fibronectin",
        "started_at": clock.now() - timedelta(hours=24), "ended_at": clock.now(),
        "duty_on": Quantity("3", "h"), "duty_off": Quantity("9", "h"), "during_harvest": False,
        "static_sister": sister,
    }  # fmt: skip
    return culture.precondition(lab.tara, code=code, **{**given, **other})


def test_cells_grow_from_a_specimen_to_a_passage_with_their_doublings(laboratory):
    lab = laboratory
    flask = lab.flask()
    children = lab.passage(flask, [500_000, 500_000])

    with db.reading() as session:
        first = custody.find(session, flask)
        count = culture.count_of(session, first.id)
        grown = [culture.culture_of(session, custody.find(session, each).id) for each in children]
    assert first.state is custody.State.EXHAUSTED
    # 1.7E6 x 95 % = 1 615 000 of 200 000: log2(8.075) = 3.0135 in 120 h
    assert (count.viable_cells, count.doublings, count.hours) == (1_615_000, D("3.0135"), D(120))
    assert count.doubling_time_h == D("39.82")
    assert [each.passage for each in grown] == [1, 1]
    assert {each.cumulative_doublings for each in grown} == {D("3.0135")}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"seeded": [1_000_000, 1_000_000]}, "G06"),
        ({"viability_percent": D("79.9")}, "culture-viability"),
        ({"medium_expires_on": date(2026, 1, 1)}, "G02"),
    ],
    ids=["more seeded than live", "too many dead", "old medium"],
)
def test_a_passage_that_cannot_be_right_changes_nothing(laboratory, change, row):
    lab = laboratory
    flask = lab.flask()
    given = {"seeded": [500_000], "total_cells": 1_700_000, "viability_percent": D(95),
             "confluence_percent": D(78), **VESSEL, **change}  # fmt: skip

    with pytest.raises(GateStopped) as refused:
        culture.passage(lab.tara, code=flask, **given, reason="try")

    assert row in stops(refused)
    assert lab.state(flask) == "growing"


def test_two_donors_never_meet_in_a_harvest(laboratory):
    lab = laboratory
    hers, others = lab.passage(lab.flask(), [500_000]), lab.passage(lab.flask(), [500_000])

    with pytest.raises(CrossesDonors):
        lab.harvest([*hers, *others])

    assert lab.state(hers[0]) == lab.state(others[0]) == "growing"


def test_her_withdrawal_stops_work_on_her_cells(laboratory):
    lab = laboratory
    flask = lab.flask()
    studies.withdraw_consent(lab.clea, number=lab.number, reason="her wish", material="destroy")

    with pytest.raises((GateStopped, custody.OnHold)):
        lab.passage(flask, [500_000])

    assert lab.state(flask) in ("growing", "blocked")


def test_a_lot_is_preconditioned_only_where_every_vessel_was(laboratory):
    lab = laboratory
    one, two, sister = lab.passage(lab.flask(), [500_000] * 3)
    stretched(lab, one, sister)
    part = lab.harvest([one, two])
    third, fourth, still = lab.passage(lab.flask(), [500_000] * 3)
    for each in (third, fourth):
        stretched(lab, each, still)
    stretched(lab, still, None, modality="static_control", parameters={})
    whole, none = lab.harvest([third, fourth]), lab.harvest([still])

    with db.reading() as session:
        records = [
            culture.mechanical_record(session, custody.find(session, each)).value
            for each in (part, whole, none)
        ]
    assert records == ["incomplete", "complete", "absent"]


def test_a_run_needs_its_parameters_its_sister_and_a_calibrated_device(laboratory):
    lab = laboratory
    one, sister = lab.passage(lab.flask(), [500_000] * 2)

    with pytest.raises(GateStopped):
        stretched(lab, one, sister, parameters={"strain": "10 %"})
    pressed = {"strain": "10 kPa", "frequency": "1 Hz", "axis": "uniaxial", "time_per_day": "8 h"}
    with pytest.raises(BadInput, match="strain"):
        stretched(lab, one, sister, parameters=pressed)
    with pytest.raises(BadInput):
        stretched(lab, one, None)
    with pytest.raises(GateStopped) as refused:
        stretched(lab, one, sister, calibrated_on=clock.now().date() - timedelta(days=366))
    assert "M01" in stops(refused)
    with db.reading() as session:
        assert culture.preconditionings(session, [custody.find(session, one).id]) == []


def test_complete_serum_is_no_medium_of_a_harvest(laboratory):
    lab = laboratory
    (flask,) = lab.passage(lab.flask(), [500_000])

    with pytest.raises(GateStopped) as refused:
        culture.harvest(
            lab.tara, flasks=[flask], medium_kind="complete_serum", washes=3,
            started_at=clock.now() - timedelta(hours=48), ended_at=clock.now(),
            total_cells=3_000_000, viability_percent=D(95), confluence_percent=D(82),
            volume=Quantity("20", "mL"), reason="none else",
        )  # fmt: skip

    assert stops(refused) == {"harvest-medium"}


def test_a_rejected_culture_blocks_what_was_made_from_it(laboratory):
    lab = laboratory
    flask = lab.flask()
    one, two = lab.passage(flask, [500_000] * 2)
    pool = lab.harvest([one])

    culture.reject_culture(lab.quin, code=two, reason="cloudy, bacteria seen")
    with pytest.raises(NotAllowed):
        culture.reject_culture(lab.clea, code=pool, reason="cloudy")
    culture.reject_culture(lab.tara, code=pool, reason="same incubator shelf")

    assert (lab.state(two), lab.state(pool)) == ("rejected", "rejected")
