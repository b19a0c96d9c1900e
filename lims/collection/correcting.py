"""What was written down at a receipt, corrected later: the limits are asked again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from lims import custody
from lims.collection import queries
from lims.collection.models import Specimen
from lims.collection.receipt import limit_rows
from lims.core import gate
from lims.core.permissions import Actor
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Correctable, Datum, Item, State
from lims.ledger import Entry

_DATA = (
    Datum("temperature_min", _("Lowest temperature on the way"), unit="Cel"),
    Datum("temperature_max", _("Highest temperature on the way"), unit="Cel"),
    Datum("appearance", _("Appearance")),
)


def _receipt(entry: Entry) -> Mapping[str, Any]:
    for row in entry.rows:
        if row["table"] == Specimen.__tablename__ and "receipt" in row["set"]:
            found: Mapping[str, Any] = row["set"]["receipt"][1]
            return found
    return {}


def _read(entry: Entry) -> dict[str, str]:
    receipt = _receipt(entry)
    return {
        each.name: custody.amount(Quantity.parse(receipt[each.name]), each.unit)
        if each.unit
        else str(receipt[each.name])
        for each in _DATA
    }


def _put(
    actor: Actor, session: Session, item: Item, _entry: Entry, new: Mapping[str, Any]
) -> tuple[Specimen]:
    specimen = queries.specimen_of(session, item.id)
    receipt = {**(specimen.receipt or {}), **{name: str(each) for name, each in new.items()}}
    specimen.receipt = receipt
    received = specimen.received_at
    assert received is not None  # noqa: S101 - its receipt is what is corrected
    coldest, warmest = (Quantity.parse(receipt[f"temperature_{each}"]) for each in ("min", "max"))
    volume = receipt["volume"]
    rows = limit_rows(
        session, specimen, received, coldest, warmest, Quantity.parse(volume) if volume else None
    )  # fmt: skip
    stopped = [each for each in rows if each.result is gate.Result.STOPPED]
    # What is used up is held as well: whatever was made of it is held with it.
    if stopped and item.state is not State.REJECTED:
        said = ", ".join(each.id for each in stopped)
        reason = custody.reasons.LIMITS_CORRECTED.kept(rules=said)
        custody.place_hold(actor, session, item, reason, "correction")
    return (specimen,)


custody.corrects("collection.received", Correctable(_DATA, _read, _put))
