"""Whether the process lives, whether it can work, and what it has done."""

import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from sqlalchemy import text

from lims import ledger
from lims.core import clock, copied, db, space
from lims.settings import Settings
from lims.web import plain

_SECONDS = Histogram(
    "lims_request_seconds",
    "Seconds from the request to its answer",
    ("method", "rule", "status"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
_OLDEST_BEAT = 120.0
_VERBS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def migrations_missing(database: db.Database) -> list[str]:
    """The newest forms of the tables that this database has not reached."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    heads = set(ScriptDirectory.from_config(config).get_heads())
    with database.engine.connect() as connection:
        here = set(MigrationContext.configure(connection).get_current_heads())
    return sorted(heads - here)


def _database(_settings: Settings) -> str:
    with db.reading() as session:
        session.execute(text("SELECT 1"))
    return ""


def _migrations(_settings: Settings) -> str:
    missing = migrations_missing(db.current())
    return f"run lims db upgrade: {', '.join(missing)}" if missing else ""


def _guards(_settings: Settings) -> str:
    with db.reading() as session:
        missing = ledger.missing_guards(session)
    if missing:
        return f"missing: {', '.join(missing)}"
    through = ledger.lately_open(db.current())
    return f"open: {', '.join(through)}" if through else ""


def _form_note() -> str:
    database = db.current()
    if database.is_sqlite:
        return ""
    with db.reading() as session:
        watched = ledger.form_watched(session)
    return "" if watched else "no event trigger: only a superuser as owner could install it"


def _copy(_settings: Settings) -> str:
    with db.reading() as session:
        was = copied.closed(session)
    return f"a copy of {was.made_at} that nobody has opened: run lims db open" if was else ""


def _clock(_settings: Settings) -> str:
    with db.reading() as session:
        by = ledger.behind(session)
    return f"{by.total_seconds():.0f} s behind the newest record" if by else ""


def _broker(settings: Settings) -> str:
    if settings.broker_url:
        with redis.from_url(
            settings.broker_url, socket_timeout=1, socket_connect_timeout=1
        ) as client:
            client.ping()
    return ""


def _worker(_settings: Settings) -> str:
    if find_spec("lims.core.heartbeat") is None:
        return ""
    age = import_module("lims.core.heartbeat").age()
    if age is None:
        return "no worker has been seen"
    return f"last seen {age:.0f} s ago" if age > _OLDEST_BEAT else ""


def _seals(settings: Settings) -> str:
    # A web process beside a broker holds no key: there the workers seal, and the age tells.
    wrong = ledger.key_missing() if settings.embedded or settings.seal_key_file else ""
    with db.reading() as session:
        count, oldest = ledger.unsealed(session)
    if oldest is not None and clock.now() - oldest > ledger.MISSED_AFTER:
        age = (clock.now() - oldest).total_seconds()
        return f"{count} entries wait for their seal, the oldest {age:.0f} s" + (
            f": {wrong}" if wrong else ""
        )
    return wrong


def _disk(_settings: Settings) -> str:
    low = space.low()
    # Whoever has a work area open must be able to end there, so one short of room is a note.
    return "" if low is None or low.percent > 0 else f"no room left in {low.folder}"


def _disk_note() -> str:
    low = space.low()
    if low is None:
        return ""
    least = space.LEAST_PERCENT
    return f"{low.percent} % free in {low.folder}: no new work area is opened below {least} %"


_CHECKS = {
    "database": _database,
    "migrations": _migrations,
    "ledger_guards": _guards,
    "restored_copy": _copy,
    "clock": _clock,
    "broker": _broker,
    "worker": _worker,
    "seals": _seals,
    "disk": _disk,
}
# What is said beside a check that is well: no reason not to work.
_NOTES = {"ledger_guards": _form_note, "disk": _disk_note}


def readiness(settings: Settings) -> dict[str, Any]:
    """Every check and what is wrong with it; the names of failures, never their details."""
    checks = {}
    for name, check in _CHECKS.items():
        try:
            wrong = check(settings)
        except Exception as failure:  # every library has its own
            wrong = f"failed: {type(failure).__name__}"
        checks[name] = {"ok": not wrong, **({"why": wrong} if wrong else {})}
        if not wrong and name in _NOTES and (note := _NOTES[name]()):
            checks[name]["note"] = note
    return {"ready": all(each["ok"] for each in checks.values()), "checks": checks}


def install(app: Flask) -> None:
    """Open `/healthz`, `/readyz` and `/metrics`, and time every request."""

    @app.before_request
    def started() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def timed(response: Response) -> Response:
        if "started" in g:
            rule = request.url_rule.rule if request.url_rule else "none"
            verb = request.method if request.method in _VERBS else "other"
            _SECONDS.labels(verb, rule, str(response.status_code)).observe(
                time.perf_counter() - g.started
            )
        return response

    @app.get("/healthz")
    def healthz() -> Response:
        return plain.answer({"alive": True})

    @app.get("/readyz")
    def readyz() -> Response:
        found = readiness(app.extensions["exotrace-settings"])
        return plain.answer(found, 200 if found["ready"] else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
