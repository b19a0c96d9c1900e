"""The bedside gate row by row: what passes, warns, stops and waits, and the exact second."""

import random
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core.gate import Result, Verdict
from lims.dosing.checks import BEDSIDE, validity
from lims.dosing.facts import (
    Allocation,
    AnyTime,
    Assessment,
    Band,
    BedsideFacts,
    Consent,
    Custody,
    CycleWindow,
    Device,
    Donor,
    Dose,
    DrawUp,
    Emergency,
    Inspection,
    Kept,
    Limits,
    Lineage,
    Lot,
    Operator,
    Override,
    Participant,
    Plan,
    Session,
    Spoken,
    Storage,
    Thaw,
    TransferWindow,
    Transport,
    Witness,
)

H, M, S = (timedelta(**{unit: 1}) for unit in ("hours", "minutes", "seconds"))
NOW = datetime(2026, 5, 8, 6, 30, tzinfo=UTC)  # 10:00 in Tehran
FET = NOW + 48 * H
BAND, DOSE = "W5K4M29XA", "V7K4M29XC"
HOUSE = Limits(
    check=15 * M,
    sedated_identity=120 * M,
    thaw_room=60 * M,
    thaw_cold=4 * H,
    thaw_warn=Decimal("0.75"),
    thaws=1,
    prp_age=4 * H,
    window_silent=2 * H,
    window_warn=6 * H,
    lead_shortest=24 * H,
    lead_longest=72 * H,
    custody_gap=30 * M,
    pregnancy_test_days=0,
    figures_tries=2,
)
KINDS = ("exo", "cord", "prp")


def good_facts(kind: str = "exo", **changes: Any) -> BedsideFacts:
    """Everything asked, everything right. A change is a group, or a dict of its fields."""
    me, own = "SR-021", kind != "cord"
    donor = Donor.RECIPIENT if own else Donor.OTHER
    flag = True if kind == "cord" else None
    facts = BedsideFacts(
        now=NOW,
        time_zone="Asia/Tehran",
        limits=HOUSE,
        participant=Participant(
            me, study="trial", enrolled=True, eligible=True, visit="dose-1",
            ask_again=not own, asked_again=True if not own else None,
        ),
        consent=Consent(NOW - 90 * 24 * H, True, True, False, NOW - 80 * 24 * H),
        allocation=Allocation(True, kind, flag, donor),
        operator=Operator("p-1", "N. Karimi", True, True, True, True, NOW + H, True),
        witness=Witness("p-2", "L. Rezai", True, True, BAND, DOSE, True, 0, True),
        band=Band(BAND, 1, True, me),
        spoken=Spoken(True, True, NOW - 9 * M, BAND, 1),
        dose=Dose(
            DOSE, study="trial", state="ready-for-use" if kind == "prp" else "thawed",
            allocated_to=me, visit="dose-1", prepared_by=("p-3",), fill_ul=2600,
            expires_at=NOW + 500 * H,
        ),
        lot=Lot(
            "26-017", "ready-for-use" if kind == "prp" else "released", kind, donor, flag,
            NOW + 600 * H, residuals=("penicillin", "albumin"), prp=kind == "prp",
            drawn_at=NOW - H if kind == "prp" else None,
        ),
        lineage=Lineage(
            (me,) if own else ("D-007",), True, (me,), not own, False, not own, True,
        ),
        thaw=None if kind == "prp" else Thaw(NOW - 20 * M, 1, False, Kept.ROOM),
        transport=Transport(ways=1),
        storage=Storage(measured=True),
        custody=Custody(here=True),
        inspection=Inspection(True, True, True, True, True, True),
        window=TransferWindow(48 * H, FET, NOW - H) if kind == "exo"
        else CycleWindow(date(2026, 5, 4), 3, 7),
        plan=Plan(
            1900, 2100, "IUI catheter", "uterine cavity", sites_ul=(2000,), dead_volume_ul=300,
            refused_allergies=("penicillin", "streptomycin", "amphotericin_b"),
        ) if kind == "exo" else Plan(
            1000, 6000, "17G needle", "endometrium", 1000, 1500, 4, (1000, 1200), 100, True
        ),
        device=Device("IUI catheter" if kind == "exo" else "17G needle", "C-88", NOW + 900 * H),
        route="uterine cavity" if kind == "exo" else "endometrium",
        assessment=Assessment(
            NOW - H, True, ("latex",), False, False, False, "negative", date(2026, 5, 8)
        ),
        session=Session(NOW - 10 * M, False, ("tablet-1",)),
        draw_up=DrawUp(NOW - 5 * M, NOW - 3 * M, True),
        emergency=Emergency(True, True),
    )  # fmt: skip
    return changed(facts, **changes)


