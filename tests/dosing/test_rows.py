"""The bedside gate row by row: one wrong thing stops its row alone, one odd thing warns in it."""

from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core.gate import Result, Verdict
from lims.dosing.checks import BEDSIDE
from lims.dosing.facts import (
    DrawUp,
    Kept,
    Thaw,
)
from tests.dosing.facts_here import DOSE, FET, KINDS, NOW, H, M, S, changed, good_facts, row, signed
from tests.findings import says_its_lines

ABSENT = {
    "exo": {"B09", "B15", "B22"},
    "cord": {"B08", "B15", "B21"},
    "prp": {"B09", "B21"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_good_facts_pass_every_row_that_applies(kind: str) -> None:
    answer = BEDSIDE.ask(good_facts(kind), NOW)
    assert {each.id: each.result for each in answer.rows} == {
        check.id: Result.PASSED for check in BEDSIDE.checks if check.id not in ABSENT[kind]
    }
    assert answer.verdict is Verdict.OK


# Each line: row, kind of product, one thing wrong. Only that row may stop, so a row taken out of
# the gate turns its lines red.
STOPS: list[tuple[str, str, dict[str, Any]]] = [
    ("B01", "exo", {"operator": {"signed_in": False}}),
    ("B01", "exo", {"operator": {"may_give": False}}),
    ("B01", "exo", {"operator": {"trained": False}}),
    ("B01", "exo", {"operator": {"delegated": False}}),
    ("B01", "exo", {"operator": {"valid_until": NOW}}),
    ("B02", "exo", {"band": {"live": False}}),
    ("B02", "exo", {"band": {"participant": None}}),
    ("B02", "exo", {"band": {"participant": "SR-022"}}),
    ("B02", "exo", {"spoken": {"name_agrees": False}}),
    ("B02", "exo", {"spoken": {"birth_date_agrees": False}}),
    ("B02", "exo", {"spoken": {"birth_date_agrees": False, "name_agrees": None}}),
    ("B02", "exo", {"spoken": {"band": "W1111111A"}}),
    ("B02", "exo", {"spoken": {"copy": 2}}),
    ("B02", "exo", {"spoken": {"at": NOW - 15 * M - S}}),
    ("B02", "exo", {"spoken": {"at": NOW + S}}),
    ("B02", "cord", {"spoken": {"at": NOW - 120 * M - S, "sedated_at": NOW - 100 * M}}),
    ("B02", "cord", {"spoken": {"at": NOW - 50 * M, "sedated_at": NOW - 51 * M}}),
    ("B03", "exo", {"participant": {"enrolled": False}}),
    ("B03", "exo", {"participant": {"withdrawn": True}}),
    ("B03", "exo", {"participant": {"eligible": False}}),
    ("B03", "exo", {"participant": {"held": True}}),
    ("B03", "cord", {"participant": {"asked_again": False}}),
    ("B04", "exo", {"consent": {"signed_at": None}}),
    ("B04", "exo", {"consent": {"signed_at": NOW + S, "first_study_act_at": None}}),
    ("B04", "exo", {"consent": {"current": False}}),
    ("B04", "exo", {"consent": {"covers_giving": False}}),
    ("B04", "exo", {"consent": {"withdrawn": True}}),
    ("B04", "exo", {"consent": {"first_study_act_at": NOW - 90 * 24 * H - S}}),
    ("B05", "exo", {"allocation": {"revealed": False}}),
    ("B06", "exo", {"dose": {"label_live": False}}),
    ("B06", "exo", {"dose": {"study": "other"}}),
    ("B07", "exo", {"dose": {"allocated_to": None}}),
    ("B07", "exo", {"dose": {"allocated_to": "SR-022"}}),
    ("B07", "exo", {"dose": {"visit": "dose-2"}}),
    ("B07", "exo", {"dose": {"visit": None}, "participant": {"visit": None}}),
    ("B08", "exo", {"lineage": {"donors": ()}}),
    ("B08", "exo", {"lineage": {"donors": ("SR-022",)}}),
    ("B08", "exo", {"lineage": {"donors": ("SR-021", "SR-022")}}),
    ("B08", "exo", {"lineage": {"chains": ("a", "b")}}),
    ("B08", "exo", {"lineage": {"identity_matched": None}}),
    ("B08", "prp", {"lineage": {"identity_matched": False}}),
    ("B09", "cord", {"lineage": {"donors": ()}}),
    ("B09", "cord", {"lineage": {"donors": ("D-007", "SR-021")}}),
    ("B09", "cord", {"lineage": {"cleared": False}}),
    ("B09", "cord", {"lineage": {"look_back": True}}),
    ("B09", "cord", {"lineage": {"consent": False}}),
    ("B10", "exo", {"lot": {"product": "prp"}}),
    ("B10", "cord", {"lot": {"mechanical": False}}),
    ("B10", "cord", {"lot": {"mechanical": None}}),
    ("B10", "cord", {"allocation": {"mechanical": False}}),
    ("B11", "exo", {"lot": {"state": "quarantine"}}),
    ("B11", "exo", {"lot": {"state": "ready-for-use"}}),
    ("B11", "prp", {"lot": {"state": "released"}}),
    ("B11", "exo", {"lot": {"recalled": True}}),
    ("B11", "exo", {"lot": {"held": True}}),
    ("B11", "exo", {"lot": {"open_findings": 1}}),
    ("B11", "exo", {"lot": {"state": "conditionally-released", "only_for": "SR-022"}}),
    ("B11", "exo", {"lot": {"state": "conditionally-released"}}),
    ("B12", "exo", {"lineage": {"markers_complete": False}}),
    ("B12", "cord", {"lineage": {"markers_reactive": True, "biohazard_label": True,
                                 "precautions": True}}),
    ("B12", "exo", {"lineage": {"markers_reactive": True, "precautions": True}}),
    ("B12", "exo", {"lineage": {"markers_reactive": True, "biohazard_label": True,
                                "precautions": False}}),
    ("B13", "exo", {"lot": {"expires_at": NOW}}),
    ("B13", "exo", {"dose": {"expires_at": NOW}}),
    ("B13", "exo", {"dose": {"expires_at": None}, "lot": {"expires_at": None}}),
    ("B14", "exo", {"thaw": {"at": NOW - H - S}}),
    ("B14", "exo", {"thaw": {"at": NOW - H - S, "kept": None}}),
    ("B14", "exo", {"thaw": {"at": NOW - 4 * H - S, "kept": Kept.COLD}}),
    ("B14", "exo", {"thaw": {"at": NOW + S}}),
    ("B14", "exo", {"thaw": {"count": 2}}),
    ("B14", "exo", {"thaw": {"refrozen": True}}),
    ("B14", "exo", {"thaw": {"refrozen": True, "at": None, "count": 0}}),
    ("B14", "exo", {"thaw": {"at": None}}),
    *(
        ("B14", "exo", {"dose": {"state": state}})
        for state in (
            "filled", "available", "allocated", "destroyed", "returned", "blocked",
            "ready-for-use", "",
        )
    ),
    *(("B14", "prp", {"dose": {"state": state}})
      for state in ("drawn", "processing", "destroyed", "blocked", "thawed")),
    ("B14", "prp", {"thaw": Thaw(NOW - 5 * M, 1)}),
    ("B15", "prp", {"lot": {"drawn_at": NOW - 4 * H - S}}),
    ("B15", "prp", {"lot": {"drawn_at": NOW + S}}),
    ("B15", "prp", {"lot": {"drawn_at": None}}),
    ("B16", "exo", {"transport": {"travelling": 1}}),
    ("B16", "exo", {"transport": {"open": 1}}),
    ("B16", "cord", {"transport": {"open": 1, "agreed": 1}}),
    ("B16", "exo", {"transport": {"unusable": 1}}),
    ("B16", "exo", {"transport": {"unagreed": 1}}),
    ("B16", "exo", {"transport": {"unagreed": 1, "agreed": 1}}),
    ("B16", "exo", {"storage": {"open": 1}}),
    ("B16", "cord", {"storage": {"open": 1, "agreed": 1}}),
    ("B16", "exo", {"storage": {"unusable": 1}}),
    ("B16", "exo", {"storage": {"unagreed": 1, "agreed": 1}}),
    ("B16", "exo", {"storage": {"open": 1}, "transport": {"agreed": 1}}),
    ("B17", "exo", {"custody": {"incomplete": 1}}),
    ("B17", "exo", {"custody": {"here": False}}),
    ("B17", "exo", {"custody": {"altered": "item/V7K4M29XC"},
                    "overrides": signed("B17", "qc_officer")}),
    ("B17", "exo", {"custody": {"longest_gap": S}}),
    ("B17", "exo", {"custody": {"longest_gap": 30 * M + S},
                    "overrides": signed("B17", "qc_officer")}),
    ("B17", "exo", {"custody": {"longest_gap": S, "incomplete": 1},
                    "overrides": signed("B17", "qc_officer")}),
    ("B17", "exo", {"custody": {"longest_gap": S}, "overrides": signed("B17", "investigator")}),
    ("B18", "exo", {"inspection": {"seal_intact": False}}),
    ("B18", "exo", {"inspection": {"cap_matches": False}}),
    ("B19", "exo", {"inspection": {"appearance_good": False}}),
    ("B19", "exo", {"inspection": {"fully_thawed": False}}),
    ("B20", "exo", {"inspection": {"label_readable": False}}),
    ("B20", "exo", {"inspection": {"label_matches": False}}),
    ("B21", "exo", {"window": {"planned_at": None}}),
    ("B21", "exo", {"window": {"planned_at": NOW}, "overrides": signed("B21")}),
    ("B21", "exo", {"window": {"done": True}, "overrides": signed("B21")}),
    ("B21", "exo", {"window": {"confirmed_at": None}}),
    ("B21", "exo", {"window": {"confirmed_at": NOW - 24 * H}}),
    ("B21", "exo", {"window": {"planned_at": FET + 6 * H + S}}),
    ("B21", "exo", {"window": {"planned_at": FET - 6 * H - S}}),
    ("B21", "exo", {"window": {"planned_at": NOW + 72 * H + S}, "overrides": signed("B21")}),
    ("B21", "exo", {"window": {"planned_at": NOW + 24 * H - S}, "overrides": signed("B21")}),
    ("B22", "cord", {"window": {"day1": None}, "overrides": signed("B22")}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 7)}}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 1)}}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 8)}, "overrides": signed("B22")}),
    ("B22", "prp", {"window": {"day1": date(2026, 4, 30)}, "overrides": signed("B22")}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 9)}, "overrides": signed("B22")}),
    ("B23", "exo", {"plan": {"sites_ul": (2101,)}}),
    ("B23", "exo", {"plan": {"sites_ul": ()}}),
    ("B23", "exo", {"plan": {"sites_ul": (2000, 0)}}),
    ("B23", "cord", {"plan": {"sites_ul": (1000, 1501)}, "dose": {"fill_ul": 9000}}),
    ("B23", "exo", {"dose": {"fill_ul": 2299}}),
    ("B23", "exo", {"dose": {"fill_ul": 1999}, "plan": {"dead_volume_ul": None}}),
    ("B23", "exo", {"dose": {"fill_ul": 2299}, "overrides": signed("B23")}),
    ("B24", "exo", {"device": {"kind": "17G needle"}}),
    ("B24", "exo", {"device": {"lot": " "}}),
    ("B24", "exo", {"device": {"expires_at": NOW}}),
    ("B24", "exo", {"device": {"expires_at": None}}),
    ("B25", "exo", {"route": "intravenous"}),
    ("B26", "exo", {"assessment": {"allergies": ("Streptomycin ",)}}),
    ("B26", "exo", {"assessment": {"allergies": ("Amphotericin B",)}}),
    ("B26", "exo", {"assessment": {"allergies": ("penicillin",)},
                    "lot": {"antibiotic_clear": False}}),
    ("B26", "cord", {"assessment": {"allergies": ("ALBUMIN",)}}),
    ("B27", "exo", {"assessment": {"fever": True}}),
    ("B27", "exo", {"assessment": {"infection": True}}),
    ("B27", "exo", {"assessment": {"bleeding": True}}),
    ("B27", "exo", {"assessment": {"bleeding": None}}),
    ("B27", "exo", {"assessment": {"pregnancy_test": "positive"}}),
    ("B27", "exo", {"assessment": {"pregnancy_test": "unclear"}}),
    ("B27", "exo", {"assessment": {"pregnancy_test": None}}),
    ("B27", "exo", {"assessment": {"pregnancy_tested_on": None}}),
    ("B27", "exo", {"assessment": {"pregnancy_tested_on": date(2026, 5, 7)}}),
    ("B27", "exo", {"assessment": {"pregnancy_tested_on": date(2026, 5, 9)}}),
    ("B28", "exo", {"dose": {"given_at": NOW - M}}),
    ("B28", "exo", {"dose": {"state": "administered"}}),
    ("B28", "exo", {"participant": {"given": ("V1",)}}),
    ("B28", "exo", {"participant": {"last_given_at": NOW - 900 * H}}),
    ("B29", "exo", {"witness": {"person": "p-1"}}),
    ("B29", "exo", {"witness": {"person": "p-3"}}),
    ("B29", "exo", {"witness": {"own_credentials": False}}),
    ("B29", "exo", {"witness": {"trained": False}}),
    ("B29", "exo", {"witness": {"band": "W1111111A"}}),
    ("B29", "exo", {"witness": {"dose": "V1111111A"}}),
    ("B29", "exo", {"witness": {"figures_right": False, "wrong_figures": 1}}),
    ("B29", "exo", {"witness": {"wrong_figures": 2}}),
    ("B30", "exo", {"session": {"started_at": NOW - 15 * M - S}}),
    ("B30", "exo", {"session": {"started_at": NOW + S}}),
    ("B30", "exo", {"session": {"interrupted": True}}),
    ("B30", "exo", {"session": {"devices": ("tablet-1", "tablet-2")}}),
    ("B30", "exo", {"session": {"devices": ()}}),
    ("B31", "exo", {"operator": {"signed": False}}),
    ("B31", "exo", {"witness": {"signed": False}}),
    ("B32", "exo", {"draw_up": {"witnessed": False}}),
    ("B32", "exo", {"draw_up": {"verdict_at": None}}),
    ("B32", "exo", {"draw_up": {"drawn_at": NOW - 5 * M - S}}),
    ("B32", "exo", {"draw_up": {"drawn_at": NOW + S}}),
    ("B32", "exo", {"draw_up": {"syringe_dose": DOSE, "syringe_participant": "SR-022"}}),
    ("B32", "exo", {"draw_up": {"syringe_dose": "V1111111A", "syringe_participant": "SR-021"}}),
    ("B33", "exo", {"emergency": {"kit": False}}),
    ("B33", "exo", {"emergency": {"staff": False}}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "kind", "wrong"), STOPS)
