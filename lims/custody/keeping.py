"""What of a person's material stays traceable: nobody's identity is erased before its time."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims import studies
from lims.core import codes, events
from lims.core.words import Text as _
from lims.custody import queries
from lims.custody.rules import FINAL
from lims.custody.streams import stream
from lims.ledger.models import LedgerEntry
from lims.studies import Subject

_ALL = 100_000


@events.subscribe("identity.erasure")
def keep_material_traceable(*, session: Session, subject: Subject, years: int) -> None:
    """Her material: while any is left, and so many years after it was disposed of or expired."""
    items = queries.items_of(session, donor_id=subject.id, limit=_ALL)
    left = next((each for each in items if each.state not in FINAL), None)
    if left is not None:
        raise studies.RetentionRuns(
            _(
                "%(number)s cannot be erased: %(code)s of her is still here. Dispose of it first.",
                number=subject.number,
                code=codes.grouped(left.code),
            )
        )
    if not items:
        return
    streams = [stream(each.code) for each in items]
    touched = session.scalar(
        select(func.max(LedgerEntry.at)).where(LedgerEntry.stream.in_(streams))
    )
    ends = [each for each in (touched, *(item.expires_at for item in items)) if each is not None]
    studies.refuse_until(subject, max(ends), years, _("her material was used or disposed of"))
