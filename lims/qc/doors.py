"""The doors of quality control: results by hand and from files, their review, findings."""

from typing import Any

from marshmallow import Schema

from lims import custody, isolation, people
from lims.core import because, codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.qc import design_doors, entering, findings, queries, reading, reviewing, schemas
from lims.qc import permissions as may
from lims.qc.errors import FindingUnknown
from lims.qc.models import Finding, Result, ResultState, Standing
from lims.qc.showing import STANDINGS, limit_of, value_of
from lims.web import auth
from lims.web.doors import Doors

doors = Doors("qc")
_OPEN = (State.QUARANTINE, State.TESTING)
RELEASED = (State.RELEASED, State.CONDITIONALLY_RELEASED, State.READY_FOR_USE)


def result_out(result: Result) -> dict[str, Any]:
    """What a step answers about a result: value and unit, and what the limit says."""
    return {
        "test": result.test,
        "value": result.value,
        "unit": result.unit,
        "comparator": result.comparator,
        "verdict": result.standing,
        "state": result.state,
        "details": result.details,
        "set_aside": result.set_aside,
    }


def _results_out(results: list[Result]) -> dict[str, Any]:
    return {"results": [result_out(each) for each in results]}


def finding_out(finding: Finding) -> dict[str, Any]:
    """What a step answers about a finding."""
    return {
        "reference": finding.reference,
        "kind": finding.kind,
        "description": finding.description,
        "open": finding.closed_at is None,
        "laboratory_error": finding.laboratory_error,
    }


def _lot_out(item: Item) -> dict[str, Any]:
    return {"code": item.code, "state": item.state, "name": item.name}


