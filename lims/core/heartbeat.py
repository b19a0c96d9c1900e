"""A sign of life of each worker, so that one that stands still is seen (hazard H35).

A worker writes its row when it performs the heartbeat task, so the row says that messages reach it,
that it works, and that the database takes what it writes.
"""

from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from lims.core import clock, db, queue

TASK = queue.task("core.heartbeat")
EVERY = timedelta(seconds=30)
FORGOTTEN = timedelta(days=7)


class Heartbeat(db.Base):
    """When a worker last did something."""

    __tablename__ = "core_heartbeat"

    worker: Mapped[str] = mapped_column(String(120), primary_key=True)
    at: Mapped[datetime]


def beat(worker: str) -> None:
    """Write the sign of life of a worker."""
    with db.transaction() as session:
        row = session.get(Heartbeat, worker[:120])
        if row is None:
            session.add(Heartbeat(worker=worker[:120], at=clock.now()))
        else:
            row.at = clock.now()
        # A container has a new name each time; those that are gone need no row.
        session.execute(delete(Heartbeat).where(Heartbeat.at < clock.now() - FORGOTTEN))


def age() -> float | None:
    """Seconds since any worker last did something; None where none ever has."""
    with db.reading() as session:
        last = session.scalar(select(func.max(Heartbeat.at)))
    return None if last is None else (clock.now() - last).total_seconds()
