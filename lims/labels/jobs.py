"""Printers and print jobs as people see them: in words and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session

from lims.core import clock
from lims.core.words import Text as _
from lims.labels import queries, reasons
from lims.labels.models import (
    MANY,
    ON_PAPER,
    CopyState,
    Health,
    LabelCopy,
    LabelJob,
    LabelPrinter,
    LabelRequest,
    LabelTurn,
    RequestState,
)

STATE_NAMES: Mapping[str, _] = {
    RequestState.WAITING: _("waits"),
    RequestState.DRAWN: _("drawn, no printer"),
    RequestState.SENDING: _("is being sent"),
    RequestState.SENT: _("sent"),
    RequestState.PRINTED: _("printed"),
    RequestState.VERIFIED: _("scanned back"),
    RequestState.UNCERTAIN: _("uncertain: look for it"),
    RequestState.FAILED: _("failed"),
    RequestState.CANCELLED: _("cancelled"),
    RequestState.DESTROYED: _("destroyed"),
}
PRINTER_WORDS: Mapping[str, _] = {
    "ready": _("ready"),
    "paused": _("paused"),
    "busy": _("busy"),
    "stopped": _("stopped"),
    "silent": _("no answer"),
    "unknown": _("not asked yet"),
    "retired": _("out of use"),
}
_CAME = (*ON_PAPER, RequestState.DESTROYED)


@dataclass(frozen=True)
class PrinterView:
    """A printer as it stands.

    Attributes:
        state: a key of `PRINTER_WORDS`.
        said: what to look at, where it cannot print.
        since: since when it has been so, where that is known.
        waiting, sending, uncertain: how many labels.
        test: what came of the last test label, or that one is asked for.
    """

    name: str
    kind: str
    address: str
    templates: Sequence[str]
    state: str
    said: str | None
    since: datetime | None
    waiting: int
    sending: int
    uncertain: int
    test: str | None


@dataclass(frozen=True)
class CopyView:
    """One copy of a job."""

    id: str
    code: str
    copy: int
    template: str
    printer: str | None
    state: str
    said: str | None
    reason: str
    requested_by: str
    moved_at: datetime
    live: bool


@dataclass(frozen=True)
class JobView:
    """What one act asked for on one printer.

    Attributes:
        printed: copies that may lie somewhere or did; `verified` and `destroyed` are among them.
        open: copies that live and were not scanned back; 0 closes the job. Commands are no
            things, so nobody accounts for theirs.
        states: how many copies are in each state.
    """

    number: int
    template: str
    printers: Sequence[str]
    requested_by: str
    requested_at: datetime
    copies: int
    printed: int
    verified: int
    destroyed: int
    open: int
    states: Mapping[str, int]
    labels: Sequence[CopyView] = field(default=())


def printers(db: Session) -> list[PrinterView]:
    """Every printer that is in use, or at which something still waits."""
    counts: dict[str, Counter[RequestState]] = {}
    wanted = (RequestState.WAITING, RequestState.SENDING, RequestState.UNCERTAIN)
    for name, state, number in db.execute(
        select(LabelRequest.printer, LabelRequest.state, func.count())
        .where(LabelRequest.printer.is_not(None), LabelRequest.state.in_(wanted))
        .group_by(LabelRequest.printer, LabelRequest.state)
    ):
        counts.setdefault(name or "", Counter())[state] = number
    known = {each.printer: each for each in db.scalars(select(LabelTurn))}
    return [
        _printer(each, known.get(each.name), counts.get(each.name, Counter()))
        for each in queries.printers(db)
        if each.in_use or counts.get(each.name)
    ]


def _printer(
    row: LabelPrinter, turn: LabelTurn | None, counts: Counter[RequestState]
) -> PrinterView:
    state, said, since = _standing(row, turn)
    test = None
    if turn is not None:
        test = _test(turn)
    return PrinterView(
        row.name,
        row.kind.value,
        row.address,
        row.templates,
        state,
        said,
        since,
        counts[RequestState.WAITING],
        counts[RequestState.SENDING],
        counts[RequestState.UNCERTAIN],
        test,
    )


def _test(turn: LabelTurn) -> str | None:
    if turn.test_asked_at:
        return str(_("Test label: asked for."))
    if not turn.test_said:
        return None
    known = STATE_NAMES.get(turn.test_said)
    return str(_("Test label: %(why)s", why=known or reasons.said(turn.test_said)))


def _standing(row: LabelPrinter, turn: LabelTurn | None) -> tuple[str, str | None, datetime | None]:
    if not row.in_use:
        return "retired", None, None
    if row.paused_at is not None:
        return "paused", None, row.paused_at
    if turn is None or turn.health is None:
        return "unknown", None, None
    if turn.health is not Health.READY:
        return turn.health.value, reasons.said(turn.said), turn.since
    if turn.until is not None and turn.until > clock.now() and turn.holder:
        return "busy", None, None
    return "ready", None, turn.since


def jobs(
    db: Session, *, open_only: bool = False, before: int | None = None, limit: int = 50
) -> list[JobView]:
    """Jobs, newest first.

    Args:
        open_only: those with a label that is not accounted for.
        before: only jobs with a lower number.
    """
    statement = select(LabelJob).order_by(LabelJob.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(LabelJob.number < before)
    if open_only:
        statement = statement.where(
            LabelJob.number.in_(
                select(LabelRequest.job)
                .join(
                    LabelCopy,
                    (LabelCopy.code == LabelRequest.code) & (LabelCopy.copy == LabelRequest.copy),
                )
                .where(
                    LabelCopy.state == CopyState.LIVE,
                    LabelCopy.stuck_at.is_(None),
                    *(not_(LabelCopy.code.startswith(letter)) for letter in MANY),
                )
            )
        )
    found = list(db.scalars(statement))
    rows = _copies(db, [each.number for each in found])
    return [_job(each, rows.get(each.number, []), whole=False) for each in found]


def job(db: Session, row: LabelJob) -> JobView:
    """One job with its labels."""
    return _job(row, _copies(db, [row.number]).get(row.number, []), whole=True)


def _copies(db: Session, numbers: Sequence[int]) -> dict[int, list[tuple[LabelRequest, bool]]]:
    """The copies of jobs in their order, and whether each is live and not scanned back."""
    found: dict[int, list[tuple[LabelRequest, bool]]] = {}
    for request, state, stuck_at in db.execute(
        select(LabelRequest, LabelCopy.state, LabelCopy.stuck_at)
        .join(
            LabelCopy,
            (LabelCopy.code == LabelRequest.code) & (LabelCopy.copy == LabelRequest.copy),
        )
        .where(LabelRequest.job.in_(numbers))
        .order_by(LabelRequest.job, LabelRequest.place)
        .execution_options(populate_existing=True)
    ):
        is_open = state is CopyState.LIVE and stuck_at is None and request.code[0] not in MANY
        found.setdefault(request.job or 0, []).append((request, is_open))
    return found


def _job(row: LabelJob, rows: Sequence[tuple[LabelRequest, bool]], *, whole: bool) -> JobView:
    states = Counter(each.state for each, _open in rows)
    return JobView(
        number=row.number,
        template=row.template,
        printers=sorted({each.printer for each, _open in rows if each.printer}),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        copies=len(rows),
        printed=sum(states[each] for each in _CAME),
        verified=states[RequestState.VERIFIED],
        destroyed=states[RequestState.DESTROYED],
        open=sum(is_open for _each, is_open in rows),
        states={state.value: number for state, number in sorted(states.items())},
        labels=[_copy(each, is_open) for each, is_open in rows] if whole else (),
    )


def _copy(row: LabelRequest, is_open: bool) -> CopyView:
    return CopyView(
        str(row.id),
        row.code,
        row.copy,
        row.template,
        row.printer,
        row.state.value,
        reasons.said(row.error),
        row.reason,
        row.requested_by,
        row.moved_at,
        is_open,
    )
