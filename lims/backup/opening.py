"""Opening a restored copy, so that it takes entries and seals again.

Whoever opens it shows the newest seal known outside. A copy that does not hold what was sealed then
stays closed, unless it is merely older and somebody answers for what is lost: then the entry names
the seal that is no longer kept, and a later reader finds both.
"""

from typing import Any

from sqlalchemy.orm import Session

from lims import ledger
from lims.backup import permissions as may
from lims.backup import shown
from lims.backup.errors import NotClosed
from lims.backup.shown import Shown
from lims.core import copied, db
from lims.core.errors import BadInput, RuleBroken
from lims.core.mode import SystemFact
from lims.core.permissions import Actor, requires
from lims.core.words import Text
from lims.core.words import Text as _

STREAM = "configuration/restore"
# So many copies of one code may have been printed after the backup; their numbers are burned.
BURNED = 16


class StaysClosed(RuleBroken):
    """The copy is not what was sealed, or nobody answers for what it lacks."""

    code = "copy_stays_closed"


@requires(may.OPEN)
def open_copy(actor: Actor, *, seal: Shown | None, reason: str = "") -> dict[str, Any]:
    """Let a restored copy take entries again.

    Args:
        seal: the newest seal known outside.
        reason: needed where the copy is older than the seal, or no seal can be shown.

    Raises:
        NotClosed: it is no restored copy, or was opened.
        StaysClosed: its trail does not hold, or it is not what was sealed.
        BadInput: nobody answers for what is lost.
    """
    with db.reading() as session:
        _waiting(session)
        verified = ledger.verify(session)
    if not verified.ok:
        raise StaysClosed(
            _(
                "The trail of the copy does not hold (%(what)s); it stays closed. Restore another.",
                what=verified.breaks[0].what,
            )
        )
    # Nothing is written to a closed copy, so what was verified still stands.
    with db.transaction() as session:
        was = _waiting(session)
        lost = _lost(session, seal)
        if (lost or seal is None) and not reason.strip():
            raise BadInput(
                lost
                or _(
                    "Show the newest seal that is known outside, or say why there is none; it "
                    "stands in the trail for ever."
                ),
                field="reason",
            )
        copies_from = was.highest_copy + BURNED + 1
        copied.release(session, copies_from=copies_from)
        ledger.record(
            actor,
            STREAM,
            "backup.opened",
            {
                "made_at": was.made_at,
                "entries": was.entries,
                "leaves": was.leaves,
                "seal": seal.as_json() if seal else {},
                "older_than_seal": bool(lost),
                "label_copies_from": copies_from,
            },
            reason=reason.strip(),
        )
    return {"open": True, "older_than_seal": bool(lost), "label_copies_from": copies_from}


def _waiting(session: Session) -> copied.Closed:
    was = copied.closed(session)
    if was is None:
        raise NotClosed(_("This database is no restored copy that waits; it is open."))
    return was


def _lost(session: Session, seal: Shown | None) -> Text | None:
    """What somebody has to answer for; nothing where the copy holds what was sealed."""
    if seal is None:
        return None
    origin = session.get(SystemFact, "origin")
    found = shown.judge(session.connection(), seal, origin=origin.value if origin else "")
    if found.why and not found.older:
        raise StaysClosed(_("The copy stays closed: %(why)s. Restore another.", why=found.why))
    if found.older:
        return _(
            "The copy stays closed: %(why)s. Restore a newer one; where there is none, say why "
            "this one is used all the same.",
            why=found.why,
        )
    return None
