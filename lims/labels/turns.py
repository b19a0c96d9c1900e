"""One at a time at each printer: whose turn it is, and what the printer was like.

A turn is a lease in a row, taken by one conditional update, so workers on several hosts need
nothing but the database. Only who has the turn sends, so whatever stands as `sending` when a turn
is taken was left behind by somebody who died: it becomes uncertain. Should somebody be slower than
the lease, order suffers and nothing else: each copy is claimed for itself (H12).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.labels.models import Health, LabelPrinter, LabelRequest, LabelTurn, RequestState

HELD = timedelta(seconds=45)
"""Longer than one label may take; it is extended with each."""
RESTS = timedelta(seconds=10)
"""How long a printer that cannot print is left alone."""
SEEN_AGAIN = timedelta(seconds=5)
"""How often it is written that a printer is ready."""
ASK_AGAIN = timedelta(minutes=10)
"""After this a printer that gave no answer to questions is asked once more."""


def new_holder(who: str = "") -> str:
    """A name for one holding: never used twice, and tells people where to look."""
    return f"{who or socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"[-120:]


def of(session: Session, printer: str) -> LabelTurn | None:
    """What is known of a printer, read afresh."""
    return session.scalar(
        select(LabelTurn)
        .where(LabelTurn.printer == printer)
        .execution_options(populate_existing=True)
    )


def make(printer: str) -> None:
    """Give a printer its row."""
    with db.transaction() as session:
        if of(session, printer) is not None:
            return
        try:
            with session.begin_nested():
                session.add(LabelTurn(printer=printer))
        except IntegrityError:
            pass  # another worker was quicker


def take(printer: str, holder: str) -> bool:
    """Take the turn at a printer, or extend one's own; False while somebody else has it."""
    now = clock.now()
    with db.transaction() as session:
        taken = session.execute(
            update(LabelTurn)
            .where(
                LabelTurn.printer == printer,
                or_(
                    LabelTurn.holder.is_(None),
                    LabelTurn.holder == holder,
                    LabelTurn.until < now,
                ),
            )
            .values(holder=holder, until=now + HELD)
        ).rowcount  # type: ignore[attr-defined]
    return bool(taken)


@contextmanager
def held(printer: str) -> Iterator[str | None]:
    """Hold the turn at a printer; None where somebody else has it."""
    make(printer)
    holder = new_holder()
    if not take(printer, holder):
        yield None
        return
    try:
        yield holder
    finally:
        release(printer, holder)


def release(printer: str, holder: str) -> None:
    """Let others have the turn."""
    with db.transaction() as session:
        session.execute(
            update(LabelTurn)
            .where(LabelTurn.printer == printer, LabelTurn.holder == holder)
            .values(holder=None, until=None)
        )


def extend(session: Session, printer: str, holder: str) -> bool:
    """Extend one's turn inside a transaction; False where it is somebody else's by now."""
    now = clock.now()
    return bool(
        session.execute(
            update(LabelTurn)
            .where(LabelTurn.printer == printer, LabelTurn.holder == holder, LabelTurn.until >= now)
            .values(until=now + HELD)
        ).rowcount  # type: ignore[attr-defined]
    )


def left_behind(session: Session, printer: str) -> list[LabelRequest]:
    """What whoever had the turn before was sending when it died."""
    return list(
        session.scalars(
            select(LabelRequest).where(
                LabelRequest.printer == printer, LabelRequest.state == RequestState.SENDING
            )
        )
    )


def saw(
    printer: str,
    health: Health,
    said: str | None = None,
    *,
    answered: bool | None = None,
    rests: bool = False,
    before: LabelTurn | None = None,
) -> None:
    """Note what a printer was like; who only took a label keeps its health.

    Args:
        answered: whether it answered when it was asked; None where it was not asked.
        rests: leave it alone for a while.
        before: what was known of it, where that was read a moment ago.
    """
    now = clock.now()
    if health is Health.READY and answered is None and said is None:
        if before is None:
            with db.reading() as session:
                before = of(session, printer)
        if _known_ready(before, now):
            return
    with db.transaction() as session:
        turn = of(session, printer)
        if turn is None:
            return
        if turn.health is not health:
            turn.health, turn.since = health, now
        turn.said = said
        turn.rests_until = now + RESTS if rests else None
        if health is Health.READY:
            turn.seen_at = now
        if answered is not None:
            turn.answered, turn.asked_at = answered, now


def _known_ready(turn: LabelTurn | None, now: datetime) -> bool:
    """Whether it stands there already, and lately, that a printer is ready."""
    return (
        turn is not None
        and turn.health is Health.READY
        and turn.said is None
        and turn.rests_until is None
        and turn.seen_at is not None
        and now - turn.seen_at < SEEN_AGAIN
    )


def asks(printer: LabelPrinter, turn: LabelTurn | None, now: datetime) -> bool | None:
    """Whether a printer answers questions: True, False, or None to find out by asking."""
    if printer.answers is not None:
        return printer.answers
    if turn is None or turn.answered is None or turn.answered:
        return turn.answered if turn else None
    return False if turn.asked_at and now - turn.asked_at < ASK_AGAIN else None


def at_rest(turn: LabelTurn | None, now: datetime) -> bool:
    """Whether a printer is left alone for now."""
    return turn is not None and turn.rests_until is not None and turn.rests_until > now
