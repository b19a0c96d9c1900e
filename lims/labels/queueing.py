"""What people do to a queue: pause a printer, move what waits, cancel it, ask for a test label."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, db, queue
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import installing, queries, turns
from lims.labels import permissions as may
from lims.labels.errors import NoRequest, QueueRefused
from lims.labels.models import (
    CopyState,
    LabelJob,
    LabelPrinter,
    LabelRequest,
    LabelTurn,
    RequestState,
)
from lims.labels.services import WORK_TASK, end_copies, stream

_MOVABLE = (RequestState.WAITING, RequestState.DRAWN)


@requires(may.QUEUE)
def pause(actor: Actor, *, name: str, reason: str) -> LabelPrinter:
    """Send nothing more to a printer until somebody resumes it; what left has left.

    Raises:
        QueueRefused: it is paused already.
    """
    if not reason.strip():
        raise BadInput(_("Say why the printer is paused."), field="reason")
    with db.transaction() as session:
        row = _printer(session, name)
        if row.paused_at is not None:
            raise QueueRefused(_("%(name)s is paused already.", name=name))
        row.paused_at = clock.now()
        ledger.record(
            actor, installing.stream(name), "labels.printer-paused", rows=[row], reason=reason
        )
        return row


@requires(may.QUEUE)
def resume(actor: Actor, *, name: str) -> LabelPrinter:
    """Go on printing; also tries a printer again at once that gave no answer.

    Raises:
        NoPrinter: none in use has this name.
    """
    with db.transaction() as session:
        row = _printer(session, name)
        if row.paused_at is not None:
            row.paused_at = None
            ledger.record(actor, installing.stream(name), "labels.printer-resumed", rows=[row])
        turn = turns.of(session, name)
        if turn is not None:
            turn.rests_until = None
        queue.enqueue(WORK_TASK, row.id)
        return row


@requires(may.QUEUE)
def ask_test(actor: Actor, *, name: str) -> LabelPrinter:
    """Print the example of a label, as copy 00, in front of what waits; pausing does not stop it.

    Raises:
        NoPrinter: none in use has this name.
    """
    turns.make(name)
    with db.transaction() as session:
        row = _printer(session, name)
        turn = _turn(session, name)
        turn.test_asked_at, turn.test_said, turn.rests_until = clock.now(), None, None
        queue.enqueue(WORK_TASK, row.id)
        return row


@requires(may.QUEUE)
def move_queue(actor: Actor, *, name: str, to: str) -> list[LabelRequest]:
    """Let another printer print everything that waits at one.

    Raises:
        NoPrinter: no other of this name is in use.
        QueueRefused: nothing waits.
    """
    with db.transaction() as session:
        source = queries.printer_called(session, name)
        if source is None:
            raise queries.no_printer(name)
        return _move(actor, session, [LabelRequest.printer == name], to)


@requires(may.QUEUE)
def move_job(actor: Actor, *, number: str, to: str) -> list[LabelRequest]:
    """Let another printer print what waits of a job, also where it had none.

    Raises:
        NoPrinter, NoRequest: no such printer or job.
        QueueRefused: nothing of it waits.
    """
    with db.transaction() as session:
        job = job_called(session, number)
        return _move(actor, session, [LabelRequest.job == job.number], to)


def _move(actor: Actor, session: Session, which: list[Any], to: str) -> list[LabelRequest]:
    target = queries.printer_by_name(session, to)
    rows = [
        each
        for each in _locked(session, [*which, LabelRequest.state.in_(_MOVABLE)])
        if each.printer != target.name
    ]
    if not rows:
        raise QueueRefused(_("Nothing waits there that could be moved to %(name)s.", name=to))
    left = sorted({each.printer for each in rows if each.printer})
    for each in rows:
        each.printer, each.state, each.moved_at = target.name, RequestState.WAITING, clock.now()
        each.error = None
    labels = [f"{each.code}-{each.copy:02d}" for each in rows]
    ledger.record(
        actor,
        installing.stream(target.name),
        "labels.moved",
        {"labels": labels, "from": left},
    )
    queue.enqueue(WORK_TASK, target.id)
    return rows


@requires(may.QUEUE)
def cancel_job(actor: Actor, *, number: str, reason: str) -> list[LabelRequest]:
    """Print nothing more of a job; the labels that waited are dead, and can be asked for again.

    Raises:
        NoRequest: no such job.
        QueueRefused: nothing of it waits.
    """
    if not reason.strip():
        raise BadInput(_("Say why nothing more of it is printed."), field="reason")
    with db.transaction() as session:
        job = job_called(session, number)
        rows = _locked(session, [LabelRequest.job == job.number, LabelRequest.state.in_(_MOVABLE)])
        if not rows:
            raise QueueRefused(
                _("Nothing of job %(number)s waits any more.", number=job.number), field="number"
            )
        for each in rows:
            copy = queries.live_copy_of(session, each)
            end_copies(session, [LabelRequest.id == each.id])
            if copy is not None:
                copy.state, copy.void_reason = CopyState.VOID, reason.strip()
            ledger.record(
                actor,
                stream(each.code),
                "labels.cancelled",
                {"copy": each.copy},
                rows=[] if copy is None else [copy],
                reason=reason.strip(),
            )
        return rows


def job_called(session: Session, number: str) -> LabelJob:
    """A job by its number.

    Raises:
        NoRequest: there is none.
    """
    good = number.isascii() and number.isdigit() and len(number) < 16
    found = session.get(LabelJob, int(number)) if good else None
    if found is None:
        raise NoRequest(_("There is no such print job; look at the list of jobs."), field="number")
    return found


def _locked(session: Session, which: list[Any]) -> list[LabelRequest]:
    """Rows held, so that no worker claims one of them meanwhile."""
    return db.locked_all(
        session,
        select(LabelRequest).where(*which).order_by(LabelRequest.job, LabelRequest.place),
    )


def _printer(session: Session, name: str) -> LabelPrinter:
    row = db.locked(
        session, select(LabelPrinter).where(LabelPrinter.name == name, LabelPrinter.in_use)
    )
    if row is None:
        raise queries.no_printer(name)
    return row


def _turn(session: Session, name: str) -> LabelTurn:
    turn = turns.of(session, name)
    if turn is None:
        raise RuntimeError("a printer without its row")
    return turn
