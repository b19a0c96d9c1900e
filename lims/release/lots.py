"""A lot as a whole, for its page and the API: results, findings, vials, what release still asks."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, isolation, people, qc, studies
from lims.core import db, gate, units
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind
from lims.release import gathering, queries
from lims.release import permissions as may
from lims.release.models import Certificate
from lims.studies.protocol import PRODUCT_NAMES

_FINE = (qc.Standing.MET, qc.Standing.REPORTED)

_ORDER = (gate.Result.STOPPED, gate.Result.PENDING, gate.Result.WARNED, gate.Result.PASSED)
RESULT_WORDS = {
    gate.Result.STOPPED: _("stops"),
    gate.Result.PENDING: _("not yet"),
    gate.Result.WARNED: _("needs a reason"),
    gate.Result.PASSED: _("in order"),
}
RESULT_SHAPES = {
    gate.Result.STOPPED: "✕",
    gate.Result.PENDING: "…",
    gate.Result.WARNED: "!",
    gate.Result.PASSED: "✓",
}


def sorted_rows(answer: gate.Answer) -> list[gate.Row]:
    """A gate's rows, what stops first; within one result in the gate's order."""
    return sorted(answer.rows, key=lambda row: _ORDER.index(row.result))


@requires(may.SEE)
def lots(actor: Actor, *, study: str = "") -> list[dict[str, Any]]:
    """All lots, newest first; of one study where it is named."""
    with db.reading() as session:
        found = studies.study_by_code(session, study).id if study else None
        return [_head(session, item, lot) for lot, item in isolation.lots(session, found)]


@requires(may.SEE)
def dossier(actor: Actor, *, code: str) -> dict[str, Any]:
    """One lot: its record and what its release still asks of this person."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        lot = isolation.lot_of(session, item.id)
        line = [item, *custody.ancestors(session, [item.id])]
        return {
            **_head(session, item, lot),
            "specification_digest": lot.specification_digest,
            "mechanical": lot.mechanical,
            "mechanical_record": lot.mechanical_record,
            "tests": _tests(session, item, lot),
            "findings": [
                _finding(session, each)
                for each in qc.findings_of(session, [one.id for one in line], open_only=False)
            ],
            "vials": [
                {"code": each.code, "name": each.name, "state": each.state,
                 "volume_ul": each.volume_ul}
                for each in isolation.vials_of(session, item.id)
            ],
            "samples": [
                {"code": each.code, "kind": each.kind, "state": each.state,
                 "volume_ul": each.volume_ul}
                for kind in (ItemKind.QC_SAMPLE, ItemKind.RETAINED)
                for each in qc.samples_of(session, item.id, kind)
            ],
            "fill": _fill(session, item),
            "run": _run(session, item),
            "release": gathering.answer(actor, code=item.code),
            "certificate": queries.certificate_of(session, item.id) is not None,
        }  # fmt: skip


def certificate(session: Session, item: Item) -> Certificate:
    """The certificate of a lot.

    Raises:
        NotFound: it has none.
    """
    found = queries.certificate_of(session, item.id)
    if found is None:
        raise NotFound(
            _("The lot has no certificate: it was not released. Look at what its release asks.")
        )
    return found


def _head(session: Session, item: Item, lot: isolation.Lot) -> dict[str, Any]:
    return {
        "code": item.code,
        "name": lot.name,
        "study": studies.study(session, item.study_id).code,  # type: ignore[arg-type]
        "product": lot.product,
        "state": item.state,
        "made_at": lot.made_at,
        "expires_at": item.expires_at,
        "volume_ul": item.volume_ul,
    }


def _tests(session: Session, item: Item, lot: isolation.Lot) -> list[dict[str, Any]]:
    by_test: dict[str, list[qc.Result]] = {}
    for result in qc.results_of(session, item.id):
        by_test.setdefault(result.test, []).append(result)
    return [
        {
            "test": test["id"],
            "title": test["title"],
            "method": test["method"],
            "limit": test["limit"],
            "severity": test["severity"],
            "results": [_result(session, each) for each in by_test.get(test["id"], [])],
        }
        for test in lot.specification
    ]


def wanting(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tests that somebody must still look at, in the order of the specification.

    In order is what has a result that is reviewed and is met or only reported; one that was set
    aside says nothing either way.
    """
    return [each for each in tests if not _in_order(each["results"])]


def _in_order(results: list[dict[str, Any]]) -> bool:
    counted = [each for each in results if not each["set_aside"]]
    return bool(counted) and all(
        each["state"] is qc.ResultState.APPROVED and each["verdict"] in _FINE for each in counted
    )


def _result(session: Session, result: qc.Result) -> dict[str, Any]:
    return {
        "value": result.value,
        "unit": result.unit,
        "comparator": result.comparator,
        "shown": qc.value_of(result),
        "verdict": result.standing,
        "details": result.details,
        "state": result.state,
        "set_aside": result.set_aside,
        "dilution": result.dilution,
        "entered_by": people.name_of(session, result.entered_by),
        "entered_at": result.entered_at,
        "reviewed_by": people.name_of(session, result.reviewed_by) if result.reviewed_by else None,
        "reviewed_at": result.reviewed_at,
    }


def _finding(session: Session, finding: qc.Finding) -> dict[str, Any]:
    return {
        "reference": finding.reference,
        "kind": finding.kind,
        "description": finding.description,
        "opened_at": finding.opened_at,
        "opened_by": people.name_of(session, finding.opened_by),
        "open": finding.closed_at is None,
        "cause": finding.cause,
        "laboratory_error": finding.laboratory_error,
        "closed_at": finding.closed_at,
        "closed_by": people.name_of(session, finding.closed_by) if finding.closed_by else None,
    }


def _fill(session: Session, item: Item) -> dict[str, Any] | None:
    fill = isolation.fill_of(session, item.id)
    if fill is None:
        return None
    return {
        "bulk_ul": fill.bulk_ul,
        "filled_ul": fill.filled_ul,
        "qc_ul": fill.qc_ul,
        "retained_ul": fill.retained_ul,
        "waste_ul": fill.waste_ul,
        "loss_ul": fill.loss_ul,
        "doses": fill.doses,
        "filled_at": fill.filled_at,
        "operator": people.name_of(session, fill.operator_id),
        "closed_at": fill.closed_at,
        "closed_by": people.name_of(session, fill.closed_by) if fill.closed_by else None,
        "labels": asdict(isolation.labels_of(session, item)),
    }


def _run(session: Session, item: Item) -> dict[str, Any] | None:
    run = isolation.run_of(session, item.id)
    if run is None:
        return None
    return {
        "method": run.method,
        "rotor": run.rotor,
        "formulation": run.formulation,
        "steps": run.steps,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "operator": people.name_of(session, run.operator_id),
    }


def words() -> dict[str, Any]:
    """What the lot's pages need to name states, verdicts and amounts."""
    return {
        "states": custody.STATE_NAMES,
        "kinds": custody.KIND_NAMES,
        "products": PRODUCT_NAMES,
        "standings": qc.STANDINGS,
        "shapes": qc.SHAPES,
        "finding_kinds": qc.FINDING_KINDS,
        "result_words": RESULT_WORDS,
        "result_shapes": RESULT_SHAPES,
        "limit_of": qc.limit_of,
        "ml": lambda volume: "-" if volume is None else str(units.ml(volume)),
    }
