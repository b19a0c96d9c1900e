"""Asking for a label, replacing it, scanning it back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, codes, copied, db, mode, queue
from lims.core.errors import BadInput, Conflict
from lims.core.permissions import Actor, requires
from lims.core.words import Text
from lims.core.words import Text as _
from lims.labels import designs, fitting, queries, reasons, speaking, trying
from lims.labels import permissions as may
from lims.labels.errors import FieldWrong, NotSettled, OldLabel
from lims.labels.layout import load
from lims.labels.models import (
    MANY,
    ON_PAPER,
    CopyState,
    LabelCopy,
    LabelJob,
    LabelRequest,
    RequestState,
)
from lims.labels.places import Template

PRINT_TASK = queue.task("labels.print")
WORK_TASK = queue.task("labels.work")


def stream(code: str) -> str:
    """The ledger's stream of the labels of one code."""
    return f"label/{code}"


def request(
    actor: Actor,
    *,
    template: str,
    code: str,
    fields: Mapping[str, str | Text],
    reason: str | None = None,
    printer: str | None = None,
) -> LabelRequest:
    """Ask for the next copy of a label, inside the act that needs it; the older copy dies.

    Of a command every copy lives on (`models.MANY`).

    A feature calls this under its own permission. What does not fit or is missing is refused here
    and undoes the act; a font that this computer lacks fails the print and not the act.

    Args:
        fields: what the template asks for, as printed; a sentence is said in the language of the
            site's labels. The code may be among them; a name and a birth date may not: they are
            fetched when the label is drawn (`printing.withheld`).
        reason: why a further copy is needed, once there is one.
        printer: by name; otherwise the one that holds stock for this template, if any.
    """
    spoken = speaking.of(load(template), speaking.language())
    said = {name: speaking.said(value, spoken) for name, value in fields.items()}
    return _request(actor, template, code, said, reason, printer, None, spoken)


def has_room(template: str, field: str, value: str | Text) -> bool:
    """Whether a label has room for this in a field, in the language of the site's labels.

    For a feature that can say it shorter.
    """
    deployed = load(template)
    said = speaking.said(value, speaking.of(deployed, speaking.language()))
    return fitting.has_room(deployed, field, said)


def _request(
    actor: Actor,
    template: str,
    code: str,
    fields: Mapping[str, str],
    reason: str | None,
    printer: str | None,
    before: UUID | None,
    language: str | None,
) -> LabelRequest:
    """Ask for a label.

    Args:
        before: the version of the label that this one replaces with the same content.
        language: in which the fields are; a label that replaces another speaks as it did.
    """
    deployed = load(template)
    scanned = codes.expect(code, deployed.code_letters, "code")
    frozen = _frozen(template, scanned.code, fields)
    with db.transaction() as session:
        mode.admit(session, scanned)
        for text in frozen.values():
            mode.admit_number(session, text)
        copy, dead = _next_copy(session, scanned.code, (reason or "").strip())

        def draws(version: Template, whole: bool) -> None:
            trying.fits(version, frozen, scanned.code, copy, language, whole=whole)

        design_id = designs.choose(session, deployed, draws, before)
        chosen = (
            queries.printer_by_name(session, printer)
            if printer
            else queries.printer_for(session, template)
        )
        now = clock.now()
        job, place = _job(session, template, chosen.name if chosen else None, actor.label)
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
            job=job,
            place=place,
            state=RequestState.WAITING,
            design_id=design_id,
            language=language,
            error=None if design_id else reasons.DESIGN,
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
        return row


def _job(session: Session, template: str, printer: str | None, by: str) -> tuple[int, int]:
    """The job of this act at a printer, and the next place in it; one message is sent for each."""
    jobs: dict[str | None, tuple[int, int]] = session.info.setdefault("label_jobs", {})
    if printer in jobs:
        number, last = jobs[printer]
    else:
        row = LabelJob(template=template, requested_by=by, requested_at=clock.now())
        session.add(row)
        session.flush()
        number, last = row.number, 0
        queue.enqueue(PRINT_TASK, number)
    jobs[printer] = number, last + 1
    return jobs[printer]


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
    live = [each for each in known if each.state is CopyState.LIVE and code[0] not in MANY]
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
    if code[0] not in MANY:
        end_copies(session, [LabelRequest.code == code])
    session.flush()
    # After a restore the copies that were printed since the backup are not known here.
    return max((known[-1].copy if known else 0) + 1, copied.first_copy(session)), live


def end_copies(session: Session, which: list[Any]) -> None:
    """Copies that died: cancelled where nothing was sent, else destroyed. Failed ones stay so."""
    for states, to in (
        ((RequestState.WAITING, RequestState.DRAWN), RequestState.CANCELLED),
        (ON_PAPER, RequestState.DESTROYED),
    ):
        session.execute(
            update(LabelRequest)
            .where(*which, LabelRequest.state.in_(states))
            .values(state=to, moved_at=clock.now())
        )


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
        return _request(
            actor,
            last.template,
            last.code,
            last.fields,
            reason,
            printer,
            last.design_id,
            last.language,
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
        end_copies(session, [LabelRequest.code == copy.code, LabelRequest.copy == copy.copy])
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
            # Whatever the machine knew of it: here it sticks, and it is not sent (again).
            session.execute(
                update(LabelRequest)
                .where(LabelRequest.code == seen.code, LabelRequest.copy == seen.copy)
                .values(state=RequestState.VERIFIED, moved_at=clock.now(), error=None)
            )
            ledger.record(
                actor, stream(seen.code), "labels.stuck", {"copy": copy.copy}, rows=[copy]
            )
        return copy
