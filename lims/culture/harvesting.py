"""Harvest: conditioned medium of one or more vessels of one donor becomes one pool."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from lims import custody, labels, studies
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity, ml
from lims.core.words import Text as _
from lims.culture import permissions as may
from lims.culture import queries, rules
from lims.culture.growing import counted, donor_may_go_on, limits_of
from lims.culture.models import Culture, Harvest
from lims.custody import Item, ItemKind, State, Taken


class Mechanical(StrEnum):
    """What the vessels behind a harvest say of mechanical preconditioning."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    ABSENT = "absent"


@requires(may.GROW)
def harvest(
    actor: Actor,
    *,
    flasks: Sequence[str],
    medium_kind: str,
    washes: int,
    started_at: datetime,
    ended_at: datetime,
    total_cells: int,
    viability_percent: Decimal,
    confluence_percent: Decimal,
    volume: Quantity,
    reason: str = "",
) -> Item:
    """Pool the conditioned medium of vessels of one donor; the vessels are used up.

    Args:
        flasks: scanned; all of one donor and one passage.
        medium_kind: of the site's list; complete serum is refused.
        total_cells: over all vessels, dead ones included.

    Raises:
        CrossesDonors: vessels of two donors.
        GateStopped: viability, passage, doublings, duration, medium.
    """
    with db.transaction() as session:
        items = [
            custody.find(session, code, kinds=[ItemKind.FLASK], lock=True, field="flasks")
            for code in sorted(set(flasks))
        ]
        if not items:
            raise BadInput(_("Scan the vessels that are harvested."), field="flasks")
        custody.require_free(session, *items)
        if not started_at < ended_at <= clock.now():
            raise BadInput(
                _("The harvest must end after its start and not in the future."), field="ended_at"
            )
        read = limits_of(session, items[0])
        together = as_one(session, items)
        count = counted(together, total_cells, viability_percent, confluence_percent)
        rows = [
            *donor_may_go_on(session, items[0]),
            *rules.judge_harvest(
                medium=medium_kind,
                duration_h=Decimal((ended_at - started_at) // timedelta(seconds=1)) / 3600,
                passage=together.passage,
                cumulative=count.cumulative_doublings,
                viability_percent=viability_percent,
                cells=Decimal(total_cells),
                volume_ul=volume.count("uL", "volume"),
                limits=read.limits,
                confluence_percent=confluence_percent,
            ),
        ]
        answer = gate.demand(
            gate.Answer("culture.harvest", clock.now(), tuple(rows)),
            codes=[item.code for item in items],
            reasons=reason,
        )
        pool = custody.make(
            actor,
            ItemKind.HARVEST,
            study_id=items[0].study_id,
            parents=[Taken(item) for item in items],
            volume_ul=volume.count("uL", "volume"),
            step="harvest",
        )
        record = Harvest(
            item_id=pool.id,
            medium_kind=medium_kind,
            washes=washes,
            started_at=started_at,
            ended_at=ended_at,
            passage=together.passage,
            cumulative_doublings=count.cumulative_doublings,
            total_cells=total_cells,
            viability_percent=viability_percent,
            confluence_percent=confluence_percent,
        )
        session.add(record)
        session.flush()
        custody.touch(
            actor,
            pool,
            "culture.harvested",
            {"gate": answer.as_record()},
            rows=[record],
            reason=reason,
        )
        for item in items:
            custody.set_state(actor, item, State.EXHAUSTED, "culture.emptied", {"into": pool.code})
        request_label(actor, session, pool, record)
        return pool


def as_one(session: Session, flasks: Sequence[Item]) -> Culture:
    """The vessels of one harvest as if they were one."""
    cultures = [queries.culture_of(session, each.id) for each in flasks]
    return Culture(
        item_id=flasks[0].id,
        passage=max(each.passage for each in cultures),
        seeded_cells=sum(each.seeded_cells or 0 for each in cultures) or None,
        seeded_at=min(each.seeded_at for each in cultures),
        cumulative_doublings=max(each.cumulative_doublings for each in cultures),
    )


def request_label(actor: Actor, session: Session, pool: Item, record: Harvest) -> None:
    """Ask for the label of a harvest."""
    subject = studies.subject(session, pool.donor_id)  # type: ignore[arg-type]
    labels.request(
        actor,
        template="culture_flask_50x25",
        code=pool.code,
        fields={
            "code": codes.grouped(pool.code),
            "subject": subject.number,
            "passage": f"P{record.passage}",
            "material": _("conditioned medium"),
            "medium": rules.medium_name(record.medium_kind),
            "made_at": clock.printed(record.ended_at),
            "amount": str(ml(pool.volume_ul or 0)),
        },
    )


def mechanical_record(session: Session, harvest_item: Item) -> Mechanical:
    """Whether every vessel behind a harvest was preconditioned, none was, or some were."""
    flasks = _flasks_behind(session, harvest_item)
    runs = {run.item_id for run in queries.preconditionings(session, flasks) if run.flag}
    # A run on an earlier passage of the line would precondition its children in part only.
    earlier = [
        run
        for run in queries.preconditionings(
            session, [item.id for item in custody.ancestors(session, flasks)]
        )
        if run.flag
    ]
    if not runs and not earlier:
        return Mechanical.ABSENT
    return Mechanical.COMPLETE if runs == set(flasks) else Mechanical.INCOMPLETE


def _flasks_behind(session: Session, harvest_item: Item) -> list[UUID]:
    """The vessels that were harvested into it, through pools of harvests and parts of them."""
    found: list[UUID] = []
    for item, _edge in custody.parents(session, harvest_item.id):
        if item.kind is ItemKind.HARVEST:
            found += _flasks_behind(session, item)
        else:
            found.append(item.id)
    return list(dict.fromkeys(found))
