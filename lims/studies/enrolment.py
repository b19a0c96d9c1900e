"""A woman joins: registered by number, identified, banded, consented, judged eligible."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from lims import labels, ledger, people
from lims.core import clock, codes, db, events, vault
from lims.core.errors import BadInput
from lims.core.mode import with_code
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.ledger import rules as entries
from lims.studies import permissions as may
from lims.studies import protocol, queries
from lims.studies.errors import ConsentMissing, Erased, NotEligible, StepOutOfOrder, Withdrawn
from lims.studies.models import (
    Consent,
    Eligibility,
    Identity,
    Subject,
    SubjectKind,
    SubjectState,
    Wristband,
)


@requires(may.REGISTER)
def register(
    actor: Actor,
    *,
    study: str,
    name: str,
    birth_date: date,
    kind: SubjectKind = SubjectKind.PARTICIPANT,
) -> Subject:
    """Give a participant, or a donor, her number; her name goes into the identity store alone.

    Raises:
        BadInput: a birth date that cannot be hers.
    """
    today = clock.now().date()
    if not birth_date.year >= 1900 or birth_date >= today:
        raise BadInput(
            _("The birth date %(date)s cannot be right; check it with her.", date=birth_date),
            field="birth_date",
        )
    with db.transaction() as session:
        row = queries.study_by_code(session, study, lock=True)
        read = queries.protocol_of(row)
        serial = queries.next_serial(session, row.id, kind)
        middle = "" if kind is SubjectKind.PARTICIPANT else "D"
        subject = Subject(
            study_id=row.id,
            number=f"{read.document['site']['subject_prefix']}-{middle}{serial:03d}",
            serial=serial,
            kind=kind,
            state=SubjectState.SCREENING,
            chain_id=_chain_id(),
            registered_at=clock.now(),
        )
        session.add(subject)
        session.flush()
        key = vault.new_key()
        session.add(
            Identity(
                subject_id=subject.id,
                wrapped_key=key,
                name=vault.seal(key, name.strip()),
                birth_date=vault.seal(key, birth_date.isoformat()),
            )
        )
        ledger.record(actor, stream(subject), "studies.registered", {}, rows=[subject])
        return subject


def _chain_id() -> str:
    # Random like a code, so that it tells nothing; it is read aloud and never scanned.
    return "COI-" + "".join(secrets.choice(codes.ALPHABET) for _each in range(8))


def stream(subject: Subject) -> str:
    """The stream of a subject."""
    return f"participant/{subject.number}"


@requires(may.SEE_IDENTITY)
def identity(actor: Actor, *, number: str, purpose: str) -> dict[str, str]:
    """Her full name and birth date, for an identity check. The look is written to her stream.

    Raises:
        Erased: her identity was.
    """
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number)
        ledger.record(actor, stream(subject), "studies.identity-seen", {"purpose": purpose})
        return open_identity(session, subject)


def open_identity(session: Session, subject: Subject) -> dict[str, str]:
    """Who she is; the caller has asked for the permission and writes the entry."""
    kept = session.get(Identity, subject.id)
    if kept is None or kept.wrapped_key is None:
        raise Erased(
            _("The identity of %(number)s was erased; it cannot be shown.", number=subject.number)
        )
    return {
        "name": vault.unseal(kept.wrapped_key, kept.name),
        "birth_date": vault.unseal(kept.wrapped_key, kept.birth_date),
    }


@requires(may.BAND)
def issue_wristband(actor: Actor, *, number: str, reason: str | None = None) -> Wristband:
    """Print a wristband under a new code; the band before is cancelled by it."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        old = queries.live_band(session, subject.id)
        rows: list[Any] = []
        if old is not None:
            if not (reason or "").strip():
                raise BadInput(
                    _(
                        "%(number)s has a wristband; say why a new one is needed, "
                        "for it cancels the old one.",
                        number=number,
                    ),
                    field="reason",
                )
            old.live = False
            session.flush()
            rows.append(old)
        band = _draw_band(session, subject, reason)
        ledger.record(
            actor, stream(subject), "studies.banded", rows=[*rows, band], reason=reason or ""
        )
        labels.request(
            actor,
            template="wristband_250x25",
            code=band.code,
            fields={
                "code": codes.grouped(band.code),
                "subject": subject.number,
                "chain_id": subject.chain_id,
            },
        )
        return band


@labels.withheld("W")
def _on_the_band(code: str) -> dict[str, str]:
    """Name and birth date of a band's wearer, for the moment in which it is drawn."""
    with db.reading() as session:
        found = queries.subject_by_band(session, code)
        kept = session.get(Identity, found[0].id) if found else None
        if found is None or kept is None or kept.wrapped_key is None:
            return {}
        known = open_identity(session, found[0])
        return {"full_name": known["name"], "birth_date": known["birth_date"]}


def _draw_band(session: Session, subject: Subject, reason: str | None) -> Wristband:
    return with_code(
        session,
        "W",
        lambda code: Wristband(
            subject_id=subject.id, code=code, live=True, issued_at=clock.now(), reason=reason
        ),
    )


