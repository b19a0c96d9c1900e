"""Finding cultures and what was recorded of them."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core.errors import NotFound
from lims.core.words import Text as _
from lims.culture.models import Count, Culture, Harvest, Preconditioning


def culture_of(session: Session, item_id: UUID) -> Culture:
    """The culture that an item is."""
    found = session.scalar(select(Culture).where(Culture.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a culture's."))
    return found


def harvest_of(session: Session, item_id: UUID) -> Harvest:
    """The harvest that an item is."""
    found = session.scalar(select(Harvest).where(Harvest.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a harvest's."))
    return found


def count_of(session: Session, item_id: UUID) -> Count | None:
    """What was counted when a vessel was emptied."""
    return session.scalar(select(Count).where(Count.item_id == item_id))


def preconditionings(session: Session, item_ids: list[UUID]) -> list[Preconditioning]:
    """The preconditioning runs of vessels."""
    return list(
        session.scalars(
            select(Preconditioning)
            .where(Preconditioning.item_id.in_(item_ids))
            .order_by(Preconditioning.started_at)
        )
    )
