"""Who may be enrolled: truth tables at the boundaries of both trials."""

from datetime import date
from typing import Any

import pytest

from lims.core.errors import BadInput
from lims.studies import protocol
from lims.studies.protocol.reading import FOLDER


def _load(name: str) -> protocol.Protocol:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return protocol.load(text, protocol.demonstration_site())


IRCT, TANGDU = _load("irct20210228050535n2"), _load("tangdu-me-ucmsc")

GOOD: dict[str, dict[str, Any]] = {
    "IRCT20210228050535N2": {
        "failed_transfer_cycles": 3, "good_quality_embryos_transferred": 4,
        "conceived_from_them": False, "age": 31, "height": "165 cm", "weight": "62 kg",
        "measured_on": "2026-03-01", "sex": "female", "hysteroscopy_report": True,
        "hysterosalpingography_report": True, "genetic_result_woman": True,
        "genetic_result_partner": True,
        "E1": True, "E2": True, "E3": True, "E4": True, "E5": True,
    },
    "TANGDU-ME-UCMSC": {
        "sex": "female", "age": 33, "AFC": 9, "AMH": "1.8 ng/mL", "previous_tcra": True,
        "tcra_date": "2025-05-01", "prp_date": "2025-06-01", "transfer_cycles": 1,
        "transfer_cycle_thickness": "6.1 mm", "consent_in_force": True,
        "infection_results_present": True, "infection_found": False,
        "allergy_to_component": False, "untreated_submucosal_fibroid": False,
        "fibroid_size": "0 cm", "adenomyosis": False, "uterine_malformation": False,
        "endometrial_polyps": False, "hydrosalpinx_size": "0 cm",
        "significant_vaginal_discharge": False, "endometriotic_cyst_size": "0 cm",
        "surgery_date": "2026-04-01", "other_trial_date": "never",
        **dict.fromkeys(
            ["I6", "I7", "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E9", "E10", "E11", "E12"], True
        ),
    },
}  # fmt: skip


def judged(study: protocol.Protocol, **changes: Any) -> protocol.Eligibility:
    document = {**GOOD[study.code], **changes}
    return protocol.judge(study, *protocol.parted(study, document))


def item(answer: protocol.Eligibility, name: str) -> bool | None:
    return next(each.met for each in answer.items if each.id == name)


@pytest.mark.parametrize("study", [IRCT, TANGDU], ids=["irct", "tangdu"])
def test_a_suitable_participant_is_eligible(study: protocol.Protocol) -> None:
    answer = judged(study)
    assert answer.eligible, [each.shown() for each in answer.items if not each.met]
    assert [each.id for each in answer.items] == [each.id for each in study.criteria]


@pytest.mark.parametrize(
    ("changes", "name", "met"),
    [
        ({"failed_transfer_cycles": 3, "good_quality_embryos_transferred": 0}, "I1", True),
        ({"failed_transfer_cycles": 2, "good_quality_embryos_transferred": 10}, "I1", True),
        ({"failed_transfer_cycles": 2, "good_quality_embryos_transferred": 9}, "I1", False),
        ({"conceived_from_them": True}, "I1", False),
        ({"age": 19}, "I2", False),
        ({"age": 20}, "I2", True),
        ({"age": 40}, "I2", True),
        ({"age": 41}, "I2", False),
        ({"height": "160 cm", "weight": "76.8 kg"}, "I3", False),  # 30.000 exactly
        ({"height": "160 cm", "weight": "76.799 kg"}, "I3", True),
        ({"height": "1.6 m", "weight": "76799 g"}, "I3", True),
        ({"height": "1.6 m", "weight": "76800 g"}, "I3", False),
        ({"measured_on": None}, "I3", None),
        ({"sex": "male"}, "I4", False),
        ({"hysteroscopy_report": False}, "E1", False),
        ({"hysterosalpingography_report": False}, "E1", False),
        ({"E1": False}, "E1", False),
        ({"E1": None}, "E1", None),
        ({"E2": False}, "E2", False),
        ({"genetic_result_partner": False}, "E5", False),
        ({"genetic_result_partner": None}, "E5", None),
        ({"genetic_result_partner": None, "E5": False}, "E5", False),
    ],
)
def test_irct_at_its_boundaries(changes: dict[str, Any], name: str, met: bool | None) -> None:
    answer = judged(IRCT, **changes)
    assert item(answer, name) is met
    assert answer.eligible is (met is True)


