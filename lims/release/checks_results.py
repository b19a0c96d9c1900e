"""Release rows about results: one for each test of the frozen specification.

Source: domain.md 6.6, 6.7, 3.5, 4.5, 13.20; hazards H01 and H22.
"""

# ruff: noqa: PLR0911 - a check leaves at its first finding

from lims.core.gate import Finding, passed, pending, stopped, warned
from lims.core.words import Text
from lims.release.checks_words import KEEP, QUALITY, REASON, Listed, the_lot
from lims.release.facts import (
    Judged,
    MarkerState,
    MechanicalRecord,
    ReleaseFacts,
    Severity,
    SpecTest,
    TestResult,
)

_ = Text

IDENTITY, MARKERS, MECHANICAL = "S09", "S22", "S24"
_INCOMPLETE = frozenset({MarkerState.INVALID, MarkerState.PENDING})


def valid_results(facts: ReleaseFacts, test: str) -> tuple[TestResult, ...]:
    """All results of one test that were not invalidated."""
    return tuple(each for each in facts.results if each.test == test and not each.invalidated)


def specified(facts: ReleaseFacts, test: SpecTest) -> Finding:
    """One test of the specification: there, approved, within its limit.

    Every valid result counts: a good one never outweighs a bad one (6.7).
    """
    what = _("test %(id)s, %(title)s, lot %(lot)s", id=test.id, title=test.title, lot=facts.lot)
    results = valid_results(facts, test.id)
    failing = tuple(each for each in results if each.judged in (Judged.OUTSIDE, Judged.STOPS))
    open_ones = [each for each in results if not _final(each)]
    if failing and (test.severity is Severity.STOP or _stops(failing)):
        return stopped(
            what,
            _("outside its limit: %(values)s", values=Listed(_values(failing))),
            _("Keep the lot in quarantine and open an out-of-specification record."),
            QUALITY,
        )
    if test.late and len(open_ones) == len(results):
        return _late(facts, what)
    if not results:
        return _missing(test, what)
    if open_ones and (test.severity is Severity.STOP or test.mandatory):
        return stopped(
            what,
            _("its result has not been approved"),
            _("Let a second person review and approve the result."),
            QUALITY,
        )
    if failing and test.severity is Severity.WARN:
        return warned(
            what,
            _("outside its limit: %(values)s", values=Listed(_values(failing))),
            REASON,
            QUALITY,
        )
    if open_ones and test.severity is Severity.WARN:
        return warned(what, _("its result has not been approved"), REASON, QUALITY)
    return passed(what, _("%(values)s", values=Listed(_values(results))))


def _final(result: TestResult) -> bool:
    """Approved, and judged: an approval without a judgement is none."""
    return result.state == "approved" and result.judged is not None


def _stops(results: tuple[TestResult, ...]) -> bool:
    return any(each.judged is Judged.STOPS for each in results)


def _values(results: tuple[TestResult, ...]) -> tuple[str, ...]:
    return tuple(each.value for each in results)


def _missing(test: SpecTest, what: Text) -> Finding:
    if test.severity is Severity.STOP or test.mandatory:
        return stopped(
            what,
            _("it has no valid result"),
            _("Wait for the result, or order the test."),
            QUALITY,
        )
    if test.severity is Severity.WARN:
        return warned(what, _("it has no valid result"), REASON, QUALITY)
    return passed(what, _("no result; none is required"))


def _late(facts: ReleaseFacts, what: Text) -> Finding:
    if facts.sample_retained:
        return passed(what, _("its result comes later; the sample is kept"))
    return stopped(
        what,
        _("its result comes later and no sample was kept"),
        _("Take and keep the sample before the product is used."),
        QUALITY,
    )


def identity(facts: ReleaseFacts) -> Finding | None:
    """S09: for autologous material always asked, with or without a row in the specification.

    Nothing short of an approved, matching result will do, and no other result may contradict it
    (H01): software cannot see two swapped cups, cells can.
    """
    listed_test = next((each for each in facts.specification if each.id == IDENTITY), None)
    if not facts.autologous:
        return None if listed_test is None else specified(facts, listed_test)
    what = _("identity of the cells in lot %(lot)s", lot=facts.lot)
    results = valid_results(facts, IDENTITY)
    if any(each.judged not in (Judged.MET, None) for each in results):
        why = _("an identity test does not match the donor")
    elif not any(_final(each) for each in results):
        why = _("no approved identity test matches the donor")
    elif not all(_final(each) for each in results):
        why = _("an identity result has not been approved")
    else:
        return passed(what, _("the cells match the donor"))
    return stopped(what, why, _("Do not release. Call the quality unit at once."), QUALITY)


