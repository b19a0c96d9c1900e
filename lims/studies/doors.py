"""The doors of studies: every act on a trial and on a participant, by hand or by program."""

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, Role, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies import allocation, calendar, enrolment, erasing, protocol, queries, trials
from lims.studies import permissions as may
from lims.studies import schemas as of
from lims.studies.models import Study, Subject, SubjectKind, SubjectState
from lims.studies.showing import enrolment as enrolled
from lims.studies.showing import journeys
from lims.web.doors import Doors

IN = SubjectState
_HERE = (IN.SCREENING, IN.ELIGIBLE, IN.ALLOCATED)


def study_out(row: Study) -> dict[str, Any]:
    """A study as its answers show it."""
    return {
        "code": row.code,
        "title": row.title,
        "digest": row.digest,
        "units_confirmed": row.units_confirmed_at is not None,
    }


def subject_out(row: Subject) -> dict[str, Any]:
    """A participant as answers show her: never a name."""
    return {
        "number": row.number,
        "kind": row.kind,
        "state": row.state,
        "chain_id": row.chain_id,
        "arm": row.arm,
    }


def _site_text() -> str:
    path = os.environ.get("LIMS_SITE_FILE")
    return protocol.read_file(Path(path)) if path else protocol.demonstration_site_text()


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(
            _("%(name)s is no text in UTF-8; save it again as plain text.", name=name)
        ) from None


@requires(may.LOAD)
def load(
    actor: Actor, *, document: tuple[str, bytes], site_document: tuple[str, bytes] | None = None
) -> dict[str, Any]:
    """Pin a study file; without a file of defaults, with the site's own."""
    site = _text(*site_document) if site_document else _site_text()
    return study_out(trials.load(actor, document=_text(*document), site_document=site))


@requires(may.CONFIRM_UNITS)
def confirm_units(actor: Actor, *, study: str, password: str) -> dict[str, Any]:
    """The sponsor signs that the registered units are meant as written."""
    return study_out(trials.confirm_units(actor, study=study, password=password))


@requires(may.DELEGATE)
def delegate(
    actor: Actor, *, study: str, login: str, role: str, trained_at: datetime, valid_until: datetime
) -> dict[str, Any]:
    """Delegate a trained person."""
    trials.delegate(
        actor,
        study=study,
        login=login,
        role=Role(role),
        trained_at=trained_at,
        valid_until=valid_until,
    )
    return {"study": study, "login": login, "role": role, "valid_until": valid_until}


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


@requires(may.IMPORT_LIST)
def import_list(actor: Actor, *, study: str, content: tuple[str, bytes]) -> dict[str, Any]:
    """Seal a randomisation list."""
    return study_out(allocation.import_list(actor, study=study, content=_text(*content)))


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


# What is asked


@requires(may.READ)
def list_studies(actor: Actor) -> dict[str, Any]:
    """Every study in force."""
    with db.reading() as session:
        return {"studies": [study_out(each) for each in queries.studies(session)], "next": None}


@requires(may.READ)
def one_study(actor: Actor, *, study: str) -> dict[str, Any]:
    """A study: its arms, how many each has and should have."""
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        people = queries.subjects(session, row.id, SubjectKind.PARTICIPANT)
        return {**study_out(row), "arms": enrolled(row, people)}


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


# What stands beside the forms


