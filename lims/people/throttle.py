"""How often a secret may be guessed (H51).

A try is counted before it is looked at, so that tries sent at once are counted too, and a right
one is taken back. Each way in has a count of its own: guesses at the sign-in page never keep a
signed-in person from signing, nor her badge from opening the bench.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from sqlalchemy import delete, event, insert, select, text
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.people.errors import TooManyTries
from lims.people.models import Attempt

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
# A whole laboratory may come from one address, so this stops only sweeps over many names.
PER_ADDRESS = 50
_FREE = 5  # wrong tries of one account before each further one has to wait: 1, 2, 4, 8, 16 s


@dataclass(frozen=True)
class Line:
    """What is counted together, and how much of it is too much."""

    what: str
    most: int = PER_ACCOUNT
    growing: bool = True

    @property
    def key(self) -> str:
        """What stands in the table."""
        return hashlib.sha256(self.what.encode("utf-8", "surrogatepass")).hexdigest()


def address(where: str, way: str = "address") -> list[Line]:
    """The line of an address, for one way in; none where it is not known."""
    return [Line(f"{way}:{where}", PER_ADDRESS, growing=False)] if where else []


class Try:
    """A try that has been counted: wrong until it is said to be right."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Count it.

        Raises:
            TooManyTries: too many went wrong before it.
        """
        self._keys = sorted({line.key for line in lines})
        self._ids: list[int] = []
        self._joined: Session | None = None
        database = db.current()
        if database.is_sqlite and db.in_transaction():
            # This act holds the one writer's place: no other try can be under way, and what is
            # written here would be undone with the act. `wrong` writes after the undoing.
            with db.reading() as session:
                _ask(session, lines)
                self._joined = session
            return
        with database.turn(), database.writer() as session, session.begin():
            if not database.is_sqlite:
                for key in self._keys:
                    session.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"),
                        {"key": int(key[:15], 16)},
                    )
            _forget_old(session)
            _ask(session, lines)
            counted = [Attempt(key=key, at=clock.now()) for key in self._keys]
            session.add_all(counted)
            session.flush()
            self._ids = [each.id for each in counted]

    def right(self) -> None:
        """Take the count back."""
        if not self._ids:
            return
        database = db.current()
        with database.turn(), database.writer() as session, session.begin():
            session.execute(delete(Attempt).where(Attempt.id.in_(self._ids)))

    def wrong(self) -> None:
        """Let it stand, and undo the act that is open, whoever catches the refusal on the way."""
        if db.in_transaction():
            with db.reading() as session:
                session.info["doomed"] = True
        if self._joined is None:
            return
        keys, at, engine = self._keys, clock.now(), db.current().engine

        def undone(_session: Session) -> None:
            with engine.begin() as connection:
                connection.execute(insert(Attempt), [{"key": key, "at": at} for key in keys])

        event.listen(self._joined, "after_rollback", undone, once=True)


def _ask(session: Session, lines: Sequence[Line]) -> None:
    now = clock.now()
    for line in lines:
        times = session.scalars(
            select(Attempt.at)
            .where(Attempt.key == line.key, Attempt.at > now - WINDOW, Attempt.at <= now)
            .order_by(Attempt.at)
        ).all()
        if len(times) >= line.most:
            raise TooManyTries(ceil((times[-line.most] + WINDOW - now).total_seconds()))
        if line.growing and len(times) >= _FREE:
            wait = times[-1] + timedelta(seconds=2 ** (len(times) - _FREE)) - now
            if wait > timedelta(0):
                raise TooManyTries(ceil(wait.total_seconds()))


def _forget_old(session: Session) -> None:
    session.execute(delete(Attempt).where(Attempt.at <= clock.now() - WINDOW))
