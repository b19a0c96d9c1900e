"""The first page of a practice system: what this is, what to try, how it went, how to go live."""

import json
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue

from lims.core import clock, db, mode
from lims.core.words import Text as _
from lims.station import demo, practice_sheets, practising, sheet, tasks
from lims.station.bench import Bench, Outcome
from lims.web import auth

blueprint = Blueprint("practice", __name__, template_folder="templates")
_TALLY = "practice"  # when the first scan of a task came, and how many there were
_IDLE_SECONDS = 600
_BADGES = (demo.LEARNER[0], "teo", "cyra")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def here() -> bool:
    """Whether this is a practice system."""
    with db.reading() as read:
        return mode.is_practice(read)


@blueprint.get("/practice")
def practice() -> ResponseReturnValue:
    """What this is, the next task, and how the last ones went."""
    if not here():
        abort(404)
    actor = auth.actor_or_nobody()
    session.pop(_TALLY, None)
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    local = host in _LOOPBACK
    with db.reading() as read:
        done = practising.results(read, actor, _since()) if actor else {}
        material = tasks.material(read, actor.name if actor else "")
    return render_template(
        "station/practice.html",
        title=_("Practice"),
        tasks=tasks.TASKS,
        names=tasks.NAMES,
        material=material,
        done=done,
        next=next((each for each in tasks.TASKS if each.id not in done), None),
        address=request.base_url,
        qr=sheet.qr(request.base_url),
        learner=None if actor else _learner(),
        local=local,
        camera=request.is_secure or local,
        chain=CHAIN,
    )


@blueprint.get("/practice/sheets.pdf")
def sheets() -> ResponseReturnValue:
    """The practice sheets, to print."""
    if not here():
        abort(404)
    listed = [each for each in _people() if each["user"] in _BADGES]
    with db.reading() as read:
        content = practice_sheets.pdf(read, listed)
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = 'inline; filename="practice-sheets.pdf"'
    return response


@blueprint.post("/practice/begin")
def begin() -> ResponseReturnValue:
    """Start with the first task again."""
    practising.begin(auth.current_actor())
    return redirect("/practice", 303)


def after_scan(text: str, bench: Bench, outcome: Outcome) -> dict[str, Any] | None:
    """Count a scan at the station; what a task came to when this one ended it."""
    actor = auth.actor_or_nobody()
    if actor is None or not here():
        return None
    now = clock.now()
    begun, scans = session.get(_TALLY, (clock.text(now), 0))
    seconds = (now - clock.parse(begun)).total_seconds()
    if seconds > _IDLE_SECONDS:
        begun, scans, seconds = clock.text(now), 0, 0.0
    scans += 1
    session[_TALLY] = (begun, scans)
    with db.reading() as read:
        task = practising.met(read, text, bench, outcome)
        if task is None or task in practising.results(read, actor, _since()):
            return None
    took = f"{seconds:.1f}"
    practising.finish(actor, task=task, scans=scans, seconds=took)
    session.pop(_TALLY)
    title = next(each.title for each in tasks.TASKS if each.id == task)
    return {"title": title, "scans": scans, "seconds": took}


def _learner() -> dict[str, str] | None:
    """The practice person who may do every task; no secret in a system that is for practice."""
    return next((each for each in _people() if each["user"] == demo.LEARNER[0]), None)


def _people() -> list[dict[str, str]]:
    try:
        kept = json.loads((current_app.config["HOME"] / "people.json").read_text(encoding="utf-8"))
        return list(kept["people"])
    except (OSError, ValueError, KeyError):
        return []


def _since() -> datetime | None:
    """When the practice data was made: what its own making did is nobody's practice."""
    try:
        made = (current_app.config["HOME"] / "people.json").stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(made, UTC)


# The chain as one picture: what it is called, and its drawing in a square of 48.
CHAIN = (
    (_("Kit"), "M10 18h28v22H10zM10 18l6-8h16l6 8M24 18v22"),
    (_("Specimen"), "M18 6h12M20 6v26a4 4 0 0 0 8 0V6M20 22h8"),
    (_("Cells grown"), "M6 30h36v8H6zM14 30a4 4 0 1 1 8 0M26 30a4 4 0 1 1 8 0M20 14v8M28 14v8"),
    (
        _("Exosomes"),
        "M14 16a5 5 0 1 0 .1 0M32 12a5 5 0 1 0 .1 0M24 28a6 6 0 1 0 .1 0M38 28a3 3 0 1 0 .1 0",
    ),
    (_("Vials"), "M12 12h8v4h-1v22h-6V16h-1zM28 12h8v4h-1v22h-6V16h-1z"),
    (_("Tests and release"), "M12 6h18l8 8v28H12zM18 26l5 5 9-11"),
    (_("Bedside check"), "M6 38V14M6 30h36v8M42 30v-4a6 6 0 0 0-6-6H18v10M12 20a3 3 0 1 0 .1 0"),
    (_("Outcome"), "M8 40V8M8 40h34M14 34l8-10 7 5 11-15"),
)