def about_study(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The study and whether its units are confirmed."""
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        confirmed = _("confirmed") if row.units_confirmed_at else _("not confirmed yet")
        return [
            (_("Study"), row.code),
            (_("Title"), queries.protocol_of(row).public_title),
            (_("Units of the dose"), confirmed),
        ]


def about_units(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The figures that the sponsor confirms, arm by arm."""
    with db.reading() as session:
        read = queries.protocol_of(queries.study_by_code(session, study))
    rows: list[tuple[Any, Any]] = list(about_study(actor, study=study))
    for arm in read.arms.values():
        if arm.dose is not None:
            strength = f", {arm.dose.concentration}" if arm.dose.concentration else ""
            rows.append((arm.code, f"{arm.dose.volume_nominal}{strength}"))
    return rows


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


def about_list(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The arms that the list may name."""
    with db.reading() as session:
        read = queries.protocol_of(queries.study_by_code(session, study))
    return [
        *about_study(actor, study=study),
        (_("Arms"), ", ".join(read.arms)),
        (_("Block size"), read.allocation.block_size or _("none")),
    ]


def _to_study(answer: Mapping[str, Any]) -> str:
    return f"/studies/{answer.get('code') or answer['study']}"


def _to_her(answer: Mapping[str, Any]) -> str:
    return f"/participants/{answer['number']}"


doors = Doors("studies")
doors.act(
    "/study-files",
    load,
    takes=of.LoadIn,
    gives=of.StudyOut,
    name="load",
    title=_("Load a study file"),
    intro=_("The file is checked, then pinned: it cannot be changed afterwards."),
    after=_to_study,
)
doors.act(
    "/studies/<study>/units-confirmation",
    confirm_units,
    takes=of.SignIn,
    gives=of.StudyOut,
    name="confirm-units",
    title=_("Confirm the units of the dose"),
    intro=_("You sign that the registered figures are meant as written."),
    on="study",
    about=about_units,
    after=_to_study,
    order=40,
)
doors.act(
    "/studies/<study>/delegations",
    delegate,
    takes=of.DelegateIn,
    name="delegate",
    title=_("Delegate a person"),
    on="study",
    about=about_study,
    after=_to_study,
    order=50,
)
doors.act(
    "/studies/<study>/participants",
    register,
    takes=of.RegisterIn,
    gives=of.SubjectOut,
    name="register",
    title=_("Register a participant or donor"),
    intro=_("She gets a number. From here on everything goes by the number."),
    on="study",
    about=about_study,
    after=_to_her,
    said=lambda answer: _("Registered: %(number)s", number=answer["number"]),
    order=10,
)
doors.act(
    "/studies/<study>/allocation-list",
    import_list,
    takes=of.ListIn,
    gives=of.StudyOut,
    name="import-list",
    title=_("Import the randomisation list"),
    on="study",
    about=about_list,
    after=_to_study,
    order=30,
)
doors.act(
    "/participants/<number>/consents",
    consent,
    takes=of.consent_in,
    name="consent",
    title=_("Record her consent"),
    intro=_("Enter the signed form. Tick only what she signed for."),
    on="participant",
    when=_HERE,
    about=about,
    after=_to_her,
    order=10,
)
doors.act(
    "/participants/<number>/wristband",
    band,
    takes=of.BandIn,
    gives=of.BandOut,
    name="band",
    title=_("Print a wristband"),
    intro=_("Ask her name and birth date before you put it on."),
    on="participant",
    when=_HERE,
    about=about,
    after=_to_her,
    order=40,
)
doors.act(
    "/participants/<number>/eligibility",
    eligibility,
    takes=of.eligibility_in,
    name="eligibility",
    title=_("Judge and sign eligibility"),
    intro=_("Every criterion must be met. There are no waivers."),
    on="participant",
    when=(IN.SCREENING,),
    about=about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/allocation",
    allocate,
    takes=of.allocation_in,
    gives=of.SubjectOut,
    name="allocate",
    title=_("Give her an arm"),
    intro=_("An arm is given once and cannot be changed."),
    on="participant",
    when=(IN.ELIGIBLE,),
    about=about,
    after=_to_her,
    said=lambda answer: _(
        "%(number)s is in the arm %(arm)s", number=answer["number"], arm=answer["arm"]
    ),
    order=20,
)
doors.act(
    "/participants/<number>/transfer-plan",
    plan_transfer,
    takes=of.PlanIn,
    gives=of.NumberOut,
    name="plan-transfer",
    title=_("Plan the embryo transfer"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/transfer-plan/confirmation",
    confirm_transfer,
    gives=of.NumberOut,
    name="confirm-transfer",
    title=_("Confirm the planned transfer"),
    intro=_("The bedside asks that it was confirmed today."),
    on="participant",
    when=(IN.ALLOCATED,),
    about=about,
    after=_to_her,
    order=22,
)
doors.act(
    "/participants/<number>/transfer",
    record_transfer,
    takes=of.TransferIn,
    gives=of.NumberOut,
    name="record-transfer",
    title=_("Record the embryo transfer"),
    on="participant",
    when=(IN.ALLOCATED, IN.COMPLETED),
    about=about,
    after=_to_her,
    order=24,
)
doors.act(
    "/participants/<number>/cycle-day-one",
    cycle_day_one,
    takes=of.CycleIn,
    name="cycle-day-one",
    title=_("Record the first day of her cycle"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/window-overrides",
    override,
    takes=of.OverrideIn,
    name="override",
    title=_("Allow a deviation from a time window"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=about,
    after=_to_her,
    order=80,
)
doors.act(
    "/participants/<number>/window-overrides/second",
    second,
    takes=of.SecondIn,
    name="second-override",
    title=_("Second a deviation"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=about,
    after=_to_her,
    order=81,
)
doors.act(
    "/participants/<number>/withdrawal",
    withdraw,
    takes=of.withdrawal_in,
    gives=of.NumberOut,
    name="withdraw",
    title=_("Record her withdrawal"),
    intro=_("All work for her stops at once."),
    on="participant",
    when=_HERE,
    about=about,
    after=_to_her,
    order=95,
)
doors.act(
    "/participants/<number>/erasure",
    erase,
    takes=of.EraseIn,
    gives=of.NumberOut,
    name="erase",
    title=_("Erase who she is"),
    intro=_("Her name and birth date are destroyed for good. Her number and the trail stay."),
    on="participant",
    when=(IN.SCREENING, IN.COMPLETED, IN.WITHDRAWN),
    about=about,
    after=_to_her,
    order=98,
)
doors.read("/studies", list_studies, name="studies", title=_("Studies"))
doors.read("/studies/<study>", one_study, name="study", title=_("A study"))
doors.read(
    "/studies/<study>/participants",
    list_participants,
    takes=of.PageIn,
    gives=of.ParticipantsOut,
    name="participants",
    title=_("The people of a study"),
)
doors.read("/participants/<number>", one_participant, name="participant", title=_("A participant"))
doors.read(
    "/participants/<number>/identity",
    enrolment.identity,
    takes=of.PurposeIn,
    name="identity",
    title=_("Who a participant is, for an identity check; the look is written down"),
)
