"""What a child inherits when it is made: the block of a recall that runs meanwhile (H25)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from lims.custody import genealogy
from lims.custody.models import Hold, Item
from lims.custody.rules import State

RECALL, DONOR_RECALL = "recall", "recall-donor"
RECALLS = (RECALL, DONOR_RECALL)


def lock_parents(session: Session, items: Sequence[Item]) -> None:
    """Hold the rows of what a child is made from, in the order of their ids (H40)."""
    session.execute(
        select(Item.id)
        .where(Item.id.in_([each.id for each in items]))
        .order_by(Item.id)
        .with_for_update(of=Item)
    ).all()


def is_inherited(session: Session, parents: Sequence[Item], donor_id: UUID | None) -> bool:
    """Whether a child of these is born blocked: a parent is, or a recall stands open above.

    To be asked after the child's row is written: then the donor's row, and before that the
    parents', keep a recall waiting until this act has ended.
    """
    ids = [each.id for each in parents]
    open_recall = Hold.lifted_at.is_(None) & Hold.source.in_(RECALLS)
    # Mostly no recall is open anywhere, and then nobody walks up a long line. One that began since
    # would need the rows that are held here.
    blocked, recalling = session.execute(
        select(
            exists().where(Item.id.in_(ids), Item.state == State.BLOCKED),
            exists().where(open_recall),
        )
    ).one()
    if blocked or not recalling:
        return bool(blocked)
    line = genealogy.closure(genealogy.of_items(ids), up=True, name="line")
    asked = [exists().where(Hold.item_id.in_(select(line.c.id)), open_recall)]
    if donor_id is not None:
        asked.append(
            exists().where(
                Hold.item_id == Item.id, Item.donor_id == donor_id, Hold.lifted_at.is_(None),
                Hold.source == DONOR_RECALL,
            )
        )  # fmt: skip
    return bool(session.scalar(select(or_(*asked))))
