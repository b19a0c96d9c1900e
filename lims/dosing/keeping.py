"""Who received a dose stays traceable: her identity is not erased before its time."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, studies
from lims.core import events
from lims.core.words import Text as _
from lims.dosing import queries
from lims.dosing.models import Administration
from lims.studies import Subject


@events.subscribe("identity.erasure")
def keep_doses_traceable(*, session: Session, subject: Subject, years: int) -> None:
    """A dose that was given to her, or is meant for her now."""
    for row in queries.assignments_to(session, subject.id):
        if row.ended_at is None and custody.item(session, row.item_id).state not in custody.FINAL:
            raise studies.RetentionRuns(
                _(
                    "%(number)s cannot be erased: a dose is meant for her. Return it first.",
                    number=subject.number,
                )
            )
    for given in session.scalars(
        select(Administration).where(Administration.subject_id == subject.id)
    ):
        dose = custody.item(session, given.item_id)
        last = max(each for each in (given.ended_at, dose.expires_at) if each is not None)
        studies.refuse_until(subject, last, years, _("she received a dose"))
