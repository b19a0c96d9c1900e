"""What a device keeps so that it can go on without the server: the station, and refusals in words.

The service worker keeps files and pages that were drawn for nobody: nothing of a person is among
them. Its text names the digest of all it keeps, so that a new version is a new cache.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, render_template

from lims import people
from lims.core import db, mode, words
from lims.core.words import Text as _
from lims.station import orders
from lims.station.bench import Bench
from lims.station.grammar import IN_HAND_SECONDS
from lims.web.verdicts import Panel

blueprint = Blueprint("outage", __name__, template_folder="templates")
WORKER = "service-worker.js"
_STATIC = Path(__file__).parent.parent / "web" / "static"
_KINDS = frozenset({".css", ".js", ".svg", ".woff2"})
_ON_PAPER = _(
    "Do not give. Use its downtime sheet: both codes by hand, two people; enter it later."
)


@blueprint.get("/service-worker.js")
def worker() -> Response:
    """The service worker, for the whole site: asked anew each time, so that it is never old."""
    text = f"const KEPT = {json.dumps(_kept())};\n" + (_STATIC / WORKER).read_text()
    response = Response(text, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/"
    return response


@blueprint.get("/offline/<language>/station")
def station(language: str) -> Response:
    """The station as a device keeps it: for nobody, until the device says who was signed in."""
    return _page(language, "station/offline_station.html")


@blueprint.get("/offline/<language>/bedside")
def bedside(language: str) -> Response:
    """What the bedside says without a connection: nothing is confirmed."""
    return _page(language, "station/offline.html", "bedside")


@blueprint.get("/offline/<language>/page")
def page(language: str) -> Response:
    """What every other page says without a connection."""
    return _page(language, "station/offline.html", "page")


def kept_orders() -> dict[str, list[str]]:
    """The commands, by every word and code for them; the script takes some without a connection."""
    with db.reading() as session:
        practice = mode.is_practice(session)
    return {
        name: [
            name.casefold(),
            *(orders.ORDERS[name].title.spoken(each).casefold() for each in words.LANGUAGES),
            orders.code_of(name, practice=practice),
        ]
        for name in orders.ORDERS
    }


def _page(language: str, template: str, which: str = "") -> Response:
    if language not in words.LANGUAGES:
        abort(404)
    response = Response(_drawn(language, template, which), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "public, no-cache"
    return response


def _drawn(language: str, template: str, which: str) -> str:
    with words.speaking(language):
        return render_template(
            template,
            title=_("Station") if which == "" else _("No connection"),
            panel=_panel(which),
            actor=None,  # whoever asks: it is kept for everybody
            places=[],
            station="",
            language=language,
            bench=Bench(),
            orders=[],
            seconds=IN_HAND_SECONDS,
            language_url=lambda code: f"/language/{code}?next=/station",
            carried={"mode": "single", "hand": "", "aim": ""},
            kept_orders=kept_orders(),
            idle_seconds=int(people.BADGE_IDLE.total_seconds()),
            form_token=lambda: "",
            flashed=lambda: None,
        )


def _panel(which: str) -> Panel:
    if which == "bedside":
        return Panel(
            "stop",
            str(_("Cannot confirm: no connection")),
            str(_("Whether a dose may be given is only known by the server, at this moment.")),
            str(_ON_PAPER),
            str(_("The person in charge of this site.")),
            recorded=False,
        )
    return Panel(
        "stop",
        str(_("No connection")),
        str(
            _(
                "Checks of identity, release, clearance and signatures are never done without a "
                "connection. Only moves of things, and notes, are kept and sent later."
            )
        ),
        str(_("Go on at the station, or come back when the connection is there.")),
        str(_("The operator, if it does not come back.")),
        recorded=False,
    )


def _files() -> list[Path]:
    return sorted(
        each for each in _STATIC.rglob("*") if each.suffix in _KINDS and each.name != WORKER
    )


@cache
def _digest_of_files() -> str:
    digest = hashlib.sha256()
    for each in [*_files(), _STATIC / WORKER]:
        digest.update(each.relative_to(_STATIC).as_posix().encode() + b"\0" + each.read_bytes())
    return digest.hexdigest()


def _kept() -> dict[str, object]:
    """What the worker keeps, and a name for exactly that."""
    known: dict[str, object] | None = current_app.extensions.get("exotrace-kept")
    if known is not None:
        return known
    digest = hashlib.sha256(_digest_of_files().encode())
    for language in words.LANGUAGES:
        digest.update(_drawn(language, "station/offline_station.html", "").encode())
        for which in ("bedside", "page"):
            digest.update(_drawn(language, "station/offline.html", which).encode())
    names = ("station", "bedside", "page")
    known = {
        "version": digest.hexdigest()[:16],
        "files": [f"/static/{each.relative_to(_STATIC).as_posix()}" for each in _files()],
        "pages": [f"/offline/{each}/{name}" for each in words.LANGUAGES for name in names],
        "stops": [f"/scan-stops/{each}" for each in words.LANGUAGES],
        "languages": list(words.LANGUAGES),
    }
    current_app.extensions["exotrace-kept"] = known
    return known
