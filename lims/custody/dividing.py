"""Aliquots, samples and splits: a volume leaves an item and stands in vessels of its own.

One whole gives any number of parts. What is left stays in it, unless nothing was left: then what
is missing is a loss, and much of it wants a reason. A part has the donor, the expiry and the thaws
of its whole; a hold on the whole is found from the part, as it is from everything below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from lims import labels, studies
from lims.core import clock, codes, db, events, gate, units
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import balancing, telling
from lims.custody import permissions as may
from lims.custody.amounts import Balance, mass_balance
from lims.custody.errors import StateRefused
from lims.custody.items import Taken, find, make, require_free, set_state
from lims.custody.limiting import limits_of
from lims.custody.models import Item
from lims.custody.rules import (
    DIVISIBLE,
    KIND_NAMES,
    STATE_NAMES,
    ItemKind,
    State,
    leaving_to,
)
from lims.custody.streams import stream
from lims.custody.volumes import add_measured, take

PART = "part"
_SAMPLES = {
    ItemKind.QC_SAMPLE.value: ItemKind.QC_SAMPLE,
    ItemKind.RETAINED.value: ItemKind.RETAINED,
}


@dataclass(frozen=True)
class Divided:
    """A whole after something was taken of it, and what was made of that."""

    whole: Item
    parts: list[Item]


@requires(may.DIVIDE)
def divide(
    actor: Actor,
    *,
    code: str,
    volumes: Sequence[Quantity],
    into: str = PART,
    waste: Quantity | None = None,
    nothing_left: bool = False,
    reason: str = "",
) -> Divided:
    """Divide an item: each volume into a vessel with a code of its own.

    Args:
        into: `part` for the same as the whole, `qc-sample` or `retained` for a sample.
        waste: what was thrown away meanwhile.
        nothing_left: the whole is empty now; what is missing was lost.
        reason: why to go on where the loss warns.

    Raises:
        StateRefused: it is nothing that is divided, or not now.
        OnHold: it is held or blocked.
        GateStopped: more came out than was in, or a loss without a reason.
    """
    with db.transaction() as session:
        whole = find(session, code, kinds=list(DIVISIBLE), lock=True)
        require_free(session, whole)
        require_divisible(session, whole)
        kind = _kind_of(whole, into)
        taken = [each.count("uL", "volumes") for each in volumes]
        waste_ul = waste.count("uL", "waste") if waste is not None else 0
        if not taken or min(taken) <= 0:
            raise BadInput(_("Enter the volume of at least one part, above zero."), field="volumes")
        there = whole.volume_ul or 0
        out = sum(taken) + waste_ul
        balance = _balance(session, whole, out, nothing_left=nothing_left)
        answer = gate.demand(
            gate.Answer("custody.divide", clock.now(), (balance.row,)),
            codes=[whole.code],
            reasons=reason,
        )
        if out > there:
            # Within the 2 % that measuring may be off; what was lost before is not found again.
            add_measured(actor, whole, out - there, why="its parts outweigh it")
        step = "aliquot" if into == PART else "sample"
        said: dict[str, Any] = {"gate": answer.as_record(), "reason": reason}
        parts = [_part(actor, session, whole, kind, each, step, said) for each in taken]
        gone = {"waste": waste_ul, "loss": max(there - out, 0) if nothing_left else 0}
        throw_away(actor, whole, gone, reason=reason)
        if whole.volume_ul == 0:
            end(actor, whole, "custody.divided", reason=reason)
        events.publish(
            "item.divided", actor=actor, session=session, whole=whole,
            parts=[each for each in parts if each.kind is whole.kind],
        )  # fmt: skip
        return Divided(whole, parts)


def require_divisible(session: Session, item: Item) -> None:
    """Refuse what has no volume to take from, or is not in a state for it."""
    if item.state not in DIVISIBLE[item.kind]:
        raise StateRefused(
            _(
                "%(code)s is %(state)s; nothing is taken of it now.",
                code=codes.grouped(item.code),
                state=STATE_NAMES[item.state],
            ),
            why=telling.last_act(session, stream(item.code)),
        )
    if not item.volume_ul:
        raise StateRefused(
            _(
                "%(code)s has no volume that could be taken. Measure it, or look at its page.",
                code=codes.grouped(item.code),
            ),
            why=telling.last_act(session, stream(item.code)),
        )


def _kind_of(whole: Item, into: str) -> ItemKind:
    if into == PART and whole.kind is not ItemKind.LOT:
        return whole.kind
    if into in _SAMPLES and not (
        whole.kind is ItemKind.QC_SAMPLE and into == ItemKind.RETAINED.value
    ):
        return _SAMPLES[into]
    raise BadInput(
        _(
            "A %(kind)s is not divided into that; choose a sample, or fill it.",
            kind=KIND_NAMES[whole.kind],
        ),
        field="into",
    )


def _balance(session: Session, whole: Item, out: int, *, nothing_left: bool) -> Balance:
    """Everything that ever left the whole, against what was measured in it at first.

    So the 2 % that measuring may be off are there once, and not at each aliquot anew.
    """
    began, there = whole.initial_volume_ul or 0, whole.volume_ul or 0
    measured = began - balancing.measured_again_ul(session, whole)
    rest = 0 if nothing_left else max(there - out, 0)
    return mass_balance(
        measured, children_ul=[began - there, out, rest], limits=limits_of(session, whole)
    )


def _part(
    actor: Actor,
    session: Session,
    whole: Item,
    kind: ItemKind,
    volume_ul: int,
    step: str,
    said: dict[str, Any],
) -> Item:
    part = make(
        actor,
        kind,
        study_id=whole.study_id,
        parents=[Taken(whole, volume_ul)],
        state=whole.state if kind is whole.kind else None,
        product=whole.product,
        volume_ul=volume_ul,
        expires_at=whole.expires_at,
        thaws=whole.thaw_count,
        thawed_at=whole.thawed_at,
        step=step,
        data=said,
    )
    request_label(actor, session, part)
    return part


def request_label(actor: Actor, session: Session, item: Item) -> None:
    """Ask for a tube's label; a harvest's bears what only its own step knows."""
    if item.kind is ItemKind.HARVEST or item.donor_id is None:
        return
    labels.request(
        actor,
        template="specimen_tube_50x20",
        code=item.code,
        fields={
            "code": codes.grouped(item.code),
            "subject": studies.subject(session, item.donor_id).number,
            "trial": "",
            "material": KIND_NAMES[item.kind],
            "volume": str(units.ml(item.volume_ul or 0)),
            "collected_at": clock.printed(item.made_at),
            "storage": "",
        },
    )


def throw_away(actor: Actor, item: Item, gone: dict[str, int], *, reason: str) -> None:
    """Take what was thrown away and what is missing; both stay on the record."""
    for purpose, volume in gone.items():
        if volume:
            take(actor, item, volume, purpose=purpose, reason=reason)


def end(actor: Actor, item: Item, kind: str, *, reason: str = "") -> None:
    """An empty item is used up, by the shortest way of the table; a lot has its own ends."""
    for state in leaving_to(item.kind, item.state, State.EXHAUSTED):
        set_state(actor, item, state, kind if state is State.EXHAUSTED else "custody.emptying",
                  reason=reason)  # fmt: skip
