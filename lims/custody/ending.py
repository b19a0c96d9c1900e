"""How things end: used up, with what was thrown away; or destroyed, before a witness.

Both are final. What is destroyed may be held or blocked: that frees nothing, and the entry says
which holds stood. The witness is another person, not another account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from lims import people
from lims.core import clock, codes, db, gate, permissions
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import balancing, queries, telling
from lims.custody import permissions as may
from lims.custody.amounts import mass_balance
from lims.custody.dividing import end, throw_away
from lims.custody.errors import StateRefused
from lims.custody.items import find, require_free, set_state
from lims.custody.limiting import limits_of
from lims.custody.models import Item
from lims.custody.rules import STATE_NAMES, ItemKind, State, leaving_to
from lims.custody.streams import stream
from lims.custody.volumes import take

# A culture is emptied by counting it, a lot by filling it, a dose by giving it.
USED_UP = (ItemKind.SPECIMEN, ItemKind.HARVEST, ItemKind.QC_SAMPLE, ItemKind.RETAINED)
# A dose is destroyed by its own step, which ends its assignment as well.
DESTROYED = (ItemKind.KIT, ItemKind.SPECIMEN, ItemKind.FLASK, ItemKind.HARVEST,
             ItemKind.QC_SAMPLE, ItemKind.RETAINED)  # fmt: skip
WHY = {
    "no-use": _("not needed any more"),
    "consent": _("her choice when she withdrew"),
    "unfit": _("unfit for use"),
    "expired": _("expired"),
    "damaged": _("vessel damaged"),
    "recall": _("recalled"),
    "other": _("something else"),
}


@dataclass(frozen=True)
class Witness:
    """The second person, and what the entry holds of her signature."""

    name: str
    signature: dict[str, str]


class SameWitness(NotAllowed):
    """The witness is the person who acts."""

    code = "same_witness"


@requires(may.USE_UP)
def use_up(actor: Actor, *, code: str, waste: Quantity | None = None, reason: str = "") -> Item:
    """Say that nothing of an item is left; what was still in it was thrown away or is lost.

    Args:
        waste: what was thrown away; what it held beside that is a loss.
        reason: why to go on where the loss warns.

    Raises:
        StateRefused: it is not in a state from which it is used up.
        OnHold: it is held or blocked; it may be destroyed.
        GateStopped: more was thrown away than it held, or a loss without a reason.
    """
    with db.transaction() as session:
        item = find(session, code, kinds=USED_UP, lock=True)
        require_free(session, item)
        _require_way(session, item, State.EXHAUSTED)
        waste_ul = waste.count("uL", "waste") if waste is not None else 0
        there = item.volume_ul or 0
        if item.volume_ul is None and waste_ul:
            raise BadInput(
                _(
                    "The volume of %(code)s is not known; say in words what was left.",
                    code=codes.grouped(item.code),
                ),
                field="waste",
            )
        _demand_balance(session, item, waste_ul, reason)
        thrown = min(waste_ul, there)
        throw_away(actor, item, {"waste": thrown, "loss": there - thrown}, reason=reason)
        end(actor, item, "custody.used-up", reason=reason)
        return item


def _demand_balance(session: Session, item: Item, waste_ul: int, reason: str) -> None:
    if item.volume_ul is None:
        return
    began = item.initial_volume_ul or 0
    measured = began - balancing.measured_again_ul(session, item)
    found = mass_balance(
        measured, children_ul=[began - item.volume_ul], waste_ul=waste_ul,
        limits=limits_of(session, item),
    )  # fmt: skip
    gate.demand(
        gate.Answer("custody.use-up", clock.now(), (found.row,)), codes=[item.code], reasons=reason
    )


@requires(may.DESTROY)
def destroy(
    actor: Actor, *, code: str, cause: str, witness: str, witness_password: str, note: str = ""
) -> Item:
    """Destroy an item before a witness, who signs with her own name and password.

    Args:
        cause: of `WHY`.
        witness: the sign-in name of the second person.

    Raises:
        StateRefused: the table of states does not let it be destroyed now.
        SameWitness: both are one person.
        WrongSecret: the witness's password.
    """
    if cause not in WHY:
        raise BadInput(_("Choose why it is destroyed."), field="cause")
    if cause == "other" and not note.strip():
        raise BadInput(_("Say why it is destroyed."), field="note")
    with db.transaction() as session:
        item = find(session, code, kinds=DESTROYED, lock=True)
        stood = witnessed(actor, witness, witness_password)
        return end_before(
            actor, session, item, stood, kind="custody.destroyed", data={"cause": cause},
            reason=note.strip(),
        )  # fmt: skip


def witnessed(actor: Actor, login: str, password: str) -> Witness:
    """The second person who saw it destroyed; she may be anybody who works with material.

    Raises:
        WrongSecret, TooManyTries, AccountDisabled: as at the sign-in.
        SameWitness: she is the person who acts, in this account or another.
        NotAllowed: her work gives her no right to.
    """
    second, signature = people.signature_of(
        login, meaning="destruction witnessed", password=password,
        station=actor.station, address=actor.address,
    )  # fmt: skip
    if second.person == actor.person:
        raise SameWitness(
            _("You cannot be your own witness; another person looks and signs."), field="witness"
        )
    permissions.ask(second, may.WITNESS)
    return Witness(second.name, signature)


def end_before(
    actor: Actor,
    session: Session,
    item: Item,
    witness: Witness,
    *,
    kind: str,
    data: dict[str, Any] | None = None,
    rows: Iterable[Any] = (),
    reason: str = "",
) -> Item:
    """Destroy an item whose row the caller holds; what was in it leaves the record's volumes too.

    The entry says whether it was blocked, and which holds stood on it or above it.
    """
    _require_way(session, item, State.DESTROYED)
    line = [item, *queries.ancestors(session, [item.id])]
    held = [each.reason for each in queries.holds(session, [one.id for one in line])]
    was = item.state.value
    if item.volume_ul:
        take(actor, item, item.volume_ul, purpose="destroyed", data=data, reason=reason)
    set_state(
        actor, item, State.DESTROYED, kind,
        {**(data or {}), "witness": witness.signature, "was": was, "holds": held},
        rows=rows, reason=reason,
    )  # fmt: skip
    return item


def _require_way(session: Session, item: Item, to: State) -> None:
    ways = leaving_to(item.kind, item.state, to)
    if not ways or (to is State.DESTROYED and len(ways) > 1):
        raise StateRefused(
            _(
                "%(code)s is %(now)s, so it cannot become %(then)s. Look at its page for what can "
                "be done next.",
                code=codes.grouped(item.code),
                now=STATE_NAMES[item.state],
                then=STATE_NAMES[to],
            ),
            why=telling.last_act(session, stream(item.code)),
        )
