"""A harvest that custody divides or pools: how it was grown is known of each part and pool."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from lims.core import codes, events
from lims.core.errors import RuleBroken
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.culture import queries
from lims.culture.harvesting import request_label
from lims.culture.models import Harvest
from lims.custody import Item, ItemKind, touch


class HarvestsDiffer(RuleBroken):
    """Harvests in two kinds of medium would be put together."""

    code = "harvests_differ"


@events.subscribe("item.divided")
def tell_of_parts(*, actor: Actor, session: Session, whole: Item, parts: Sequence[Item]) -> None:
    """Each part of a harvest was grown and taken off as its whole was."""
    if whole.kind is not ItemKind.HARVEST:
        return
    known = queries.harvest_of(session, whole.id)
    for part in parts:
        _tell(actor, session, part, [known])


@events.subscribe("items.pooled")
def tell_of_pool(*, actor: Actor, session: Session, pool: Item, parents: Sequence[Item]) -> None:
    """A pool is judged by the worst in it: most passages, most doublings, fewest living.

    Raises:
        HarvestsDiffer: their media are of two kinds.
    """
    if pool.kind is not ItemKind.HARVEST:
        return
    known = [queries.harvest_of(session, each.id) for each in parents]
    if len({each.medium_kind for each in known}) > 1:
        raise HarvestsDiffer(
            _(
                "%(codes)s were harvested in media of different kinds; only the same is put "
                "together.",
                codes=", ".join(codes.grouped(each.code) for each in parents),
            ),
            field="others",
        )
    _tell(actor, session, pool, known)


def _tell(actor: Actor, session: Session, made: Item, known: Sequence[Harvest]) -> None:
    row = Harvest(
        item_id=made.id,
        medium_kind=known[0].medium_kind,
        washes=min(each.washes for each in known),
        started_at=min(each.started_at for each in known),
        ended_at=max(each.ended_at for each in known),
        passage=max(each.passage for each in known),
        cumulative_doublings=max(each.cumulative_doublings for each in known),
        # Cells are counted over what was harvested together; a part does not share them out.
        total_cells=sum(each.total_cells for each in known),
        viability_percent=min(each.viability_percent for each in known),
        confluence_percent=max(each.confluence_percent for each in known),
    )
    session.add(row)
    session.flush()
    touch(actor, made, "culture.part-known", rows=[row])
    request_label(actor, session, made, row)
