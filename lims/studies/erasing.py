"""Erasing who a subject is, when she asks for it and nothing forbids it (H49).

Her key and what it sealed are destroyed, her bands end, and the drawings of her bands are removed.
The trail never held her name, so it stays whole; it keeps her number. Whatever must stay traceable
is said by those who keep it: they hear `identity.erasure` and refuse.
"""

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from dateutil.relativedelta import relativedelta
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import labels, ledger, people
from lims.core import clock, db, events
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.vault import CannotOpen
from lims.core.words import Text as _
from lims.studies import permissions as may
from lims.studies import queries
from lims.studies.enrolment import open_identity, stream
from lims.studies.errors import Erased, RetentionRuns, StepOutOfOrder
from lims.studies.models import Identity, Subject, Wristband

_SHORTEST_NAME = 3


@requires(may.ERASE)
def erase(actor: Actor, *, number: str, reason: str, password: str) -> Subject:
    """Destroy a subject's name and birth date for good.

    Args:
        reason: stays in the trail, so it may not name her.

    Raises:
        Erased: that was done.
        StepOutOfOrder: her consent is in force; she withdraws first.
        RetentionRuns: something of her has to stay traceable, and until when.
    """
    if not reason.strip():
        raise BadInput(_("Say why her identity is erased."), field="reason")
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        kept = db.locked(session, select(Identity).where(Identity.subject_id == subject.id))
        if kept is None or kept.wrapped_key is None:
            raise Erased(_("The identity of %(number)s was erased already.", number=subject.number))
        if queries.consent_in_force(session, subject.id) is not None:
            raise StepOutOfOrder(
                _(
                    "%(number)s has a consent in force; record her withdrawal first, then erase.",
                    number=subject.number,
                )
            )
        _refuse_her_name(session, subject, reason)
        read = queries.protocol_of(queries.study(session, subject.study_id))
        years = int(str(read.limit("retention.years")))
        events.publish("identity.erasure", session=session, subject=subject, years=years)
        signature = people.signature(actor, meaning="identity erased", password=password)
        kept.wrapped_key = None
        kept.name = kept.birth_date = b""
        bands = list(session.scalars(select(Wristband).where(Wristband.subject_id == subject.id)))
        live = [each for each in bands if each.live]
        for each in live:
            each.live = False
        session.flush()
        ledger.record(
            actor,
            stream(subject),
            "studies.erased",
            {"signature": signature},
            rows=live,
            reason=reason.strip(),
        )
        # Before the commit: a drawing can be made again if it fails, a name cannot be unsaid.
        for each in bands:
            labels.forget(each.code)
        return subject


def refuse_until(subject: Subject, last: datetime, years: int, what: _) -> None:
    """Refuse to erase while something must stay traceable; for those who hear of an erasure.

    Args:
        last: of administration, disposal or expiry, whichever came last.
        years: the study's, otherwise the site's period.

    Raises:
        RetentionRuns: names the day until which it runs.
    """
    until = last + relativedelta(years=years)
    if clock.now() < until:
        raise RetentionRuns(
            _(
                "%(number)s cannot be erased before %(until)s: %(what)s, and that stays traceable "
                "for %(years)s years.",
                number=subject.number,
                until=until.date(),
                what=what,
                years=years,
            )
        )


def _refuse_her_name(session: Session, subject: Subject, reason: str) -> None:
    try:
        known: Mapping[str, str] = open_identity(session, subject)
    except CannotOpen:
        return  # sealed under another key of the site: it can be destroyed, and not compared
    said = _plain(reason)
    words = [_plain(each) for each in known["name"].split()]
    if known["birth_date"] in reason or any(
        each in said.split() for each in words if len(each) >= _SHORTEST_NAME
    ):
        raise BadInput(
            _("The reason names her, and it stays for ever; say it without her name."),
            field="reason",
        )


def _plain(text: str) -> str:
    spaced = "".join(each if each.isalnum() else " " for each in unicodedata.normalize("NFC", text))
    return spaced.casefold()
