"""Finding kits and specimens."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select
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


def kits_and_tubes(session: Session, item_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """The kit and the tube, as items, wherever one of the two is among the items.

    A kit has no donor and so stands in no lineage; what was collected in it says so here.
    """
    found = session.execute(
        select(Kit.item_id, Kit.specimen_id).where(
            Kit.specimen_id.is_not(None),
            or_(Kit.item_id.in_(item_ids), Kit.specimen_id.in_(item_ids)),
        )
    )
    return [(row[0], row[1]) for row in found if row[1] is not None]


def kind_of(item: Item) -> SpecimenKind | None:
    """What kind of specimen an item is; None for anything else."""
    with db.reading() as session:
        return session.scalar(select(Specimen.kind).where(Specimen.item_id == item.id))
