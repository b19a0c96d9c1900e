"""The second pair of eyes: results reviewed by another person, then the lot handed to release."""

from collections.abc import Sequence

from lims import custody, people
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, State
from lims.qc import permissions as may
from lims.qc import queries
from lims.qc.entering import lot_for_testing
from lims.qc.errors import OwnResult
from lims.qc.models import Result, ResultState


@requires(may.REVIEW)
def review(actor: Actor, *, code: str, password: str, tests: Sequence[str] = ()) -> list[Result]:
    """Approve results that another person entered; all of the lot's, unless tests are named.

    Raises:
        OwnResult: one of them is the reviewer's own, by person.
    """
    with db.transaction() as session:
        item, _lot = lot_for_testing(session, code)
        waiting = [
            each
            for each in queries.results_of(session, item.id)
            if each.state is ResultState.ENTERED
            and not each.set_aside
            and (not tests or each.test in tests)
        ]
        if not waiting:
            raise BadInput(_("No result of this lot waits for review."), field="tests")
        own = [each.test for each in waiting if each.entered_by == actor.person]
        if own:
            raise OwnResult(
                _(
                    "You entered %(tests)s yourself; another person reviews them.",
                    tests=", ".join(own),
                )
            )
        signature = people.signature(actor, meaning="reviewed", password=password)
        for each in waiting:
            each.state = ResultState.APPROVED
            each.reviewed_at = clock.now()
            each.reviewed_by = actor.person
        custody.touch(
            actor,
            item,
            "qc.reviewed",
            {"signature": signature, "tests": [each.test for each in waiting]},
            rows=waiting,
        )
        return waiting


@requires(may.REVIEW)
def submit(actor: Actor, *, code: str) -> Item:
    """Hand a lot to release: it awaits review there.

    Raises:
        BadInput: results are still waiting for review.
    """
    with db.transaction() as session:
        item, _lot = lot_for_testing(session, code)
        waiting = [
            each.test
            for each in queries.results_of(session, item.id)
            if each.state is not ResultState.APPROVED and not each.set_aside
        ]
        if waiting:
            raise BadInput(
                _(
                    "Not yet reviewed: %(tests)s. Let another person review them.",
                    tests=", ".join(waiting),
                )
            )
        custody.set_state(actor, item, State.AWAITING_REVIEW, "qc.submitted")
        return item
