"""One declaration of an act; two doors to it.

    doors = Doors("collection")
    doors.act("/specimens/<code>/receipt", services.receive, takes=ReceiptIn, gives=ItemOut,
              name="receive", title=_("Receive a specimen"), on="S", when=("collected",))

gives `POST /api/v1/specimens/<code>/receipt` (bearer token, JSON, problem+json, idempotency key)
and the page `/specimens/<code>/receipt` with a form made from the schema. Both call the service
inside `acts.once`, so neither acts twice for one key (H10), and both know the same words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import flask
from flask import Flask, Response, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint
from marshmallow import ValidationError

from lims.core import codes, permissions
from lims.core.acts import KeyReused
from lims.core.errors import BadInput, DomainError
from lims.core.gate import GateStopped, Result, Row
from lims.core.permissions import Actor, Permission
from lims.core.words import Text
from lims.web import auth, errors, forms, plain, verdicts
from lims.web.late import scan_of
from lims.web.steps import (
    ACTS,
    ARGUMENT,
    PREFIX,
    Act,
    Door,
    Gives,
    Late,
    Read,
    Takes,
    acts_for,
    are_letters,
    is_schema,
)

_ = Text
__all__ = ["ACTS", "Act", "Door", "Doors", "Read", "acts_for"]


class Doors:
    """All doors of one feature; `lims.app` registers them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acts: list[Act] = []
        self.reads: list[Read] = []

    def act(
        self,
        path: str,
        service: Callable[..., Any],
        *,
        takes: Takes = None,
        gives: Gives = None,
        name: str,
        title: Text,
        intro: Text | None = None,
        on: str = "",
        when: Sequence[str] = (),
        method: str = "post",
        after: Callable[[dict[str, Any]], str] | None = None,
        api: bool = True,
        page: bool = True,
        about: Callable[..., Sequence[tuple[Any, Any]]] | None = None,
        template: str = "form.html",
        shows: Callable[..., dict[str, Any]] | None = None,
        said: Callable[[dict[str, Any]], Text | str] | None = None,
        permission: Permission | None = None,
        letters: Mapping[str, str] | None = None,
        order: int = 50,
        fits: Callable[[Any], bool] | None = None,
        late: Late | None = None,
    ) -> Act:
        """Declare an act: `service(actor, **path arguments, **what was loaded)`.

        Args:
            takes: schema class, or `callable(**path_args)` that gives a schema.
            gives: schema class or callable for the answer; None for what `plain` understands.
            on, when: for which things and states it is a next step.
            method: of the API route; pages always post.
            after: the page to go to, from the answer; the item's page unless given.
            about: `callable(actor, **path_args)`, pairs shown beside the form.
            template, shows: another page than the form's, and what it is given besides:
                `callable(actor, **path_args)`.
            said: what the DONE panel says, from the answer.
            permission: asked before anything else; the service's own unless given.
            letters: further path arguments that are printed codes, with their type letters.
            order: its place among a thing's next steps; lower stands first.
            fits: whether this very thing can have it done, where letter and state do not tell.
            late: takes a scan that a device kept without a network; its answer is 202 where the
                scan was put aside for a person.
        """
        act = Act(
            feature=self.name,
            name=name,
            path=path,
            service=service,
            title=title,
            takes=takes,
            gives=gives,
            letters=_letters(path, on, letters),
            permission=permission or getattr(service, "permission", None),
            on=on,
            when=tuple(str(getattr(each, "value", each)) for each in when),
            intro=intro,
            method=method,
            after=after,
            about=about,
            template=template,
            shows=shows,
            said=said,
            page=page,
            api=api,
            order=order,
            fits=fits,
            late=late,
        )
        if isinstance(takes, type):
            both = set(ARGUMENT.findall(path)) & set(vars(takes)["_declared_fields"])
            if both:
                raise ValueError(f"{self.name}.{name}: {both} in the path and in the schema")
        self.acts.append(act)
        ACTS[self.name, name] = act
        return act

    def read(
        self,
        path: str,
        query: Callable[..., Any],
        *,
        gives: Gives = None,
        name: str,
        title: Text,
        takes: Takes = None,
        method: str = "get",
        permission: Permission | None = None,
        letters: Mapping[str, str] | None = None,
    ) -> Read:
        """Declare something to be asked: `query(actor, **path arguments, **what was loaded)`."""
        read = Read(
            feature=self.name,
            name=name,
            path=path,
            service=query,
            title=title,
            takes=takes,
            gives=gives,
            letters=_letters(path, "", letters),
            permission=permission or getattr(query, "permission", None),
            method=method,
        )
        self.reads.append(read)
        return read

    def register(self, app: Flask, api: Api) -> None:
        """Open the doors in an app."""
        blueprint = ApiBlueprint(f"api-{self.name}", __name__, url_prefix=PREFIX)
        pages = flask.Blueprint(f"{self.name}-doors", __name__)
        for act in self.acts:
            if act.api:
                _route(blueprint, act, act.method, _api_act(act))
            if act.page:
                pages.add_url_rule(act.path, act.name, _page(act), methods=["GET", "POST"])
        for read in self.reads:
            _route(blueprint, read, read.method, _api_read(read))
        api.register_blueprint(blueprint)
        app.register_blueprint(pages)


