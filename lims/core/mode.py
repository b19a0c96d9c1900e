"""Whether this database is for practice. A live one refuses practice codes, and the reverse.

Decided once, when the database is still empty, and written into it, so that neither a setting nor
a restart can turn a practice system into a live one.
"""

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lims.core import codes, db
from lims.core.errors import Conflict
from lims.core.words import Text as _


class SystemFact(db.Base):
    """One fact about the installation as a whole."""

    __tablename__ = "core_system_fact"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str]


class NotForPractice(Conflict):
    """The database already holds live records."""

    code = "not_for_practice"


def is_practice(session: Session) -> bool:
    """Whether the open database is for practice."""
    database = db.current()
    known = database.engine.__dict__.get("_practice", session.info.get("practice"))
    if known is None:
        known = session.info["practice"] = (
            session.scalar(select(SystemFact.value).where(SystemFact.name == "mode")) == "practice"
        )
        if known:  # live may yet become practice while it is empty; practice stays practice
            database.engine.__dict__["_practice"] = True
    return bool(known)


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
