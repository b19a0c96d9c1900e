"""Closing a fill: volumes add up, every vial has its label, and no label is left over (H08, H14).

A fill stays open when its vials are made, since their labels are still to be stuck on and scanned
back. Where volumes or labels are not as they should be, the act stands, for what was filled was
filled; but a deviation is opened on the lot, and the lot is not released before quality has decided
it. A person closes the fill once every label is accounted for; a count of the vials closes it as
well, and opens one that a vial or its label has gone from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims import custody, labels
from lims.core import clock, codes, db, events, gate
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.isolation import permissions as may
from lims.isolation import queries, reasons, reconciling, rules
from lims.isolation.models import Fill

COUNTED = (State.QUARANTINE, State.TESTING, State.AWAITING_REVIEW)


@dataclass(frozen=True)
class FillCount:
    """What a count of a lot's vials came to.

    Attributes:
        missing, foreign: codes that were not scanned, and that are not of this lot.
        unlabelled: vials without a label that counts.
        unsettled: codes of vials and samples whose label nobody has accounted for.
    """

    doses: int
    missing: list[str]
    foreign: list[str]
    unlabelled: list[str]
    unsettled: list[str]
    closed: bool


def settle(actor: Actor, session: Session, item: Item, vials: Sequence[Item], *, off: str) -> None:
    """Look at a fill that has just been made: a deviation on its lot where it is not in order.

    Args:
        off: what is wrong with its volumes, in the words of the trail; empty where nothing is.
    """
    faults = [off, *_label_faults(session, vials)]
    if any(faults):
        _differs(actor, session, item, faults)


@requires(may.FILL)
def close_fill(actor: Actor, *, code: str) -> Fill:
    """Close a fill whose volumes add up and whose labels are all accounted for.

    Raises:
        StateRefused: the lot was not filled, is past its review, or its fill is closed.
        GateStopped: a label is open, a vial or sample has none, or too much was lost.
    """
    with db.transaction() as session:
        item, fill = _held(session, code)
        if fill.closed_at is not None:
            raise custody.StateRefused(
                _("The fill of %(code)s is closed.", code=codes.grouped(item.code)),
                why=custody.last_act(session, custody.stream(item.code)),
            )
        balanced = adds_up(item, fill) and not fill.out_of_tolerance
        standing = reconciling.labels_of(session, item)
        answer = gate.demand(
            gate.Answer(
                "isolation.close-fill",
                clock.now(),
                (
                    rules.judge_left_over(
                        standing.printed, standing.applied, standing.destroyed, standing.open
                    ),
                    rules.judge_bare(standing.bare),
                    rules.judge_balance(adds_up=balanced),
                ),
            ),
            codes=[item.code],
        )
        fill.closed_at = clock.now()
        fill.closed_by = actor.person
        custody.touch(
            actor, item, "isolation.fill-closed", {"gate": answer.as_record()}, rows=[fill]
        )
        return fill


@requires(may.FILL)
def count_vials(actor: Actor, *, code: str, seen: Sequence[str]) -> FillCount:
    """Scan every vial of a lot: each is there, each has its label, and none is of another lot.

    Raises:
        StateRefused: the lot was not filled, or is past its review.
    """
    with db.transaction() as session:
        item, fill = _held(session, code)
        all_vials = queries.vials_of(session, item.id)
        there = [each for each in all_vials if each.state not in custody.FINAL]
        missing = sorted({each.code for each in there} - set(seen))
        foreign = sorted(set(seen) - {each.code for each in all_vials})
        standing = reconciling.labels_of(session, item)
        unlabelled = sorted({each.code for each in there} & set(standing.bare))
        faults = [
            *([reasons.MISSING.kept(codes=", ".join(missing))] if missing else []),
            *([reasons.FOREIGN.kept(codes=", ".join(foreign))] if foreign else []),
            *_label_faults(session, there),
            *([] if adds_up(item, fill) else [reasons.VOLUMES.kept()]),
        ]
        if faults:
            fill.closed_at = fill.closed_by = None
            _differs(actor, session, item, faults)
        elif not standing.settled:
            fill.closed_at = fill.closed_by = None
        elif fill.closed_at is None and not fill.out_of_tolerance:
            fill.closed_at = clock.now()
            fill.closed_by = actor.person
        custody.touch(
            actor,
            item,
            "isolation.vials-counted",
            {"seen": sorted(seen), "missing": missing, "foreign": foreign},
            rows=[fill],
        )
        return FillCount(
            len(there),
            missing,
            foreign,
            unlabelled,
            list(standing.open),
            fill.closed_at is not None,
        )


def _held(session: Session, code: str) -> tuple[Item, Fill]:
    """A filled lot before its release, and its fill, both held by the caller."""
    item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
    fill = queries.fill_of(session, item.id)
    if fill is None or item.state not in COUNTED:
        raise custody.StateRefused(
            _(
                "%(code)s is %(state)s; vials are counted between the fill and the release.",
                code=codes.grouped(item.code),
                state=custody.STATE_NAMES[item.state],
            ),
            why=custody.last_act(session, custody.stream(item.code)),
        )
    session.refresh(fill, with_for_update=True)
    return item, fill


def adds_up(item: Item, fill: Fill) -> bool:
    """Whether every microlitre of a filled lot has a place, and nothing of it is left."""
    out = fill.filled_ul + fill.qc_ul + fill.retained_ul + fill.waste_ul + fill.loss_ul
    return out == fill.bulk_ul and item.volume_ul == 0


def _label_faults(session: Session, vials: Sequence[Item]) -> list[str]:
    bare = labels.without_label(session, [each.code for each in vials])
    if not bare:
        return []
    number, vials_in_all = str(len(bare)), str(len(vials))
    return [reasons.BARE.kept(number=number, vials=vials_in_all, codes=", ".join(bare))]


def _differs(actor: Actor, session: Session, item: Item, faults: Sequence[str]) -> None:
    what = reasons.not_closed([each for each in faults if each])
    events.publish("fill.differs", actor=actor, session=session, lot=item, what=what)
