"""Whoever received a dose, or for whom one is meant, stays known by name for her time (H49)."""

import pytest

from lims import studies


def erase(bed, number):
    bed.stage.sign("ines", studies.erase, number=number, reason="she asked for it")


def test_H49_a_dose_keeps_her_traceable(bed, measured):
    woman = bed.world.first
    check = bed.ready(woman)
    bed.given(check)
    bed.stage.do(
        "clea",
        studies.withdraw_consent,
        number=woman.number,
        reason="not given",
        material="keep_for_traceability",
    )

    refused = 0
    for days in (0, 365, 365 * 28):
        bed.clock.forward(days=days)
        with pytest.raises(studies.RetentionRuns, match="received a dose"):
            erase(bed, woman.number)
        refused += 1
    measured("H49", trials=refused, failures=0, dose=True)


def test_H49_a_dose_that_is_meant_for_her_comes_first(bed, measured):
    woman = bed.world.first
    bed.ready(woman)
    bed.stage.do(
        "clea",
        studies.withdraw_consent,
        number=woman.number,
        reason="not given",
        material="keep_for_traceability",
    )
    with pytest.raises(studies.RetentionRuns, match="meant for her"):
        erase(bed, woman.number)
    measured("H49", trials=1, failures=0, dose=True)
