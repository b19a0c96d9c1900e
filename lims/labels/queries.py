"""Finding copies, requests and printers; and what a scanned copy is worth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from lims.core import codes
from lims.core.db import locked
from lims.core.words import Text as _
from lims.labels import files
from lims.labels.errors import NoPrinter, NoRequest, OldLabel
from lims.labels.models import (
    ON_PAPER,
    CopyState,
    LabelCopy,
    LabelPrinter,
    LabelRequest,
    LabelTurn,
    RequestState,
)


@dataclass(frozen=True)
class LabelFile:
    """A drawn label on disk."""

    png: Path
    zpl: Path
    code: str
    copy: int
    payload: str
    template: str


@dataclass(frozen=True)
class Tally:
    """Labels of some codes: printed = applied + destroyed + what is still open."""

    printed: int
    applied: int
    destroyed: int

    @property
    def open(self) -> int:
        """Labels nobody has accounted for."""
        return self.printed - self.applied - self.destroyed


def live_copy(db: Session, code: str) -> int | None:
    """The number of the one copy that may be scanned; None where none was printed.

    The newest, where it is a command's.
    """
    return db.scalar(
        select(LabelCopy.copy)
        .where(LabelCopy.code == code, LabelCopy.state == CopyState.LIVE)
        .order_by(LabelCopy.copy.desc())
        .limit(1)
    )


def is_live(db: Session, code: str, copy: int) -> bool:
    """Whether this very copy may be scanned."""
    asked = select(LabelCopy.id).where(
        LabelCopy.code == code, LabelCopy.copy == copy, LabelCopy.state == CopyState.LIVE
    )
    return db.scalar(asked) is not None


def said_last(db: Session, carried: Iterable[str], template: str) -> Mapping[str, str] | None:
    """What the first of these codes that has a label of this template says on its newest.

    Read from the first on, so the newest thing stands first; None where none has one.
    """
    for code in carried:
        asked = newest_request(db, code)
        if asked is not None and asked.template == template:
            return asked.fields
    return None


def live_copy_of(db: Session, request: LabelRequest) -> LabelCopy | None:
    """The copy that a request is for, held by the caller; None where it is dead already."""
    return locked(
        db,
        select(LabelCopy).where(
            LabelCopy.code == request.code,
            LabelCopy.copy == request.copy,
            LabelCopy.state == CopyState.LIVE,
        ),
    )


def live_symbol(db: Session, code: str) -> str:
    """What a scanner reads off the live label; the code itself where it has none."""
    copy = live_copy(db, code)
    return code if copy is None else codes.symbol(code, copy)


def void_copies(db: Session, letter: str) -> list[tuple[str, int]]:
    """Labels that are dead while another of the same code lives: code and copy, by code."""
    live = select(LabelCopy.code).where(LabelCopy.state == CopyState.LIVE)
    found = db.execute(
        select(LabelCopy.code, LabelCopy.copy)
        .where(
            LabelCopy.state == CopyState.VOID,
            LabelCopy.code.startswith(letter),
            LabelCopy.code.in_(live),
        )
        .order_by(LabelCopy.code, LabelCopy.copy)
    )
    return [(row.code, row.copy) for row in found]


def check_copy(db: Session, scanned: codes.Scanned) -> None:
    """Refuse any physical label but the live one; a typed code names no copy and passes.

    Raises:
        OldLabel: drawn by hand, cancelled by a reprint, or never printed here.
    """
    if scanned.copy is None:
        return
    code = codes.grouped(scanned.code)
    if scanned.copy == 0:
        raise OldLabel(
            _(
                "The label %(code)s was drawn by hand and counts for nothing. Destroy it and "
                "print a label.",
                code=code,
            )
        )
    if not is_live(db, scanned.code, scanned.copy):
        live = live_copy(db, scanned.code)
        raise OldLabel(
            _(
                "This is an old label of %(code)s: copy %(copy)s, and only copy %(live)s counts. "
                "Put the item aside, destroy this label and look for the other.",
                code=code,
                copy=f"{scanned.copy:02d}",
                live="-" if live is None else f"{live:02d}",
            ),
            call=_("QC officer"),
        )


def request_by_id(db: Session, request_id: UUID) -> LabelRequest:
    """A print request, read afresh.

    Raises:
        NoRequest: none has this id.
    """
    found = db.scalar(
        select(LabelRequest)
        .where(LabelRequest.id == request_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NoRequest(_("There is no such print request; look at the list of labels."))
    return found


def newest_request(db: Session, code: str) -> LabelRequest | None:
    """The last print asked for under a code."""
    return db.scalar(
        select(LabelRequest)
        .where(LabelRequest.code == code)
        .order_by(LabelRequest.copy.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def requests(
    db: Session, *, states: Iterable[RequestState] = (), limit: int = 200
) -> list[LabelRequest]:
    """Print requests, newest first; of some states where they are given."""
    statement = select(LabelRequest).order_by(LabelRequest.requested_at.desc(), LabelRequest.id)
    if chosen := list(states):
        statement = statement.where(LabelRequest.state.in_(chosen))
    return list(db.scalars(statement.limit(limit).execution_options(populate_existing=True)))


def copies(db: Session, code: str) -> list[tuple[LabelCopy, LabelRequest]]:
    """Every label ever made of a code with the request it came from, newest first."""
    return [
        (row[0], row[1])
        for row in db.execute(
            select(LabelCopy, LabelRequest)
            .join(
                LabelRequest,
                (LabelRequest.code == LabelCopy.code) & (LabelRequest.copy == LabelCopy.copy),
            )
            .where(LabelCopy.code == code)
            .order_by(LabelCopy.copy.desc())
        )
    ]


def drawn_files(db: Session) -> list[LabelFile]:
    """Every label that was drawn and is still on disk."""
    found = []
    for row in db.scalars(
        select(LabelRequest)
        .where(
            LabelRequest.state.in_(
                [
                    *ON_PAPER,
                    RequestState.DRAWN,
                    RequestState.CANCELLED,
                    RequestState.DESTROYED,
                ]
            )
        )
        .order_by(LabelRequest.code, LabelRequest.copy)
    ):
        png, zpl = files.paths(row.code, row.copy)
        if png.is_file() and zpl.is_file():
            payload = codes.symbol(row.code, row.copy)
            found.append(LabelFile(png, zpl, row.code, row.copy, payload, row.template))
    return found


def tally(db: Session, wanted: Iterable[str]) -> Tally:
    """How many labels of these codes were printed, stuck on and destroyed."""
    rows = db.execute(
        select(LabelCopy.state, LabelCopy.stuck_at.is_not(None), func.count())
        .where(LabelCopy.code.in_(list(wanted)))
        .group_by(LabelCopy.state, LabelCopy.stuck_at.is_not(None))
    ).all()
    printed = sum(each[2] for each in rows)
    destroyed = sum(each[2] for each in rows if each[0] is CopyState.VOID)
    applied = sum(each[2] for each in rows if each[0] is CopyState.LIVE and each[1])
    return Tally(printed, applied, destroyed)


def without_label(db: Session, wanted: Iterable[str]) -> list[str]:
    """Of these codes, those that no label stands for: none was asked for, or all are void."""
    listed = sorted(set(wanted))
    labelled = set(
        db.scalars(
            select(LabelCopy.code).where(
                LabelCopy.code.in_(listed), LabelCopy.state == CopyState.LIVE
            )
        )
    )
    return [each for each in listed if each not in labelled]


def not_stuck(db: Session, wanted: Iterable[str], *, since: datetime | None = None) -> list[str]:
    """Of these codes, those whose label is not accounted for; only labels asked for since then.

    A label is accounted for once it was scanned back, or is void: destroyed, replaced, never out.
    """
    statement = select(LabelCopy.code).where(
        LabelCopy.code.in_(list(wanted)),
        LabelCopy.state == CopyState.LIVE,
        LabelCopy.stuck_at.is_(None),
    )
    if since is not None:
        statement = statement.join(
            LabelRequest,
            (LabelRequest.code == LabelCopy.code) & (LabelRequest.copy == LabelCopy.copy),
        ).where(LabelRequest.requested_at >= since)
    return list(db.scalars(statement.order_by(LabelCopy.code)))


def printers(db: Session) -> list[LabelPrinter]:
    """Every printer, by name."""
    return list(db.scalars(select(LabelPrinter).order_by(LabelPrinter.name)))


def printer_by_name(db: Session, name: str) -> LabelPrinter:
    """A printer in use.

    Raises:
        NoPrinter: none in use has this name.
    """
    found = db.scalar(
        select(LabelPrinter)
        .where(LabelPrinter.name == name, LabelPrinter.in_use)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise no_printer(name)
    return found


def no_printer(name: str) -> NoPrinter:
    """None in use has this name."""
    return NoPrinter(
        _("There is no printer %(name)s in use; add it, or name another.", name=name[:60]),
        field="printer",
    )


def printer_called(db: Session, name: str) -> LabelPrinter | None:
    """A printer, in use or not."""
    return db.scalar(
        select(LabelPrinter)
        .where(LabelPrinter.name == name)
        .execution_options(populate_existing=True)
    )


def waiting_in(db: Session, job: int) -> list[LabelRequest]:
    """What of a job can be sent and was not yet, in its order."""
    return list(
        db.scalars(
            select(LabelRequest)
            .where(
                LabelRequest.job == job,
                LabelRequest.state == RequestState.WAITING,
                LabelRequest.design_id.is_not(None),
            )
            .order_by(LabelRequest.place)
        )
    )


def next_at(db: Session, printer: str, now: datetime) -> LabelRequest | None:
    """The label that a printer prints next; None where it is paused, at rest, or nothing waits."""
    return db.scalar(
        select(LabelRequest)
        .join(LabelPrinter, LabelPrinter.name == LabelRequest.printer)
        .outerjoin(LabelTurn, LabelTurn.printer == LabelRequest.printer)
        .where(
            LabelRequest.printer == printer,
            LabelRequest.state == RequestState.WAITING,
            LabelRequest.design_id.is_not(None),
            LabelPrinter.paused_at.is_(None),
            LabelPrinter.in_use,
            or_(LabelTurn.rests_until.is_(None), LabelTurn.rests_until <= now),
        )
        .order_by(LabelRequest.job, LabelRequest.place)
        .limit(1)
        .execution_options(populate_existing=True)
    )


def work_at(db: Session, printer: str, now: datetime, *, waited: timedelta | None = None) -> bool:
    """Whether somebody should work at a printer now.

    Args:
        waited: leave out labels that were asked for more lately than this.
    """
    turn = db.get(LabelTurn, printer, populate_existing=True)
    if turn is not None and turn.rests_until is not None and turn.rests_until > now:
        return False
    if turn is not None and turn.test_asked_at is not None:
        return True
    row = next_at(db, printer, now)
    return row is not None and (waited is None or row.moved_at <= now - waited)


def printer_for(db: Session, template: str) -> LabelPrinter | None:
    """The printer that holds stock for a label: one named for it, else one for all."""
    in_use = [each for each in printers(db) if each.in_use]
    named = [each for each in in_use if template in each.templates]
    anything = [each for each in in_use if not each.templates]
    return next(iter(named or anything), None)
