"""Who is asking. `people` stands above `web`, so `lims.app` says how to find out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from secrets import compare_digest, token_urlsafe

from flask import Flask, current_app, g, request, session

from lims.core.errors import DomainError
from lims.core.permissions import Actor
from lims.core.words import Text as _


class NotSignedIn(DomainError):
    """Nobody is signed in, or the sign-in has ended."""

    code = "not_signed_in"


class FormNotTrusted(DomainError):
    """The request does not come from a page of ours."""

    code = "form_not_trusted"


@dataclass(frozen=True)
class Loader:
    """How people are found; the functions of `people`.

    Attributes:
        sign_in: login, password, station and `address` to the actor and her sign-in.
        sign_in_badge: badge code, PIN, station to the same.
        sign_out: ends a sign-in.
        by_sign_in: the actor of a sign-in, None when it has ended.
        by_token: the actor of an API token, None when it is not valid.
    """

    sign_in: Callable[..., tuple[Actor, str]]
    sign_in_badge: Callable[..., tuple[Actor, str]]
    sign_out: Callable[[str], object]
    by_sign_in: Callable[[str], Actor | None]
    by_token: Callable[[str], Actor | None]


_loader: list[Loader] = []


def use(loader: Loader) -> None:
    """Find people through this from now on."""
    _loader[:] = [loader]


def loader() -> Loader:
    """How people are found."""
    if not _loader:
        raise RuntimeError("nobody has said how people are found; call web.auth.use")
    return _loader[0]


def cookie_name(base: str) -> str:
    """A cookie's name: bound to the host where the connection is known to be https."""
    return f"__Host-{base}" if current_app.config["SECURE"] else base


def actor_or_nobody() -> Actor | None:
    """Whoever asks, by bearer token or else by the sign-in cookie; None for nobody."""
    if "actor" not in g:
        g.actor = _found()
    found: Actor | None = g.actor
    return found


def by_bearer() -> bool:
    """Whether the request names a token; then no cookie is looked at."""
    return "Authorization" in request.headers


def _found() -> Actor | None:
    if not _loader:
        return None
    try:
        found = _signed_in()
        return found and replace(found, address=request.remote_addr or "")
    except DomainError:  # an ended sign-in, an unknown or outlived token: nobody
        return None


def _signed_in() -> Actor | None:
    if by_bearer():
        scheme, _blank, token = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return loader().by_token(token.strip())
    token = request.cookies.get(cookie_name("sign-in"), "")
    return loader().by_sign_in(token) if token else None


def current_actor() -> Actor:
    """Whoever asks.

    Raises:
        NotSignedIn: nobody.
    """
    actor = actor_or_nobody()
    if actor is None:
        raise NotSignedIn(
            _("Nobody is signed in here; sign in, or send a token that is still valid."),
            do_now=_("Sign in with your badge or your password."),
        )
    return actor


def station() -> str:
    """The station of this device, as its cookie says."""
    return request.cookies.get("station", "")[:40]


def form_token() -> str:
    """The secret of this browser's forms; made on first use."""
    if "csrf" not in session:
        session["csrf"] = token_urlsafe(24)
    return str(session["csrf"])


def install(app: Flask) -> None:
    """Ask every request that could change something for the secret of its form (H54).

    In one place for all pages and the API, so that no page can forget it.
    """

    @app.before_request
    def trusted() -> None:
        harmless = request.method in ("GET", "HEAD", "OPTIONS")
        # A browser never adds a bearer token by itself, so such a call cannot be forged; and a
        # call of the API without a sign-in acts for nobody.
        no_cookie = request.path.startswith("/api/") and cookie_name("sign-in") not in (
            request.cookies
        )
        if harmless or by_bearer() or no_cookie or request.routing_exception is not None:
            return
        _check_form()


def _check_form() -> None:
    sent = request.headers.get("X-CSRF-Token") or request.form.get("_csrf", "")
    kept = str(session.get("csrf", ""))
    if not kept or not compare_digest(sent.encode(), kept.encode()):
        raise FormNotTrusted(
            _(
                "This form was opened before you signed in, or elsewhere. Nothing was recorded; "
                "load the page again and send it from there."
            )
        )
