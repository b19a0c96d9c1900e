"""The gate: what its rows come to, and who may go on past a warning."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core import gate
from lims.core.units import Quantity
from lims.core.words import Text, speaking
from lims.core.words import Text as _

AT = datetime(2026, 5, 8, 10, tzinfo=UTC)
R = gate.Result


def finding(result: gate.Result) -> gate.Finding:
    """A finding of this kind."""
    what, why = _("the tube"), _("was looked at")
    if result is R.PASSED:
        return gate.passed(what, why)
    if result is R.PENDING:
        return gate.pending(what, why)
    make = gate.warned if result is R.WARNED else gate.stopped
    return make(what, why, _("Put it aside."), _("quality"))


def answer(*results: gate.Result) -> gate.Answer:
    """An answer with these rows, named G1, G2 and on."""
    rows = tuple(gate.Row(f"G{n}", finding(each)) for n, each in enumerate(results, 1))
    return gate.Answer("test", AT, rows)


def test_a_verdict_is_its_worst_row():
    for results in product(R, repeat=3):
        found = answer(*results).verdict
        if R.STOPPED in results:
            assert found is gate.Verdict.STOP
        elif R.WARNED in results:
            assert found is gate.Verdict.ASK
        else:
            assert found is gate.Verdict.OK


def test_only_passed_and_answered_warnings_go_on():
    for results in product(R, repeat=3):
        asked = answer(*results)
        bad = {R.STOPPED, R.PENDING} & set(results)
        for reasons in (None, "", "  ", "seen and judged"):
            given_one = bool((reasons or "").strip())
            if bad or (R.WARNED in results and not given_one):
                with pytest.raises(gate.GateStopped):
                    gate.demand(asked, reasons=reasons)
            else:
                assert gate.demand(asked, reasons=reasons) is asked


def test_each_warning_needs_a_reason_of_its_own():
    two = answer(R.WARNED, R.WARNED)

    for reasons in ({"G1": "seen"}, {"G1": "seen", "G2": " "}, {"G1": "seen", "G3": "seen"}):
        with pytest.raises(gate.GateStopped):
            gate.demand(two, reasons=reasons)
    assert gate.demand(two, reasons={"G1": "seen", "G2": "seen"}) is two


def test_every_check_is_asked_though_one_stopped():
    asked = []

    def check(name: str, result: gate.Result | None):
        def ask(facts: str) -> gate.Finding | None:
            asked.append((name, facts))
            return None if result is None else finding(result)

        return gate.Check(name, ask)

    made = gate.Gate("three", (check("A1", R.STOPPED), check("A2", None), check("A3", R.PASSED)))

    found = made.ask("facts", AT)

    assert [name for name, _facts in asked] == ["A1", "A2", "A3"]
    assert [(row.id, row.result) for row in found.rows] == [("A1", R.STOPPED), ("A3", R.PASSED)]
    with pytest.raises(gate.GateStopped) as stop:
        made.require("facts", codes=["S7K4M29XC"], at=AT)
    assert stop.value.row.id == "A1"
    assert stop.value.codes == ("S7K4M29XC",)
    assert stop.value.code == "gate_stopped"
    assert [str(each) for each in (stop.value.do_now, stop.value.call)] == [
        "Put it aside.",
        "quality",
    ]


def test_a_stop_is_shown_before_what_is_pending_or_warns():
    with pytest.raises(gate.GateStopped) as stop:
        gate.demand(answer(R.WARNED, R.PENDING, R.STOPPED))
    assert stop.value.row.id == "G3"


def test_what_the_ledger_keeps_is_english_whatever_is_spoken():
    with speaking("fa"):
        kept = answer(R.PASSED, R.STOPPED).as_record()

    assert kept == {
        "gate": "test",
        "at": "2026-05-08T10:00:00.000000Z",
        "verdict": "stop",
        "rows": [
            {"id": "G1", "result": "passed", "what": "the tube", "why": "was looked at"},
            {"id": "G2", "result": "stopped", "what": "the tube", "why": "was looked at"},
        ],
    }


def bounded(value: object, **limits: object) -> gate.Result:
    """What `bounds` says of a value."""
    words: dict[str, Text] = {"do_now": _("Measure again."), "call": _("laboratory")}
    return gate.bounds("B1", _("amount"), value, **limits, **words).result


@pytest.mark.parametrize(
    ("value", "result"),
    [(9, R.STOPPED), (10, R.WARNED), (11, R.WARNED), (12, R.PASSED), (20, R.PASSED),
     (21, R.WARNED), (22, R.WARNED), (23, R.STOPPED), (None, R.STOPPED)],
)  # fmt: skip
def test_a_value_on_a_limit_is_within_it(value, result):
    limits = {"stop_below": 10, "warn_below": 12, "warn_above": 20, "stop_above": 22}
    assert bounded(value, **limits) is result


@given(ml=st.decimals(min_value=0, max_value=100, places=3))
def test_a_limit_in_another_unit_is_converted(ml):
    result = bounded(Quantity(ml, "mL"), stop_above=Quantity("5000", "uL"))
    assert (result is R.STOPPED) == (ml > 5)
