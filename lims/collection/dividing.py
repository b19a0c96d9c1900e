"""A specimen that custody divides or pools: what was collected is known of each part and pool."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from lims.collection import queries
from lims.collection.models import Specimen
from lims.core import codes, events
from lims.core.errors import RuleBroken
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, touch


class SpecimensDiffer(RuleBroken):
    """Specimens of two kinds would be put together."""

    code = "specimens_differ"


@events.subscribe("item.divided")
def tell_of_parts(*, actor: Actor, session: Session, whole: Item, parts: Sequence[Item]) -> None:
    """Each part of a specimen was collected and received as its whole was."""
    if whole.kind is not ItemKind.SPECIMEN:
        return
    known = queries.specimen_of(session, whole.id)
    for part in parts:
        _tell(actor, session, part, known, [known])


@events.subscribe("items.pooled")
def tell_of_pool(*, actor: Actor, session: Session, pool: Item, parents: Sequence[Item]) -> None:
    """A pool is as old as the oldest in it, and only of one kind.

    Raises:
        SpecimensDiffer: menstrual fluid and blood, or blood drawn for two purposes.
    """
    if pool.kind is not ItemKind.SPECIMEN:
        return
    known = [queries.specimen_of(session, each.id) for each in parents]
    if len({each.kind for each in known}) > 1:
        raise SpecimensDiffer(
            _(
                "%(codes)s are specimens of different kinds; only the same is put together.",
                codes=", ".join(codes.grouped(each.code) for each in parents),
            ),
            field="others",
        )
    oldest = min(known, key=lambda each: (each.collected_at is None, each.collected_at or 0))
    _tell(actor, session, pool, oldest, known)


def _tell(
    actor: Actor, session: Session, made: Item, oldest: Specimen, known: Sequence[Specimen]
) -> None:
    received = [each.received_at for each in known if each.received_at is not None]
    row = Specimen(
        item_id=made.id,
        kind=oldest.kind,
        subject_id=oldest.subject_id,
        collected_at=oldest.collected_at,
        details=oldest.details,
        received_at=max(received, default=None),
        receipt=oldest.receipt,
        decision=oldest.decision,
        reason_code=oldest.reason_code,
    )
    session.add(row)
    session.flush()
    touch(actor, made, "collection.part-known", rows=[row])
