"""What a recall reaches now: each item with place, holder and state, and whom it came to."""

from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from lims import people
from lims.core import db
from lims.core.permissions import Actor, requires
from lims.custody import KIND_NAMES, STATE_NAMES, genealogy, where_all
from lims.release import permissions as may
from lims.release import queries
from lims.release.affected import affected
from lims.release.models import Recall
from lims.release.recalling import walk_of


def brief(session: Session, row: Recall) -> dict[str, Any]:
    """A recall without what it reaches."""
    return {
        "reference": row.reference,
        "source": row.source,
        "whole": row.whole,
        "drill": row.drill,
        "reason": row.reason,
        "started_at": row.started_at,
        "started_by": people.name_of(session, row.started_by) if row.started_by else "",
        "reached": row.reached,
        "blocked": row.blocked,
        "took_ms": row.took_ms,
        "closed_at": row.closed_at,
        "closed_by": people.name_of(session, row.closed_by) if row.closed_by else None,
        "outcome": row.outcome.value if row.outcome else None,
        "closed_because": row.closed_because,
    }


def report(session: Session, row: Recall) -> dict[str, Any]:
    """The whole answer, as things stand now; what was made since is in it."""
    found = genealogy.reached(session, walk_of(row))
    was = queries.were(session, row.id)
    where = where_all(session, found)
    return {
        **brief(session, row),
        "items": [
            {
                "code": each.code,
                "kind": each.kind.value,
                "state": each.state.value,
                "was": was[each.id].value if each.id in was else None,
                "place": where.places.get(each.place_id) if each.place_id else None,
                "holder": where.holders.get(each.holder_id) if each.holder_id else None,
            }
            for each in found
        ],
        "states": dict(Counter(each.state.value for each in found)),
        "participants": [
            {
                "number": each.participant,
                "dose": each.dose,
                "given_at": each.given_at,
                "issued_at": each.issued_at,
            }
            for each in affected(session, [each.id for each in found])
        ],
    }


@requires(may.SEE_RECALL)
def recall_report(actor: Actor, *, reference: str) -> dict[str, Any]:
    """A recall or drill with everything it reaches now.

    Raises:
        RecallUnknown: none is called that.
    """
    with db.reading() as session:
        return report(session, queries.recall_by_reference(session, reference))


@requires(may.SEE_RECALL)
def listing(actor: Actor) -> dict[str, Any]:
    """Recalls and drills, newest first."""
    with db.reading() as session:
        return {"recalls": [brief(session, each) for each in queries.recalls(session)]}


def words() -> dict[str, Any]:
    """How kinds and states are called, by their value."""
    return {
        "kinds": {each.value: name for each, name in KIND_NAMES.items()},
        "states": {each.value: name for each, name in STATE_NAMES.items()},
    }
