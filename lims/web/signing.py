"""Signing in and out, and choosing the language: the pages that everybody may open."""

import json
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue

from lims.core import db, mode, words
from lims.core.errors import DomainError
from lims.core.permissions import ROLE_NAMES, Role
from lims.core.words import Text as _
from lims.web import auth, errors, verdicts

blueprint = Blueprint("signing", __name__)


def local_address(wanted: str) -> str:
    """An address inside this site; the start where somebody offers another."""
    inside = (
        wanted.startswith("/")
        and not wanted.startswith("//")
        and "\\" not in wanted
        and wanted.isprintable()
    )
    return wanted if inside else "/"


@blueprint.get("/sign-in")
def sign_in_page() -> ResponseReturnValue:
    """The two ways to sign in."""
    return _drawn(local_address(request.args.get("next", "/")))


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Sign in with login and password."""
    login = request.form.get("login", "").strip()
    try:
        _actor, token = auth.loader().sign_in(
            login,
            request.form.get("password", ""),
            auth.station(),
            address=request.remote_addr or "",
        )
    except DomainError as refusal:
        return _drawn(_next(), refusal, login)
    return _opened(token)


@blueprint.post("/sign-in/badge")
def sign_in_badge() -> ResponseReturnValue:
    """Sign in with a badge and its PIN; another badge takes over from whoever was here."""
    try:
        _actor, token = auth.loader().sign_in_badge(
            request.form.get("badge", ""),
            request.form.get("pin", ""),
            auth.station(),
            address=request.remote_addr or "",
        )
    except DomainError as refusal:
        return _drawn(_next(), refusal)
    return _opened(token)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the sign-in here and on the server."""
    end()
    return forgotten(redirect("/sign-in", 303))  # type: ignore[arg-type]


def end() -> None:
    """Nobody is signed in here from now on; what is drawn after this is drawn for nobody."""
    _end_the_old()
    session.clear()
    g.actor = None


def forgotten(response: Response) -> Response:
    """A response that takes the sign-in's cookie away."""
    response.delete_cookie(
        auth.cookie_name("sign-in"),
        secure=current_app.config["SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.get("/language/<chosen>")
def language(chosen: str) -> ResponseReturnValue:
    """Speak another language on this device, on the same page."""
    response = redirect(local_address(request.args.get("next", "/")), 303)
    if chosen in words.LANGUAGES:
        response.set_cookie(
            "language",
            chosen,
            max_age=400 * 86400,
            secure=current_app.config["SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return response


def _next() -> str:
    return local_address(request.form.get("next", "/"))


def _end_the_old() -> None:
    token = request.cookies.get(auth.cookie_name("sign-in"), "")
    if token:
        try:
            auth.loader().sign_out(token)
        except DomainError:  # it had ended by itself
            return


def _opened(token: str) -> Response:
    _end_the_old()
    session.clear()  # a form opened by whoever was here before is not hers to send
    response = redirect(_next(), 303)
    response.set_cookie(
        auth.cookie_name("sign-in"),
        token,
        secure=current_app.config["SECURE"],
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response  # type: ignore[return-value]


def _drawn(wanted: str, refusal: DomainError | None = None, login: str = "") -> Response:
    drawn = render_template(
        "sign_in.html",
        title=_("Sign in"),
        next=wanted,
        login=login,
        panel=verdicts.of_error(refusal) if refusal else None,
        practice_people=_practice_people(),
    )
    status = errors.status_of(refusal) if refusal else 200
    return Response(drawn, status=status, content_type="text/html; charset=utf-8")


def _practice_people() -> list[dict[str, Any]]:
    """The people of a practice system, who are no secret; of a live one, nobody ever."""
    with db.reading() as read:
        if not mode.is_practice(read):
            return []
    path = current_app.config["HOME"] / "people.json"
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    people = kept.get("people", []) if isinstance(kept, dict) else kept
    return [_person(each) for each in people if isinstance(each, dict)]


def _person(each: dict[str, Any]) -> dict[str, Any]:
    login = each.get("login") or each.get("user") or ""
    role = str(each.get("role") or "")
    return {
        "login": login,
        "name": each.get("name") or login,
        "role": ROLE_NAMES[Role(role)] if role in list(Role) else role,
        "password": each.get("password", ""),
        "badge": each.get("badge", ""),
        "pin": each.get("pin") or each.get("PIN") or "",
    }
