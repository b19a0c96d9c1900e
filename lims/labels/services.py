"""Asking for a label, replacing it, scanning it back."""

from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, codes, copied, db, mode, queue
from lims.core.errors import BadInput, Conflict
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import permissions as may
from lims.labels import queries, sending
from lims.labels.drawing import draw
from lims.labels.errors import FieldWrong, FontMissing, NotSettled, OldLabel
from lims.labels.layout import SEALED, load
from lims.labels.models import (
    CopyState,
    LabelCopy,
    LabelPrinter,
    LabelRequest,
    PrinterKind,
    RequestState,
)

PRINT_TASK = queue.task("labels.print")
_NOT_SENT = (
    RequestState.REQUESTED,
    RequestState.DRAWING,
    RequestState.DRAWN,
    RequestState.FAILED,
)


def stream(code: str) -> str:
    """The ledger's stream of the labels of one code."""
    return f"label/{code}"


def request(
    actor: Actor,
    *,
    template: str,
    code: str,
    fields: Mapping[str, str],
    reason: str | None = None,
    printer: str | None = None,
) -> LabelRequest:
    """Ask for the next copy of a label, inside the act that needs it; the older copy dies.

    A feature calls this under its own permission. What does not fit or is missing is refused here
    and undoes the act; a font that this computer lacks fails the print and not the act.

    Args:
        fields: what the template asks for, as printed. The code may be among them; a name and a
            birth date may not: they are fetched when the label is drawn (`printing.withheld`).
        reason: why a further copy is needed, once there is one.
        printer: by name; otherwise the one that holds stock for this template, if any.
    """
    scanned = codes.expect(code, load(template).code_letters, "code")
    frozen = _frozen(template, scanned.code, fields)
    with db.transaction() as session:
        mode.admit(session, scanned)
        copy, dead = _next_copy(session, scanned.code, (reason or "").strip())
        with suppress(FontMissing):
            wanted = load(template)
            stand_in = {name: text for name, text in SEALED.items() if name in wanted.fields}
            draw(wanted, {**frozen, **stand_in}, scanned.code, copy)
        chosen = (
            queries.printer_by_name(session, printer)
            if printer
            else queries.printer_for(session, template)
        )
        now = clock.now()
        row = LabelRequest(
            template=template,
            fields=dict(frozen),
            code=scanned.code,
            copy=copy,
            reason=(reason or "").strip(),
            printer=chosen.name if chosen else None,
            requested_by=actor.label,
            requested_at=now,
            moved_at=now,
            state=RequestState.REQUESTED,
        )
        living = LabelCopy(code=scanned.code, copy=copy, state=CopyState.LIVE)
        try:
            with session.begin_nested():
                session.add_all([row, living])
        except IntegrityError as clash:
            raise Conflict(
                _(
                    "Another station is printing a label of %(code)s at this moment; wait for it.",
                    code=codes.grouped(scanned.code),
                )
            ) from clash
        ledger.record(
            actor,
            stream(scanned.code),
            "labels.requested",
            {"template": template, "copy": copy},
            rows=[row, living, *dead],
            reason=row.reason,
        )
        queue.enqueue(PRINT_TASK, row.id)
        return row


