"""What every template can use: words, dates in local form, things shown exactly as printed."""

import logging
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request, session
from markupsafe import Markup, escape

from lims.core import because, codes, db, mode, words
from lims.core.words import Text
from lims.web import auth, calendars, nav, tables, verdicts

log = logging.getLogger(__name__)
RIGHT_TO_LEFT = frozenset({"fa"})


def exact(value: Any) -> Markup:
    """Exactly as printed, in Latin digits, left to right in every language."""
    return Markup('<bdi dir="ltr" class="exact">{}</bdi>').format(escape(str(value)))


def code(value: str) -> Markup:
    """A printed code in groups of three; a screen reader and a copy get it whole."""
    return Markup('<bdi dir="ltr" class="exact code">{}</bdi>').format(codes.grouped(value))


def spoken_moment(value: datetime) -> str:
    """An instant in local form, as text for the facts beside a form."""
    return str(calendars.spoken(value, current_app.config["TIME_ZONE"]))


def _practice() -> bool:
    try:
        with db.reading() as session_:
            return mode.is_practice(session_)
    except Exception as failure:  # an error page must be drawn without a database as well
        log.warning("the mode could not be read: %s", type(failure).__name__)
        return False


def _flashed() -> verdicts.Panel | None:
    kept = session.pop("verdict", None)
    return verdicts.Panel(**kept) if kept else None


def _language_url(chosen: str) -> str:
    here = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return f"/language/{chosen}?" + urlencode({"next": here})


def _context() -> dict[str, Any]:
    try:
        actor = auth.actor_or_nobody()
    except Exception as failure:
        log.warning("the actor could not be read: %s", type(failure).__name__)
        actor = None
    return {
        "actor": actor,
        "places": nav.places(actor),
        "practice": _practice(),
        "language": words.language(),
        "languages": words.LANGUAGES,
        "direction": "rtl" if words.language() in RIGHT_TO_LEFT else "ltr",
        "station": auth.station(),
        "form_token": auth.form_token,
        "flashed": _flashed,
        "language_url": _language_url,
    }


def install(app: Flask) -> None:
    """Give the templates of this app their words and filters."""

    def when(value: datetime | date | None) -> Markup:
        """An instant or a day in local form, with the exact one for machines and pointers."""
        if value is None:
            return Markup("")
        if isinstance(value, datetime):
            zone = app.config["TIME_ZONE"]
            return Markup('<time datetime="{}" title="{}">{}</time>').format(
                value.isoformat(),
                value.astimezone(zone).isoformat(" ", "minutes"),
                calendars.spoken(value, zone),
            )
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            value.isoformat(), value.isoformat(), calendars.spoken_day(value)
        )

    app.jinja_env.globals["_"] = lambda message, /, **values: str(Text(message, **values))
    app.jinja_env.filters.update(
        when=when, exact=exact, code=code, local=words.local, cards=tables.cards, why=because.said
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)
