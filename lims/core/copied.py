"""Whether this database is a restored copy that nobody has opened yet.

A copy knows nothing of what happened after it was taken, so it takes no entry and no seal until a
person opens it (hazard H45). The fact stands in the database and its guards ask for it, so neither
another process nor another door gets round it.
"""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lims.core.mode import SystemFact

_CLOSED = "restored"
_COPIES = "label_copies_from"


@dataclass(frozen=True)
class Closed:
    """What was restored.

    Attributes:
        at: when it was loaded.
        made_at: when the copy was taken; what came later is not in it.
        leaves: how many entries of it have a place in the tree.
        highest_copy: the highest copy number of any label in it.
    """

    at: str
    made_at: str
    entries: int
    leaves: int
    highest_copy: int


def closed(session: Session) -> Closed | None:
    """What was restored and not opened; None in a database at work."""
    kept = session.scalar(select(SystemFact.value).where(SystemFact.name == _CLOSED))
    return None if kept is None else Closed(**json.loads(kept))


def close(session: Session, of: Closed) -> None:
    """Take nothing more until somebody opens it."""
    _write(session, _CLOSED, json.dumps(asdict(of)))


def release(session: Session, *, copies_from: int) -> None:
    """Take entries again; labels get no copy number below this one."""
    _write(session, _COPIES, str(max(copies_from, first_copy(session))))
    session.execute(delete(SystemFact).where(SystemFact.name == _CLOSED))


def first_copy(session: Session) -> int:
    """The lowest copy number that a label may get: 1, or more after a restore."""
    kept = session.scalar(select(SystemFact.value).where(SystemFact.name == _COPIES))
    return int(kept or 1)


def _write(session: Session, name: str, value: str) -> None:
    session.execute(delete(SystemFact).where(SystemFact.name == name))
    session.add(SystemFact(name=name, value=value))
    session.flush()
