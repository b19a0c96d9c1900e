"""The bedside, as pages: three steps, one answer, no way round it.

What a step leaves for the next stands in the signed cookie of this browser: the band as scanned,
her number, who works, when it began. Opening any other page, another person, or more than fifteen
minutes end it, and the first step begins anew. Her name is shown once, in the answer to the scan of
her own band, and kept nowhere.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError

from lims import custody, people, studies
from lims.core import clock, codes, db, gate, permissions
from lims.core.errors import Conflict, DomainError
from lims.core.gate import Result, Verdict
from lims.core.permissions import Actor
from lims.core.units import ml
from lims.core.words import Text as _
from lims.custody import Item, ItemKind
from lims.dosing import bedside, doors, papers, queries, recognising, schemas
from lims.dosing import permissions as may
from lims.dosing.models import BedsideCheck, CheckState
from lims.studies.protocol import ProductKind
from lims.web import auth, errors, forms, nav, verdicts

blueprint = Blueprint("bedside", __name__, template_folder="templates")
blueprint.register_blueprint(papers.blueprint)
nav.add(_("Bedside"), "/bedside", may.GIVES, order=10)
HOLDS = timedelta(minutes=15)
# Entered with the dose itself, so they are open while it still may be given.
_WITH_THE_DOSE = frozenset({"B23", "B31", "B32"})
_KEPT = "bedside"
# What a page of the bed itself asks for, and its browser by itself: whether the service worker has
# changed. Nobody leaves the bed by it.
_NO_PAGES = ("static", "signing.language", "scanning.words", "station.bench.outage.worker")


class StartAgain(Conflict):
    """The check was left, or took too long."""

    code = "start_again"


@blueprint.before_app_request
def _interrupted() -> None:
    """Whoever opens another page has left the bed: nothing of the check is kept (H32)."""
    here = request.blueprint == blueprint.name or request.endpoint in _NO_PAGES
    if not here and _KEPT in session and request.endpoint is not None:
        session.pop(_KEPT)


@blueprint.get("/bedside")
def start() -> ResponseReturnValue:
    """Step 1; whatever was begun before is gone."""
    _actor()
    session.pop(_KEPT, None)
    return _step("band", schemas.BandIn(), "/bedside", 1)


@blueprint.post("/bedside")
def band() -> ResponseReturnValue:
    """The band on the arm was scanned: show what she should say."""
    actor = _actor()
    session.pop(_KEPT, None)
    schema = schemas.BandIn()
    try:
        scanned = schema.load(forms.raw(schema, request.form, {}))["band"]
        found = recognising.recognise(actor, band=scanned)
    except Exception as failure:
        return _refused("band", schema, "/bedside", 1, failure)
    if found.stop is not None:
        return _stopped(found.stop)
    kept = {
        "step": uuid4().hex,
        "band": found.band,
        "number": found.number,
        "person": str(actor.person),
        "at": clock.text(clock.now()),
    }
    session[_KEPT] = kept
    born = date.fromisoformat(found.identity["birth_date"])
    return _step(
        "spoken",
        schemas.SpokenIn(),
        "/bedside/spoken",
        1,
        kept=kept,
        name=found.identity["name"],
        born=born,
    )


@blueprint.post("/bedside/spoken")
def spoken() -> ResponseReturnValue:
    """What she said was compared."""
    _actor()
    kept = _kept()
    schema = schemas.SpokenIn()
    try:
        said = schema.load(forms.raw(schema, request.form, {}))
        _of_this_visit(kept, said.pop("step"))
    except Exception as failure:
        session.pop(_KEPT, None)
        return _refused("band", schemas.BandIn(), "/bedside", 1, failure)
    if not all(said.values()):
        session.pop(_KEPT, None)
        return _stopped(
            gate.stopped(
                _("participant %(code)s", code=kept["number"]),
                _("the name or birth date she says is not that of the record"),
                _("Do not give. Call the investigator."),
                _("investigator"),
            )
        )
    kept |= {"step": uuid4().hex, "spoken": True}
    session[_KEPT] = kept
    return _step("dose", schemas.DoseIn(), "/bedside/dose", 2, kept=kept)


@blueprint.post("/bedside/dose")
def dose() -> ResponseReturnValue:
    """The dose was scanned: stop at once where it cannot be hers, else say what to look at."""
    actor = _actor()
    kept = _kept("spoken")
    schema = schemas.DoseIn()
    try:
        entered = schema.load(forms.raw(schema, request.form, {}))
        _of_this_visit(kept, entered["step"])
        scanned = codes.fold(entered["dose"])
        answer = bedside.ask(actor, dose=scanned, participant=kept["number"], band=kept["band"])
    except StartAgain as gone:
        return _lost(gone)
    except Exception as failure:
        return _refused("dose", schema, "/bedside/dose", 2, failure, kept=kept)
    kept |= {"step": uuid4().hex, "dose": scanned}
    kept["asks"] = [each for each in ("B03", "B12") if each in answer.ids(Result.PENDING)]
    session[_KEPT] = kept
    if answer.verdict is Verdict.STOP:
        return _checked(actor, kept, {})
    return _step("look", _look(kept), "/bedside/look", 2, kept=kept, **_seen_of(scanned))


@blueprint.post("/bedside/look")
def look() -> ResponseReturnValue:
    """Everything was looked at: ask the gate, and keep its answer."""
    actor = _actor()
    kept = _kept("dose")
    schema = _look(kept)
    try:
        sent = forms.raw(schema, request.form, {})
        schema.load(sent)
        _of_this_visit(kept, str(sent.pop("step")))
        return _checked(actor, kept, sent)
    except StartAgain as gone:
        return _lost(gone)
    except Exception as failure:
        return _refused(
            "look", schema, "/bedside/look", 2, failure, kept=kept, **_seen_of(kept["dose"])
        )


@blueprint.get("/bedside/spoken")
@blueprint.get("/bedside/dose")
@blueprint.get("/bedside/look")
def again() -> ResponseReturnValue:
    """A step cannot be opened by its address."""
    return redirect("/bedside", 303)


@blueprint.get("/bedside/<uuid:check_id>")
def verdict(check_id: UUID) -> ResponseReturnValue:
    """The answer, and what comes next."""
    actor = _actor()
    try:
        kept = _kept("check")
    except StartAgain:
        return redirect("/bedside", 303)
    if kept["check"] != str(check_id):
        session.pop(_KEPT)
        return redirect("/bedside", 303)
    return _answered(actor, kept, check_id)


@blueprint.post("/bedside/<uuid:check_id>/witness")
def witness(check_id: UUID) -> ResponseReturnValue:
    """The second person, by her own name and password; the giver stays signed in."""
    actor = _actor()
    try:
        kept = _of_check(check_id)
        second = schemas.SecondIn()
        sent = dict(request.form)
        ours: dict[str, str] = {name: sent.pop(name) for name in ("step", "login") if name in sent}
        named = second.load(forms.raw(second, ours, {}))
        _of_this_visit(kept, named["step"])
        raw = forms.raw(schemas.WitnessIn(), sent, {})
        schemas.WitnessIn().load(raw)
        joins = people.actor_by_password(
            named["login"],
            raw["password"],
            auth.station(),
            address=request.remote_addr or "",
        )
        doors.witness.perform(joins, sent.get("_key"), {"check_id": check_id}, raw)
    except StartAgain as gone:
        return _lost(gone)
    except Exception as failure:
        return _answered(actor, kept, check_id, failure=failure, form="witness")
    return redirect(f"/bedside/{check_id}", 303)


@blueprint.post("/bedside/<uuid:check_id>/given")
def given(check_id: UUID) -> ResponseReturnValue:
    """The dose was given."""
    return _ended(check_id, "given")


@blueprint.post("/bedside/<uuid:check_id>/not-given")
def not_given(check_id: UUID) -> ResponseReturnValue:
    """The dose was not given."""
    return _ended(check_id, "not-given")


def _ended(check_id: UUID, form: str) -> ResponseReturnValue:
    actor = _actor()
    act = doors.given if form == "given" else doors.not_given
    try:
        kept = _of_check(check_id)
        sent = dict(request.form)
        _of_this_visit(kept, sent.pop("step", ""))
        key = sent.get("_key")
        act.perform(actor, key, {"check_id": check_id}, forms.raw(act.schema({}), sent, {}))
    except StartAgain as gone:
        return _lost(gone)
    except Exception as failure:
        return _answered(actor, kept, check_id, failure=failure, form=form)
    return redirect(f"/bedside/{check_id}", 303)


@blueprint.errorhandler(StartAgain)
def _lost_anywhere(gone: StartAgain) -> Response:
    return _lost(gone)


def _actor() -> Actor:
    actor = auth.current_actor()
    permissions.ask(actor, may.CHECK)
    return actor


def _kept(*names: str) -> dict[str, Any]:
    """What the steps before left, unless it was interrupted.

    Raises:
        StartAgain: nothing was kept, somebody else works here now, or it is too old.
    """
    kept = session.get(_KEPT)
    actor = auth.current_actor()
    if (
        kept is None
        or any(name not in kept for name in names)
        or kept["person"] != str(actor.person)
        or not timedelta(0) <= clock.now() - clock.parse(kept["at"]) <= HOLDS
    ):
        session.pop(_KEPT, None)
        raise StartAgain(
            _("This check was interrupted or is more than 15 minutes old."),
            do_now=_("Start again at step 1: scan the band on the arm."),
        )
    return dict(kept)


def _of_this_visit(kept: Mapping[str, Any], step: str) -> None:
    """Refuse a form of an earlier visit, left open in another window (H31, H32).

    Raises:
        StartAgain: it is one.
    """
    if step != kept["step"]:
        session.pop(_KEPT, None)
        raise StartAgain(
            _("This form belongs to an earlier check."),
            do_now=_("Start again at step 1: scan the band on the arm."),
        )


def _of_check(check_id: UUID) -> dict[str, Any]:
    kept = _kept("check")
    if kept["check"] != str(check_id):
        raise StartAgain(
            _("This form belongs to an earlier check."),
            do_now=_("Start again at step 1: scan the band on the arm."),
        )
    return kept


def _look(kept: Mapping[str, Any]) -> Schema:
    with db.reading() as read:
        subject = studies.subject_by_number(read, kept["number"])
        protocol = studies.protocol_of(studies.study(read, subject.study_id))
        item = custody.find(read, kept["dose"], kinds=[ItemKind.DOSE])
    arms = [each for each in protocol.arms.values() if each.dose is not None]
    return schemas.looked_at(
        devices=[each.device for each in arms if each.device],
        routes={each.route: each.route_title for each in arms if each.route},
        other_trial="B03" in kept["asks"],
        precautions="B12" in kept["asks"],
        thawed=item.product != ProductKind.PRP.value,
    )


def _seen_of(scanned: str) -> dict[str, Any]:
    """What the label must say."""
    with db.reading() as read:
        item: Item = custody.find(read, scanned, kinds=[ItemKind.DOSE])
        assignment = queries.assignment_of(read, item.id)
        meant = studies.subject(read, assignment.subject_id).number if assignment else "-"
        lot = next((each for each, _edge in custody.parents(read, item.id)), None)
        return {
            "dose": item.code,
            "on_label": [
                (_("Participant"), meant),
                (_("Dose"), codes.grouped(item.code)),
                (_("Lot"), lot.name if lot else "-"),
                (_("Volume"), str(ml(item.volume_ul or 0))),
                (_("Use before"), item.expires_at),
            ],
        }


def _checked(actor: Actor, kept: dict[str, Any], seen: Mapping[str, Any]) -> ResponseReturnValue:
    done = doors.check.perform(
        actor,
        request.form.get("_key"),
        {},
        {
            "dose": kept["dose"],
            "participant": kept["number"],
            "band": kept["band"],
            "name_agrees": True,
            "birth_date_agrees": True,
            **seen,
        },
    )
    session[_KEPT] = kept | {"step": uuid4().hex, "check": str(done.answer["id"])}
    return redirect(f"/bedside/{done.answer['id']}", 303)


def _phase(check: BedsideCheck, answer: gate.Answer) -> str:
    """Where the page stands: stopped, unfinished, second person, again, ready, ended."""
    if check.state is not CheckState.OPEN:
        return "ended"
    stopped = answer.ids(Result.STOPPED)
    if stopped == ["B29"] and check.valid_until and check.figures_right is False:
        return "again" if check.wrong_figures < 2 else "stopped"
    if stopped or check.valid_until is None:
        return "stopped"
    pending = set(answer.ids(Result.PENDING)) - _WITH_THE_DOSE
    if pending - {"B29"}:
        return "unfinished"
    return "second" if "B29" in pending else "ready"


def _answered(
    actor: Actor,
    kept: Mapping[str, Any],
    check_id: UUID,
    *,
    failure: Exception | None = None,
    form: str = "",
) -> Response:
    check, answer = bedside.verdict_of(actor, check_id)
    refusal = errors.translated(failure) if failure else None
    if failure is not None and refusal is None:
        raise failure
    if isinstance(refusal, gate.GateStopped) and refusal.answer.verdict is Verdict.STOP:
        answer = refusal.answer
    phase = _phase(check, answer)
    faults = errors.faults_of(failure) if isinstance(failure, ValidationError) else {}
    if refusal is not None and refusal.field and not faults:
        faults = {refusal.field: [str(refusal.what)]}
    held = request.form if failure else {}

    def inputs(name: str, schema: Schema) -> list[forms.Control]:
        mine = name == form
        return forms.controls(
            schema,
            current_app.config["TIME_ZONE"],
            held=held if mine else {},
            faults=faults if mine else {},
        )

    warned = isinstance(refusal, gate.GateStopped) or answer.verdict is Verdict.ASK
    left_out = [*schemas.SeenIn().fields, *(() if warned else ("reason",))]
    with db.reading() as read:
        second = people.name_of(read, check.witness_id) if check.witness_id else ""
    drawn = render_template(
        "dosing/verdict.html",
        title=_("Bedside"),
        phase=phase,
        check=check,
        answer=answer,
        head=answer.first(Result.STOPPED)
        or (answer.first(Result.PENDING) if phase == "unfinished" else None)
        or answer.first(Result.WARNED),
        step=kept["step"],
        key=uuid4().hex,
        panel=verdicts.of_error(refusal) if refusal and phase != "stopped" else None,
        giver=actor.name,
        second=second,
        witness_form=inputs("witness", schemas.SecondIn(exclude=["step"]))
        + inputs("witness", schemas.WitnessIn()),
        given_form=inputs(
            "given",
            schemas.GivenIn(exclude=left_out),
        ),
        not_given_form=inputs("not-given", schemas.NotGivenIn()),
        seconds=_left(kept),
    )
    status = errors.status_of(refusal) if refusal else 200
    return Response(drawn, status=status, content_type="text/html; charset=utf-8")


def _left(kept: Mapping[str, Any] | None) -> int:
    """Seconds until the page goes back to step 1 by itself."""
    if kept is None:
        return 0
    began: datetime = clock.parse(kept["at"])
    return max(1, int((began + HOLDS - clock.now()).total_seconds()))


def _step(
    name: str,
    schema: Schema,
    action: str,
    number: int,
    /,
    *,
    status: int = 200,
    refusal: DomainError | None = None,
    faults: Mapping[str, Any] | None = None,
    held: Mapping[str, str] | None = None,
    kept: Mapping[str, Any] | None = None,
    **shown: Any,
) -> Response:
    inputs = forms.controls(
        schema, current_app.config["TIME_ZONE"], held=held or {}, faults=faults or {}
    )
    drawn = render_template(
        f"dosing/{name}.html",
        title=_("Bedside"),
        controls=[each for each in inputs if each.name != "step"],
        action=action,
        number=number,
        panel=verdicts.of_error(refusal) if refusal else None,
        key=uuid4().hex,
        step=kept["step"] if kept else "",
        participant=kept["number"] if kept else "",
        seconds=_left(kept),
        **shown,
    )
    return Response(drawn, status=status, content_type="text/html; charset=utf-8")


def _refused(
    name: str, schema: Schema, action: str, number: int, failure: Exception, **more: Any
) -> Response:
    refusal = errors.translated(failure)
    if refusal is None or isinstance(refusal, auth.NotSignedIn):
        raise failure
    faults = errors.faults_of(failure) if isinstance(failure, ValidationError) else {}
    return _step(
        name,
        schema,
        action,
        number,
        status=errors.status_of(refusal),
        refusal=refusal,
        faults=faults,
        held=request.form,
        **more,
    )


def _lost(gone: StartAgain) -> Response:
    session.pop(_KEPT, None)
    return _step("band", schemas.BandIn(), "/bedside", 1, status=409, refusal=gone)


def _stopped(finding: gate.Finding) -> Response:
    """A stop before there is a dose to keep it with."""
    drawn = render_template(
        "dosing/stopped.html",
        title=_("Bedside"),
        head=gate.Row("B02", finding),
        answer=None,
        seconds=0,
    )
    return Response(drawn, status=409, content_type="text/html; charset=utf-8")