@requires(may.CONSENT)
def give_consent(
    actor: Actor, *, number: str, form_version: str, covers: Sequence[str], signed_at: datetime
) -> Consent:
    """Record a signed consent.

    Raises:
        BadInput: it covers something the study does not know, or was signed in the future.
    """
    if signed_at > clock.now():
        raise BadInput(
            _("The consent cannot be signed in the future; enter when it was."), field="signed_at"
        )
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        asked = queries.protocol_of(queries.study(session, subject.study_id)).consent
        known = asked.covers if subject.kind is SubjectKind.PARTICIPANT else asked.donor_covers
        strange = [each for each in covers if each not in known]
        if strange or not covers:
            raise BadInput(
                _(
                    "The consent must name what it covers, of: %(known)s.",
                    known=", ".join(known),
                ),
                field="covers",
            )
        consent = Consent(
            subject_id=subject.id,
            form_version=form_version.strip(),
            covers=list(covers),
            signed_at=signed_at,
        )
        session.add(consent)
        session.flush()
        ledger.record(actor, stream(subject), "studies.consented", rows=[consent])
        return consent


@requires(may.CONSENT)
def withdraw_consent(actor: Actor, *, number: str, reason: str, material: str) -> Consent:
    """She withdraws: new work stops at once, and her material follows her choice (X8)."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        consent = queries.consent_in_force(session, subject.id)
        if consent is None:
            raise ConsentMissing(
                _("%(number)s has no consent in force that could be withdrawn.", number=number)
            )
        choices = queries.protocol_of(
            queries.study(session, subject.study_id)
        ).consent.withdrawal_choices
        if material not in choices:
            raise BadInput(
                _("Choose what becomes of her material: %(choices)s.", choices=", ".join(choices)),
                field="material",
            )
        consent.withdrawn_at = clock.now()
        consent.withdrawal_reason = reason
        consent.material = material
        subject.state = SubjectState.WITHDRAWN
        ledger.record(
            actor, stream(subject), "studies.withdrew", rows=[consent, subject], reason=reason
        )
        events.publish("consent.withdrawn", actor=actor, subject=subject, material=material)
        return consent


def require_consent(session: Session, subject: Subject, step: str) -> Consent:
    """The consent in force, or a refusal that names the step.

    Raises:
        Withdrawn: she has withdrawn.
        ConsentMissing: none was given.
    """
    consent = queries.consent_in_force(session, subject.id)
    if subject.state is SubjectState.WITHDRAWN:
        raise Withdrawn(
            _(
                "%(number)s has withdrawn, so %(step)s is not done. Call the investigator.",
                number=subject.number,
                step=step,
            )
        )
    if consent is None:
        raise ConsentMissing(
            _(
                "%(number)s has no consent in force, so %(step)s is not done. "
                "Record her signed consent first.",
                number=subject.number,
                step=step,
            )
        )
    return consent


@requires(may.JUDGE)
def sign_eligibility(
    actor: Actor,
    *,
    number: str,
    fields: Mapping[str, Any],
    judged: Mapping[str, bool],
    password: str,
) -> Eligibility:
    """Judge every criterion and sign; there are no waivers.

    Args:
        fields: values by field name of the study; amounts with their unit.
        judged: the criteria a clinician judges, true in favour of enrolment.

    Raises:
        ConsentMissing: she has not consented.
        NotEligible: a criterion is not met or not answered; nothing is kept.
    """
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        if subject.kind is not SubjectKind.PARTICIPANT:
            raise StepOutOfOrder(
                _("%(number)s is a donor; eligibility is a participant's.", number=number)
            )
        require_consent(session, subject, str(_("judging eligibility")))
        if subject.state not in (SubjectState.SCREENING, SubjectState.ELIGIBLE):
            raise StepOutOfOrder(
                _("%(number)s has an arm already; eligibility is signed before.", number=number)
            )
        read = queries.protocol_of(queries.study(session, subject.study_id))
        result = protocol.judge(read, fields, judged)
        if not result.eligible:
            missing = ", ".join(item.id for item in result.items if not item.met)
            raise NotEligible(
                _(
                    "%(number)s cannot be enrolled: not met or not answered are %(items)s. "
                    "There are no waivers.",
                    number=number,
                    items=missing,
                )
            )
        signature = people.signature(actor, meaning="eligibility confirmed", password=password)
        record = Eligibility(
            subject_id=subject.id,
            fields=entries.plain(dict(fields)),
            judged=entries.plain(dict(judged)),
            items=[entries.plain(item.shown()) for item in result.items],
            eligible=True,
            signed_by=actor.person,
            signed_at=clock.now(),
        )
        session.add(record)
        subject.state = SubjectState.ELIGIBLE
        subject.eligibility_signed_at = record.signed_at
        session.flush()
        ledger.record(
            actor,
            stream(subject),
            "studies.eligible",
            {"signature": signature},
            rows=[record, subject],
        )
        return record
