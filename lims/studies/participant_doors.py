"""What the doors of a participant do: consent, eligibility, arm, days and withdrawal."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies import allocation, calendar, enrolment, erasing, queries
from lims.studies import permissions as may
from lims.studies import schemas as of
from lims.studies.models import Subject, SubjectKind
from lims.studies.showing import journeys


def subject_out(row: Subject) -> dict[str, Any]:
    """A participant as answers show her: never a name."""
    return {
        "number": row.number,
        "kind": row.kind,
        "state": row.state,
        "chain_id": row.chain_id,
        "arm": row.arm,
    }


@requires(may.REGISTER)
def register(
    actor: Actor, *, study: str, name: str, birth_date: date, kind: SubjectKind
) -> dict[str, Any]:
    """Register a participant or donor."""
    return subject_out(
        enrolment.register(actor, study=study, name=name, birth_date=birth_date, kind=kind)
    )


@requires(may.BAND)
def band(actor: Actor, *, number: str, reason: str = "") -> dict[str, Any]:
    """Print her wristband."""
    issued = enrolment.issue_wristband(actor, number=number, reason=reason or None)
    return {"number": number, "band": issued.code}


@requires(may.CONSENT)
def consent(
    actor: Actor, *, number: str, form_version: str, signed_at: datetime, **covers: bool
) -> dict[str, Any]:
    """Record her signed consent; what it covers comes as yes or no for each thing."""
    given = enrolment.give_consent(
        actor,
        number=number,
        form_version=form_version,
        signed_at=signed_at,
        covers=[name for name, covered in covers.items() if covered],
    )
    return {"number": number, "covers": list(given.covers), "signed_at": given.signed_at}


@requires(may.CONSENT)
def withdraw(actor: Actor, *, number: str, material: str, reason: str) -> dict[str, Any]:
    """She withdraws."""
    ended = enrolment.withdraw_consent(actor, number=number, reason=reason, material=material)
    return {"number": number, "at": ended.withdrawn_at}


@requires(may.ERASE)
def erase(actor: Actor, *, number: str, reason: str, password: str) -> dict[str, Any]:
    """Erase who she is."""
    erasing.erase(actor, number=number, reason=reason, password=password)
    return {"number": number, "at": clock.now()}


@requires(may.JUDGE)
def eligibility(actor: Actor, *, number: str, password: str, **answers: Any) -> dict[str, Any]:
    """Judge and sign every criterion; the answers come flat, as the study calls them."""
    read, _kind = of.protocol_of(number)
    signed = {each.id for each in of.judged(read)}
    values: dict[str, Any] = {}
    for name, field in read.fields.items():
        value = answers.get(name)
        if answers.get(of.never(name)):
            if value is not None:
                raise BadInput(
                    _("%(name)s has a date and says never; keep one of them.", name=field.title),
                    field=name,
                )
            value = "never"
        if value is not None:
            values[name] = _kept(value)
    record = enrolment.sign_eligibility(
        actor,
        number=number,
        fields=values,
        judged={name: answers[name] for name in answers if name in signed},
        password=password,
    )
    return {"number": number, "eligible": record.eligible, "at": record.signed_at}


def _kept(value: Any) -> Any:
    """A value as it stands in her record: amounts with their unit, days as text."""
    if isinstance(value, Quantity | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


@requires(may.ALLOCATE)
def allocate(actor: Actor, *, number: str, arm: str = "", ground: str = "") -> dict[str, Any]:
    """Reveal or assign her arm."""
    return subject_out(allocation.allocate(actor, number=number, arm=arm, ground=ground))


def _zone(number: str) -> str:
    read, _kind = of.protocol_of(number)
    return str(read.document["site"]["time_zone"])


@requires(may.PLAN)
def plan_transfer(actor: Actor, *, number: str, planned_at: datetime) -> dict[str, Any]:
    """Plan the embryo transfer, in the time zone of the trial's site."""
    plan = calendar.plan_transfer(actor, number=number, planned_at=planned_at, zone=_zone(number))
    return {"number": number, "at": plan.planned_at}


@requires(may.PLAN)
def confirm_transfer(actor: Actor, *, number: str) -> dict[str, Any]:
    """Confirm that the plan stands."""
    plan = calendar.confirm_transfer(actor, number=number)
    return {"number": number, "at": plan.confirmed_at}


@requires(may.PLAN)
def record_transfer(actor: Actor, *, number: str, done_at: datetime) -> dict[str, Any]:
    """The transfer was done."""
    plan = calendar.record_transfer(actor, number=number, done_at=done_at)
    return {"number": number, "at": plan.done_at}


@requires(may.PLAN)
def cycle_day_one(actor: Actor, *, number: str, day: date, source: str) -> dict[str, Any]:
    """Record the first day of the cycle."""
    row = calendar.record_cycle_day_one(
        actor, number=number, day=day, source=source, zone=_zone(number)
    )
    return {"number": number, "day": row.day, "source": row.source}


@requires(may.OVERRIDE)
def override(
    actor: Actor, *, number: str, check_id: str, deviation: str, password: str
) -> dict[str, Any]:
    """Sign leave to differ from a window."""
    row = calendar.override_window(
        actor, number=number, check_id=check_id, deviation=deviation, password=password
    )
    return {"number": number, "check_id": row.check_id, "at": row.signed_at}


@requires(may.OVERRIDE)
def second(actor: Actor, *, number: str, check_id: str, password: str) -> dict[str, Any]:
    """Second it."""
    row = calendar.second_override(actor, number=number, check_id=check_id, password=password)
    return {"number": number, "check_id": row.check_id, "at": row.seconded_at}


@requires(may.READ)
def one_participant(actor: Actor, *, number: str) -> dict[str, Any]:
    """Where a participant stands: never who she is."""
    with db.reading() as session:
        subject = queries.subject_by_number(session, number)
        study = queries.study(session, subject.study_id)
        given = queries.consent_in_force(session, subject.id)
        live = queries.live_band(session, subject.id)
        plan = queries.transfer_plan(session, subject.id)
        cycle = queries.cycle_day_one(session, subject.id)
        return {
            **subject_out(subject),
            "study": study.code,
            "consent": {"covers": given.covers, "signed_at": given.signed_at} if given else None,
            "eligibility_signed_at": subject.eligibility_signed_at,
            "band": live.code if live else None,
            "transfer_planned_at": plan.planned_at if plan else None,
            "cycle_day_one": cycle.day if cycle else None,
            "journey": [each.shown() for each in journeys(session, study, [subject])[subject.id]],
        }


@requires(may.READ)
def list_participants(
    actor: Actor, *, study: str, after: str = "", limit: int = 100
) -> dict[str, Any]:
    """The people of a study by number, a page at a time; `next` is the `after` of the next page."""
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        people = [each for each in queries.subjects(session, row.id) if each.number > after]
        shown = [subject_out(each) for each in people[:limit]]
        return {"participants": shown, "next": shown[-1]["number"] if people[limit:] else None}


def about(actor: Actor, *, number: str) -> Sequence[tuple[Any, Any]]:
    """Whom it is about, by number."""
    with db.reading() as session:
        subject = queries.subject_by_number(session, number)
        study = queries.study(session, subject.study_id)
        given = queries.consent_in_force(session, subject.id)
        return [
            (_("Number"), subject.number),
            (_("Chain of identity"), subject.chain_id),
            (_("Study"), study.code),
            (_("State"), of.STATE_NAMES[subject.state]),
            (_("Arm"), subject.arm or _("none yet")),
            (_("Consent"), _("in force") if given else _("none in force")),
        ]
