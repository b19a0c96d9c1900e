"""Finding lots and vials."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.core import vault
from lims.core.errors import NotFound
from lims.core.words import Text as _
from lims.custody import Item
from lims.isolation.models import Fill, Lot, Run, Vial


def lot_of(session: Session, item_id: UUID) -> Lot:
    """The lot that an item is."""
    found = session.scalar(select(Lot).where(Lot.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a lot's."))
    return found


def vial_of(session: Session, item_id: UUID) -> Vial:
    """The vial that an item is."""
    found = session.scalar(select(Vial).where(Vial.item_id == item_id))
    if found is None:
        raise NotFound(_("This code is not a dose vial's."))
    return found


def run_of(session: Session, lot_id: UUID) -> Run | None:
    """How a lot was isolated."""
    return session.scalar(select(Run).where(Run.lot_id == lot_id))


def fill_of(session: Session, lot_id: UUID) -> Fill | None:
    """How a lot was filled."""
    return session.scalar(select(Fill).where(Fill.lot_id == lot_id))


def vials_of(session: Session, lot_id: UUID) -> list[Item]:
    """The dose vials of a lot, in their order."""
    return list(
        session.scalars(
            select(Item)
            .join(Vial, Vial.item_id == Item.id)
            .where(Vial.lot_id == lot_id)
            .order_by(Vial.number)
        )
    )


def lots(session: Session, study_id: UUID | None = None) -> list[tuple[Lot, Item]]:
    """Lots with their items, newest first."""
    statement = (
        select(Lot, Item).join(Item, Item.id == Lot.item_id).order_by(Lot.made_at.desc(), Lot.name)
    )
    if study_id is not None:
        statement = statement.where(Item.study_id == study_id)
    return [(row[0], row[1]) for row in session.execute(statement)]


def next_lot_serial(session: Session, study_id: UUID) -> int:
    """The next lot number of a study, whose row is locked."""
    last = session.scalar(
        select(func.max(Lot.serial))
        .join(Item, Item.id == Lot.item_id)
        .where(Item.study_id == study_id)
    )
    return (last or 0) + 1


def figures_agree(vial: Vial, typed: str) -> bool:
    """Whether the four typed figures are those printed on the vial."""
    return vault.unseal(vial.figures_key, vial.figures) == typed.strip()
