"""The release gate row by row; H01 and H21 at the level of the rule."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product as every
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.core.gate import Answer, GateStopped, Result, Verdict
from lims.core.permissions import Role
from lims.release.checks import RELEASE, becomes
from lims.release.facts import (
    Judged,
    Labels,
    Marker,
    Markers,
    MarkerState,
    MechanicalRecord,
    ReleaseFacts,
    Severity,
    Signature,
    SpecTest,
    TestResult,
)
from tests.conftest import SOAK
from tests.findings import says_its_lines

S = timedelta(seconds=1)
NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
MARKERS = ("anti-HIV-1/2", "HBsAg", "anti-HBc", "anti-HCV", "syphilis")
EV_TESTS = (
    SpecTest("S01", "Appearance", Severity.STOP),
    SpecTest("S03", "Particle concentration", Severity.STOP),
    SpecTest("S05", "Size, mode", Severity.WARN),
    SpecTest("S05-D50", "Size, D50", Severity.WARN),
    SpecTest("S09", "Identity donor", Severity.STOP),
    SpecTest("S13", "Sterility", Severity.STOP),
    SpecTest("S19", "RNA", Severity.REC, mandatory=True),
    SpecTest("S06-200", "Particles 50-200 nm", Severity.REC),
    SpecTest("S22", "Infectious markers donor", Severity.STOP),
)
PRP_TESTS = (
    SpecTest("S01", "Appearance", Severity.STOP),
    SpecTest("S09", "Identity donor", Severity.STOP),
    SpecTest("S13", "Sterility", Severity.STOP, late=True),
    SpecTest("S22", "Infectious markers donor", Severity.STOP),
    SpecTest("S23", "Platelets, ratio to baseline", Severity.WARN, mandatory=True),
)
KINDS = ("exo", "cord", "prp")


def met(test: str, judged: Judged | None = Judged.MET, **other: Any) -> TestResult:
    """A good, approved result, or one with something changed."""
    good = TestResult(test, "20 µg/µL", judged, "approved", "analyst", "reviewer")
    return replace(good, **other)


def markers(**states: MarkerState) -> tuple[Marker, ...]:
    """All required markers negative but those named (blanks and marks as underscores)."""
    return tuple(
        Marker(name, states.get("".join(x for x in name if x.isalnum()), MarkerState.NEGATIVE))
        for name in MARKERS
    )


def good_facts(kind: str = "exo", **changes: Any) -> ReleaseFacts:
    """A lot that may be released: autologous exosomes, cord exosomes or PRP."""
    tests = PRP_TESTS if kind == "prp" else EV_TESTS
    own = kind != "cord"
    if kind == "cord":
        tests = (*EV_TESTS, SpecTest("S24", "Mechanical flag", Severity.STOP))
    facts = ReleaseFacts(
        now=NOW,
        time_zone="Asia/Tehran",
        lot="SARI-26-017",
        state="processing" if kind == "prp" else "awaiting-review",
        prp=kind == "prp",
        autologous=own,
        recipient="SR-021" if own else None,
        donors=("SR-021",) if own else ("D-007",),
        expires_at=NOW + 4000 * S,
        specification=tests,
        specification_pinned="v3",
        specification_signed="v3",
        results=tuple(
            met(each.id) for each in tests if each.id not in ("S22", "S24") and not each.late
        ),
        markers=Markers(MARKERS, markers(), repeated_or_nat=True),
        donor_consent=True,
        batch_complete=True,
        steps=(("maker", "fill"), ("analyst", "test"), ("collector", "receipt")),
        sample_retained=kind == "prp",
        unit_confirmed=True if kind == "exo" else None,
        mechanical_wanted=True if kind == "cord" else None,
        mechanical_lot=True if kind == "cord" else None,
        mechanical_record=MechanicalRecord.COMPLETE if kind == "cord" else MechanicalRecord.ABSENT,
        labels=Labels(24, 20, 3, 1),
        mass_balance_closed=None if kind == "prp" else True,
        releaser="releaser",
        signature=Signature("releaser", "released", True),
    )
    return replace(facts, **changes)


def with_result(test: str, *new: TestResult, kind: str = "exo") -> dict[str, Any]:
    """The change that gives one test other results, or none."""
    kept = tuple(each for each in good_facts(kind).results if each.test != test)
    return {"results": (*kept, *new)}


def marked(**other: Any) -> dict[str, Any]:
    """The change that gives other markers."""
    return {"markers": replace(Markers(MARKERS, markers(), repeated_or_nat=True), **other)}


def ask(facts: ReleaseFacts) -> Answer:
    """The gate's answer at the facts' own time."""
    return RELEASE.ask(facts, facts.now)


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_lot_passes_every_row(kind: str) -> None:
    answer = ask(good_facts(kind))
    assert {each.result for each in answer.rows} == {Result.PASSED}
    assert answer.verdict is Verdict.OK
    asked = {each.id for each in answer.rows}
    assert asked >= {each.id for each in good_facts(kind).specification}
    assert len(asked) == len(answer.rows)
    absent = {"exo": {"S24"}, "cord": {"R06"}, "prp": {"R06", "R10", "S24"}}[kind]
    assert not absent & asked


def test_prp_becomes_ready_for_use_and_the_others_released() -> None:
    assert [becomes(good_facts(kind)) for kind in KINDS] == [
        "released", "released", "ready-for-use",
    ]  # fmt: skip


OUT = Judged.OUTSIDE
# Each line: row, kind, one thing wrong. Only that row may stop.
STOPS: list[tuple[str, str, dict[str, Any]]] = [
    *(("R01", "exo", {"state": state}) for state in (
        "in-process", "quarantine", "testing", "released", "conditionally-released", "rejected",
        "blocked", "processing", "",
    )),
    ("R01", "prp", {"state": "awaiting-review"}),
    ("R02", "exo", {"specification_pinned": None}),
    ("R02", "exo", {"specification_signed": None}),
    ("R02", "exo", {"specification_signed": "v4"}),
    ("R02", "exo", {"specification": (*EV_TESTS, EV_TESTS[0])}),
    ("R02", "exo", {"specification": ()}),
    ("S03", "exo", with_result("S03")),
    ("S03", "exo", with_result("S03", met("S03", OUT))),
    ("S03", "exo", with_result("S03", met("S03"), met("S03", OUT))),
    ("S03", "exo", with_result("S03", met("S03", invalidated=True))),
    *(("S03", "exo", with_result("S03", met("S03", state=state)))
      for state in ("registered", "in-test", "result-entered", "reviewed")),
    ("S03", "exo", with_result("S03", met("S03", None, state="registered"))),
    ("S03", "exo", with_result("S03", met("S03", None))),
    ("S13", "exo", with_result("S13")),
    ("S13", "prp", {"sample_retained": False}),
    ("S13", "prp", {"sample_retained": False} | with_result(
        "S13", met("S13", None, state="in-test"), kind="prp")),
    ("S13", "prp", with_result("S13", met("S13", OUT, state="result-entered"), kind="prp")),
    ("S19", "exo", with_result("S19")),
    ("S19", "exo", with_result("S19", met("S19", state="result-entered"))),
    ("S23", "prp", with_result("S23", kind="prp")),
    ("S23", "prp", with_result("S23", met("S23", Judged.STOPS), kind="prp")),
    *(("S09", kind, with_result("S09", *results, kind=kind))
      for kind in ("exo", "prp") for results in (
        (),
        (met("S09", OUT),),
        (met("S09", OUT, state="result-entered"),),
        (met("S09"), met("S09", OUT)),
        (met("S09", Judged.REPORTED),),
        (met("S09", Judged.STOPS),),
        (met("S09", state="result-entered"),),
        (met("S09", None, state="in-test"),),
        (met("S09"), met("S09", None, state="in-test")),
        (met("S09"), met("S09", None)),
        (met("S09", invalidated=True),),
    )),
    ("S09", "exo", {"specification": tuple(x for x in EV_TESTS if x.id != "S09")}
     | with_result("S09")),
    ("S09", "exo", {"specification": (*(x for x in EV_TESTS if x.id != "S09"),
                                      SpecTest("S09", "Identity", Severity.REC))}
     | with_result("S09", met("S09", OUT))),
    ("S09", "cord", with_result("S09", kind="cord")),
    ("S22", "exo", {"markers": None}),
    ("S22", "exo", marked(required=())),
    ("S22", "exo", marked(results=markers()[1:])),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.PENDING))),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.INVALID))),
    ("S22", "exo", marked(results=(*markers()[1:], replace(markers()[0], right_specimen=False)))),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.POSITIVE), segregated=False)),
    ("S22", "exo", with_result("S22", met("S22", OUT))),
    ("S22", "prp", marked(results=(*markers()[1:], replace(markers()[0], in_time=False)))),
    *(("S22", "cord", marked(results=markers(antiHCV=state)))
      for state in MarkerState if state is not MarkerState.NEGATIVE),
    ("S22", "cord", marked(results=(*markers(), Marker("HTLV-I", MarkerState.POSITIVE)))),
    ("S22", "cord", marked(results=(*markers()[1:], replace(markers()[0], in_time=False)))),
    ("S22", "cord", marked(repeated_or_nat=False)),
    ("S24", "cord", {"mechanical_lot": False}),
    ("S24", "cord", {"mechanical_lot": None}),
    ("S24", "cord", {"mechanical_record": MechanicalRecord.ABSENT}),
    ("S24", "cord", {"mechanical_record": MechanicalRecord.INCOMPLETE}),
    ("S24", "cord", {"mechanical_wanted": False, "mechanical_lot": False}),
    ("S24", "cord", with_result("S24", met("S24", OUT), kind="cord")),
    ("R03", "exo", with_result("S03", met("S03", reviewed_by="analyst"))),
    ("R03", "exo", with_result("S03", met("S03", reviewed_by=None))),
    ("R03", "exo", with_result("S03", met("S03"), met("S03", reviewed_by="analyst",
                                                      invalidated=True))),
    ("R04", "exo", {"open_oos": ("OOS-12",)}),
    ("R05", "exo", {"open_deviations": ("DEV-3",)}),
    ("R06", "exo", {"unit_confirmed": False}),
    ("R07", "exo", {"donor_consent": False}),
    ("R08", "exo", {"steps": ()}),
    ("R08", "exo", {"steps": (("maker", "fill"), ("releaser", "receipt"))}),
    ("R08", "exo", {"releaser": "someone"}),
    ("R09", "exo", {"labels": Labels(24, 20, 3, 0)}),
    ("R09", "exo", {"labels": Labels(24, 20, 3, 2)}),
    ("R09", "exo", {"labels": Labels(24, 20, 3, 0, open=("V3M 91K X7C",))}),
    ("R09", "exo", {"labels": Labels(24, 20, 4, 0, bare=("V3M 91K X7C",))}),
    ("R10", "exo", {"mass_balance_closed": False}),
    ("R10", "prp", {"mass_balance_closed": False}),
    ("R11", "exo", {"expires_at": NOW}),
    ("R11", "exo", {"expires_at": None}),
    ("R12", "exo", {"held": ("C0000000A",)}),
    ("R13", "exo", {"donors": ()}),
    ("R13", "exo", {"donors": ("SR-022",)}),
    ("R13", "exo", {"donors": ("SR-021", "SR-022")}),
    ("R13", "exo", {"recipient": None}),
    ("R13", "cord", {"recipient": "D-007"}),
    ("R14", "exo", {"batch_complete": False}),
    ("R15", "exo", {"signature": Signature("releaser", "released", False)}),
    ("R15", "exo", {"signature": Signature("releaser", "reviewed", True)}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "kind", "wrong"), STOPS)
def test_one_wrong_thing_stops_its_row_alone(check: str, kind: str, wrong: dict[str, Any]) -> None:
    answer = ask(good_facts(kind, **wrong))
    assert answer.ids(Result.STOPPED) == [check]
    assert answer.verdict is Verdict.STOP


def test_every_row_has_a_line_that_stops_it() -> None:
    assert {check for check, _kind, _wrong in STOPS} >= {check.id for check in RELEASE.checks}


WARNS: list[tuple[str, str, dict[str, Any]]] = [
    ("S05", "exo", with_result("S05", met("S05", OUT))),
    ("S05", "exo", with_result("S05")),
    ("S05-D50", "exo", with_result("S05-D50", met("S05-D50", state="result-entered"))),
    ("S23", "prp", with_result("S23", met("S23", OUT), kind="prp")),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.POSITIVE))),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.INDETERMINATE), segregated=True)),
    ("S22", "exo", marked(results=markers(HBsAg=MarkerState.REACTIVE_UNCONFIRMED))),
    ("S22", "exo", marked(results=(*markers()[1:], replace(markers()[0], in_time=False)))),
    ("S22", "prp", marked(results=markers(HBsAg=MarkerState.POSITIVE))),
]


@pytest.mark.parametrize(("check", "kind", "odd"), WARNS)
def test_an_odd_thing_warns_in_its_row_alone(check: str, kind: str, odd: dict[str, Any]) -> None:
    answer = ask(good_facts(kind, **odd))
    assert (answer.ids(Result.WARNED), answer.verdict) == ([check], Verdict.ASK)


PASSES: list[tuple[str, str, dict[str, Any]]] = [
    ("S06-200", "exo", with_result("S06-200")),
    ("S06-200", "exo", with_result("S06-200", met("S06-200", OUT))),
    ("S19", "exo", with_result("S19", met("S19", Judged.REPORTED))),
    ("S03", "exo", with_result("S03", met("S03", OUT, invalidated=True), met("S03"))),
    ("S13", "prp", with_result("S13", met("S13", None, state="in-test"), kind="prp")),
    ("S24", "cord", {"mechanical_wanted": False, "mechanical_lot": False,
                     "mechanical_record": MechanicalRecord.ABSENT}),
    ("R11", "exo", {"expires_at": NOW + S}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "kind", "allowed"), PASSES)
def test_the_allowed_edge_passes(check: str, kind: str, allowed: dict[str, Any]) -> None:
    answer = ask(good_facts(kind, **allowed))
    assert {each.id: each.result for each in answer.rows}[check] is Result.PASSED
    assert answer.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("check", "kind", "unasked"),
    [
        ("R10", "exo", {"mass_balance_closed": None}),
        ("R15", "exo", {"signature": None}),
        ("R08", "exo", {"signature": None, "releaser": None}),
        ("S24", "cord", {"mechanical_wanted": None}),
    ],
)
def test_what_is_not_known_yet_waits(check: str, kind: str, unasked: dict[str, Any]) -> None:
    answer = ask(good_facts(kind, **unasked))
    assert check in answer.ids(Result.PENDING)
    assert answer.verdict is Verdict.OK
    with pytest.raises(GateStopped):
        RELEASE.require(good_facts(kind, **unasked), at=NOW)


def test_labels_that_are_not_known_leave_no_row() -> None:
    assert "R09" not in {each.id for each in ask(good_facts(labels=None)).rows}


def test_a_warned_row_needs_its_reason() -> None:
    facts = good_facts(**with_result("S05", met("S05", OUT)))
    with pytest.raises(GateStopped):
        RELEASE.require(facts, at=NOW)
    assert RELEASE.require(facts, reasons={"S05": "one capture"}, at=NOW).verdict is Verdict.ASK


def test_the_rows_of_the_specification_stand_after_the_specification() -> None:
    ids = [each.id for each in ask(good_facts()).rows]
    assert ids[:4] == ["R01", "R02", "S01", "S03"]
    assert ids[-1] == "R15"


def test_expiry_is_exact_across_a_change_of_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    expires = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)  # 02:30 comes twice that night
    second = datetime(2026, 10, 25, 2, 10, tzinfo=berlin, fold=1)  # 40 minutes later
    answer = ask(good_facts(now=second, expires_at=expires))
    assert answer.ids(Result.STOPPED) == ["R11"]


def test_every_stop_and_warning_has_its_four_lines() -> None:
    for check, kind, wrong in STOPS + WARNS:
        for each in ask(good_facts(kind, **wrong)).rows:
            says_its_lines(check, each)


@given(st.data())
def test_the_verdict_is_stop_exactly_when_a_row_stopped(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    lines = [wrong for _row, of, wrong in STOPS + WARNS if of == kind]
    facts = good_facts(kind)
    for wrong in data.draw(st.lists(st.sampled_from(lines), max_size=4)):
        facts = replace(facts, **wrong)
    answer = ask(facts)
    results = {each.result for each in answer.rows}
    assert (answer.verdict is Verdict.STOP) == (Result.STOPPED in results)
    assert (answer.verdict is Verdict.OK) == (not {Result.STOPPED, Result.WARNED} & results)


# --- H01: no release without a matching identity result -----------------------------------------


def random_evidence(rng: random.Random) -> ReleaseFacts:
    """An autologous lot with any part of its evidence missing or wrong, now and then none."""
    kind = rng.choice(["exo", "prp"])
    facts = good_facts(kind)
    identity = [
        met(
            "S09",
            rng.choice([Judged.MET, Judged.MET, OUT, Judged.REPORTED, None]),
            state=rng.choice(["approved", "approved", "approved", "result-entered", "in-test"]),
            invalidated=rng.random() < 0.2,
        )
        for _each in range(rng.choice([0, 1, 1, 2]))
    ]
    others = [each for each in facts.results if each.test != "S09" and not rng.random() < 0.03]
    results = [*others, *identity]
    rng.shuffle(results)
    changes: dict[str, Any] = {"results": tuple(results)}
    if rng.random() < 0.3:  # a specification that forgot the row, or made it a mere report
        kept = tuple(each for each in facts.specification if each.id != "S09")
        weak = SpecTest("S09", "Identity", rng.choice([Severity.REC, Severity.WARN]))
        changes["specification"] = rng.choice([kept, (*kept, weak)])
    return replace(facts, **changes)


def identity_by_oracle(facts: ReleaseFacts) -> bool:
    """Written apart from the rule: count what speaks for and against."""
    speaks_for = speaks_against = 0
    for each in facts.results:
        if each.test != "S09" or each.invalidated:
            continue
        if each.state == "approved" and each.judged == "met":
            speaks_for += 1
        else:
            speaks_against += 1
    return speaks_for >= 1 and speaks_against == 0


def test_H01_no_release_without_a_matching_identity_result(measured: Any) -> None:
    seed, trials = 1, 20_000 if SOAK else 1_000
    rng = random.Random(seed)
    released = failures = disagreements = 0
    for _trial in range(trials):
        facts = random_evidence(rng)
        reasons = dict.fromkeys(("S05", "S05-D50", "S09", "S22", "S23"), "accepted")
        try:
            RELEASE.require(facts, reasons=reasons, at=NOW)
        except GateStopped:
            may = False
        else:
            may = True
        released += may
        failures += may and not identity_by_oracle(facts)
        row = {each.id: each.result for each in ask(facts).rows}["S09"]
        disagreements += (row is Result.PASSED) != identity_by_oracle(facts)
    print(f"H01: n={trials}, released {released}, seed {seed}")
    measured("H01", trials=trials, failures=failures + disagreements, seed=seed)
    assert failures == 0
    assert disagreements == 0
    assert trials * 0.1 < released < trials * 0.9, "the draw must hold good lots and bad ones"


# --- H21: whoever did a step does not release; persons, not accounts -----------------------------

STEPS = (
    "collection", "receipt", "isolation of cells", "passage", "preconditioning", "harvest",
    "centrifugation", "fill", "label", "test", "review", "storage", "hand-over",
)  # fmt: skip
PERSON_OF = {"n.karimi": "karimi", "n.karimi-qc": "karimi", "l.rezai": "rezai"}  # two accounts


def test_H21_whoever_did_a_step_never_releases(measured: Any) -> None:
    histories = (
        ("n.karimi",), ("n.karimi-qc",), ("l.rezai",), ("l.rezai", "n.karimi"),
        ("n.karimi-qc", "l.rezai"),
    )  # fmt: skip
    trials = failures = refused = 0
    for role, step, history, account in every(Role, STEPS, histories, PERSON_OF):
        # The role she holds now is no fact of the rule: changing it midway changes nothing.
        signer = PERSON_OF[account]
        steps = (("maker", "fill"), *((PERSON_OF[each], f"{step} as {role}") for each in history))
        facts = good_facts(
            steps=steps, releaser=signer, signature=Signature(signer, "released", True)
        )
        forbidden = any(PERSON_OF[each] == PERSON_OF[account] for each in history)
        stopped = ask(facts).verdict is Verdict.STOP
        trials += 1
        refused += stopped
        failures += stopped != forbidden
    print(f"H21: n={trials}, refused {refused}")
    measured("H21", trials=trials, failures=failures, seed=0)
    assert failures == 0
    assert 0 < refused < trials


def test_H21_nobody_reviews_her_own_result(measured: Any) -> None:
    trials = failures = 0
    for test, tester, reviewer in every([each.test for each in good_facts().results],
                                        PERSON_OF, PERSON_OF):  # fmt: skip
        own = met(test, entered_by=PERSON_OF[tester], reviewed_by=PERSON_OF[reviewer])
        facts = good_facts(**with_result(test, own))
        trials += 1
        failures += ("R03" in ask(facts).ids(Result.STOPPED)) != (
            PERSON_OF[tester] == PERSON_OF[reviewer]
        )
    measured("H21", trials=trials, failures=failures, seed=0)
    assert failures == 0