def markers(facts: ReleaseFacts) -> Finding | None:
    """S22: the donor's infectious markers by the rule of her kind of donation (3.5)."""
    what = _("infectious markers, lot %(lot)s", lot=facts.lot)
    if facts.markers is None or not facts.markers.required:
        return stopped(
            what,
            _("no set of markers is on record for the donor"),
            _("Enter the donor's marker results."),
            QUALITY,
        )
    usable = {
        each.name: each
        for each in facts.markers.results
        if each.right_specimen and each.state not in _INCOMPLETE and (each.in_time or not facts.prp)
    }
    missing = tuple(each for each in facts.markers.required if each not in usable)
    if missing:
        return stopped(
            what,
            _("without a valid result: %(names)s", names=Listed(missing)),
            _("Order the missing marker tests on venous blood of the donor."),
            QUALITY,
        )
    # A marker beyond the required set counts as well: a bad result is never overlooked.
    reactive = tuple(
        each.name
        for each in facts.markers.results
        if each.state not in _INCOMPLETE and each.state is not MarkerState.NEGATIVE
    )
    late = tuple(each.name for each in usable.values() if not each.in_time)
    judge = _autologous if facts.autologous else _allogeneic
    return _contradicted(facts, MARKERS, what) or judge(facts, what, reactive, late)


def _allogeneic(
    facts: ReleaseFacts, what: Text, reactive: tuple[str, ...], late: tuple[str, ...]
) -> Finding:
    assert facts.markers is not None  # noqa: S101 - asked by the caller
    if reactive:
        return stopped(
            what,
            _("not negative: %(names)s", names=Listed(reactive)),
            _("Reject the lot and all others of this donor with the quality unit."),
            QUALITY,
        )
    if late:
        return stopped(
            what, _("sampled too late or too early: %(names)s", names=Listed(late)), KEEP, QUALITY
        )
    if not facts.markers.repeated_or_nat:
        return stopped(
            what,
            _("neither repeated after 180 days nor confirmed by nucleic-acid tests"),
            _("Wait for the repeated markers, or order nucleic-acid tests on the first sample."),
            QUALITY,
        )
    return passed(what, _("complete and negative"))


def _contradicted(facts: ReleaseFacts, test: str, what: Text) -> Finding | None:
    """A failing result someone entered for a row that is computed from other facts."""
    failing = tuple(
        each for each in valid_results(facts, test) if each.judged in (Judged.OUTSIDE, Judged.STOPS)
    )
    if not failing:
        return None
    return stopped(
        what, _("outside its limit: %(values)s", values=Listed(_values(failing))), KEEP, QUALITY
    )


def _autologous(
    facts: ReleaseFacts, what: Text, reactive: tuple[str, ...], late: tuple[str, ...]
) -> Finding:
    assert facts.markers is not None  # noqa: S101 - asked by the caller
    if reactive and facts.markers.segregated is False:
        return stopped(
            what,
            _("not negative: %(names)s; the material is not kept apart", names=Listed(reactive)),
            _("Move it to the segregated place with the biohazard label."),
            QUALITY,
        )
    if reactive:
        return warned(
            what,
            _("not negative: %(names)s", names=Listed(reactive)),
            _("Keep it apart with the biohazard label and write why it may go on."),
            QUALITY,
        )
    if late:
        return warned(
            what,
            _("sampled too late or too early: %(names)s", names=Listed(late)),
            _("Read the sampling dates and write why the lot may go on."),
            QUALITY,
        )
    return passed(what, _("complete and negative"))


def mechanical(facts: ReleaseFacts) -> Finding | None:
    """S24: flag of the lot as planned; its record complete, or absent where none may be."""
    wanted, listed_test = (
        facts.mechanical_wanted,
        any(each.id == MECHANICAL for each in facts.specification),
    )
    if wanted is None:
        if not listed_test:
            return None
        return pending(the_lot(facts), _("the planned mechanical flag is not known yet"))
    what = _("mechanical preconditioning, lot %(lot)s", lot=facts.lot)
    right = MechanicalRecord.COMPLETE if wanted else MechanicalRecord.ABSENT
    if facts.mechanical_lot is not wanted:
        why = _("the flag of the lot is not the planned one")
    elif facts.mechanical_record is not right:
        why = (
            _("its record is missing or not complete")
            if wanted
            else _("a record exists where no mechanical stress is planned")
        )
    else:
        return _contradicted(facts, MECHANICAL, what) or passed(what, _("as planned"))
    return stopped(what, why, KEEP, QUALITY)