def _frozen(template: str, code: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields to keep: without the code, which every label has, and never with a name."""
    frozen = dict(fields)
    said = frozen.pop("code", code)
    if codes.fold(said) != code:
        raise FieldWrong(
            _("The field code says %(said)s, the label is for %(code)s.", said=said, code=code),
            field="code",
        )
    named = sorted(set(frozen) & load(template).withheld)
    if named:
        raise FieldWrong(
            _(
                "The field %(field)s is not kept with a print request; it is fetched when the "
                "label is drawn.",
                field=named[0],
            ),
            field=named[0],
        )
    return frozen


def _next_copy(session: Session, code: str, reason: str) -> tuple[int, list[LabelCopy]]:
    """The number of the next copy, and the copies that die for it."""
    mine = select(LabelCopy).where(LabelCopy.code == code).order_by(LabelCopy.copy)
    session.execute(mine.with_for_update()).all()
    # Whoever waited for the lock reads again: the holder may have added a copy.
    known = list(session.scalars(mine.execution_options(populate_existing=True)))
    live = [each for each in known if each.state is CopyState.LIVE]
    if live and not reason:
        raise BadInput(
            _(
                "%(code)s has a label; say why a new one is needed, for it cancels the old one.",
                code=codes.grouped(code),
            ),
            field="reason",
        )
    for each in live:
        each.state = CopyState.VOID
        each.void_reason = reason
    session.execute(
        update(LabelRequest)
        .where(LabelRequest.code == code, LabelRequest.state.in_(_NOT_SENT))
        .values(state=RequestState.VOID, moved_at=clock.now())
    )
    session.flush()
    # After a restore the copies that were printed since the backup are not known here.
    return max((known[-1].copy if known else 0) + 1, copied.first_copy(session)), live


@requires(may.REPRINT)
def reprint(actor: Actor, *, code: str, reason: str, printer: str | None = None) -> LabelRequest:
    """Print the same content again under a new copy number; the old label dies at once.

    Raises:
        BadInput: no reason.
        NotSettled: nothing was ever printed under this code.
    """
    if not reason.strip():
        raise BadInput(
            _("Say why a new label is needed: smudged, lost or wrong stock."), field="reason"
        )
    scanned = codes.parse(code, "code")
    with db.transaction() as session:
        last = queries.newest_request(session, scanned.code)
        if last is None:
            raise NotSettled(
                _("%(code)s never had a label here.", code=codes.grouped(scanned.code)),
                field="code",
            )
        return request(
            actor,
            template=last.template,
            code=last.code,
            fields=last.fields,
            reason=reason,
            printer=printer,
        )


@requires(may.REPRINT)
def destroy(actor: Actor, *, code: str, reason: str) -> LabelCopy:
    """Say that the label of a code lies destroyed and none takes its place; it counts no more.

    Raises:
        BadInput: no reason.
        NotSettled: no label of this code is in use.
    """
    if not reason.strip():
        raise BadInput(_("Say why the label was destroyed."), field="reason")
    scanned = codes.parse(code, "code")
    with db.transaction() as session:
        mode.admit(session, scanned)
        copy = db.locked(
            session,
            select(LabelCopy).where(
                LabelCopy.code == scanned.code, LabelCopy.state == CopyState.LIVE
            ),
        )
        if copy is None:
            raise NotSettled(
                _("No label of %(code)s is in use.", code=codes.grouped(scanned.code)),
                field="code",
            )
        copy.state = CopyState.VOID
        copy.void_reason = reason.strip()
        session.execute(
            update(LabelRequest)
            .where(
                LabelRequest.code == copy.code,
                LabelRequest.copy == copy.copy,
                LabelRequest.state.in_(_NOT_SENT),
            )
            .values(state=RequestState.VOID, moved_at=clock.now())
        )
        ledger.record(
            actor,
            stream(scanned.code),
            "labels.destroyed",
            {"copy": copy.copy},
            rows=[copy],
            reason=reason.strip(),
        )
        return copy


@requires(may.STICK)
def stick(actor: Actor, *, scanned: str) -> LabelCopy:
    """Scan a label back after sticking it on; settles a print that was uncertain.

    Raises:
        OldLabel: not the live copy, or a code typed instead of scanned.
    """
    seen = codes.parse(scanned, "scanned")
    if seen.copy is None:
        raise OldLabel(
            _("Scan the label itself; a typed code does not show which copy it is."),
            field="scanned",
        )
    with db.transaction() as session:
        mode.admit(session, seen)
        queries.check_copy(session, seen)
        copy = db.locked(
            session,
            select(LabelCopy).where(LabelCopy.code == seen.code, LabelCopy.copy == seen.copy),
        )
        queries.check_copy(session, seen)
        if copy is None:
            raise RuntimeError("a live copy has no row")
        if copy.stuck_at is None:
            copy.stuck_at = clock.now()
            _move(
                session,
                [LabelRequest.code == seen.code, LabelRequest.copy == seen.copy],
                RequestState.UNCERTAIN,
                RequestState.SENT,
            )
            ledger.record(
                actor, stream(seen.code), "labels.stuck", {"copy": copy.copy}, rows=[copy]
            )
        return copy


@requires(may.SETTLE)
def settle(actor: Actor, *, request_id: UUID, printed: bool) -> LabelRequest:
    """Say what became of an uncertain print: it lies there, or no label came out.

    Where none came out the copy dies; `reprint` makes the next.

    Raises:
        NotSettled: the print is not uncertain.
    """
    with db.transaction() as session:
        row = queries.request_by_id(session, request_id)
        to = RequestState.SENT if printed else RequestState.FAILED
        if not _move(session, [LabelRequest.id == row.id], RequestState.UNCERTAIN, to):
            raise NotSettled(_("This print is not uncertain but %(state)s.", state=row.state.value))
        copy = db.locked(
            session,
            select(LabelCopy).where(
                LabelCopy.code == row.code,
                LabelCopy.copy == row.copy,
                LabelCopy.state == CopyState.LIVE,
            ),
        )
        rows = []
        if copy is not None and not printed:
            copy.state = CopyState.VOID
            copy.void_reason = "not printed"
            rows = [copy]
        ledger.record(
            actor,
            stream(row.code),
            "labels.settled",
            {"copy": row.copy, "printed": printed},
            rows=rows,
        )
        return queries.request_by_id(session, request_id)


def doubt_unfinished(session: Session) -> int:
    """Call every print that had not ended uncertain: it may have come out since (H12, H45).

    For a restored copy, where a worker would otherwise print again what lies printed.

    Returns:
        How many.
    """
    moved = session.execute(
        update(LabelRequest)
        .where(
            LabelRequest.printer.is_not(None),
            LabelRequest.state.in_(
                (
                    RequestState.REQUESTED,
                    RequestState.DRAWING,
                    RequestState.DRAWN,
                    RequestState.SENDING,
                )
            ),
        )
        .values(
            state=RequestState.UNCERTAIN,
            moved_at=clock.now(),
            error=str(_("The record was restored. Look whether the label lies there and scan it.")),
        )
    )
    return int(moved.rowcount)  # type: ignore[attr-defined]


def _move(session: Session, which: list[object], old: RequestState, new: RequestState) -> bool:
    moved = session.execute(
        update(LabelRequest)
        .where(*which, LabelRequest.state == old)  # type: ignore[arg-type]
        .values(state=new, moved_at=clock.now(), error=None)
    )
    return bool(moved.rowcount)  # type: ignore[attr-defined]


@requires(may.PRINTERS)
def add_printer(
    actor: Actor, *, name: str, kind: PrinterKind, address: str, templates: list[str] | None = None
) -> LabelPrinter:
    """Add a printer, or change the one of this name.

    Args:
        address: `host:9100` for a socket, a folder for a file printer.
        templates: the labels it holds stock for; none for all.
    """
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 60:
        raise BadInput(
            _("A printer's name has letters, digits, - and _, at most 60."), field="name"
        )
    sending.check_address(kind, address)
    for each in templates or []:
        load(each)
    with db.transaction() as session:
        row = db.locked(session, select(LabelPrinter).where(LabelPrinter.name == name))
        if row is None:
            row = LabelPrinter(name=name)
            session.add(row)
        row.kind, row.address, row.in_use = kind, address, True
        row.templates = sorted(templates or [])
        session.flush()
        ledger.record(actor, f"printer/{name}", "labels.printer-set", rows=[row])
        return row


@requires(may.PRINTERS)
def retire_printer(actor: Actor, *, name: str) -> LabelPrinter:
    """Take a printer out of use."""
    with db.transaction() as session:
        row = queries.printer_by_name(session, name)
        row.in_use = False
        ledger.record(actor, f"printer/{name}", "labels.printer-retired", rows=[row])
        return row