def test_one_wrong_thing_stops_its_row_alone(check: str, kind: str, wrong: dict[str, Any]) -> None:
    answer = BEDSIDE.ask(good_facts(kind, **wrong), NOW)
    assert answer.ids(Result.STOPPED) == [check]
    assert answer.verdict is Verdict.STOP


def test_every_row_has_a_line_that_stops_it() -> None:
    assert {check for check, _kind, _wrong in STOPS} == {check.id for check in BEDSIDE.checks}


WARNS: list[tuple[str, str, dict[str, Any]]] = [
    ("B14", "exo", {"thaw": {"at": NOW - 45 * M}}),
    ("B14", "exo", {"thaw": {"at": NOW - 60 * M}}),
    ("B14", "exo", {"thaw": {"at": NOW - 3 * H, "kept": Kept.COLD}}),
    ("B14", "exo", {"thaw": {"at": NOW - 4 * H, "kept": Kept.COLD}}),
    ("B16", "exo", {"transport": {"agreed": 1}}),
    ("B16", "exo", {"storage": {"agreed": 1}}),
    ("B17", "exo", {"custody": {"longest_gap": 30 * M}, "overrides": signed("B17", "qc_officer")}),
    ("B21", "exo", {"window": {"planned_at": FET + 2 * H + S}}),
    ("B21", "exo", {"window": {"planned_at": FET - 2 * H - S}}),
    ("B21", "exo", {"window": {"planned_at": FET + 6 * H}}),
    ("B21", "exo", {"window": {"planned_at": FET - 6 * H}}),
    ("B21", "exo", {"window": {"planned_at": NOW + 72 * H}, "overrides": signed("B21")}),
    ("B21", "exo", {"window": {"planned_at": NOW + 24 * H}, "overrides": signed("B21")}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 7)}, "overrides": signed("B22")}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 1)}, "overrides": signed("B22")}),
    ("B23", "exo", {"plan": {"sites_ul": (1899,)}}),
    ("B23", "exo", {"plan": {"sites_ul": (1000, 1000)}}),
    ("B23", "cord", {"plan": {"sites_ul": (999, 1000)}}),
    ("B23", "cord", {"plan": {"sites_ul": (1000,) * 5}, "dose": {"fill_ul": 9000}}),
    ("B23", "exo", {"plan": {"sites_ul": (2101,)}, "overrides": signed("B23", deviation="")}),
    ("B26", "exo", {"assessment": {"allergies": ("albumin",)}}),
]


