"""The bedside gate as a whole: what waits, what is said, how long a verdict stands."""

from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core.gate import Result, Verdict
from lims.dosing.checks import BEDSIDE, validity
from lims.dosing.facts import (
    Allocation,
    AnyTime,
    BedsideFacts,
    Donor,
    Dose,
    Emergency,
    Inspection,
    Kept,
    Participant,
)
from tests.dosing.facts_here import (
    DOSE,
    FET,
    HOUSE,
    NOW,
    H,
    M,
    S,
    changed,
    good_facts,
    row,
    signed,
    why,
)


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


def test_no_pending_row_is_left_out_when_nothing_was_asked() -> None:
    answer = BEDSIDE.ask(BedsideFacts(NOW, "Asia/Tehran", HOUSE), NOW)
    assert {each.result for each in answer.rows} == {Result.PENDING}
    assert {each.id for each in answer.rows} == {
        check.id for check in BEDSIDE.checks if check.id not in ("B08", "B09", "B15", "B22")
    }
    assert all(is_dataclass(each.finding) for each in answer.rows)
