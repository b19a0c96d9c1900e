"""The scan station: one input that always listens, one thing said back (screens of the bench).

With the script a scan is sent at once and only the board comes back; without it the same form
brings the whole page. Nobody need be signed in to see it; then scans show nothing but their kind.
"""

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from lims import custody, people
from lims.core import acts, clock, codes, db, mode, scanned
from lims.core.errors import DomainError, TemporaryFailure
from lims.core.permissions import PEOPLE, Actor
from lims.core.words import Text as _
from lims.station import (
    cards,
    orders,
    outage_pages,
    photo_pages,
    photos,
    practice_pages,
    sheet,
)
from lims.station.bench import CALL, Bench, Outcome, Scanned, named, title_of
from lims.station.grammar import IN_HAND_SECONDS, Mode
from lims.station.scanning import scan as take
from lims.web import auth, late, nav, scanning, signing, verdicts
from lims.web.doors import ACTS
from lims.web.verdicts import Panel

blueprint = Blueprint("bench", __name__, template_folder="templates")
blueprint.register_blueprint(outage_pages.blueprint)
blueprint.register_blueprint(photo_pages.blueprint)
nav.add(_("Station"), "/station", PEOPLE, order=2)
_LONGEST = 400


@blueprint.get("/station")
def station() -> ResponseReturnValue:
    """The station, with nothing in hand."""
    return _page(auth.actor_or_nobody(), None, Bench())


@blueprint.post("/station")
def scan() -> ResponseReturnValue:
    """One scan, one typed word, or one pressed command."""
    actor = auth.actor_or_nobody()
    bench = _carried()
    text, refused = _said(bench)
    if not text:
        return _page(actor, refused, bench, status=422 if refused else 200)
    if actor is None:
        return _page(None, _for_nobody(text[:_LONGEST]), Bench(), status=401)
    claimed = request.form.get("person", "")
    hers = claimed in ("", actor.label)
    if hers:
        outcome = _taken(actor, text[:_LONGEST], bench)
    elif "handed" in request.form:
        outcome, hers = _handed_in(actor, text[:_LONGEST], bench, claimed), True
    else:
        outcome = _not_hers(text[:60], bench)
    practised = practice_pages.after_scan(text[:_LONGEST], bench, outcome)
    if outcome.go == "badge":
        return _other_badge(text, outcome)
    if request.headers.get("X-Board") is None:
        if outcome.go == "sign-out":
            return signing.sign_out()
        if outcome.go:
            return redirect(outcome.go, 303)
    return _page(actor, outcome, outcome.bench, status=200 if hers else 409, practised=practised)


