"""What somebody saw of an item, without changing it."""

from typing import Any

from lims.core import db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.items import find
from lims.custody.models import Item
from lims.custody.streams import touch


@requires(may.OBSERVE)
def observe(actor: Actor, *, code: str, note: str, temperature: Quantity | None = None) -> Item:
    """Note what is seen of an item: frost, a loose cap, the temperature beside it.

    Args:
        temperature: read beside it, in `Cel`.
    """
    if not note.strip():
        raise BadInput(_("Say what you see."), field="note")
    with db.transaction() as session:
        item = find(session, code, lock=True)
        read: dict[str, Any] = {}
        if temperature is not None:
            read["temperature"] = f"{temperature.to('Cel').value} Cel"
        touch(actor, item, "custody.observed", {**read, "note": note.strip()})
        return item
