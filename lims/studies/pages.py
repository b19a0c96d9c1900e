"""The pages of studies: all trials, one trial, one participant, and who she is.

Only the identity page shows a name, to roles that may, after a purpose was chosen; each look is
written to her stream, and nothing of it is kept in the answers of acts.
"""

from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from lims import people
from lims.core import clock, db, permissions
from lims.core.permissions import PEOPLE, Actor
from lims.core.words import Text as _
from lims.studies import enrolment, queries, schemas, showing
from lims.studies import permissions as may
from lims.studies.models import Subject, SubjectKind
from lims.studies.protocol import MATERIAL_NAMES, WindowKind
from lims.web import auth, errors, forms, nav
from lims.web.doors import ACTS, acts_for
from lims.web.steps import Act

blueprint = Blueprint(
    "studies",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/studies",
)
nav.add(_("Studies"), "/studies", PEOPLE, order=20)
# A transfer is recorded from the day before its plan on.
_SOON = timedelta(days=1)
# What is done for a donor as well as for a participant; `donor` acts are hers alone.
_FOR_BOTH = frozenset({"consent", "band", "withdraw", "blood"})


@blueprint.get("/studies")
def all_studies() -> ResponseReturnValue:
    """Every trial in force."""
    actor = _reader()
    with db.reading() as session:
        rows = []
        for each in queries.studies(session):
            people_in = queries.subjects(session, each.id, SubjectKind.PARTICIPANT)
            read = queries.protocol_of(each)
            rows.append((each.code, read.public_title, len(people_in), read.allocation.target))
    load = ACTS["studies", "load"]
    return render_template(
        "studies/list.html",
        title=_("Studies"),
        rows=rows,
        load=load if load.allowed(actor) else None,
    )


@blueprint.get("/studies/<study>")
def one_study(study: str) -> ResponseReturnValue:
    """Enrolment against plan, and where each participant stands."""
    actor = _reader()
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        read = queries.protocol_of(row)
        subjects = queries.subjects(session, row.id)
        walked = showing.journeys(session, row, subjects)
        by_kind = {kind: [each for each in subjects if each.kind is kind] for kind in SubjectKind}
        participants = by_kind[SubjectKind.PARTICIPANT]
        confirmed_by = (
            people.name_of(session, row.units_confirmed_by) if row.units_confirmed_by else ""
        )
        return render_template(
            "studies/study.html",
            title=row.code,
            study=row,
            read=read,
            confirmed_by=confirmed_by,
            enrolled=showing.enrolment(row, participants),
            participants=participants,
            donors=by_kind[SubjectKind.DONOR],
            walked=walked,
            states=schemas.STATE_NAMES,
            acts=[
                each
                for each in acts_for("study", None, actor)
                if not (each.name == "confirm-units" and row.units_confirmed_at)
                and not (each.name == "import-list" and not read.allocation.randomised)
            ],
        )


@blueprint.get("/participants/<number>")
def participant(number: str) -> ResponseReturnValue:
    """One participant by number: where she stands and what comes next."""
    actor = _reader()
    with db.reading() as session:
        subject = queries.subject_by_number(session, number)
        study = queries.study(session, subject.study_id)
        read = queries.protocol_of(study)
        judged = queries.eligibility(session, subject.id)
        consent = queries.consent_in_force(session, subject.id)
        return render_template(
            "studies/participant.html",
            title=subject.number,
            subject=subject,
            study=study,
            arm=read.arms.get(subject.arm or ""),
            state=schemas.STATE_NAMES[subject.state],
            kind=schemas.KIND_NAMES[subject.kind],
            consents=queries.consents(session, subject.id),
            covers={**schemas.COVER_NAMES, **MATERIAL_NAMES},
            consent=consent,
            judged=judged,
            judged_by=people.name_of(session, judged.signed_by) if judged else "",
            band=queries.live_band(session, subject.id),
            plan=queries.transfer_plan(session, subject.id),
            cycle=queries.cycle_day_one(session, subject.id),
            journey=showing.journeys(session, study, [subject])[subject.id],
            tables=showing.parts_of(session, subject),
            acts=next_acts(session, subject, actor),
            may_identify=permissions.allowed(actor, may.SEE_IDENTITY),
        )


@blueprint.route("/participants/<number>/identity", methods=["GET", "POST"])
def identity(number: str) -> ResponseReturnValue:
    """Who she is, for an identity check: asked for with a purpose, and written down."""
    actor = auth.current_actor()
    permissions.ask(actor, may.SEE_IDENTITY)
    with db.reading() as session:
        number = queries.subject_by_number(session, number).number
    schema = schemas.PurposeIn()
    shown: dict[str, str] | None = None
    refusal, faults = None, {}
    if request.method == "POST":
        try:
            asked: Any = schema.load(forms.raw(schema, request.form, request.files))
            shown = enrolment.identity(actor, number=number, purpose=asked["purpose"])
        except ValidationError as invalid:
            refusal, faults = errors.of_validation(invalid), errors.faults_of(invalid)
    answer = render_template(
        "studies/identity.html",
        title=_("Who is %(number)s?", number=number),
        number=number,
        shown=shown,
        refusal=refusal,
        controls=forms.controls(
            schema, current_app.config["TIME_ZONE"], held=request.form, faults=faults
        ),
    )
    return answer, 422 if refusal else 200


def _reader() -> Actor:
    actor = auth.current_actor()
    permissions.ask(actor, may.READ)
    return actor


def next_acts(session: db.Session, subject: Subject, actor: Actor) -> list[Act]:
    """What this person may do next for her: only what her study, arm and record leave open."""
    offered = acts_for("participant", subject.state.value, actor)
    if subject.kind is SubjectKind.DONOR:
        hers = acts_for("donor", subject.state.value, actor)
        offered = [*(each for each in offered if each.name in _FOR_BOTH), *hers]
    consented = queries.consent_in_force(session, subject.id) is not None
    plan = queries.transfer_plan(session, subject.id)
    planned = plan is not None and not plan.done_at and not plan.cancelled_at
    now = clock.now()
    read = queries.protocol_of(queries.study(session, subject.study_id))
    arm = read.arms.get(subject.arm or "")
    window = read.window(arm) if arm else None
    # A control of a study with transfers has a transfer as well, for her outcomes.
    transfers = any(each.kind is WindowKind.BEFORE_TRANSFER for each in read.windows.values())
    open_now = {
        "withdraw": consented,
        "eligibility": consented,
        "allocate": consented,
        "band": consented,
        "blood": consented,
        "cord": consented,
        "plan-transfer": transfers,
        "confirm-transfer": transfers and planned,
        "record-transfer": planned and plan is not None and plan.planned_at - now < _SOON,
        "cycle-day-one": window is not None and window.kind is WindowKind.CYCLE_DAY,
        "override": window is not None,
        "second-override": window is not None
        and queries.unseconded(session, subject.id, actor.person) is not None,
    }
    left = [each for each in offered if open_now.get(each.name, True)]
    # What is on record is rarely recorded again; it stands behind the next step.
    again = {"consent": consented, "plan-transfer": planned}
    return sorted(left, key=lambda each: 85 if again.get(each.name) else each.order)
