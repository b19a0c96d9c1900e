"""Who acted last: what the one who came second is told (H06)."""

from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock
from lims.core.words import Text as _


def last_act(session: Session, stream: str) -> _ | None:
    """Name and time of the last act on a thing; None where nothing befell it yet."""
    # Not flushed here: whoever comes second is told who was first, not that a row clashed.
    with session.no_autoflush:
        entry = ledger.last_of(session, stream)
        if entry is None:
            return None
        return _(
            "The last to act on it was %(name)s, at %(time)s.",
            name=people.name_of(session, entry.person),
            time=clock.printed(entry.at),
        )
