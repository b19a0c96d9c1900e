"""What stands beside a form about a lot, for isolation's own pages and those of later steps."""

from typing import Any

from sqlalchemy.orm import Session

from lims import custody, studies
from lims.core import codes, db
from lims.core.units import ml
from lims.core.words import Text as _
from lims.custody import Item, ItemKind
from lims.isolation import queries, reconciling
from lims.studies.protocol import PRODUCT_NAMES
from lims.web import looks


def item_facts(item: Item, donor: str) -> list[tuple[Any, Any]]:
    """Code, state, donor and volume of an item."""
    return [
        (_("Code"), codes.grouped(item.code)),
        (_("State"), custody.STATE_NAMES[item.state]),
        (_("Donor"), donor),
        (_("Volume left"), "-" if item.volume_ul is None else str(ml(item.volume_ul))),
    ]


def lot_facts(code: str) -> list[tuple[Any, Any]]:
    """Name, code, state, donor, volume and product of a lot; the door has asked who may see it.

    Raises:
        NotFound, BadInput: the code is no lot's.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        lot = queries.lot_of(session, item.id)
        donor = studies.subject(session, item.donor_id)  # type: ignore[arg-type]
        rows = [
            (_("Name"), lot.name),
            *item_facts(item, donor.number),
            (_("Product"), PRODUCT_NAMES[lot.product]),
        ]
        fill = queries.fill_of(session, item.id)
        if fill is not None:
            closed = looks.spoken_moment(fill.closed_at) if fill.closed_at else _("not closed")
            rows.append((_("Fill closed"), closed))
            rows += _labels(session, item)
        return rows


def _labels(session: Session, lot: Item) -> list[tuple[Any, Any]]:
    """How the labels of a fill stand, and which are still to be settled."""
    standing = reconciling.labels_of(session, lot)
    rows: list[tuple[Any, Any]] = [
        (_("Labels printed"), standing.printed),
        (_("Scanned back"), standing.applied),
        (_("Destroyed"), standing.destroyed),
    ]
    for says, some in ((_("Open"), standing.open), (_("Without a label"), standing.bare)):
        if some:
            rows.append((says, ", ".join(codes.grouped(each) for each in some)))
    return rows
