"""How a refusal looks from outside: `application/problem+json`, or a page. Never a traceback."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from lims.core.errors import (
    BadInput,
    Conflict,
    DomainError,
    NotAllowed,
    NotFound,
    RuleBroken,
    TemporaryFailure,
)
from lims.core.gate import GateStopped
from lims.core.words import Text
from lims.web import plain, verdicts
from lims.web.auth import FormNotTrusted, NotSignedIn

_ = Text
log = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotSignedIn, 401),
    (FormNotTrusted, 403),
    (NotFound, 404),
    (NotAllowed, 403),
    (Conflict, 409),
    (BadInput, 422),
    (RuleBroken, 422),
    (TemporaryFailure, 503),
)
_SENTENCES = {
    400: _("The request cannot be read; send it again."),
    404: _("There is no page here; look at the address or go back to the start."),
    405: _("This address does not do that; go back and use its own buttons."),
    413: _("What was sent is larger than 10 MB; send a smaller file."),
    415: _("Send the body as application/json."),
    500: _("Something failed here and nothing was recorded. Tell the operator the number below."),
}


class ChangedMeanwhile(Conflict):
    """Somebody else changed the same thing first."""

    code = "changed_meanwhile"


class WriteFailed(TemporaryFailure):
    """The database could not read or write."""

    code = "database_failed"


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal, by its family."""
    return next((status for family, status in _STATUS if isinstance(error, family)), 422)


def is_api() -> bool:
    """Whether the request came through the API."""
    return request.path.startswith("/api/")


def of_validation(error: ValidationError) -> DomainError:
    """The faults of an input as one refusal; its code is the fault's where there is only one."""
    faults = faults_of(error)
    told = [(name, said) for name, each in faults.items() for said in each]
    sentence = " ".join(f"{name}: {said}" for name, said in told)
    refusal = BadInput(sentence, field=told[0][0] if len(faults) == 1 else None)
    if len(told) == 1:
        refusal.code = getattr(told[0][1], "code", BadInput.code)
    return refusal


def faults_of(error: ValidationError) -> dict[str, list[Any]]:
    """Sentences by field; nested names are joined by dots."""
    found: dict[str, list[Any]] = {}

    def walk(name: str, messages: Any) -> None:
        if isinstance(messages, dict):
            for key, each in messages.items():
                walk(f"{name}.{key}" if name else str(key), each)
        elif isinstance(messages, list | tuple):
            found.setdefault(name, []).extend(
                each if isinstance(each, str) else str(each) for each in messages
            )
        else:
            found.setdefault(name, []).append(
                messages if isinstance(messages, str) else str(messages)
            )

    walk("", error.messages)
    return found


def translated(error: Exception) -> DomainError | None:
    """A refusal of the domain for what the libraries beneath raise; None for the unknown."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ValidationError):
        return of_validation(error)
    if isinstance(error, StaleDataError | IntegrityError):
        log.warning("a change lost against another: %s", type(error).__name__, exc_info=error)
        return ChangedMeanwhile(
            _(
                "Somebody changed the same thing just now. Nothing was recorded; load the page "
                "again and look at it before you go on."
            )
        )
    if isinstance(error, OperationalError):
        log.error("the database failed", exc_info=error)
        return WriteFailed(
            _(
                "The database could not do this. Nothing was recorded; try again in a moment and "
                "tell the operator if it stays so."
            )
        )
    return None


def document(
    status: int, code: str, detail: str, errors: Any = None, **more: Any
) -> dict[str, Any]:
    """A problem document (RFC 9457) with this house's stable `code`."""
    return {
        "type": f"urn:exotrace:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "code": code,
        **({"errors": errors} if errors else {}),
        **{name: value for name, value in more.items() if value not in (None, "", [])},
    }


def problem(error: DomainError, errors: Any = None) -> Response:
    """A refusal as an answer of the API; a stopped gate with all its rows."""
    status = status_of(error)
    gate = error.answer.shown() if isinstance(error, GateStopped) else {}
    body = document(
        status,
        error.code,
        str(error.what),
        errors,
        field=error.field,
        why=str(error.why or ""),
        do_now=str(error.do_now or ""),
        call=str(error.call or ""),
        **gate,
    )
    response = plain.answer(body, status, "application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def page(panel: verdicts.Panel, status: int, title: Text | str, number: str = "") -> Response:
    """A refusal as a page of its own."""
    return Response(
        render_template("error.html", panel=panel, title=title, number=number, status=status),
        status=status,
        content_type="text/html; charset=utf-8",
    )


def to_sign_in() -> ResponseReturnValue:
    """Send a visitor to sign in, and back to where she was going."""
    wanted = request.full_path.rstrip("?")
    return redirect("/sign-in?" + urlencode({"next": wanted}), 303)


def _domain(error: DomainError) -> ResponseReturnValue:
    if is_api():
        return problem(error)
    if isinstance(error, NotSignedIn):
        return to_sign_in()
    status = status_of(error)
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        409: _("Not now"),
        503: _("Try again"),
    }
    response = page(verdicts.of_error(error), status, titles.get(status, _("Not possible")))
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    sentence = _SENTENCES.get(status, _SENTENCES[400 if status < 500 else 500])
    if is_api():
        code = HTTPStatus(status).name.lower()
        response = plain.answer(
            document(status, code, str(sentence)), status, "application/problem+json"
        )
    else:
        panel = verdicts.Panel("stop", str(sentence), recorded=False)
        response = page(panel, status, _("Not found") if status == 404 else _("Not possible"))
    for name, value in error.get_response().headers:  # Allow of a 405, and the like
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _anything(error: Exception) -> ResponseReturnValue:
    if isinstance(error, InternalServerError) and error.original_exception:
        error = error.original_exception  # type: ignore[assignment]
    if isinstance(error, HTTPException):
        return _http(error)
    known = translated(error)
    if isinstance(error, ValidationError) and known is not None and is_api():
        return problem(known, faults_of(error))
    if known is not None:
        return _domain(known)
    number = uuid4().hex[:12]
    log.error("unexpected failure %s at %s", number, request.path, exc_info=error)
    if is_api():
        body = document(500, "unexpected", str(_SENTENCES[500]), number=number)
        return plain.answer(body, 500, "application/problem+json")
    panel = verdicts.Panel("stop", str(_SENTENCES[500]), recorded=False)
    return page(panel, 500, _("Something failed"), number)


def install(app: Flask) -> None:
    """Answer every error of this app in the house's shape."""
    app.register_error_handler(Exception, _anything)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DomainError, _domain)
