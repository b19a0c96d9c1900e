"""Thawing of what is no dose: each thaw counts, for it and for what is made of it."""

from lims.core import clock, codes, db, gate
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import standing, telling
from lims.custody.amounts import judge_thaws
from lims.custody.errors import StateRefused
from lims.custody.items import find, require_free
from lims.custody.limiting import limits_of
from lims.custody.models import Item
from lims.custody.rules import STATE_NAMES, ItemKind, State
from lims.custody.streams import stream, touch

# A dose has a thaw of its own, once, in its own step.
THAWED = (ItemKind.SPECIMEN, ItemKind.FLASK, ItemKind.HARVEST, ItemKind.LOT, ItemKind.QC_SAMPLE,
          ItemKind.RETAINED)  # fmt: skip
STATES = (State.ACCEPTED, State.STORED, State.IN_PROCESS)


@requires(may.THAW)
def thaw(actor: Actor, *, code: str, reason: str = "") -> Item:
    """Thaw an item; its count goes up by one.

    Args:
        reason: why to go on where the count warns.

    Raises:
        StateRefused: it is thawed already, or not in a state for it.
        GateStopped: cells a second time; a sample more often than a dose, without a reason.
    """
    with db.transaction() as session:
        item = find(session, code, kinds=THAWED, lock=True)
        require_free(session, item)
        _require_state(session, item)
        if item.thawed_at is not None and not standing.was_refrozen(session, item):
            raise StateRefused(
                _(
                    "%(code)s is thawed already; freeze it first, or go on with it.",
                    code=codes.grouped(item.code),
                ),
                why=telling.last_act(session, stream(item.code)),
            )
        row = judge_thaws(item.kind, item.thaw_count + 1, limits_of(session, item))
        answer = gate.demand(
            gate.Answer("custody.thaw", clock.now(), (row,)), codes=[item.code], reasons=reason
        )
        item.thaw_count += 1
        item.thawed_at = clock.now()
        touch(actor, item, "custody.thawed", {"gate": answer.as_record()}, reason=reason)
        return item


@requires(may.THAW)
def refreeze(actor: Actor, *, code: str, reason: str = "") -> Item:
    """Freeze an item again; how often it was thawed stays.

    Raises:
        StateRefused: it is not thawed, or not in a state for it.
        GateStopped: cells: a vial of them is thawed once, and never frozen again.
    """
    with db.transaction() as session:
        item = find(session, code, kinds=THAWED, lock=True)
        require_free(session, item)
        _require_state(session, item)
        if item.thawed_at is None:
            raise StateRefused(
                _("%(code)s is not thawed.", code=codes.grouped(item.code)),
                why=telling.last_act(session, stream(item.code)),
            )
        # Frozen again, it could only be used by another thaw: what that says counts now.
        row = judge_thaws(item.kind, item.thaw_count + 1, limits_of(session, item))
        answer = gate.demand(
            gate.Answer("custody.refreeze", clock.now(), (row,)), codes=[item.code], reasons=reason
        )
        item.thawed_at = None
        touch(actor, item, "custody.refrozen", {"gate": answer.as_record()}, reason=reason)
        return item


def _require_state(session: db.Session, item: Item) -> None:
    if item.state not in STATES:
        raise StateRefused(
            _(
                "%(code)s is %(state)s; it is neither thawed nor frozen now.",
                code=codes.grouped(item.code),
                state=STATE_NAMES[item.state],
            ),
            why=telling.last_act(session, stream(item.code)),
        )
