"""Recall: everything that came of an item or a donor is blocked at once, and who got any of it.

The walk, its locks and the blocks are custody's; here are the reason, the drill, and the signature
that ends it. A drill does all but the blocking, and is kept with the time it took.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import CTE, insert
from sqlalchemy.orm import Session

from lims import custody, ledger, people, studies
from lims.core import clock, codes, db, events
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, State, blocking, genealogy
from lims.custody.genealogy import Reached
from lims.release import permissions as may
from lims.release import queries
from lims.release.errors import RecallOver
from lims.release.models import Outcome, Recall, Recalled
from lims.release.rules import state_after


@dataclass(frozen=True)
class Source:
    """What is recalled: an item, or all that a donor gave."""

    called: str
    item: Item | None = None
    subject: studies.Subject | None = None


def stream(reference: str) -> str:
    """The stream of a recall."""
    return f"recall/{reference}"


def source_of(session: Session, what: str, *, lock: bool = False) -> Source:
    """What a code or number names.

    Raises:
        BadInput: a code of something that is no item.
        NotFound: nothing and nobody is called that.
    """
    if codes.valid(codes.fold(what)):
        item = custody.find(session, what, lock=lock, field="what")
        return Source(item.code, item=item)
    subject = studies.subject_by_number(session, what.strip(), lock=lock)
    return Source(subject.number, subject=subject)


def walk_of(row: Recall) -> CTE:
    """What a recall reaches, as a query."""
    if row.item_id is not None:
        return genealogy.reach(genealogy.of_items([row.item_id]), whole=row.whole)
    if row.subject_id is None:
        raise RuntimeError("a constraint of the table gives every recall its source")
    return genealogy.all_of(row.subject_id)


@requires(may.RECALL)
def recall(
    actor: Actor, *, what: str, reason: str, whole: bool = True, drill: bool = False
) -> Recall:
    """Recall an item, or everything of a donor; whatever it reaches is blocked in this act.

    Args:
        what: code of an item, or number of a participant or donor.
        whole: what it came from as well, and everything made of that; else what was made from it.
        drill: find and count everything, change nothing.
    """
    if not reason.strip():
        raise BadInput(_("Say why it is recalled."), field="reason")
    began = time.perf_counter()
    with db.transaction() as session:
        source = source_of(session, what, lock=not drill)
        row = Recall(
            reference=f"RC-{secrets.token_hex(4).upper()}",
            source=source.called,
            item_id=source.item.id if source.item else None,
            subject_id=source.subject.id if source.subject else None,
            whole=whole,
            reason=reason.strip(),
            drill=drill,
            started_at=clock.now(),
            started_by=actor.person,
            took_ms=0,
        )
        found = genealogy.reached(session, walk_of(row), lock=not drill)
        if not found:
            raise BadInput(
                _("Nothing was made of what %(number)s gave; there is nothing to recall.",
                  number=source.called),
                field="what",
            )  # fmt: skip
        usable = blocking.to_block(found)
        row.reached, row.blocked = len(found), 0 if drill else len(usable)
        session.add(row)
        session.flush()
        # The recall's own entry stands first: it names those of all the items.
        kind = "release.recall-drill" if drill else "release.recalled"
        ledger.record(
            actor, stream(row.reference), kind, {"would_block": len(usable)} if drill else {},
            rows=[row], reason=row.reason,
        )  # fmt: skip
        if not drill:
            _block(actor, session, row, found)
        row.took_ms = round(1000 * (time.perf_counter() - began))
        return row


def _block(actor: Actor, session: Session, row: Recall, found: Sequence[Reached]) -> None:
    usable = blocking.to_block(found)
    if usable:
        session.execute(
            insert(Recalled),
            [{"recall_id": row.id, "item_id": each.id, "was": each.state} for each in usable],
        )
    blocking.block(
        actor, session, found, reason=f"{row.reference}: {row.reason}",
        data={"recall": row.reference},
    )  # fmt: skip
    # Held where it starts, so that every later step and every child finds it from below.
    below = [row.item_id] if row.item_id is not None and not row.whole else None
    for item in blocking.locked_items(session, below or genealogy.roots(session, walk_of(row))):
        custody.place_hold(
            actor, session, item, f"{row.reference}: {row.reason}",
            blocking.RECALL if row.item_id else blocking.DONOR_RECALL,
        )  # fmt: skip


@requires(may.RECALL)
def lift(actor: Actor, *, reference: str, outcome: Outcome, reason: str, password: str) -> Recall:
    """End a recall by signature: what it blocked is freed to be judged again, or rejected.

    What another recall, or a rejected parent, keeps blocked stays so.

    Raises:
        RecallOver: it was a drill, or has ended.
        WrongSecret: not the signer's password.
    """
    if not reason.strip():
        raise BadInput(_("Say what was found out."), field="reason")
    with db.transaction() as session:
        row = queries.recall_by_reference(session, reference, lock=True)
        if row.drill or row.closed_at is not None:
            raise RecallOver(
                _("%(reference)s was a drill or has ended; there is nothing to lift.",
                  reference=row.reference)
            )  # fmt: skip
        signature = people.signature(actor, meaning=f"recall {outcome.value}", password=password)
        found = genealogy.reached(session, walk_of(row), lock=True)
        row.closed_at, row.closed_by = clock.now(), actor.person
        row.outcome, row.closed_because = outcome, reason.strip()
        holds = queries.holds_of(session, row)
        if outcome is Outcome.FREED:
            for hold in holds:
                hold.lifted_at, hold.lifted_by = clock.now(), actor.person
                hold.lifted_because = f"{row.reference}: {row.closed_because}"
        session.flush()
        ledger.record(
            actor, stream(row.reference), "release.recall-lifted", {"signature": signature},
            rows=[row, *holds], reason=row.closed_because,
        )  # fmt: skip
        wanted = _judged(session, row, found, outcome)
        kind = "release.freed" if outcome is Outcome.FREED else "release.recall-rejected"
        changed = blocking.change(
            actor, session, wanted, kind, reason=f"{row.reference}: {row.closed_because}",
            data={"recall": row.reference},
        )  # fmt: skip
        if outcome is Outcome.FREED:
            events.publish("recall.freed", actor=actor, items=[each.id for each in changed])
        return row


def _judged(
    session: Session, row: Recall, found: Sequence[Reached], outcome: Outcome
) -> list[tuple[Reached, State]]:
    """What becomes of each item that this recall blocked, or that was born blocked under it."""
    was = queries.were(session, row.id)
    walk = walk_of(row)
    kept = _kept(session, row, walk) if outcome is Outcome.FREED else set()
    born = queries.made_since(session, walk, row.started_at)
    wanted = []
    for each in found:
        if each.state is not State.BLOCKED or each.id in kept:
            continue
        if each.id in was or each.id in born:
            to = state_after(each.kind, was.get(each.id), freed=outcome is Outcome.FREED)
            if to is not None:
                wanted.append((each, to))
    return wanted


def _kept(session: Session, row: Recall, walk: CTE) -> set[UUID]:
    """What stays blocked: below a rejected item, or reached by another recall that is open."""
    kept = queries.below_rejected(session, walk)
    for other in queries.open_recalls(session):
        if other.id != row.id:
            kept |= {each.id for each in genealogy.reached(session, walk_of(other))}
    return kept