def changed(facts: BedsideFacts, **changes: Any) -> BedsideFacts:
    """The same facts with some groups, or fields of groups, changed."""
    groups = {
        name: replace(getattr(facts, name), **value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return replace(facts, **groups)


def row(facts: BedsideFacts, check: str) -> Result | None:
    """What one row came to."""
    found = {each.id: each.result for each in BEDSIDE.ask(facts, facts.now).rows}
    return found.get(check)


def why(facts: BedsideFacts, check: str) -> str:
    """Its WHY line, in English."""
    rows = {each.id: each for each in BEDSIDE.ask(facts, facts.now).rows}
    return rows[check].finding.why.spoken("en")


def signed(check: str, role: str = "investigator", **other: Any) -> tuple[Override, ...]:
    """An earlier act, signed by two, with its deviation."""
    return (Override(**{"check": check, "role": role, "by": "p-8", "second": "p-9",
                        "deviation": "DEV-3"} | other),)  # fmt: skip


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


def test_e9_not_asked_again_yet_waits() -> None:
    assert row(good_facts("cord", participant={"asked_again": None}), "B03") is Result.PENDING


def test_dose_and_participant_alone_leave_the_bedside_rows_pending() -> None:
    facts = good_facts(
        band=None, spoken=None, operator=None, witness=None, session=None, draw_up=None,
        device=None, route=None, assessment=None, inspection=Inspection(),
        emergency=Emergency(), custody={"here": None}, plan={"dead_volume_ul": None},
    )  # fmt: skip
    answer = BEDSIDE.ask(facts, NOW)
    assert answer.verdict is Verdict.OK
    assert answer.ids(Result.PENDING) == [
        "B01", "B02", "B17", "B18", "B19", "B20", "B23", "B24", "B25", "B26", "B27", "B29", "B30",
        "B31", "B32", "B33",
    ]  # fmt: skip


def test_an_unknown_dose_stops_b06_and_leaves_the_rest_pending() -> None:
    facts = good_facts(
        dose=Dose("V0000000A", found=False), lot=None, lineage=None, thaw=None, custody=None,
        witness=None,
    )  # fmt: skip
    answer = BEDSIDE.ask(facts, NOW)
    assert answer.ids(Result.STOPPED) == ["B06"]
    assert {"B07", "B08", "B10", "B11", "B12", "B13", "B14", "B16", "B17"} <= set(
        answer.ids(Result.PENDING)
    )
    assert "V00 000 00A" in str(answer.rows[5].finding.what)


def test_facts_left_over_from_another_dose_say_nothing_of_an_unknown_one() -> None:
    answer = BEDSIDE.ask(good_facts(dose=Dose(DOSE, found=False), custody={"incomplete": 1}), NOW)
    assert answer.ids(Result.STOPPED) == ["B06"]
    of_the_dose = {
        "B07",
        "B08",
        "B10",
        "B11",
        "B12",
        "B13",
        "B14",
        "B16",
        "B17",
        "B18",
        "B19",
        "B20",
    }
    assert of_the_dose <= set(answer.ids(Result.PENDING))
    assert "B09" not in {each.id for each in answer.rows}


def test_a_lineage_that_was_not_gathered_waits() -> None:
    assert {"B08", "B12"} <= set(BEDSIDE.ask(good_facts(lineage=None), NOW).ids(Result.PENDING))
    assert row(good_facts("cord", lineage=None), "B09") is Result.PENDING
    assert row(good_facts(custody=None), "B17") is Result.PENDING
    assert row(good_facts(transport=None), "B16") is Result.PENDING
    assert row(good_facts(storage=None), "B16") is Result.PENDING


def test_a_second_occasion_stops_the_cycle_day_and_the_once_rule() -> None:
    for before in ({"given": ("V1",)}, {"last_given_at": NOW - 900 * H}):
        answer = BEDSIDE.ask(good_facts("cord", participant=before), NOW)
        assert answer.ids(Result.STOPPED) == ["B22", "B28"]


def test_a_bank_dose_of_another_says_to_take_the_one_named_for_her() -> None:
    facts = good_facts("cord", dose={"allocated_to": "SR-022"})
    do_now = {each.id: str(each.finding.do_now) for each in BEDSIDE.ask(facts, NOW).rows}["B07"]
    assert do_now == "Put the dose aside and take the dose named for SR-021."


@pytest.mark.parametrize("code", ["S7K4M29XC", "Q7K4M29XC", "W7K4M29XC"])
def test_another_kind_of_code_is_no_dose(code: str) -> None:
    assert row(good_facts(dose={"code": code}), "B06") is Result.STOPPED


@pytest.mark.parametrize("code", ["S7K4M29XC", "V7K4M29XC", "P7K4M29XC"])
def test_a_paper_or_spare_label_is_no_wristband(code: str) -> None:
    facts = good_facts(band={"code": code})
    assert row(facts, "B02") is Result.STOPPED
    assert "not a wristband" in why(facts, "B02")


def test_an_unknown_participant_stops_b03_and_says_nothing_else() -> None:
    facts = good_facts(participant=Participant("SR-999", found=False), band=None)
    answer = BEDSIDE.ask(facts, NOW)
    assert answer.ids(Result.STOPPED) == ["B03"]
    of_her = {"B04", "B05", "B06", "B07", "B08", "B10", "B21", "B26", "B27", "B28", "B32"}
    assert of_her <= set(answer.ids(Result.PENDING))


def test_a_control_participant_gets_no_dose_and_no_word_of_her_arm() -> None:
    control = good_facts(allocation=Allocation(True))
    hidden = good_facts(allocation=Allocation(False))
    assert row(control, "B05") is Result.STOPPED
    assert why(control, "B05") == why(hidden, "B05")
    said = str([each.shown() for each in BEDSIDE.ask(control, NOW).rows]).lower()
    assert "control" not in said
    assert " arm" not in said.replace("on the arm", "")


@pytest.mark.parametrize("kind", ["exo", "prp"])
def test_her_own_dose_has_no_other_to_take(kind: str) -> None:
    for check, of, wrong in STOPS:
        if of != kind:
            continue
        for each in BEDSIDE.ask(good_facts(kind, **wrong), NOW).rows:
            do_now = str(each.finding.do_now or "").lower()
            assert "another dose" not in do_now, check
            assert "take the dose" not in do_now, check


def test_an_own_dose_that_expired_says_only_one_issued_to_her() -> None:
    facts = good_facts(lot={"expires_at": NOW})
    do_now = {each.id: str(each.finding.do_now) for each in BEDSIDE.ask(facts, NOW).rows}["B13"]
    assert do_now == "Do not give. Call the pharmacy: only a dose issued to her."


def test_a_bank_dose_that_expired_says_take_another() -> None:
    facts = good_facts("cord", lot={"expires_at": NOW})
    do_now = {each.id: str(each.finding.do_now) for each in BEDSIDE.ask(facts, NOW).rows}["B13"]
    assert "Take another dose" in do_now


def test_an_autologous_dose_never_passes_for_a_bank_arm() -> None:
    facts = good_facts("cord", lot={"donor": Donor.RECIPIENT}, lineage={"donors": ("SR-022",)})
    assert {"B08", "B10"} <= set(BEDSIDE.ask(facts, NOW).ids(Result.STOPPED))


def test_an_override_needs_two_people_the_role_and_a_deviation() -> None:
    late = {"window": {"planned_at": FET + 8 * H}}
    for bad in (
        signed("B21", second="p-8"),
        signed("B21", second=""),
        signed("B21", by=""),
        signed("B21", role="clinician"),
        signed("B21", deviation=" "),
        signed("B22"),
    ):
        assert row(good_facts(**late, overrides=bad), "B21") is Result.STOPPED
    assert row(good_facts(**late, overrides=signed("B21")), "B21") is Result.WARNED


def test_a_gap_stays_a_stop_while_the_seal_is_not_known_to_be_intact() -> None:
    gap = {"custody": {"longest_gap": 5 * M}, "overrides": signed("B17", "qc_officer")}
    assert row(good_facts(**gap), "B17") is Result.WARNED
    assert row(good_facts(**gap, inspection={"seal_intact": None}), "B17") is Result.STOPPED


@pytest.mark.parametrize("hours_off", [2, 6])
def test_the_lead_time_is_exact_across_a_change_of_clock(hours_off: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    planned = datetime(2026, 3, 29, 10, 0, tzinfo=berlin)  # clocks went forward at 02:00 that day
    due = planned.astimezone(UTC) - 48 * H
    assert due.astimezone(berlin).hour == 9
    for sign in (1, -1):
        edge = (due + sign * hours_off * H).astimezone(berlin)
        beyond = (due + sign * (hours_off * H + S)).astimezone(berlin)
        results = [
            row(
                good_facts(now=at, time_zone="Europe/Berlin",
                           window={"planned_at": planned, "confirmed_at": at}),
                "B21",
            )
            for at in (edge, beyond)
        ]  # fmt: skip
        inside = Result.PASSED if hours_off == 2 else Result.WARNED
        outside = Result.WARNED if hours_off == 2 else Result.STOPPED
        assert results == [inside, outside]


def test_thaw_time_runs_through_a_change_of_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    thawed = datetime(2026, 3, 29, 1, 30, tzinfo=berlin)
    now = datetime(2026, 3, 29, 3, 30, tzinfo=berlin)  # one hour later, not two
    assert row(good_facts(now=now, thaw={"at": thawed}), "B14") is Result.WARNED
    assert row(good_facts(now=now + S, thaw={"at": thawed}), "B14") is Result.STOPPED


def test_the_cycle_day_is_the_sites_calendar_day() -> None:
    late = datetime(2026, 5, 7, 20, 29, 59, tzinfo=UTC)  # 23:59:59 in Tehran, still 7 May
    day7 = good_facts("cord", now=late, window={"day1": date(2026, 5, 1)})
    assert row(day7, "B22") is Result.PASSED
    assert row(changed(day7, now=late + S), "B22") is Result.STOPPED


def test_confirmed_today_means_the_sites_today() -> None:
    after_midnight = datetime(2026, 5, 7, 20, 30, tzinfo=UTC)  # 00:00 on 8 May in Tehran
    assert row(good_facts(window={"confirmed_at": after_midnight}), "B21") is Result.PASSED
    assert row(good_facts(window={"confirmed_at": after_midnight - S}), "B21") is Result.STOPPED


def test_an_unsigned_or_old_assessment_stops_allergy_and_state() -> None:
    for bad in ({"signed": False}, {"at": NOW - 24 * H}):
        answer = BEDSIDE.ask(good_facts(assessment=bad), NOW)
        assert answer.ids(Result.STOPPED) == ["B26", "B27"]


def test_an_arm_without_a_window_has_no_window_row() -> None:
    answer = BEDSIDE.ask(good_facts(window=AnyTime()), NOW)
    assert not {"B21", "B22"} & {each.id for each in answer.rows}


def test_every_stop_and_warning_has_its_four_lines() -> None:
    for check, kind, wrong in STOPS + WARNS:
        for each in BEDSIDE.ask(good_facts(kind, **wrong), NOW).rows:
            finding = each.finding
            assert finding.what.spoken("en").strip(), each.id
            assert finding.why.spoken("en").strip(), each.id
            if each.result in (Result.STOPPED, Result.WARNED):
                assert finding.do_now is not None, (check, each.id)
                assert finding.call is not None, (check, each.id)
                assert finding.do_now.spoken("en")[0].isupper(), (check, each.id)
                assert finding.call.spoken("en").strip(), (check, each.id)
                assert "%(" not in "".join(each.shown().values()), (check, each.id)


def test_a_code_is_shown_in_groups_of_three() -> None:
    facts = good_facts(dose={"allocated_to": "SR-022"})
    shown = {each.id: each.shown() for each in BEDSIDE.ask(facts, NOW).rows}
    assert shown["B07"]["what"] == "dose V7K 4M2 9XC"


class TestValidity:
    """No verdict outlives the shortest of its limits."""

    def test_it_ends_with_the_check(self) -> None:
        assert validity(good_facts(spoken=None)) == NOW + 5 * M

    def test_without_a_check_it_lasts_its_own_time(self) -> None:
        assert validity(good_facts(session=None, spoken=None)) == NOW + 15 * M

    def test_it_ends_with_the_spoken_identity(self) -> None:
        assert validity(good_facts(spoken={"at": NOW - 14 * M})) == NOW + M

    def test_it_ends_with_the_thaw_limit(self) -> None:
        facts = good_facts(thaw={"at": NOW - 58 * M})
        assert validity(facts) == NOW + 2 * M
        assert validity(changed(facts, thaw={"kept": Kept.COLD})) == NOW + 5 * M

    def test_it_ends_with_the_expiry(self) -> None:
        assert validity(good_facts(dose={"expires_at": NOW + M})) == NOW + M
        assert validity(good_facts(lot={"expires_at": NOW + M})) == NOW + M

    def test_it_ends_with_the_prp(self) -> None:
        facts = good_facts("prp", lot={"drawn_at": NOW - 4 * H + 3 * M})
        assert validity(facts) == NOW + 3 * M

    def test_it_ends_with_the_window(self) -> None:
        facts = good_facts(window={"planned_at": NOW + 42 * H + M})
        assert validity(facts) == NOW + M
        override = changed(
            facts, window={"planned_at": NOW + 24 * H + 2 * M}, overrides=signed("B21")
        )
        assert validity(override) == NOW + 2 * M
        refused = changed(override, overrides=())
        assert validity(refused) < NOW

    def test_it_ends_with_the_last_day(self) -> None:
        late = datetime(2026, 5, 7, 20, 29, tzinfo=UTC)  # 23:59 in Tehran
        facts = good_facts(
            "cord", now=late, window={"day1": date(2026, 5, 1)}, spoken=None,
            session={"started_at": late},
        )  # fmt: skip
        assert validity(facts) == late + M

    @given(
        thawed=st.integers(0, 3600), started=st.integers(0, 900), expires=st.integers(1, 2000),
        late=st.integers(0, 21600), ahead=st.integers(0, 3000),
    )  # fmt: skip
    def test_past_it_no_verdict_stands(
        self, thawed: int, started: int, expires: int, late: int, ahead: int
    ) -> None:
        facts = good_facts(
            thaw={"at": NOW - thawed * S}, session={"started_at": NOW - started * S},
            dose={"expires_at": NOW + expires * S}, spoken={"at": NOW - min(started, 900) * S},
            window={"planned_at": FET - late * S},
        )  # fmt: skip
        asked = BEDSIDE.ask(facts, NOW).verdict
        ends = validity(facts)
        assert asked is not Verdict.STOP
        assert NOW <= ends <= NOW + 15 * M
        later = NOW + ahead * S
        stops = row_stops(changed(facts, now=later))
        if later < ends:
            assert not stops
        if later > ends:
            assert stops


def row_stops(facts: BedsideFacts) -> list[str]:
    """Which rows stop."""
    return BEDSIDE.ask(facts, facts.now).ids(Result.STOPPED)


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


def test_no_pending_row_is_left_out_when_nothing_was_asked() -> None:
    answer = BEDSIDE.ask(BedsideFacts(NOW, "Asia/Tehran", HOUSE), NOW)
    assert {each.result for each in answer.rows} == {Result.PENDING}
    assert {each.id for each in answer.rows} == {
        check.id for check in BEDSIDE.checks if check.id not in ("B08", "B09", "B15", "B22")
    }
    assert all(is_dataclass(each.finding) for each in answer.rows)


# --- H27: wrong participant or wrong dose -------------------------------------------------------


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