def _letters(path: str, on: str, given: Mapping[str, str] | None) -> dict[str, str]:
    letters = dict(given or {})
    if "code" in ARGUMENT.findall(path) and (not on or are_letters(on)):
        letters.setdefault("code", on)
    return letters


def _route(blueprint: ApiBlueprint, door: Door, method: str, view: Callable[..., Any]) -> None:
    view.__name__ = f"{method}_{door.name}".replace("-", "_")
    view.__doc__ = door.title.spoken("en")
    about: dict[str, Any] = {"operationId": f"{door.feature}.{door.name}.{method}"}
    parameters: list[Any] = []
    if method == "get":
        if isinstance(door.takes, type):
            parameters.append({"in": "query", "schema": door.takes})
    else:
        if isinstance(door, Act):
            parameters += ["IdempotencyKey", "DeviceTime"]
            if door.late is not None:
                parameters += ["Device", "DeviceCounter"]
                about["responses"] = {202: {"description": "Kept for a person to answer."}}
        body: Any = door.takes if isinstance(door.takes, type) else {"type": "object"}
        if door.takes is not None:
            about["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": body}},
            }
    if parameters:
        about["parameters"] = parameters
    gives = door.gives if is_schema(door.gives) else None
    view = blueprint.response(200, gives)(blueprint.doc(**about)(view))
    blueprint.add_url_rule(
        door.path, view.__name__, view, methods=[method.upper()], tags=[door.feature]
    )


def _api_act(act: Act) -> Callable[..., Response]:
    def view(**path_args: Any) -> Response:
        actor = auth.current_actor()
        done = act.perform(
            actor,
            request.headers.get("Idempotency-Key") or None,
            act.checked(path_args),
            plain.body_of(request),
            scan_of(request.headers.get),
        )
        put_aside = isinstance(done.answer, dict) and "late_scan" in done.answer
        response = plain.answer(done.answer, 202 if put_aside else 200)
        if done.repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    return view


def _api_read(read: Read) -> Callable[..., Response]:
    def view(**path_args: Any) -> Response:
        actor = auth.current_actor()
        if read.permission is not None:
            permissions.ask(actor, read.permission)
        good = read.checked(path_args)
        schema = read.schema(good)
        posted = read.method == "post"
        loaded = schema.load(
            plain.body_of(request) if posted else forms.raw(schema, request.args, {})
        )
        answer = read.service(actor, **good, **loaded)
        return answer if isinstance(answer, Response) else plain.answer(read.dumped(answer))

    return view


