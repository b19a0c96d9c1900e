"""Entering a result, and results that follow from the record."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims import culture, custody, isolation, studies
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.ledger.rules import plain
from lims.qc import panels, queries, rules
from lims.qc import permissions as may
from lims.qc.errors import NoSuchTest, ResultStands
from lims.qc.models import Finding, Result, ResultState, Standing
from lims.studies.protocol import LimitKind, Severity, SpecTest

# Computed from other records; a person who types one is told so.
DERIVED = {"S02", "S07", "S11", "S22", "S23", "S24"}
_TESTABLE = (State.QUARANTINE, State.TESTING)


def lot_for_testing(session: Session, code: str) -> tuple[Item, isolation.Lot]:
    """A lot whose results may be entered, locked.

    Raises:
        StateRefused: it is not in quarantine or testing.
    """
    item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
    if item.state not in _TESTABLE:
        raise custody.StateRefused(
            _(
                "The lot %(code)s is %(state)s; results are entered in quarantine and testing.",
                code=codes.grouped(item.code),
                state=custody.STATE_NAMES[item.state],
            )
        )
    return item, isolation.lot_of(session, item.id)


def test_of(session: Session, item: Item, lot: isolation.Lot, test: str) -> SpecTest:
    """The test of a lot's frozen specification.

    Raises:
        NoSuchTest: it has none of this id.
    """
    read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    found = next((each for each in read.specification(lot.product) if each.id == test), None)
    if found is None or all(each["id"] != test for each in lot.specification):
        raise NoSuchTest(
            _("The specification of lot %(name)s has no test %(test)s.", name=lot.name, test=test),
            field="test",
        )
    return found


@requires(may.ENTER)
def enter(
    actor: Actor,
    *,
    code: str,
    test: str,
    value: str,
    unit: str = "",
    components: Mapping[str, str] | None = None,
    reason: str = "",
) -> Result:
    """Enter a result by hand.

    Args:
        value: a number, `<0.5`, `below_loq`, or one of the accepted words.
        unit: as measured; converted to the test's unit, never assumed.
        components: of a test with several parts (markers), by id; then `value` is not asked.
        reason: why a value that is a thousand times off its target is right all the same.

    Raises:
        NoSuchTest, ResultStands: no such test; it has a result.
        UnknownUnit, UnitDoesNotConvert: the unit.
    """
    with db.transaction() as session:
        item, lot = lot_for_testing(session, code)
        spec = test_of(session, item, lot, test)
        if test in DERIVED:
            raise BadInput(
                _("%(test)s follows from the record and is not typed.", test=test), field="test"
            )
        if spec.components:
            value, details = panels.judge(spec, components or {})
            return keep(actor, session, item, spec, value, details=details)
        outcome = _outcome(spec, value, unit)
        if isinstance(outcome, rules.Measured):
            slip = thousandfold_row(spec, outcome.amount)
            gate.demand(
                gate.Answer("qc.enter", clock.now(), slip), codes=[item.code], reasons=reason
            )
        return keep(actor, session, item, spec, outcome)


def thousandfold_row(spec: SpecTest, amount: Quantity) -> tuple[gate.Row, ...]:
    """A warning where the value would hit its target if its unit had been mistaken (H15)."""
    if spec.limit.low is None or spec.limit.high is None:
        return ()
    found = rules.thousandfold(amount, spec.limit.low, spec.limit.high)
    return (gate.Row("qc-thousandfold", found),) if found else ()


def _outcome(spec: SpecTest, value: str, unit: str) -> rules.Measured | str:
    text = value.strip()
    if spec.limit.kind is LimitKind.ONE_OF or text == rules.BELOW_LOQ or spec.unit is None:
        if not text:
            raise BadInput(_("Enter the result of %(test)s.", test=spec.id), field="value")
        return text
    if not unit.strip():
        raise BadInput(
            _(
                "The result of %(test)s has no unit; enter it in %(unit)s or one that converts.",
                test=spec.id,
                unit=spec.unit,
            ),
            field="unit",
        )
    found = rules.measured(text, unit, "value")
    return rules.Measured(found.amount.to(spec.unit, "unit"), found.comparator)


def keep(
    actor: Actor,
    session: Session,
    lot_item: Item,
    spec: SpecTest,
    outcome: rules.Measured | Quantity | str,
    *,
    details: Mapping[str, Any] | None = None,
    sample_id: UUID | None = None,
    file_id: UUID | None = None,
    dilution: Decimal | None = None,
) -> Result:
    """Judge a result against its frozen limit and keep it; a stop opens a finding."""
    before = queries.standing_result(session, lot_item.id, spec.id)
    if before is not None:
        raise ResultStands(
            _(
                "%(test)s of this lot has a result, and it stays. A retest needs an investigation "
                "that sets it aside.",
                test=spec.id,
            ),
            field="test",
        )
    if isinstance(outcome, Quantity):
        outcome = rules.Measured(outcome)
    standing = _standing(spec, outcome)
    measured = outcome if isinstance(outcome, rules.Measured) else None
    result = Result(
        lot_id=lot_item.id,
        sample_id=sample_id,
        file_id=file_id,
        test=spec.id,
        value=str(measured.amount.value) if measured else str(outcome),
        unit=measured.amount.unit if measured else "",
        comparator=measured.comparator if measured else "=",
        details=plain(dict(details or {})),
        dilution=dilution,
        standing=standing,
        state=ResultState.ENTERED,
        entered_at=clock.now(),
        entered_by=actor.person,
    )
    session.add(result)
    session.flush()
    rows: list[Any] = [result]
    # A test that only warns needs a reason at release; one that stops needs an investigation.
    if standing is Standing.STOPS or (
        standing is Standing.OUTSIDE and spec.severity is Severity.STOP
    ):
        finding = Finding(
            reference=queries.next_reference(session, lot_item),
            lot_id=lot_item.id,
            result_id=result.id,
            kind="out-of-specification",
            description=f"{spec.id} {spec.title}",
            opened_at=clock.now(),
            opened_by=actor.person,
        )
        session.add(finding)
        session.flush()
        rows.append(finding)
    if lot_item.state is State.QUARANTINE:
        custody.set_state(actor, lot_item, State.TESTING, "qc.testing-begun")
    custody.touch(actor, lot_item, "qc.result-entered", {"test": spec.id}, rows=rows)
    return result


def _standing(spec: SpecTest, outcome: rules.Measured | str) -> Standing:
    verdict = rules.judge(outcome, spec.limit)
    if verdict is rules.Verdict.REPORTED:
        return Standing.REPORTED
    if spec.stop is not None and rules.judge(outcome, spec.stop) is not rules.Verdict.WITHIN:
        return Standing.STOPS
    # What cannot be decided does not meet the limit.
    return Standing.MET if verdict is rules.Verdict.WITHIN else Standing.OUTSIDE


@requires(may.ENTER)
def derive(actor: Actor, *, code: str) -> list[Result]:
    """Work out what follows from the record: fill volumes, viability, purity, platelet ratio.

    What is there already, or cannot be worked out yet, is passed over.
    """
    with db.transaction() as session:
        item, lot = lot_for_testing(session, code)
        made = []
        for test, work in (
            ("S02", _fill_volume),
            ("S11", _viability),
            ("S07", _purity),
            ("S23", _platelet_ratio),
        ):
            if all(each["id"] != test for each in lot.specification):
                continue
            if queries.standing_result(session, item.id, test):
                continue
            found = work(session, item)
            if found is not None:
                value, details = found
                spec = test_of(session, item, lot, test)
                made.append(keep(actor, session, item, spec, value, details=details))
        return made


Found = tuple[Quantity, dict[str, Any]] | None


def _fill_volume(session: Session, item: Item) -> Found:
    volumes = [vial.initial_volume_ul or 0 for vial in isolation.vials_of(session, item.id)]
    if not volumes:
        return None
    read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    lot = isolation.lot_of(session, item.id)
    limit = next(each.limit for each in read.specification(lot.product) if each.id == "S02")
    # Every vial must meet the limit, so the one that fails it speaks for all.
    amounts = [Quantity(each, "uL").to("mL") for each in sorted(volumes)]
    worst = next((each for each in amounts if limit.allows(each) is False), amounts[0])
    return worst, {"vials": len(volumes), "each_ul": sorted(volumes)}


def _viability(session: Session, item: Item) -> Found:
    for parent, _edge in custody.parents(session, item.id):
        if parent.kind is ItemKind.HARVEST:
            record = culture.harvest_of(session, parent.id)
            return Quantity(record.viability_percent, "%"), {"harvest": parent.code}
    return None


def _amount(session: Session, lot_id: UUID, test: str) -> Quantity | None:
    found = queries.standing_result(session, lot_id, test)
    return Quantity(Decimal(found.value), found.unit) if found and found.unit else None


def _purity(session: Session, item: Item) -> Found:
    particles, protein = (_amount(session, item.id, test) for test in ("S03", "S04"))
    if particles is None or protein is None:
        return None
    ratio = rules.purity(particles, protein)
    return None if ratio is None else (ratio, {"of": "S03/S04"})


def _platelet_ratio(session: Session, item: Item) -> Found:
    product, baseline = (_amount(session, item.id, test) for test in ("S23-PRP", "S23-BASE"))
    if product is None or baseline is None or baseline.value <= 0:
        return None
    ratio = product.value / baseline.to(product.unit).value
    return Quantity(ratio, "1"), {"of": "S23-PRP/S23-BASE"}
