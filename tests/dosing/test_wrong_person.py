"""Wrong participant or wrong dose: what two honest scans of a wrong vial come to (H27)."""

import random
from dataclasses import replace
from typing import Any

from lims.core.gate import Result, Verdict
from lims.dosing.checks import BEDSIDE
from lims.dosing.facts import (
    BedsideFacts,
)
from tests.dosing.facts_here import (
    KINDS,
    NOW,
    changed,
    good_facts,
    row,
)


def ward(size: int, seed: int) -> list[BedsideFacts]:
    """As many participants as doses, each with her own, of all kinds in random order."""
    rng = random.Random(seed)
    people = []
    for number in range(size):
        kind, me = rng.choice(KINDS), f"SR-{number:03}"
        band, dose = f"W{number:07}A", f"V{number:07}A"
        people.append(
            good_facts(
                kind,
                participant={"code": me},
                band={"code": band, "participant": me},
                spoken={"band": band},
                witness={"band": band, "dose": dose},
                dose={"code": dose, "allocated_to": me},
                lineage={"donors": (me,) if kind != "cord" else ("D-007",), "chains": (me,)},
            )
        )
    return people


def brought_to(her: BedsideFacts, other: BedsideFacts) -> BedsideFacts:
    """Her band and record, the other's dose: what two honest scans of a wrong vial give."""
    assert her.witness is not None
    assert other.dose is not None
    return replace(
        her,
        witness=replace(her.witness, dose=other.dose.code),
        dose=other.dose, lot=other.lot, lineage=other.lineage, thaw=other.thaw,
        custody=other.custody,
    )  # fmt: skip


def test_H27_only_her_own_dose_of_fifty_is_allowed(measured: Any) -> None:
    size, seed = 50, 27
    people = ward(size, seed)
    allowed = [
        (her, dose)
        for her in range(size)
        for dose in range(size)
        if (answer := BEDSIDE.ask(brought_to(people[her], people[dose]), NOW)).verdict
        is not Verdict.STOP
        and not answer.ids(Result.PENDING)
    ]
    own = [(each, each) for each in range(size)]
    failures = len(set(allowed) ^ set(own))
    print(f"H27: n={size * size} pairs, allowed {len(allowed)}")
    measured("H27", trials=size * size, failures=failures, seed=seed)
    assert allowed == own


def test_H27_her_own_cells_stand_guard_even_when_the_assignment_is_wrong(measured: Any) -> None:
    size, seed = 20, 28
    people = [each for each in ward(3 * size, seed) if each.lot and each.lot.product == "exo"]
    pairs = failures = 0
    for her in people:
        for other in people:
            assert her.participant is not None
            facts = changed(brought_to(her, other), dose={"allocated_to": her.participant.code})
            pairs += 1
            failures += (row(facts, "B08") is Result.PASSED) != (her is other)
    print(f"H27: n={pairs} pairs under a wrong assignment")
    measured("H27", trials=pairs, failures=failures, seed=seed)
    assert failures == 0


def test_H27_another_band_than_the_one_named_stops(measured: Any) -> None:
    people = ward(20, 29)
    failures = sum(
        (row(replace(her, band=other.band), "B02") is Result.PASSED) != (her is other)
        for her in people
        for other in people
    )
    measured("H27", trials=400, failures=failures, seed=29)
    assert failures == 0
