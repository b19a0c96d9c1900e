"""Who acted last: what the one who came second is told (H06)."""

from datetime import datetime

from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock
from lims.core.words import Exact
from lims.core.words import Text as _


class Moment:
    """An instant within a sentence; kept in one piece where the sentence runs from the right."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @classmethod
    def of(cls, text: str) -> "Moment":
        """An instant as entries write it."""
        return cls(clock.parse(text))

    def __str__(self) -> str:
        return str(Exact(clock.printed(self.at)))


def last_entry(session: Session, stream: str) -> ledger.Entry | None:
    """The last entry on a thing that changed it; None where nothing befell it yet."""
    # Not flushed here: whoever comes second is told who was first, not that a row clashed.
    with session.no_autoflush:
        return ledger.last_of(session, stream)


def last_act(session: Session, stream: str) -> _ | None:
    """Name and time of the last act on a thing; None where nothing befell it yet."""
    entry = last_entry(session, stream)
    return said_of(session, entry) if entry else None


def said_of(session: Session, entry: ledger.Entry) -> _:
    """Name and time of an act."""
    with session.no_autoflush:
        return _(
            "The last to act on it was %(name)s, at %(time)s.",
            name=people.name_of(session, entry.person),
            time=Moment(entry.at),
        )
