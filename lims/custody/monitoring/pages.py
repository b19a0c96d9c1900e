"""The temperature of a place: how warm it is and was, its logger, and what was found."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from lims.core import clock, db, permissions
from lims.core.words import Exact
from lims.custody import places, standing
from lims.custody.monitoring import assessing, drawing, said, stood
from lims.custody.monitoring import queries as known
from lims.custody.permissions import READ
from lims.custody.place_kinds import temperature_name
from lims.custody.rules import KIND_NAMES, STATE_NAMES
from lims.web import auth
from lims.web.doors import acts_for

blueprint = Blueprint("monitoring", __name__)
DAYS = (1, 7, 40)
_FILES = 20
_ABOUT = ("link-logger", "read-place-logger", "end-logger")


@blueprint.get("/places/<code>/temperature")
def temperature(code: str) -> ResponseReturnValue:
    """How warm a place is and was."""
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    asked = request.args.get("days", "")
    days = int(asked) if asked in {str(each) for each in DAYS} else DAYS[0]
    with db.reading() as session:
        place = places.place_by_code(session, code, "code")
        now = known.now_in(session, place)
        measured = now.place if now else place
        loggers = known.loggers_of(session, measured.id)
        end = clock.now()
        start = end - timedelta(days=days)
        return render_template(
            "custody/temperature.html",
            title=place.name,
            place=place,
            measured=measured,
            now=now,
            now_said=said.besides(now) if now else None,
            logger=now.logger if now else None,
            loggers=loggers,
            drawn=drawing.of_place(session, loggers, measured, start, end) if loggers else None,
            edge=drawing.edges(start, end, _zone()),
            days=days,
            choices=DAYS,
            listed=drawing.LISTED,
            degrees=said.degrees,
            in_words=standing.in_words,
            episodes=[
                (each, said.in_words(each), said.STATES[each.state])
                for each in known.episodes_of(session, measured.id)
            ],
            files=known.records_of(session, [each.id for each in loggers], _FILES),
            temperature=temperature_name,
            acts=[each for each in acts_for("A", None, actor, place) if each.name in _ABOUT],
            exact=Exact,
        )


@blueprint.get("/places/<code>/temperature/files/<sha256>")
def place_file(code: str, sha256: str) -> ResponseReturnValue:
    """A logger's file as it came, to the byte."""
    permissions.ask(auth.current_actor(), READ)
    with db.reading() as session:
        place = places.place_by_code(session, code, "code")
        ids = [each.id for each in known.loggers_of(session, place.id)]
        content = known.content_of(session, ids, sha256)
        if content is None:
            abort(404)
        answer = Response(content, content_type="application/octet-stream")
        answer.headers["Content-Disposition"] = f'attachment; filename="{sha256[:16]}.csv"'
        return answer


@blueprint.get("/episodes/<uuid:episode_id>")
def episode(episode_id: UUID) -> ResponseReturnValue:
    """One part of a place's time that was not good: how far, what stood there, what was decided."""
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    with db.reading() as session:
        row = assessing.found(session, episode_id)
        place = known.place_of(session, row)
        end = row.ended_at or clock.now()
        margin = max((end - row.began_at) / 2, timedelta(hours=1))
        start, until = row.began_at - margin, min(end + margin, clock.now())
        loggers = known.loggers_of(session, place.id)
        return render_template(
            "custody/episode.html",
            title=place.name,
            episode=row,
            place=place,
            told=said.in_words(row),
            state=said.STATES[row.state],
            facts=said.facts_of(session, row),
            drawn=drawing.of_place(session, loggers, place, start, until),
            edge=drawing.edges(start, until, _zone()),
            listed=drawing.LISTED,
            degrees=said.degrees,
            in_words=standing.in_words,
            items=stood.in_place(session, place, row.began_at, end),
            kinds=KIND_NAMES,
            states=STATE_NAMES,
            acts=acts_for("episode", None, actor, row),
        )


def _zone() -> ZoneInfo:
    zone: ZoneInfo = current_app.config["TIME_ZONE"]
    return zone