@blueprint.post("/station/name")
def name() -> ResponseReturnValue:
    """What this device's bench is called, and how its page is laid out.

    The name stands in the entries that are made here.
    """
    wanted = request.form.get("name", "").strip()[:40]
    layout = "freezer" if request.form.get("layout") == "freezer" else ""
    response = make_response(redirect("/station", 303))
    said = wanted if wanted.isascii() and wanted.isprintable() else ""
    for cookie, value in (("station", said), ("layout", layout)):
        response.set_cookie(
            cookie,
            value,
            max_age=400 * 86400,
            secure=current_app.config["SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return response


@blueprint.get("/station/commands")
def commands() -> ResponseReturnValue:
    """The commands as barcodes, to print and hang up."""
    with db.reading() as session:
        practice = mode.is_practice(session)
    made = sheet.commands(practice=practice)
    actor, act = auth.actor_or_nobody(), ACTS["station", "print-commands"]
    return render_template(
        "station/commands.html",
        title=_("Commands to scan"),
        commands=made,
        labels_at=act.url() if actor is not None and act.allowed(actor) else "",
    )


def _handed_in(actor: Actor, text: str, bench: Bench, claimed: str) -> Outcome:
    """A kept scan of somebody who does not come back to this device.

    It says what she had in hand and where she put it, which another person answers; it signs nobody
    in or out, and opens nothing.
    """
    outcome = _taken(actor, text, bench, claimed)
    if not outcome.go:
        return outcome
    panel = Panel(
        "ask",
        text,
        str(_("Only moves of things, and notes, are handed in for another person.")),
        str(_("Go on; this scan did nothing.")),
        recorded=False,
    )
    return Outcome(panel, bench)


def _taken(actor: Actor, text: str, bench: Bench, claimed: str = "") -> Outcome:
    try:
        one = replace(_scanned(text, bench), claimed=claimed)
        if claimed and not (one.scan and one.scan.replayed):
            return _not_hers(text, bench)  # made now, so she is here
        outcome = take(actor, scanned=one, bench=bench)
        if one.scan is not None and one.scan.replayed:
            custody.late_arrived(actor, one.scan, one.key)
        return outcome
    except (TemporaryFailure, acts.StillRunning):
        raise
    except DomainError as refusal:  # a role that may not look, or a time that is none
        return Outcome(verdicts.of_error(refusal), bench)


def _scanned(text: str, bench: Bench) -> Scanned:
    form = request.form
    said = {
        late.TIME: form.get("at", ""),
        late.DEVICE: form.get("device", ""),
        late.COUNTER: form.get("counter", ""),
    }
    key = form.get("_key") or uuid4().hex
    return Scanned(text, key, late.scan_of(said.get), _seconds(bench))


def _said(bench: Bench) -> tuple[str, Outcome | None]:
    """What was scanned, typed or pressed; without a script also what is on a photograph."""
    text = (request.form.get("command") or request.form.get("code", "")).strip(" \t\r\n")
    photo = request.files.get("photo")
    if text or photo is None or not photo.filename:
        return text, None
    try:
        return photos.one(photos.sent(photo.stream)), None
    except photos.NoPicture as refusal:
        panel = scanning.stops()[refusal.why]
        return "", Outcome(replace(panel, what=f"{panel.what} {refusal.found}".strip()), bench)


def _not_hers(text: str, bench: Bench) -> Outcome:
    """A scan that somebody else made is never written in the name of whoever is here now."""
    panel = Panel(
        "stop",
        text,
        str(_("It was scanned by another person, under her own sign-in.")),
        str(_("Let her sign in here with badge and PIN; it is sent then.")),
        str(CALL),
        recorded=False,
    )
    return Outcome(panel, bench)


def _seconds(bench: Bench) -> float:
    """How long what is in hand has been there: as the device says, else by our clock."""
    said = request.form.get("age", "")
    if said.isascii() and said.isdigit() and len(said) < 12:
        return int(said) / 1000
    return (clock.now() - bench.hand_at).total_seconds() if bench.hand_at else 0


def _carried() -> Bench:
    """What the page carried along; whatever cannot be read is nothing."""
    form = request.form
    wanted = form.get("mode", "")
    at: datetime | None = None
    hand = form.get("hand", "")[:20]
    try:
        at = clock.parse(form["hand_at"], "hand_at") if form.get("hand_at") else None
        if hand:
            codes.parse(hand)
    except DomainError:
        hand, at = "", None
    count = form.get("count", "")
    return Bench(
        mode=Mode(wanted) if wanted in list(Mode) else Mode.SINGLE,
        hand=hand,
        hand_at=at,
        aim=form.get("aim", "")[:9],
        batch=form.get("batch", "")[:32],
        origin=form.get("origin", "")[:9],
        count=int(count) if count.isascii() and count.isdigit() and len(count) < 6 else 0,
        done=tuple(
            each for each in form.get("done", "").split() if re.fullmatch(r"\w{9}\.\d{1,9}", each)
        )[:500],
        unknown=tuple(each[:60] for each in form.get("unknown", "").split("\n") if each)[:200],
    )


def _for_nobody(text: str) -> Outcome:
    """Nobody is signed in: a badge asks for its PIN, anything else only says what it is."""
    try:
        read = scanned.tell(text, "code")
    except DomainError as refusal:
        return Outcome(verdicts.of_error(refusal), Bench())
    if isinstance(read, codes.Scanned) and read.letter == "P":
        panel = Panel(
            "ask",
            str(_("Badge")) + " " + codes.grouped(read.code),
            str(_("A badge opens work together with its PIN.")),
            str(_("Type the PIN of this badge.")),
            recorded=False,
        )
        return Outcome(panel, Bench(), go="badge")
    what = (
        f"{codes.LETTERS[read.letter]} {codes.grouped(read.code)}"
        if isinstance(read, codes.Scanned)
        else read.text
    )
    panel = Panel(
        "ask",
        what,
        str(_("Nobody is signed in here.")),
        str(_("Scan your badge.")),
        recorded=False,
    )
    return Outcome(panel, Bench())


def _other_badge(text: str, outcome: Outcome) -> Response:
    """Another badge locks whoever was here at once; its PIN opens the work of its owner."""
    signing.end()
    return signing.forgotten(make_response(_page(None, outcome, Bench(), badge=text)))


def _page(
    actor: Actor | None,
    outcome: Outcome | None,
    bench: Bench,
    *,
    status: int = 200,
    badge: str = "",
    practised: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    asks_pin = outcome is not None and outcome.go == "badge"
    with db.reading() as session:
        hand, card = _of_hand(session, bench, actor, outcome)
        aim = named(session, bench.aim) if bench.aim and actor else ""
        free = _free(session, bench.aim) if bench.aim and actor else None
        expected = _expected(session, bench) if actor else None
    board_only = request.headers.get("X-Board") is not None
    drawn = render_template(
        "station/board.html" if board_only else "station/bench.html",
        title=_("Station"),
        actor=actor,
        outcome=outcome,
        bench=bench,
        carried=_written(bench),
        hand=hand,
        hand_card=card,
        seconds=IN_HAND_SECONDS,
        aim=aim,
        free=free,
        expected=expected,
        freezer=request.cookies.get("layout") == "freezer",
        orders=orders.ORDERS.values(),
        badge=(badge or request.form.get("code", "")) if asks_pin else "",
        key=uuid4().hex,
        kept_orders={} if board_only else outage_pages.kept_orders(),
        idle_seconds=int(people.BADGE_IDLE.total_seconds()),
        line=_line(outcome),
        practised=practised,
    )
    return drawn, status


def _of_hand(
    session: Session, bench: Bench, actor: Actor | None, outcome: Outcome | None
) -> tuple[str, list[tuple[Any, Any]]]:
    if not bench.hand or actor is None:
        return "", []
    code = codes.parse(bench.hand).code
    if outcome is not None and outcome.about == code:
        return outcome.title, [] if code[0] == "A" else outcome.card[1:]
    try:
        if code[0] == "A":
            return named(session, code), []
        item = custody.find(session, code)
        return title_of(item), cards.card_of(session, item, actor)[1:]
    except DomainError:
        return "", []


def _free(session: Session, aim: str) -> int | None:
    place = custody.place_by_code(session, aim)
    slots = custody.slots_of(session, place.id)
    return sum(item is None for _slot, item in slots) if slots else None


def _expected(session: Session, bench: Bench) -> tuple[int, str] | None:
    """How many things a batch is expected to put, and the place that says so.

    What it has put, and what still stands where its first thing stood: a rack or a box that is
    emptied, a bench that is cleared. None where that place is not known, or is where it all goes.
    """
    if not bench.origin or bench.origin == bench.aim:
        return None
    try:
        place = custody.place_by_code(session, bench.origin)
    except DomainError:
        return None
    slots = [item for _slot, item in custody.slots_of(session, place.id) if item is not None]
    left = [each for each in (slots or custody.items_at(session, place.id))
            if each.state not in custody.FINAL]  # fmt: skip
    return bench.count + len(left), place.name


def _written(bench: Bench) -> dict[str, str]:
    """What the page carries, as the form sends it again."""
    return {
        "mode": bench.mode.value,
        "hand": bench.hand,
        "hand_at": clock.text(bench.hand_at) if bench.hand_at else "",
        "aim": bench.aim,
        "batch": bench.batch,
        "count": str(bench.count),
        "origin": bench.origin,
        "unknown": "\n".join(bench.unknown),
        "done": " ".join(bench.done),
    }


def _line(outcome: Outcome | None) -> str:
    """One line of the last scans, for the script to keep."""
    if outcome is None:
        return ""
    said = outcome.panel.what
    if not outcome.panel.recorded:
        said = f"{said.rstrip('.。')}. {_('Nothing was recorded.')}"
    return json.dumps({"kind": outcome.panel.kind, "said": said, "event": outcome.event})