def _about_lot(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    return isolation.lot_facts(code)


# --- entering -------------------------------------------------------------------------------------


def test_of(code: str, test: str) -> Any:
    """A test of a lot's frozen specification.

    Raises:
        NoSuchTest: it has none of this id.
        BadInput: it follows from the record.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        found = entering.test_of(session, item, isolation.lot_of(session, item.id), test)
        if test in entering.DERIVED:
            raise BadInput(
                _("%(test)s follows from the record and is not typed.", test=test), field="test"
            )
        return found


def _enter(actor: Actor, /, *, code: str, test: str, **given: Any) -> Result:
    spec = test_of(code, test)
    if spec.components:
        parts = {name: str(getattr(value, "value", value)) for name, value in given.items()}
        return entering.enter(actor, code=code, test=test, value="", components=parts)
    value, found = str(getattr(given["value"], "value", given["value"])), given.get("found", "")
    if value == schemas.OTHER and spec.limit.choices:
        if not found:
            raise BadInput(_("Say what was found."), field="found")
        value = found
    elif found:
        raise BadInput(_("Leave this empty, or choose that it is something else."), field="found")
    unit = given.get("unit")
    return entering.enter(
        actor,
        code=code,
        test=test,
        value=value,
        unit="" if unit is None else unit.value,
        reason=given.get("reason", ""),
    )


def _about_test(actor: Actor, *, code: str, test: str) -> list[tuple[Any, Any]]:
    spec = test_of(code, test)
    pairs: list[tuple[Any, Any]] = [
        (_("Test"), f"{spec.id} {spec.title}"),
        (_("Method"), spec.method),
        (_("Limit"), limit_of(spec.limit.shown())),
    ]
    if spec.criteria:
        pairs.append((_("Criteria"), spec.criteria))
    return [*pairs, *isolation.lot_facts(code)]


def _said_result(answer: dict[str, Any]) -> _:
    return _(
        "Result of %(test)s kept: %(verdict)s",
        test=answer["test"],
        verdict=STANDINGS[Standing(answer["verdict"])],
    )


ENTER = doors.act(
    "/lots/<code>/results/<test>",
    _enter,
    takes=lambda code, test: schemas.result_in(test_of(code, test)),
    gives=lambda result: {"lot": _code_of(result), **result_out(result)},
    name="enter",
    title=_("Enter a result"),
    intro=_("The verdict follows from the value and the limit; the result stays for ever."),
    letters={"code": "L"},
    permission=may.ENTER,
    about=_about_test,
    after=lambda answer: f"/lots/{answer['lot']}",
    said=_said_result,
)


def _code_of(result: Result) -> str:
    with db.reading() as session:
        return custody.item(session, result.lot_id).code


def _after_lot(answer: dict[str, Any]) -> str:
    return f"/lots/{answer['lot']}"


def _of_sample(results: list[Result]) -> dict[str, Any]:
    return {"lot": _code_of(results[0]) if results else "", **_results_out(results)}


def _about_sample(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.QC_SAMPLE])
        parent = custody.parents(session, item.id)[0][0]
        return [(_("Sample"), codes.grouped(item.code)), *isolation.lot_facts(parent.code)]


def _is_for_tests(item: Item) -> bool:
    return item.kind is ItemKind.QC_SAMPLE


doors.act(
    "/samples/<code>/particles",
    reading.read_particles,
    takes=schemas.ParticlesIn,
    gives=_of_sample,
    name="read-particles",
    title=_("Read a particle count"),
    intro=_("From the file of the tracking instrument: concentration, sizes, shares."),
    on="Q",
    when=(State.STORED,),
    about=_about_sample,
    after=_after_lot,
    fits=_is_for_tests,
)
doors.act(
    "/samples/<code>/protein",
    reading.read_protein,
    takes=schemas.ProteinIn,
    gives=lambda result: _of_sample([result]),
    name="read-protein",
    title=_("Read a protein assay"),
    intro=_("From the file of the plate reader: the curve is fitted and judged here."),
    on="Q",
    when=(State.STORED,),
    about=_about_sample,
    after=_after_lot,
    fits=_is_for_tests,
)
doors.act(
    "/lots/<code>/derived-results",
    entering.derive,
    gives=_results_out,
    name="derive",
    title=_("Work out derived results"),
    intro=_("Fill volume, viability, purity, platelet ratio: they follow from the record."),
    on="L",
    when=_OPEN,
    about=_about_lot,
    said=lambda answer: _("%(count)s results worked out", count=len(answer["results"])),
)


# --- reviewing ------------------------------------------------------------------------------------


def _waiting(code: str) -> list[Result]:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        return [
            each
            for each in queries.results_of(session, item.id)
            if each.state is ResultState.ENTERED and not each.set_aside
        ]


def _review_in(code: str) -> Schema:
    actor = auth.actor_or_nobody()
    mine = actor.person if actor else None
    return schemas.review_in([each.test for each in _waiting(code) if each.entered_by != mine])


def _about_review(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    waiting = _waiting(code)
    with db.reading() as session:
        lines = [
            (
                each.test,
                _(
                    "%(value)s, %(verdict)s, entered by %(name)s",
                    value=value_of(each),
                    verdict=STANDINGS[each.standing],
                    name=people.name_of(session, each.entered_by),
                ),
            )
            for each in waiting
        ]
    return [*isolation.lot_facts(code), *lines]


doors.act(
    "/lots/<code>/review",
    reviewing.review,
    takes=_review_in,
    gives=_results_out,
    name="review",
    title=_("Review results"),
    intro=_("Nobody reviews her own result."),
    on="L",
    when=(State.TESTING,),
    about=_about_review,
    said=lambda answer: _("%(count)s results reviewed", count=len(answer["results"])),
)
doors.act(
    "/lots/<code>/submission",
    reviewing.submit,
    gives=_lot_out,
    name="submit",
    title=_("Hand the lot to release"),
    intro=_("When every result is in and reviewed by a second person."),
    on="L",
    when=(State.TESTING,),
    about=_about_lot,
)
doors.act(
    "/lots/<code>/deviations",
    findings.open_deviation,
    takes=schemas.DeviationIn,
    gives=finding_out,
    name="open-deviation",
    title=_("Open a deviation"),
    intro=_("The lot is not released while it stands open."),
    on="L",
    when=(State.IN_PROCESS, *_OPEN, State.AWAITING_REVIEW, *RELEASED),
    about=_about_lot,
    said=lambda answer: _("Deviation %(reference)s opened", reference=answer["reference"]),
)


def _about_finding(actor: Actor, *, reference: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        finding = queries.finding_by_reference(session, reference)
        if finding is None:
            raise FindingUnknown(
                _("No open finding is called %(reference)s.", reference=reference),
                field="reference",
            )
        lot = custody.item(session, finding.lot_id)
        return [
            (_("Finding"), finding.reference),
            (_("About"), because.said(finding.description)),
            (_("Opened by"), people.name_of(session, finding.opened_by)),
            *isolation.lot_facts(lot.code),
        ]


def _closed_out(finding: Finding) -> dict[str, Any]:
    with db.reading() as session:
        return {"lot": custody.item(session, finding.lot_id).code, **finding_out(finding)}


CLOSE = doors.act(
    "/findings/<reference>/closing",
    findings.close_finding,
    takes=schemas.ClosingIn,
    gives=_closed_out,
    name="close-finding",
    title=_("Close a finding"),
    intro=_("A result outside its limit stays, unless a laboratory error was proved."),
    about=_about_finding,
    after=_after_lot,
    said=lambda answer: _("%(reference)s closed", reference=answer["reference"]),
)
design_doors.declare(doors)
