"""Deviations and out-of-specification results: opened, investigated, decided; never deleted."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, people
from lims.core import clock, codes, db, events
from lims.core.because import Because
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.qc import permissions as may
from lims.qc import queries
from lims.qc.errors import FindingUnknown, OwnResult
from lims.qc.models import Finding, Result

_CORRECTED = Because(_("record of %(code)s corrected, entry %(entry)s"), code=Exact, entry=Exact)
_UNJUDGED = frozenset({State.IN_PROCESS, State.QUARANTINE, State.REJECTED})


@requires(may.INVESTIGATE)
def open_deviation(actor: Actor, *, code: str, description: str) -> Finding:
    """Open a deviation on a lot; it is not released while it stands open."""
    if not description.strip():
        raise BadInput(_("Describe the deviation."), field="description")
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
        return deviation_on(actor, session, item, description.strip())


def deviation_on(actor: Actor, session: Session, item: Item, description: str) -> Finding:
    """Open a deviation on a lot whose row the caller holds; for steps that come upon one."""
    finding = Finding(
        reference=queries.next_reference(session, item),
        lot_id=item.id,
        kind="deviation",
        description=description,
        opened_at=clock.now(),
        opened_by=actor.person,
    )
    session.add(finding)
    session.flush()
    custody.touch(actor, item, "qc.deviation-opened", rows=[finding], reason=description)
    return finding


@events.subscribe("record.corrected")
def judge_a_correction(*, actor: Actor, session: Session, item: Item, entry: int) -> None:
    """Something that a judged lot rests on was corrected: quality says whether it still stands.

    A lot whose testing has not begun is judged later, by what is right by then.
    """
    line = [
        item,
        *custody.ancestors(session, [item.id]),
        *custody.descendants(session, [item.id]),
    ]
    for each in sorted(line, key=lambda one: one.code):
        if each.kind is ItemKind.LOT and each.state not in _UNJUDGED:
            lot = custody.find(session, each.code, lock=True)
            said = _CORRECTED.kept(code=codes.grouped(item.code), entry=str(entry))
            deviation_on(actor, session, lot, said)


@events.subscribe("fill.differs")
def open_for_fill(*, actor: Actor, session: Session, lot: Item, what: str) -> None:
    """A fill did not add up, or a vial has no label: the lot waits for quality (H08)."""
    deviation_on(actor, session, lot, what)


@requires(may.INVESTIGATE)
def close_finding(
    actor: Actor, *, reference: str, cause: str, laboratory_error: bool, password: str
) -> Finding:
    """Decide a finding. A proven laboratory error sets its result aside, for a retest.

    A result that is truly outside its limit stays, and the lot cannot be released on it.

    Raises:
        OwnResult: the person who entered the result does not judge it.
    """
    if not cause.strip():
        raise BadInput(_("Say what the investigation found."), field="cause")
    with db.transaction() as session:
        finding = queries.finding_by_reference(session, reference)
        if finding is None or finding.closed_at is not None:
            raise FindingUnknown(
                _("No open finding is called %(reference)s.", reference=reference),
                field="reference",
            )
        item = custody.item(session, finding.lot_id)
        rows: list[Any] = [finding]
        result = (
            db.locked(session, select(Result).where(Result.id == finding.result_id))
            if finding.result_id
            else None
        )
        if result is not None and result.entered_by == actor.person:
            raise OwnResult(_("You entered this result; another person decides on it."))
        signature = people.signature(actor, meaning="investigated", password=password)
        finding.cause = cause.strip()
        finding.laboratory_error = laboratory_error
        finding.closed_at = clock.now()
        finding.closed_by = actor.person
        if result is not None and laboratory_error:
            result.set_aside = True
            rows.append(result)
        custody.touch(
            actor,
            item,
            "qc.finding-closed",
            {"signature": signature, "reference": reference},
            rows=rows,
            reason=cause,
        )
        return finding
