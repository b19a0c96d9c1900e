"""What was counted at a harvest, corrected later: growth and limits are worked out again."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from lims import custody
from lims.core import gate
from lims.core.permissions import Actor
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.culture import queries, rules
from lims.culture.growing import counted, limits_of
from lims.culture.harvesting import as_one
from lims.culture.models import Harvest
from lims.custody import Correctable, Datum, Item, State
from lims.ledger import Entry

_DATA = (
    Datum("total_cells", _("Cells counted, dead ones included"), whole=True),
    Datum("viability_percent", _("Viability"), unit="%"),
    Datum("confluence_percent", _("Confluence"), unit="%"),
)


def _read(entry: Entry) -> dict[str, str]:
    for row in entry.rows:
        if row["table"] == Harvest.__tablename__ and "total_cells" in row["set"]:
            said = {name: each[1] for name, each in row["set"].items()}
            return {
                each.name: custody.amount(Quantity(said[each.name], each.unit), each.unit)
                if each.unit
                else str(said[each.name])
                for each in _DATA
            }
    return {each.name: "" for each in _DATA}


def _put(
    actor: Actor, session: Session, item: Item, _entry: Entry, new: Mapping[str, Any]
) -> tuple[Harvest]:
    record = queries.harvest_of(session, item.id)
    for name, value in new.items():
        setattr(record, name, value.to("%").value if isinstance(value, Quantity) else value)
    flasks = [parent for parent, _edge in custody.parents(session, item.id)]
    with session.no_autoflush:
        together = as_one(session, flasks)
    count = counted(
        together, record.total_cells, record.viability_percent, record.confluence_percent
    )
    record.cumulative_doublings = count.cumulative_doublings
    session.flush()
    rows = rules.judge_harvest(
        medium=record.medium_kind,
        duration_h=Decimal((record.ended_at - record.started_at) // timedelta(seconds=1)) / 3600,
        passage=record.passage,
        cumulative=record.cumulative_doublings,
        viability_percent=record.viability_percent,
        cells=Decimal(record.total_cells),
        volume_ul=item.initial_volume_ul,
        limits=limits_of(session, item).limits,
        confluence_percent=record.confluence_percent,
    )
    stopped = [each.id for each in rows if each.result is gate.Result.STOPPED]
    # What is used up is held as well: whatever was made of it is held with it.
    if stopped and item.state is not State.REJECTED:
        reason = custody.reasons.LIMITS_CORRECTED.kept(rules=", ".join(stopped))
        custody.place_hold(actor, session, item, reason, "correction")
    return (record,)


custody.corrects("culture.harvested", Correctable(_DATA, _read, _put))
