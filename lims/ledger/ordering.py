"""Order is the chain, not the clock; and a clock that went back is seen (H18).

The newest instant that any entry or seal carries is the high-water mark. A server whose clock is
behind it marks what it writes, and refuses what hangs on the hour: a release, a bedside
confirmation. Where the mark itself was wrong, a clock having run ahead, an operator says so in an
entry, and the mark is counted anew from there.
"""

import json
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.core.device import PROMPT
from lims.core.errors import BadInput, Conflict
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.ledger.models import LedgerEntry, LedgerSeal

TOLERANCE = timedelta(seconds=2)
BEHIND, LATE, AHEAD = "clock-behind", "late-scan", "device-ahead"
TRUSTED = "ledger.clock-trusted"
_STREAM = "configuration/clock"


class ClockBehind(Conflict):
    """The server's clock is behind the newest record, so nothing that hangs on the hour is done."""

    code = "clock_behind"


def newest() -> tuple[ScalarSelect[datetime], ScalarSelect[datetime]]:
    """The newest instants of entries and of seals, to be asked beside something else."""
    return (
        select(func.max(LedgerEntry.at)).scalar_subquery(),
        select(LedgerSeal.at).order_by(LedgerSeal.number.desc()).limit(1).scalar_subquery(),
    )


def behind(session: Session, now: datetime | None = None) -> timedelta:
    """How far the clock is behind the high-water mark; zero where it is not, or hardly."""
    entry, seal = session.execute(select(*newest())).one()
    return behind_of(session, entry, seal, now or clock.now())


def behind_of(
    session: Session, entry: datetime | None, seal: datetime | None, now: datetime
) -> timedelta:
    """The same from the newest instants, where they are known already."""
    mark = max((each for each in (entry, seal) if each), default=now)
    if mark - now <= TOLERANCE:
        return timedelta()
    mark = _since_trusted(session, now, seal) or now
    return mark - now if mark - now > TOLERANCE else timedelta()


def marks(device_at: datetime | None, now: datetime, by: timedelta) -> list[str]:
    """What is odd about the time of an entry."""
    found = [BEHIND] if by else []
    if device_at is not None and now - device_at > PROMPT:
        found.append(LATE)
    if device_at is not None and device_at - now > PROMPT:
        found.append(AHEAD)
    return found


def _since_trusted(session: Session, now: datetime, seal: datetime | None) -> datetime | None:
    """The mark counted from the newest entry by which an operator trusted the clock again."""
    last = session.execute(
        select(LedgerEntry.id, LedgerEntry.body)
        .where(LedgerEntry.stream == _STREAM)
        .order_by(LedgerEntry.number.desc())
        .limit(1)
    ).one_or_none()
    later = select(func.max(LedgerEntry.at)).where(LedgerEntry.at > now)
    if last is not None:
        later = later.where(LedgerEntry.id > last.id)
        covered = int(json.loads(last.body)["data"]["seal"])
        if (session.scalar(select(func.max(LedgerSeal.number))) or 0) <= covered:
            seal = None
    marks = [each for each in (session.scalar(later), seal) if each]
    return max(marks, default=None)


def require_clock(session: Session) -> None:
    """Refuse where the clock is behind: what is past its time would look valid.

    Raises:
        ClockBehind: by how much, and what to do.
    """
    by = behind(session)
    if by:
        raise ClockBehind(
            _(
                "The server's clock is %(seconds)s s behind the newest record, so no expiry can "
                "be judged; nothing was recorded. Call the operator to set the clock.",
                seconds=int(by.total_seconds()),
            )
        )


def trust_clock(actor: Actor, reason: str) -> timedelta:
    """Write that the clock is right and the newest records were not; answers by how much.

    Raises:
        BadInput: no reason.
        Conflict: the clock is not behind.
    """
    from lims.ledger.writing import record

    if not reason.strip():
        raise BadInput(_("Say how it is known that the clock is right."), field="reason")
    with db.transaction() as session:
        by = behind(session)
        if not by:
            raise Conflict(_("The clock is not behind the records; there is nothing to do."))
        record(
            actor,
            _STREAM,
            TRUSTED,
            {
                "ahead_by_s": int(by.total_seconds()),
                "seal": session.scalar(select(func.max(LedgerSeal.number))) or 0,
            },
            reason=reason.strip(),
        )
        return by
