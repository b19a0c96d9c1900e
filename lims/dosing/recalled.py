"""What a recall means for doses: whom they were given to, and whom they are meant for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from lims import custody, ledger, release
from lims.core import clock, db, events
from lims.core.permissions import Actor
from lims.custody import genealogy
from lims.dosing import queries, reasons
from lims.release import Affected


@release.on_recall
def came_to(session: Session, items: Sequence[UUID]) -> list[Affected]:
    """Everybody who was given one of these doses, or for whom one is meant."""
    found = [
        Affected(each.participant, each.code, each.at, None)
        for each in queries.given_among(session, items)
    ]
    given = {each.dose for each in found}
    found += [
        Affected(number, code, None, row.issued_at)
        for code, number, row in queries.meant_among(session, items)
        if code not in given
    ]
    return found


@events.subscribe("recall.freed")
def end_assignments(*, actor: Actor, items: Sequence[UUID]) -> None:
    """A freed dose goes back to be judged: it is meant for nobody until it is assigned again."""
    with db.transaction() as session:
        for some in genealogy.chunks(items):
            for item, row in queries.assignments_of(session, some):
                row.ended_at = clock.now()
                ledger.record(
                    actor, custody.stream(item.code), "dosing.unassigned", rows=[row],
                    reason=reasons.RECALL_LIFTED.kept(),
                )  # fmt: skip