def _page(act: Act) -> Callable[..., ResponseReturnValue]:
    def view(**path_args: Any) -> ResponseReturnValue:
        actor = auth.current_actor()
        if act.permission is not None:
            permissions.ask(actor, act.permission)
        good = act.checked(path_args)
        if request.method != "POST":
            return _drawn(act, actor, good, 200, held=request.args)
        key = request.form.get("_key") or None
        try:
            sent = forms.raw(act.schema(good), request.form, request.files)
            done = act.perform(actor, key, good, sent)
        except ValidationError as invalid:
            faults = errors.faults_of(invalid)
            return _drawn(
                act, actor, good, 422, key=key, refusal=_to_correct(faults), faults=faults
            )
        except Exception as failure:
            refusal = errors.translated(failure)
            if refusal is None or isinstance(refusal, auth.NotSignedIn):
                raise
            # A key that was used for something else would refuse this form for ever.
            key = None if isinstance(refusal, KeyReused) else key
            faults = {refusal.field: [str(refusal.what)]} if refusal.field else {}
            return _drawn(
                act, actor, good, errors.status_of(refusal), key=key, refusal=refusal, faults=faults
            )
        session["verdict"] = verdicts.done(*_said(act, good, done.answer)).kept()
        return redirect(_after(act, good, done.answer), 303)

    return view


def _to_correct(faults: Mapping[str, Any]) -> BadInput:
    """The panel's lines for a form with faults; each input says its own beside itself."""
    return BadInput(
        _("This form cannot be taken as it is."),
        why=_("Inputs that are not right: %(count)s. Each says why.", count=len(faults)),
        do_now=_("Correct them and send the form again."),
    )


def _said(act: Act, path_args: Mapping[str, Any], answer: dict[str, Any]) -> tuple[Any, str]:
    if act.said is not None:
        return act.said(answer), ""
    code = path_args["code"] if "code" in act.letters else ""
    return _("Recorded: %(act)s", act=act.title), codes.grouped(code)


def _focused(inputs: Sequence[forms.Control], refusal: DomainError | None) -> str:
    """Where to go on writing: the first fault, or the first input of a fresh form.

    After a stop without a fault in an input it is the scan box, so nothing is focused here.
    """
    wanted = [each for each in inputs if each.faults] if refusal else inputs
    return wanted[0].name if wanted else ""


def _after(act: Act, path_args: Mapping[str, Any], answer: dict[str, Any]) -> str:
    if act.after is not None:
        return act.after(answer)
    if "code" in act.letters:
        return f"/items/{quote(str(path_args['code']))}"
    return act.url(**path_args)


def _drawn(
    act: Act,
    actor: Actor,
    path_args: dict[str, Any],
    status: int,
    *,
    held: Mapping[str, str] | None = None,
    key: str | None = None,
    refusal: DomainError | None = None,
    faults: Mapping[str, Any] | None = None,
) -> Response:
    """The page of an act: what it is about, its form, and the panel of a refusal."""
    warned: tuple[Row, ...] = ()
    if isinstance(refusal, GateStopped):
        warned = tuple(row for row in refusal.answer.rows if row.result is Result.WARNED)
    about: Sequence[tuple[Any, Any]] = ()
    more: dict[str, Any] = {}
    if act.about is not None or act.shows is not None:
        try:
            about = act.about(actor, **path_args) if act.about else ()
            more = act.shows(actor, **path_args) if act.shows else {}
        except DomainError:
            if refusal is None:
                raise
    inputs = forms.controls(
        act.schema(path_args),
        current_app.config["TIME_ZONE"],
        held=request.form if held is None else held,
        faults=faults,
        asked=warned,
    )
    known = {control.name for control in inputs}
    drawn = render_template(
        act.template,
        **more,
        act=act,
        title=act.title,
        intro=act.intro,
        about=about,
        controls=inputs,
        general=[
            f"{name}: {said}"
            for name, each in (faults or {}).items()
            if name not in known and status == 422
            for said in each
        ],
        panel=verdicts.of_error(refusal) if refusal else None,
        action=act.url(**path_args),
        key=key or uuid4().hex,
        focused=_focused(inputs, refusal),
        files=any(control.kind == "file" for control in inputs),
    )
    response = Response(drawn, status=status, content_type="text/html; charset=utf-8")
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response
