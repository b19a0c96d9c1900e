"""Finding certificates and recalls."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CTE, or_, select
from sqlalchemy.orm import Session

from lims.core import db
from lims.core.words import Text as _
from lims.custody import Hold, Item, State, blocking, genealogy
from lims.release.errors import RecallUnknown
from lims.release.models import Certificate, Outcome, Recall, Recalled


def certificate_of(session: Session, lot_id: UUID) -> Certificate | None:
    """The newest certificate of a lot."""
    return session.scalar(
        select(Certificate)
        .where(Certificate.lot_id == lot_id)
        .order_by(Certificate.signed_at.desc())
        .limit(1)
    )


def recall_by_reference(session: Session, reference: str, *, lock: bool = False) -> Recall:
    """A recall or a drill.

    Raises:
        RecallUnknown: none is called that.
    """
    statement = select(Recall).where(Recall.reference == reference.strip().upper())
    found = db.locked(session, statement) if lock else session.scalar(statement)
    if found is None:
        raise RecallUnknown(
            _("No recall is called %(reference)s; look at the list.", reference=reference[:40]),
            field="reference",
        )
    return found


def recalls(session: Session, *, limit: int = 200) -> list[Recall]:
    """Recalls and drills, newest first."""
    return list(
        session.scalars(
            select(Recall).order_by(Recall.started_at.desc(), Recall.reference).limit(limit)
        )
    )


def open_recalls(session: Session) -> list[Recall]:
    """Recalls in force: no drill, not freed. One that was confirmed keeps its hold for ever."""
    return list(
        session.scalars(
            select(Recall).where(
                Recall.drill.is_(False),
                or_(Recall.outcome.is_(None), Recall.outcome != Outcome.FREED),
            )
        )
    )


def holds_of(session: Session, recall: Recall) -> list[Hold]:
    """The open holds that a recall has put."""
    return list(
        session.scalars(
            select(Hold)
            .where(
                Hold.source.in_(blocking.RECALLS),
                Hold.lifted_at.is_(None),
                Hold.reason.startswith(f"{recall.reference}: ", autoescape=True),
            )
            .order_by(Hold.id)
        )
    )


def made_since(session: Session, walk: CTE, at: datetime) -> set[UUID]:
    """What was made of a recalled genealogy since the recall began: it was born blocked."""
    return set(
        session.scalars(select(Item.id).where(Item.id.in_(select(walk.c.id)), Item.made_at >= at))
    )


def below_rejected(session: Session, walk: CTE) -> set[UUID]:
    """What stands below a rejected item, of a walk or above it."""
    line = genealogy.closure(select(walk.c.id), up=True, name="line")
    rejected = select(Item.id.label("id")).where(
        Item.id.in_(select(line.c.id)), Item.state == State.REJECTED
    )
    below = genealogy.closure(rejected, up=False, name="rejected")
    return set(session.scalars(select(below.c.id)))


def were(session: Session, recall_id: UUID) -> dict[UUID, State]:
    """The state in which each item was when a recall blocked it."""
    rows = session.execute(
        select(Recalled.item_id, Recalled.was).where(Recalled.recall_id == recall_id)
    )
    return {row[0]: row[1] for row in rows}
