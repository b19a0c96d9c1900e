"""Whether this database is for practice. A live one refuses practice codes, and the reverse.

Decided once, when the database is still empty, and written into it, so that neither a setting nor
a restart can turn a practice system into a live one.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lims.core import codes, db, isbt128
from lims.core.errors import Conflict
from lims.core.words import Text as _

T = TypeVar("T")


class SystemFact(db.Base):
    """One fact about the installation as a whole."""

    __tablename__ = "core_system_fact"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str]


_MODE = select(SystemFact.value).where(SystemFact.name == "mode")


class NotForPractice(Conflict):
    """The database already holds live records."""

    code = "not_for_practice"


def is_practice(session: Session) -> bool:
    """Whether the open database is for practice."""
    known = session.info.get("practice", db.current().known.get("practice"))
    if known is None:
        known = session.info["practice"] = session.scalar(_MODE) == "practice"
        if known:  # live may yet become practice while it is empty; practice stays practice
            db.current().known["practice"] = True
    return bool(known)


def settle(session: Session) -> None:
    """Something has been recorded, so once this act is committed the mode cannot change.

    The process need not ask again: every scan of every act wants to know it.
    """
    known, asked = db.current().known, session.info.get("practice")
    if asked is not None and "practice" not in known:
        db.after_commit(lambda: known.setdefault("practice", asked))


def declare_practice(session: Session, *, empty: bool) -> None:
    """Make an empty database one for practice; does nothing where it is one already.

    Raises:
        NotForPractice: it holds live records.
    """
    if is_practice(session):
        return
    if not empty:
        raise NotForPractice(
            _(
                "This database holds live records, so no practice data is put into it. "
                "Point LIMS_HOME or LIMS_DATABASE_URL at an empty one."
            )
        )
    session.add(SystemFact(name="mode", value="practice"))
    session.flush()
    session.info["practice"] = True
    known = db.current().known
    db.after_commit(lambda: known.update(practice=True))


def with_code(session: Session, letter: str, make: Callable[[str], T]) -> T:
    """A row under a code that nothing else carries: the unique index has the last word (H09).

    Args:
        make: the row of a code; asked again where that code was drawn before.

    Raises:
        IntegrityError: the row breaks another constraint than that of its code.
    """
    practice = is_practice(session)
    while True:
        try:
            with session.begin_nested():
                row = make(codes.draw(letter, practice=practice))
                session.add(row)
        except IntegrityError as clash:
            if "code" not in str(clash.orig):
                raise
            continue
        return row


def admit(session: Session, scanned: codes.Scanned) -> None:
    """Refuse a practice code in a live system, and a live code in a practice one.

    Raises:
        PracticeCode: the code belongs to the other kind of system.
    """
    if scanned.practice != is_practice(session):
        raise codes.PracticeCode(
            _(
                "%(code)s is a practice code; this is a live system. Scan a real label.",
                code=codes.grouped(scanned.code),
            )
            if scanned.practice
            else _(
                "%(code)s is a live code; this is a practice system. Put the item back.",
                code=codes.grouped(scanned.code),
            )
        )


def admit_number(session: Session, text: str) -> None:
    """Refuse the facility number of a demonstration in a live system.

    Raises:
        PracticeCode: a supplier's or a label's text names one.
    """
    number = isbt128.demonstration_in(text)
    if number is not None and not is_practice(session):
        raise codes.PracticeCode(
            _(
                "%(number)s is the facility number of demonstrations; this is a live system. "
                "Set the thing aside and ask where it came from.",
                number=number,
            )
        )
