"""The trace as a page: a field for whatever is in hand, the lineage of an item, or a list."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from lims.core import codes, db, permissions, words
from lims.core.errors import BadInput, DomainError
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, STATE_NAMES
from lims.custody.permissions import READ
from lims.release.permissions import RECALL
from lims.station import lineage, tracing
from lims.web import auth, errors, fields, forms, nav, verdicts
from lims.web.looks import RIGHT_TO_LEFT

blueprint = Blueprint("trace", __name__)
nav.add(_("Trace"), "/trace", READ.granted_to & permissions.PEOPLE, order=60)
_BECAUSE = {
    "donor": _("made of her material"),
    "given": _("given to her"),
    "meant": _("was meant for her"),
    "stood": _("stood there"),
    "touched": _("she worked on it"),
}
_KINDS = {
    "participant": _("participant"),
    "donor": _("donor"),
    "place": _("place"),
    "person": _("person"),
}


class TraceIn(fields.Shape):
    """What is traced; days in either calendar."""

    code = fields.Words(
        longest=120, required=True, scan="SCLVQKAP", label=_("Code, number or user name")
    )
    since = fields.Day(label=_("From"), help=_("For a place only."))
    until = fields.Day(label=_("Until"))


@blueprint.get("/trace")
def form() -> ResponseReturnValue:
    """Ask for anything; a scan or a filled form goes on to its trace."""
    _may()
    if not request.args.get("code", "").strip():
        return _form()
    schema = TraceIn()
    # An address may say more than the form asks.
    given = {
        name: each for name, each in request.args.items() if name.split(".")[0] in schema.fields
    }
    try:
        asked = schema.load(forms.raw(schema, given, {}))
    except ValidationError as invalid:
        return _form(held=request.args, faults=errors.faults_of(invalid)), 422
    named = (("from", asked.get("since")), ("to", asked.get("until")))
    period = "&".join(f"{name}={day.isoformat()}" for name, day in named if day)
    what = quote(asked["code"].strip(), safe="")
    return redirect(f"/trace/{what}" + (f"?{period}" if period else ""), 303)


def _form(
    *,
    held: Mapping[str, str] | None = None,
    faults: Mapping[str, Any] | None = None,
    panel: verdicts.Panel | None = None,
) -> str:
    return render_template(
        "station/trace_form.html",
        title=_("Trace"),
        panel=panel,
        controls=forms.controls(
            TraceIn(), current_app.config["TIME_ZONE"], held=held, faults=faults
        ),
    )


@blueprint.get("/trace/<what>")
def trace(what: str) -> ResponseReturnValue:
    """Everything above and below a code, and to whom it came."""
    actor = _may()
    try:
        since, until = _day("from"), _day("to")
        with db.reading() as session:
            traced = tracing.from_any(
                session,
                what,
                since=since,
                drawn=True,
                until=None if until is None else until + timedelta(days=1, microseconds=-1),
            )
    except DomainError as refusal:
        asked = {"since": request.args.get("from", ""), "until": request.args.get("to", "")}
        calendar = {name + ".calendar": "gregorian" for name, day in asked.items() if day}
        kept = {"code": what, **asked, **calendar}
        return _form(held=kept, panel=verdicts.of_error(refusal)), errors.status_of(refusal)
    known: dict[str, Any] = {
        "traced": traced,
        "kinds": KIND_NAMES,
        "states": STATE_NAMES,
        "may_recall": permissions.allowed(actor, RECALL),
    }
    if traced.item is not None:
        with db.reading() as session:
            known |= drawn(session, traced)
        return render_template(
            "station/trace.html",
            title=_("Trace of %(code)s", code=codes.grouped(traced.item.code)),
            item=traced.item,
            **known,
        )
    shown = codes.grouped(traced.code) if codes.valid(traced.code) else traced.code
    return render_template(
        "station/trace_found.html",
        title=_("Trace of %(code)s", code=shown),
        what=_KINDS[traced.kind],
        because=_BECAUSE,
        since=since.date() if since else None,
        until=until.date() if until else None,
        **known,
    )


def _may() -> Actor:
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    return actor


def _day(name: str) -> datetime | None:
    """The beginning of a day at the site."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(
            _("%(text)s is not a date; write it as 2026-05-08.", text=text[:40]), field=name
        ) from None
    return datetime.combine(day, datetime.min.time(), current_app.config["TIME_ZONE"])


def drawn(session: Session, traced: tracing.Trace) -> dict[str, Any]:
    """The lineage of an item as a picture, opened where the address says so."""
    return {
        "lineage_drawn": lineage.drawn(
            session,
            traced,
            opened=request.args.get("open", ""),
            mirrored=words.language() in RIGHT_TO_LEFT,
        ),
        "kinds": KIND_NAMES,
        "states": STATE_NAMES,
    }
