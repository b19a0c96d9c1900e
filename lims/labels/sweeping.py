"""What was lost on the way is asked for again; what was lost while sending becomes uncertain."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import clock, db, queue
from lims.core.permissions import Actor, requires
from lims.labels import ipp, progress, queries, reasons, turns
from lims.labels import permissions as may
from lims.labels.errors import Interrupted, PrinterSilent
from lims.labels.models import LabelRequest, PrinterKind, RequestState
from lims.labels.services import PRINT_TASK, WORK_TASK

SWEEP_TASK = queue.task("labels.sweep")
WAITED = timedelta(seconds=5)
SENDING_LOST = timedelta(seconds=120)
"""Longer than the longest task may take, so a print that is under way is never called lost."""
FOLLOWED = timedelta(days=1)
"""How long a print server is asked what became of a label."""


@requires(may.PRINT)
def sweep(actor: Actor) -> int:
    """Send again what waited too long, call what was lost while sending uncertain, ask servers.

    Returns:
        How many nudges were sent: one for each printer that could print now.
    """
    now = clock.now()
    with db.reading() as session:
        lost = list(
            session.scalars(
                select(LabelRequest.id).where(
                    LabelRequest.state == RequestState.SENDING,
                    LabelRequest.moved_at <= now - SENDING_LOST,
                )
            )
        )
        jobs, printers = _undrawn(session, now), _workable(session, now)
        asked = _at_servers(session, now)
    for each in lost:
        progress.doubt(each, actor, reasons.INTERRUPTED, {})
    for request_id, address, remote in asked:
        _follow(actor, request_id, address, remote)
    for job in jobs:
        queue.send(PRINT_TASK, job)
    for printer in printers:
        queue.send(WORK_TASK, printer)
    return len(jobs) + len(printers)


def _undrawn(session: Session, now: datetime) -> list[int]:
    """Jobs with labels that have no printer and were not drawn."""
    return list(
        session.scalars(
            select(LabelRequest.job)
            .where(
                LabelRequest.state == RequestState.WAITING,
                LabelRequest.printer.is_(None),
                LabelRequest.moved_at <= now - WAITED,
                LabelRequest.job.is_not(None),
                LabelRequest.design_id.is_not(None),
            )
            .distinct()
            .order_by(LabelRequest.job)
            .limit(500)
        )
    )


def _workable(session: Session, now: datetime) -> list[UUID]:
    """Printers at which something waits that could be done now."""
    return [
        each.id
        for each in queries.printers(session)
        if each.in_use
        and each.kind is not PrinterKind.AGENT
        and queries.work_at(session, each.name, now, waited=WAITED)
    ]


def _at_servers(session: Session, now: datetime) -> list[tuple[UUID, str, int]]:
    rows = session.scalars(
        select(LabelRequest)
        .where(
            LabelRequest.state == RequestState.SENT,
            LabelRequest.remote.is_not(None),
            LabelRequest.requested_at > now - FOLLOWED,
        )
        .limit(50)
    )
    found = []
    for each in rows:
        printer = queries.printer_called(session, each.printer or "")
        if printer is not None and printer.kind is PrinterKind.IPP and each.remote is not None:
            turn = turns.of(session, printer.name)
            if not turns.at_rest(turn, now):
                found.append((each.id, printer.address, each.remote))
    return found


def _follow(actor: Actor, request_id: UUID, address: str, remote: int) -> None:
    try:
        handed = ipp.follow(address, remote)
    except PrinterSilent:
        return
    except Interrupted as given_up:
        progress.move(
            request_id,
            RequestState.SENT,
            RequestState.UNCERTAIN,
            error=str(given_up),
            entry=(actor, "labels.uncertain", {"why": "given up"}),
        )
        return
    progress.move(
        request_id, RequestState.SENT, RequestState.SENT, error=handed.said, remote=handed.remote
    )
