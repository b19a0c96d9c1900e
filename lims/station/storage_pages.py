"""The storage map: what lies in what, where a thing is, and a rack scanner's file against a box."""

import base64
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from lims import custody
from lims.core import codes, db, permissions
from lims.core.errors import BadInput, DomainError
from lims.core.permissions import PEOPLE
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, STATE_NAMES, RackFound
from lims.custody.permissions import MOVE, READ
from lims.web import auth, errors, nav, verdicts
from lims.web.doors import ACTS

blueprint = Blueprint("storage", __name__)
nav.add(_("Storage"), "/storage", READ.granted_to & PEOPLE, order=55)
_MOST = 300  # places of the tree on one page
_ROOMY = 12

FOUND = {
    RackFound.MATCH: _("match"),
    RackFound.INSIDE: _("moved inside"),
    RackFound.UNEXPECTED: _("unexpected"),
    RackFound.UNKNOWN: _("unknown"),
    RackFound.MISSING: _("missing"),
    RackFound.NO_READ: _("no read"),
    RackFound.DUPLICATE: _("twice in the file"),
    RackFound.OLD_LABEL: _("old label"),
    RackFound.ENDED: _("no longer there by the record"),
}
ANSWERS = {
    "move": _("Book it here"),
    "missing": _("It is gone: its place is not known"),
    "leave": _("Leave the record as it is"),
}
DO_NOW = {
    RackFound.UNKNOWN: _("Take the tube out and set it aside; nothing is booked."),
    RackFound.NO_READ: _("Wipe the code and scan the tube by hand; nothing is booked."),
    RackFound.DUPLICATE: _("Scan both tubes by hand; one code stands on one thing."),
    RackFound.OLD_LABEL: _("Set the tube aside and look for the one with the living label."),
    RackFound.ENDED: _("Set the tube aside and tell the QC officer."),
}


@blueprint.get("/storage")
def storage() -> ResponseReturnValue:
    """The tree of places; a code leads to where it is."""
    permissions.ask(auth.current_actor(), READ)
    wanted = request.args.get("code", "").strip()[:120]
    panel, found = None, None
    path: list[custody.Place] = []
    with db.reading() as opened:
        if wanted:
            try:
                found, path = _found(opened, wanted)
            except DomainError as refusal:
                panel = verdicts.of_error(refusal)
        roots, left_out = custody.mapping.tree(opened, most=_MOST)
        return render_template(
            "station/storage.html",
            title=_("Storage"),
            roots=roots,
            left_out=left_out,
            roomy=custody.mapping.roomy(opened, limit=_ROOMY),
            wanted=wanted,
            found=found,
            path=path,
            panel=panel,
            kinds=KIND_NAMES,
            states=STATE_NAMES,
            place_kinds=custody.PLACE_KINDS,
            temperature=custody.temperature_name,
            now=custody.monitoring.everywhere(opened),
            told=custody.monitoring.said,
        )


def _found(opened: Any, text: str) -> tuple[Any, list[Any]]:
    """A thing or a place by its code, and the places around it, the outermost first."""
    if codes.parse(text, "code").letter == "A":
        place = custody.place_by_code(opened, text, "code")
        return place, custody.path_of(opened, place.id)
    item = custody.find(opened, text, field="code")
    return item, custody.path_of(opened, item.place_id)


@blueprint.route("/places/<code>/rack", methods=["GET", "POST"])
def rack(code: str) -> ResponseReturnValue:
    """Take a rack scanner's file; show what differs. Nothing is recorded here."""
    actor = auth.current_actor()
    permissions.ask(actor, MOVE)
    if request.method == "GET":
        return _asked(code)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        refusal = BadInput(_("Choose the file that the rack scanner wrote."), field="file")
        return _asked(code, refusal)
    return _reviewed(code, sent.filename[-80:], sent.read(500_001))


@blueprint.post("/places/<code>/rack/settled")
def settled(code: str) -> ResponseReturnValue:
    """Write what was settled, once; a refusal shows the review again as it is now."""
    actor = auth.current_actor()
    permissions.ask(actor, MOVE)
    act = ACTS["custody", "settle-rack"]
    content, name = request.form.get("content", ""), request.form.get("name", "")[-80:]
    answers = {
        key.removeprefix("answer."): request.form[key]
        for key in request.form
        if key.startswith("answer.")
    }
    given = {
        "file": {"name": name, "content": content},
        "review": request.form.get("review", ""),
        "answers": answers,
    }
    try:
        done = act.perform(actor, request.form.get("_key") or None, act.checked({"code": code}),
                           given)  # fmt: skip
    except (DomainError, ValidationError) as failure:
        refusal = errors.translated(failure)
        if refusal is None or isinstance(refusal, auth.NotSignedIn):
            raise
        try:
            data = base64.b64decode(content, validate=True)
        except ValueError:
            return _asked(code, refusal)
        return _reviewed(code, name, data, refusal, answers)
    answer = done.answer
    said = _(
        "Rack settled: %(moved)s booked here, %(missing)s missing, %(left)s left as they are",
        moved=len(answer["moved"]),
        missing=len(answer["missing"]),
        left=len(answer["left"]),
    )
    session["verdict"] = verdicts.done(said, codes.grouped(answer["place"])).kept()
    return redirect(f"/places/{answer['place']}", 303)


def _asked(code: str, refusal: DomainError | None = None) -> ResponseReturnValue:
    with db.reading() as opened:
        place = custody.place_by_code(opened, code, "code")
        shown = render_template(
            "station/rack.html",
            title=_("Scan the rack of %(place)s", place=place.name),
            place=place,
            panel=verdicts.of_error(refusal) if refusal else None,
        )
    return shown, errors.status_of(refusal) if refusal else 200


def _reviewed(
    code: str,
    name: str,
    data: bytes,
    refusal: DomainError | None = None,
    answers: dict[str, str] | None = None,
) -> ResponseReturnValue:
    try:
        found = custody.review_rack(
            auth.current_actor(), code=codes.expect(code, "A", "code").code, file=(name, data)
        )
    except DomainError as unread:
        return _asked(code, unread)
    shown = render_template(
        "station/rack.html",
        title=_("Scan the rack of %(place)s", place=found.box.name),
        place=found.box,
        review=found,
        words=FOUND,
        answer_words=ANSWERS,
        do_now=DO_NOW,
        chosen=answers or {},
        key_of=custody.rack_key,
        content=base64.b64encode(data).decode(),
        key=uuid4().hex,
        panel=verdicts.of_error(refusal) if refusal else None,
    )
    return shown, errors.status_of(refusal) if refusal else 200
