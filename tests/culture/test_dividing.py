"""Harvests and specimens that are divided or pooled: the next step finds what it needs of them."""

from datetime import timedelta

import pytest

from lims import collection, culture, custody, isolation, labels, qc
from lims.core import clock, db
from lims.core.units import Quantity
from tests.custody.bench import verified
from tests.laboratory import VESSEL, spins


def ml(*volumes):
    return [Quantity(each, "mL") for each in volumes]


def isolated(lab, code):
    return isolation.isolate_vesicles(
        lab.tara, code=code, method="ultracentrifugation", spins=spins(), rotor="70",
        formulation="PBS", started_at=clock.now() - timedelta(hours=5), ended_at=clock.now(),
        volume=Quantity("3.25", "mL"),
    )  # fmt: skip


def test_an_aliquot_of_a_specimen_is_isolated_as_its_whole_would_be(laboratory):
    lab = laboratory
    tube = lab.specimen()
    first, second = custody.divide(lab.tara, code=tube, volumes=ml("3", "4")).parts
    made = culture.isolate(
        lab.tara, code=first.code, route="density-gradient", nucleated_cells=200_000, **VESSEL
    )
    pooled_of = custody.divide(lab.tara, code=second.code, volumes=ml("2", "2")).parts
    pool = custody.pool(lab.tara, code=pooled_of[0].code, others=[pooled_of[1].code])

    with db.reading() as session:
        whole = collection.specimen_of(session, custody.find(session, tube).id)
        for each in (second, pool):
            known = collection.specimen_of(session, each.id)
            assert (known.kind, known.collected_at, known.subject_id) == (
                whole.kind, whole.collected_at, whole.subject_id,
            )  # fmt: skip
    assert made.donor_id == pool.donor_id
    assert [lab.state(each) for each in (tube, first.code, second.code, pool.code)] == [
        "exhausted", "exhausted", "exhausted", "accepted",
    ]  # fmt: skip
    assert verified().ok


def test_specimens_of_two_kinds_are_not_put_together(laboratory):
    lab = laboratory
    tube = lab.specimen()
    with db.reading() as session:
        donor = custody.find(session, tube).donor_id
        (blood,) = [
            each.code
            for each in custody.items_of(session, donor_id=donor, kind=custody.ItemKind.SPECIMEN)
            if each.code != tube
        ]
    lab.receive(blood, Quantity("8", "mL"))
    with pytest.raises(collection.SpecimensDiffer):
        custody.pool(lab.tara, code=tube, others=[blood])
    assert lab.state(blood) == "accepted"


def test_parts_of_a_harvest_are_pooled_again_and_become_a_lot(laboratory):
    lab = laboratory
    harvest = lab.harvest()
    one, two, three = custody.divide(
        lab.tara, code=harvest, volumes=ml("10", "10", "19"), nothing_left=True
    ).parts
    pool = custody.pool(lab.tara, code=one.code, others=[two.code])
    with db.reading() as session:
        known = culture.harvest_of(session, pool.id)
        assert (known.passage, known.medium_kind) == (1, "serum_free")
        assert culture.mechanical_record(session, pool) is culture.Mechanical.ABSENT
        assert labels.live_copy(session, pool.code) == labels.live_copy(session, three.code) == 1
    lot = isolated(lab, pool.code)

    with db.reading() as session:
        line = custody.ancestors(session, [lot.id])
        assert {harvest, one.code, two.code, pool.code} <= {each.code for each in line}
    assert lab.state(harvest) == lab.state(pool.code) == "exhausted"
    assert verified().ok


def test_an_aliquot_of_the_sample_is_a_sample_of_the_lot(laboratory):
    lab = laboratory
    lot = lab.quarantined()
    sample = lab.sample(lot)
    (part,) = custody.divide(lab.ana, code=sample, volumes=ml("0.2")).parts
    with db.reading() as session:
        found = qc.samples_of(session, custody.find(session, lot).id, custody.ItemKind.QC_SAMPLE)
    assert {each.code for each in found} == {sample, part.code}