@pytest.mark.parametrize(("check", "kind", "odd"), WARNS)
def test_an_odd_thing_warns_in_its_row_alone(check: str, kind: str, odd: dict[str, Any]) -> None:
    answer = BEDSIDE.ask(good_facts(kind, **odd), NOW)
    assert (answer.ids(Result.WARNED), answer.verdict) == ([check], Verdict.ASK)


PASSES: list[tuple[str, str, dict[str, Any]]] = [
    ("B01", "exo", {"operator": {"valid_until": NOW + S}}),
    ("B01", "exo", {"operator": {"valid_until": None}}),
    ("B02", "exo", {"spoken": {"at": NOW - 15 * M}}),
    ("B02", "cord", {"spoken": {"at": NOW - 120 * M, "sedated_at": NOW - 100 * M}}),
    ("B04", "exo", {"consent": {"first_study_act_at": NOW - 90 * 24 * H}}),
    ("B11", "exo", {"lot": {"state": "conditionally-released", "only_for": "SR-021"}}),
    ("B12", "exo", {"lineage": {"markers_reactive": True, "biohazard_label": True,
                                "precautions": True}}),
    ("B13", "exo", {"lot": {"expires_at": NOW + S}}),
    ("B14", "exo", {"thaw": {"at": NOW - 45 * M + S}}),
    ("B14", "exo", {"thaw": {"at": NOW - 3 * H + S, "kept": Kept.COLD}}),
    ("B15", "prp", {"lot": {"drawn_at": NOW - 4 * H}}),
    ("B16", "exo", {"transport": {"ways": 0}}),
    ("B16", "exo", {"transport": {"ways": 0}, "storage": {"measured": False}}),
    ("B19", "prp", {"inspection": {"fully_thawed": None}}),
    ("B21", "exo", {"window": {"planned_at": FET + 2 * H}}),
    ("B21", "exo", {"window": {"planned_at": FET - 2 * H}}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 6)}}),
    ("B22", "cord", {"window": {"day1": date(2026, 5, 2)}}),
    ("B23", "exo", {"plan": {"sites_ul": (2100,)}}),
    ("B23", "exo", {"plan": {"sites_ul": (1900,)}}),
    ("B23", "exo", {"dose": {"fill_ul": 2300}}),
    ("B24", "exo", {"device": {"expires_at": NOW + S}}),
    ("B26", "exo", {"assessment": {"allergies": ("penicillin",)},
                    "lot": {"antibiotic_clear": True}}),
    ("B29", "exo", {"witness": {"wrong_figures": 1}}),
    ("B30", "exo", {"session": {"started_at": NOW - 15 * M}}),
    ("B32", "exo", {"draw_up": DrawUp(syringe_dose=DOSE, syringe_participant="SR-021")}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "kind", "allowed"), PASSES)
