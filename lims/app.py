"""The web application of one process: every feature's doors and pages, and what they share."""

import hashlib
import hmac
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from flask import Flask, Request, Response, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from lims.core import db, words
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.opening import use_keys, watch_disks
from lims.settings import Settings
from lims.web import (
    auth,
    errors,
    health,
    looks,
    openapi,
    packing,
    plain,
    scanning,
    seals,
    signing,
)

# From below to above; each may have `doors` and `pages`.
FEATURES = (
    "labels",
    "people",
    "instruments",
    "studies",
    "supplies",
    "custody",
    "collection",
    "culture",
    "isolation",
    "qc",
    "release",
    "dosing",
    "interchange",
    "station",
)
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Web(Flask):
    """Flask that speaks one language for the whole of a request, its errors included."""

    def full_dispatch_request(self) -> Response:
        with words.speaking(chosen_language()):
            return super().full_dispatch_request()


class Sessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie; where none came, as from a program, nothing is to be checked."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def chosen_language() -> str:
    """The language of a request: what was chosen on this device, else what its browser asks."""
    kept = request.cookies.get("language", "")
    if kept in words.LANGUAGES:
        return kept
    return request.accept_languages.best_match(list(words.LANGUAGES)) or "en"


def create_app(settings: Settings, database: db.Database | None = None) -> Flask:
    """The application over an opened database, or over the one that the settings name."""
    app = assembled()
    set_up(app, settings, database or db.open_database(settings.database_url))
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def assembled() -> Flask:
    """Every door and page, of no installation yet."""
    app = Web("lims.web", static_url_path="/static")
    app.session_interface = Sessions()
    plain.install(app)
    errors.install(app)
    auth.install(app)
    looks.install(app)
    packing.install(app)
    health.install(app)
    seals.install(app)
    api = openapi.install(app, _version())
    app.register_blueprint(signing.blueprint)
    app.register_blueprint(scanning.blueprint)
    for feature in FEATURES:
        if _has(feature, "doors"):
            import_module(f"lims.{feature}.doors").doors.register(app, api)
        if _has(feature, "pages"):
            app.register_blueprint(import_module(f"lims.{feature}.pages").blueprint)
    app.extensions["exotrace-api"] = api
    _start_page(app)
    app.after_request(_guarded)
    return app


def set_up(app: Flask, settings: Settings, database: db.Database) -> None:
    """Make it the application of one installation: its database, keys, disks and ways."""
    db.use(database)
    use_keys(settings)
    watch_disks(settings, database)
    _find_people()
    signing_key = hmac.new(settings.secret_key.encode(), b"web cookies", hashlib.sha256)
    app.config.update(
        SECRET_KEY=signing_key.hexdigest(),
        MAX_CONTENT_LENGTH=10_000_000,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        SECURE=settings.behind_proxy,
        SESSION_COOKIE_NAME="__Host-session" if settings.behind_proxy else "session",
        SESSION_COOKIE_SECURE=settings.behind_proxy,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        TIME_ZONE=settings.time_zone,
        HOME=settings.home,
        SCAN_SILENCE_MS=settings.scan_silence_ms,
        SCAN_GAP_MS=settings.scan_gap_ms,
    )
    app.extensions["exotrace-settings"] = settings


def _version() -> str:
    try:
        return version("exotrace")
    except PackageNotFoundError:  # run from the sources alone
        return "0"


def _has(feature: str, part: str) -> bool:
    return (
        find_spec(f"lims.{feature}") is not None and find_spec(f"lims.{feature}.{part}") is not None
    )


def _find_people() -> None:
    if find_spec("lims.people") is None:
        return
    people, labels = import_module("lims.people"), import_module("lims.labels")

    def by_token(token: str) -> Actor | None:
        """A person's program, or the agent beside a printer."""
        found: Actor | None = labels.actor_of_token(token) or people.actor_by_token(token)
        return found

    auth.use(
        auth.Loader(
            sign_in=people.sign_in,
            sign_in_badge=people.sign_in_badge,
            sign_out=people.sign_out,
            by_sign_in=people.actor_by_sign_in,
            by_token=by_token,
        )
    )


def _start_page(app: Flask) -> None:
    """A plain start where no feature has one."""
    if any(rule.rule == "/" for rule in app.url_map.iter_rules()):
        return

    @app.get("/")
    def start() -> ResponseReturnValue:
        auth.current_actor()
        return render_template("start.html", title=_("Start"))


def _guarded(response: Response) -> Response:
    """The headers that keep another site's script, frame or guess out (H54)."""
    there = {name.lower() for name, _value in response.headers}
    response.headers.extend(
        [(name, value) for name, value in _HEADERS.items() if name.lower() not in there]
    )
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
