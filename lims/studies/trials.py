"""The trial itself: its file, the sponsor's word on its units, and who may act on it."""

from datetime import datetime

from lims import ledger, people
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, Role, requires
from lims.core.words import Text as _
from lims.studies import permissions as may
from lims.studies import protocol, queries
from lims.studies.errors import StudyPinned, StudyUnknown
from lims.studies.models import Delegation, Study


@requires(may.LOAD)
def load(actor: Actor, *, document: str, site_document: str) -> Study:
    """Load a study file and pin it with the site's defaults; the same file again is no change.

    Raises:
        ProtocolInvalid: the file has errors; names each.
        StudyPinned: another version of it is in force.
    """
    site = protocol.load_site(site_document)
    read = protocol.load(document, site)
    with db.transaction() as session:
        try:
            known = queries.study_by_code(session, read.code)
        except StudyUnknown:
            known = None
        if known is not None:
            if (known.digest, known.site_digest) != (read.digest, site.digest):
                raise StudyPinned(
                    _(
                        "The study %(code)s is in force with another version of its file; what "
                        "was made under it stays pinned to that. Load it under a new code.",
                        code=read.code,
                    )
                )
            return known
        study = Study(
            code=read.code,
            title=read.title,
            digest=read.digest,
            site_digest=site.digest,
            document=document,
            site_document=site_document,
        )
        session.add(study)
        session.flush()
        ledger.record(
            actor,
            f"study/{study.code}",
            "studies.loaded",
            {"digest": read.digest, "site": site.version, "site_digest": site.digest},
            rows=[study],
        )
        return study


@requires(may.CONFIRM_UNITS)
def confirm_units(actor: Actor, *, study: str, password: str) -> Study:
    """The sponsor signs, once, that the registered units are meant as written (1.5 no. 1)."""
    with db.transaction() as session:
        row = queries.study_by_code(session, study, lock=True)
        signature = people.signature(actor, meaning="units confirmed", password=password)
        if row.units_confirmed_at is None:
            row.units_confirmed_at = clock.now()
            row.units_confirmed_by = actor.person
            ledger.record(
                actor,
                f"study/{row.code}",
                "studies.units-confirmed",
                {"signature": signature},
                rows=[row],
            )
        return row


@requires(may.DELEGATE)
def delegate(
    actor: Actor, *, study: str, login: str, role: Role, trained_at: datetime, valid_until: datetime
) -> Delegation:
    """Let a trained person act in a role on a study until a date.

    Raises:
        BadInput: training in the future, or an end before now.
    """
    now = clock.now()
    if trained_at > now:
        raise BadInput(_("The training lies in the future; enter when it was."), field="trained_at")
    if valid_until <= now:
        raise BadInput(
            _("The delegation would have ended already; enter a later end."), field="valid_until"
        )
    with db.transaction() as session:
        row = queries.study_by_code(session, study)
        account = people.account_of(session, login)
        delegation = Delegation(
            study_id=row.id,
            person_id=account.person_id,
            role=Role(role).value,
            trained_at=trained_at,
            valid_until=valid_until,
        )
        session.add(delegation)
        session.flush()
        ledger.record(actor, f"study/{row.code}", "studies.delegated", {}, rows=[delegation])
        return delegation
