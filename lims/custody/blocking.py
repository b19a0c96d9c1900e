"""Blocking a whole genealogy, whatever is being made of it at the same moment (H25).

A recall puts a hold where it starts and blocks everything that it reaches. Whoever makes a child
holds the parents' rows meanwhile (`custody.make`), and so does a recall: either it comes first and
the child is born blocked, or the child comes first and the recall finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from lims import ledger
from lims.core.permissions import Actor
from lims.custody.genealogy import Reached, chunks
from lims.custody.inheriting import DONOR_RECALL, RECALL, RECALLS
from lims.custody.models import Item
from lims.custody.rules import FINAL, State, may_become
from lims.custody.streams import stream

__all__ = [
    "DONOR_RECALL",
    "RECALL",
    "RECALLS",
    "block",
    "change",
    "locked_items",
    "to_block",
]
_UNUSABLE = FINAL | {State.BLOCKED, State.REJECTED}


def to_block(found: Sequence[Reached]) -> list[Reached]:
    """Those that could still be used."""
    return [each for each in found if each.state not in _UNUSABLE]


def block(
    actor: Actor,
    session: Session,
    found: Sequence[Reached],
    *,
    reason: str,
    data: Mapping[str, Any],
) -> list[Reached]:
    """Block what can still be used of rows that the caller holds; each writes its own entry."""
    return change(actor, session, [(each, State.BLOCKED) for each in to_block(found)],
                  "custody.blocked", reason=reason, data=data)  # fmt: skip


def change(
    actor: Actor,
    session: Session,
    wanted: Sequence[tuple[Reached, State]],
    kind: str,
    *,
    reason: str,
    data: Mapping[str, Any],
) -> list[Reached]:
    """Pass many items of held rows to other states, by the published table.

    One statement for thousands of rows: loading each as an object would take seconds.
    """
    wrong = [each.code for each, to in wanted if not may_become(each.kind, each.state, to)]
    if wrong:
        raise ValueError(f"the table of states has no such step for {wrong[:5]}")
    session.flush()
    table = cast(Table, Item.__table__)
    by_state: dict[State, list[Reached]] = {}
    for each, to in wanted:
        by_state.setdefault(to, []).append(each)
    for to, items in by_state.items():
        for some in chunks(items):
            session.execute(
                update(table)
                .where(table.c.id.in_([each.id for each in some]))
                .values(state=to, version=table.c.version + 1)
            )
    changed = []
    for each, to in wanted:
        key = ledger.changed(
            table, each.id, each.version + 1, {"state": (each.state.value, to.value)}
        )
        ledger.record(
            actor, stream(each.code), kind, {**data, "was": each.state.value}, rows=[key],
            reason=reason,
        )  # fmt: skip
        changed.append(replace(each, state=to, version=each.version + 1))
    # Whoever holds one of them as an object reads it afresh.
    ids = {each.id for each in changed}
    for known in [each for each in session.identity_map.values() if isinstance(each, Item)]:
        if known.id in ids:
            session.expire(known)
    return changed


def locked_items(session: Session, ids: Sequence[UUID]) -> list[Item]:
    """Items whose rows the caller holds, as objects read afresh."""
    found: list[Item] = []
    for some in chunks(ids):
        found += session.scalars(
            select(Item).where(Item.id.in_(some)).order_by(Item.id),
            execution_options={"populate_existing": True},
        )
    return found