@pytest.mark.parametrize(
    ("changes", "name", "met"),
    [
        ({"age": 19}, "I1", False),
        ({"age": 20}, "I1", True),
        ({"age": 40}, "I1", True),
        ({"age": 41}, "I1", False),
        ({"sex": "male"}, "I1", False),
        ({"AFC": 7, "AMH": "1.11 ng/mL"}, "I2", True),
        ({"AFC": 6}, "I2", False),
        ({"AMH": "1.1 ng/mL"}, "I2", False),
        ({"AMH": {"value": "1.2", "unit": "ng/mL"}}, "I2", True),
        ({"AMH": "1100 pg/mL"}, "I2", False),
        ({"AMH": "1101 pg/mL"}, "I2", True),
        ({"AFC": "7 {follicles}"}, "I2", True),
        ({"AFC": 7, "AMH": None}, "I2", None),
        ({"previous_tcra": False}, "I3", False),
        ({"prp_date": "2025-05-01"}, "I4", False),
        ({"prp_date": "2025-05-02"}, "I4", True),
        ({"prp_date": "2025-04-30"}, "I4", False),
        ({"transfer_cycle_thickness": "7 mm"}, "I5", False),
        ({"transfer_cycle_thickness": "6.99 mm"}, "I5", True),
        ({"transfer_cycle_thickness": "0.7 cm"}, "I5", False),
        ({"transfer_cycles": 0}, "I5", False),
        ({"I6": False}, "I6", False),
        ({"consent_in_force": False}, "I7", False),
        ({"infection_found": True}, "E2", False),
        ({"infection_results_present": False}, "E2", False),
        ({"allergy_to_component": True}, "E4", False),
        ({"fibroid_size": "4.9 cm"}, "E6", True),
        ({"fibroid_size": "5 cm"}, "E6", False),
        ({"fibroid_size": "50 mm"}, "E6", False),
        ({"untreated_submucosal_fibroid": True}, "E6", False),
        ({"adenomyosis": True}, "E6", False),
        ({"uterine_malformation": True}, "E6", False),
        ({"endometrial_polyps": True}, "E6", False),
        ({"hydrosalpinx_size": "2.9 cm"}, "E7", True),
        ({"hydrosalpinx_size": "3 cm"}, "E7", False),
        ({"hydrosalpinx_size": "1 cm", "significant_vaginal_discharge": True}, "E7", False),
        ({"hydrosalpinx_size": "0 cm", "significant_vaginal_discharge": True}, "E7", True),
        ({"endometriotic_cyst_size": "3.99 cm"}, "E8", True),
        ({"endometriotic_cyst_size": "4 cm"}, "E8", False),
        ({"other_trial_date": "2025-12-30"}, "E9", False),  # 92 days before
        ({"other_trial_date": "2025-12-29"}, "E9", True),
        ({"other_trial_date": None}, "E9", None),
        ({"E12": False}, "E12", False),
    ],
)
def test_tang_du_at_its_boundaries(changes: dict[str, Any], name: str, met: bool | None) -> None:
    answer = judged(TANGDU, **changes)
    assert item(answer, name) is met
    assert answer.eligible is (met is True)


@pytest.mark.parametrize("study", [IRCT, TANGDU], ids=["irct", "tangdu"])
def test_whatever_is_missing_keeps_her_out_and_is_null(study: protocol.Protocol) -> None:
    for name in GOOD[study.code]:
        answer = judged(study, **{name: None})
        assert not answer.eligible, name
        asked = [
            each.id
            for each in study.criteria
            if name == each.id
            or (each.rule is not None and name in each.rule.names)
            or name in each.requires
        ]
        assert asked, name
        assert all(item(answer, each) is None for each in asked), name


@pytest.mark.parametrize(
    ("study", "changes", "said"),
    [
        (TANGDU, {"AMH": 1.2}, "AMH must be an amount with its unit"),
        (TANGDU, {"AMH": "1.2"}, "no unit"),
        (TANGDU, {"AMH": "1.2 mL"}, "does not convert"),
        (TANGDU, {"AMH": "8 pmol/L"}, "not a unit"),
        (TANGDU, {"AMH": "1,2 ng/mL"}, "two numbers"),
        (TANGDU, {"AMH": "-1 ng/mL"}, "zero or more"),
        (TANGDU, {"AMH": {"value": "1.2", "unit": "kg"}}, "does not convert"),
        (TANGDU, {"AFC": 7.5}, "whole number"),
        (TANGDU, {"AFC": float("nan")}, "whole number"),
        (TANGDU, {"AFC": float("inf")}, "whole number"),
        (TANGDU, {"AFC": True}, "whole number"),
        (TANGDU, {"AFC": "7 mm"}, "does not convert"),
        (TANGDU, {"AFC": -1}, "whole number"),
        (TANGDU, {"tcra_date": "1404/02/11"}, "date"),
        (TANGDU, {"tcra_date": "1404-02-11"}, "date"),
        (TANGDU, {"tcra_date": "2025-02-30"}, "date"),
        (TANGDU, {"tcra_date": "never"}, "date"),
        (TANGDU, {"tcra_date": 20250211}, "date"),
        (TANGDU, {"previous_tcra": "yes"}, "true or false"),
        (TANGDU, {"previous_tcra": 1}, "true or false"),
        (TANGDU, {"sex": "F"}, "one of female, male"),
        (TANGDU, {"shoe_size": 38}, "no field"),
        (TANGDU, {"E1": "true"}, "must be true"),
        (TANGDU, {"E1": 1}, "must be true"),
        (TANGDU, {"I2": True}, "not judged"),
        (IRCT, {"age": "31 d"}, "without a unit"),
        (IRCT, {"age": "40.5"}, "whole number"),
        (IRCT, {"height": "0 cm"}, "divides by zero"),
        (IRCT, {"weight": "62 cm"}, "does not convert"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_one_sentence(
    study: protocol.Protocol, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput) as refused:
        judged(study, **changes)
    assert said in str(refused.value)


def test_age_counts_completed_years() -> None:
    born = date(1985, 11, 21)
    assert protocol.completed_years(born, date(2026, 11, 20)) == 40
    assert protocol.completed_years(born, date(2026, 11, 21)) == 41
    assert protocol.completed_years(date(2004, 2, 29), date(2026, 2, 28)) == 21
    assert protocol.completed_years(date(2004, 2, 29), date(2026, 3, 1)) == 22
    with pytest.raises(BadInput):
        protocol.completed_years(date(2027, 1, 1), date(2026, 1, 1))


def test_persian_digits_are_read() -> None:
    assert item(judged(TANGDU, AMH="۱٫۲ ng/mL"), "I2") is True
