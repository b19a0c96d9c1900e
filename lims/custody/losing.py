"""A recorded loss: something was spilt, broke or dried up, and somebody says so."""

from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import telling
from lims.custody.balancing import CAUSES
from lims.custody.errors import StateRefused
from lims.custody.items import find
from lims.custody.models import Item
from lims.custody.rules import FINAL, STATE_NAMES
from lims.custody.streams import stream
from lims.custody.volumes import take


@requires(may.LOSE)
def record_loss(
    actor: Actor,
    *,
    code: str,
    cause: str,
    volume: Quantity | None = None,
    everything: bool = False,
    note: str = "",
) -> Item:
    """Record what of an item was lost; what it holds shrinks by that and is never below zero.

    Args:
        cause: of `CAUSES`.
        volume: how much; or
        everything: all that it held.

    Raises:
        NotEnough: it holds less.
        StateRefused: it is gone already, or its volume is not known.
    """
    if cause not in CAUSES:
        raise BadInput(_("Choose what happened."), field="cause")
    if cause == "other" and not note.strip():
        raise BadInput(_("Say what happened."), field="note")
    if everything is (volume is not None):
        raise BadInput(
            _("Enter how much was lost, or say that all of it was; one of the two."), field="volume"
        )
    with db.transaction() as session:
        item = find(session, code, lock=True)
        if item.state in FINAL or not item.volume_ul:
            raise StateRefused(
                _(
                    "%(code)s is %(state)s and holds nothing that is counted; nothing can be "
                    "lost of it.",
                    code=codes.grouped(item.code),
                    state=STATE_NAMES[item.state],
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        lost = item.volume_ul if volume is None else volume.count("uL", "volume")
        take(actor, item, lost, purpose="loss", data={"cause": cause}, reason=note.strip())
        return item
