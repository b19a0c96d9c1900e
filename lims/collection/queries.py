"""Finding kits and specimens."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.collection.models import Kit, Specimen, SpecimenKind
from lims.core import db
from lims.core.errors import NotFound
from lims.core.words import Text as _
from lims.custody import Item


def kit_of(session: Session, item_id: UUID) -> Kit:
    """The kit that an item is."""
    found = session.scalar(select(Kit).where(Kit.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a collection kit's."))
    return found


def specimen_of(session: Session, item_id: UUID) -> Specimen:
    """The specimen that an item is."""
    found = session.scalar(select(Specimen).where(Specimen.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a specimen's."))
    return found


def kind_of(item: Item) -> SpecimenKind | None:
    """What kind of specimen an item is; None for anything else."""
    with db.reading() as session:
        return session.scalar(select(Specimen.kind).where(Specimen.item_id == item.id))
