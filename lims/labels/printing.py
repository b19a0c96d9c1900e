"""Drawing what was asked for and handing it to a printer, at most once.

The row is the truth. Each step is claimed by an update that only one runner can win, and `sending`
is committed before the first byte leaves: a crash in between leaves it `uncertain`, for a person to
settle by a scan, and it is never sent again by itself (H12).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from lims import ledger
from lims.core import clock, db, queue
from lims.core.errors import DomainError
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import files, queries, sending
from lims.labels import permissions as may
from lims.labels.errors import NoPrinter, PrinterSilent
from lims.labels.layout import PERSONAL, load
from lims.labels.models import LabelPrinter, LabelRequest, RequestState
from lims.labels.rendering import LabelContent, render
from lims.labels.services import PRINT_TASK, stream

SWEEP_TASK = queue.task("labels.sweep")
WAITED = timedelta(seconds=5)
PRINTER_AGAIN = timedelta(seconds=30)
DRAWING_LOST = timedelta(seconds=120)
SENDING_LOST = timedelta(seconds=120)
"""Longer than the longest task may take, so a print that is under way is never called lost."""

Loader = Callable[[str], Mapping[str, str]]
_loaders: dict[str, Loader] = {}


def withheld(letter: str) -> Callable[[Loader], Loader]:
    """Fetch the withheld fields of a label when it is drawn, by the letter of its code.

    `W`: `full_name` and `birth_date`; `V`: `readback`. They stand in no request, queue or ledger.
    The loader gives nothing for a person who was erased.
    """

    def keep(loader: Loader) -> Loader:
        _loaders[letter] = loader
        return loader

    return keep


@requires(may.PRINT)
def print_label(actor: Actor, request_id: UUID) -> None:
    """Draw one requested label and send it. Once that is done, running again does nothing.

    Raises:
        PrinterSilent: the printer could not be reached and nothing left; try again later.
    """
    if _move(request_id, RequestState.REQUESTED, RequestState.DRAWING):
        _draw(actor, request_id)
    if _has_printer(request_id) and _move(request_id, RequestState.DRAWN, RequestState.SENDING):
        _send(actor, request_id)


def _move(
    request_id: UUID,
    old: RequestState,
    new: RequestState,
    *,
    error: str | None = None,
    entry: tuple[Actor, str, dict[str, Any]] | None = None,
) -> bool:
    """Move a request on, if it is still where it was; the entry goes with the move."""
    with db.transaction() as session:
        moved = session.execute(
            update(LabelRequest)
            .where(LabelRequest.id == request_id, LabelRequest.state == old)
            .values(state=new, moved_at=clock.now(), error=error)
        ).rowcount  # type: ignore[attr-defined]
        if moved and entry:
            actor, kind, data = entry
            row = queries.request_by_id(session, request_id)
            ledger.record(actor, stream(row.code), kind, {"copy": row.copy, **data})
        return bool(moved)


def _read(request_id: UUID) -> LabelRequest:
    with db.reading() as session:
        return queries.request_by_id(session, request_id)


def _has_printer(request_id: UUID) -> bool:
    return _read(request_id).printer is not None


def _draw(actor: Actor, request_id: UUID) -> None:
    row = _read(request_id)
    try:
        _draw_files(row)
    except DomainError as refused:
        _move(
            request_id,
            RequestState.DRAWING,
            RequestState.FAILED,
            error=_why(refused),
            entry=(actor, "labels.failed", {"why": refused.code}),
        )
        return
    _move(
        request_id,
        RequestState.DRAWING,
        RequestState.DRAWN,
        entry=(actor, "labels.drawn", {"template": row.template}),
    )


def _draw_files(row: LabelRequest) -> None:
    fields = dict(row.fields)
    wanted = load(row.template).withheld
    if wanted and row.code[0] in _loaders:
        known = _loaders[row.code[0]](row.code)
        fields |= {name: known[name] for name in wanted if known.get(name)}
    made = render(LabelContent(row.template, fields, row.code, row.copy), "zpl")
    files.write(row.code, row.copy, made.png, made.bytes)


def _why(refused: DomainError) -> str:
    """The sentence to keep; where a name is at fault, without the name (I12)."""
    if refused.field in PERSONAL:
        return str(_("The field %(field)s does not fit on the label.", field=refused.field))
    return str(refused)


def _send(actor: Actor, request_id: UUID) -> None:
    row = _read(request_id)
    path = files.paths(row.code, row.copy)[1]
    try:
        printer = _printer(row.printer or "")
        if not path.is_file():
            _draw_files(row)  # they lie on another machine
        sending.send(printer.kind, printer.address, path.name, path.read_bytes())
    except (PrinterSilent, NoPrinter) as silent:
        # Nothing left this computer, so it may be tried again.
        _move(request_id, RequestState.SENDING, RequestState.DRAWN, error=str(silent))
        raise
    except sending.Interrupted as lost:
        _move(
            request_id,
            RequestState.SENDING,
            RequestState.UNCERTAIN,
            error=str(
                _(
                    "The printer did not say that it took the label (%(why)s). Look whether it "
                    "lies there and scan it.",
                    why=lost,
                )
            ),
            entry=(actor, "labels.uncertain", {"printer": row.printer}),
        )
        return
    _move(
        request_id,
        RequestState.SENDING,
        RequestState.SENT,
        entry=(actor, "labels.sent", {"printer": row.printer}),
    )


def _printer(name: str) -> LabelPrinter:
    with db.reading() as session:
        return queries.printer_by_name(session, name)


@requires(may.PRINT)
def sweep(actor: Actor) -> int:
    """Send again what waited too long, and call what was lost while sending uncertain.

    Returns:
        How many requests were nudged.
    """
    now = clock.now()
    with db.reading() as session:
        lost = _older(session, RequestState.SENDING, now - SENDING_LOST)
        half_drawn = _older(session, RequestState.DRAWING, now - DRAWING_LOST)
    for each in lost:
        _move(
            each,
            RequestState.SENDING,
            RequestState.UNCERTAIN,
            error=str(
                _("The print was interrupted. Look whether the label lies there and scan it.")
            ),
            entry=(actor, "labels.uncertain", {"why": "interrupted"}),
        )
    for each in half_drawn:
        _move(each, RequestState.DRAWING, RequestState.REQUESTED)
    with db.reading() as session:
        waiting = _older(session, RequestState.REQUESTED, now - WAITED) + half_drawn
        waiting += _older(session, RequestState.DRAWN, now - PRINTER_AGAIN, with_printer=True)
    for each in dict.fromkeys(waiting):
        queue.send(PRINT_TASK, each)
    return len(set(waiting))


def _older(
    session: Any, state: RequestState, than: Any, *, with_printer: bool = False
) -> list[UUID]:
    statement = select(LabelRequest.id).where(
        LabelRequest.state == state, LabelRequest.moved_at <= than
    )
    if with_printer:
        statement = statement.where(LabelRequest.printer.is_not(None))
    return list(session.scalars(statement.order_by(LabelRequest.moved_at).limit(500)))


@requires(may.PRINTERS)
def test_printer(actor: Actor, *, name: str) -> str:
    """Send the example of a label that the printer has stock for, as copy 00.

    Returns:
        The name of the template that was sent.

    Raises:
        PrinterSilent: it could not be reached, or did not say that it took the label.
    """
    printer = _printer(name)
    template = load((printer.templates or ["place_50x20"])[0])
    fields = dict(template.example)
    made = render(LabelContent(template.name, fields, fields.pop("code"), 0), "zpl")
    try:
        sending.send(printer.kind, printer.address, f"test-{name}.zpl", made.bytes)
    except sending.Interrupted as lost:
        raise PrinterSilent(
            _(
                "The printer %(name)s did not say that it took the label (%(why)s). Check paper, "
                "ribbon and lid; then try again.",
                name=name,
                why=lost,
            )
        ) from lost
    return template.name