def test_the_last_allowed_value_passes(check: str, kind: str, allowed: dict[str, Any]) -> None:
    facts = good_facts(kind, **allowed)
    assert row(facts, check) is Result.PASSED
    assert BEDSIDE.ask(facts, NOW).verdict is Verdict.OK


WAITS: list[tuple[str, dict[str, Any]]] = [
    ("B01", {"operator": None}),
    ("B02", {"band": None}),
    ("B02", {"spoken": None}),
    ("B02", {"spoken": {"name_agrees": None}}),
    ("B04", {"consent": None}),
    ("B05", {"allocation": None}),
    ("B12", {"lineage": {"markers_reactive": True, "biohazard_label": True}}),
    ("B14", {"thaw": None}),
    ("B14", {"thaw": Thaw(None), "dose": {"state": "issued"}}),
    ("B17", {"custody": {"here": None}}),
    ("B18", {"inspection": {"seal_intact": None}}),
    ("B18", {"inspection": {"cap_matches": None}}),
    ("B19", {"inspection": {"appearance_good": None}}),
    ("B19", {"inspection": {"fully_thawed": None}}),
    ("B20", {"inspection": {"label_readable": None}}),
    ("B20", {"inspection": {"label_matches": None}}),
    ("B21", {"window": None}),
    ("B23", {"plan": None}),
    ("B23", {"plan": {"sites_ul": None}}),
    ("B23", {"plan": {"dead_volume_ul": None}}),
    ("B24", {"device": None}),
    ("B25", {"route": None}),
    ("B27", {"assessment": None}),
    ("B29", {"witness": None}),
    ("B29", {"witness": {"band": None}}),
    ("B29", {"witness": {"dose": None}}),
    ("B29", {"witness": {"figures_right": None}}),
    ("B30", {"session": None}),
    ("B31", {"witness": {"signed": None}}),
    ("B31", {"operator": {"signed": None}}),
    ("B32", {"draw_up": None}),
    ("B32", {"draw_up": DrawUp(verdict_at=NOW)}),
    ("B33", {"emergency": {"kit": None}}),
    ("B33", {"emergency": {"staff": None}}),
]


@pytest.mark.parametrize(("check", "unasked"), WAITS)
def test_what_was_not_asked_waits_and_changes_no_verdict(
    check: str, unasked: dict[str, Any]
) -> None:
    answer = BEDSIDE.ask(good_facts(**unasked), NOW)
    assert check in answer.ids(Result.PENDING)
    assert answer.verdict is Verdict.OK


@given(st.data())
def test_the_verdict_is_stop_exactly_when_a_row_stopped(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    lines = [wrong for _row, of, wrong in STOPS + WARNS if of == kind]
    lines += [wrong for _row, wrong in WAITS] if kind == "exo" else []
    facts = good_facts(kind)
    for wrong in data.draw(st.lists(st.sampled_from(lines), max_size=4)):
        usable = {
            name: value
            for name, value in wrong.items()
            if not isinstance(value, dict) or getattr(facts, name) is not None
        }
        usable = {
            name: value
            for name, value in usable.items()
            if not isinstance(value, dict)
            or set(value) <= {each.name for each in fields(getattr(facts, name))}
        }
        facts = changed(facts, **usable)
    answer = BEDSIDE.ask(facts, facts.now)
    results = [each.result for each in answer.rows]
    assert (answer.verdict is Verdict.STOP) == (Result.STOPPED in results)
    assert (answer.verdict is Verdict.OK) == (not {Result.STOPPED, Result.WARNED} & set(results))


@pytest.mark.parametrize("kind", ["exo", "prp"])
def test_her_own_dose_has_no_other_to_take(kind: str) -> None:
    for check, of, wrong in STOPS:
        if of != kind:
            continue
        for each in BEDSIDE.ask(good_facts(kind, **wrong), NOW).rows:
            do_now = str(each.finding.do_now or "").lower()
            assert "another dose" not in do_now, check
            assert "take the dose" not in do_now, check


def test_every_stop_and_warning_has_its_four_lines() -> None:
    for check, kind, wrong in STOPS + WARNS:
        for each in BEDSIDE.ask(good_facts(kind, **wrong), NOW).rows:
            says_its_lines(check, each)
