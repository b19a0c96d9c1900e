"""/look: every part that pages are made of, in three languages, drawn by what the pages use.

For whoever changes the look. A test holds that no part and no class of the stylesheet is missing.
"""

import re
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from lims.core import db, mode, permissions, words
from lims.core.words import Text as _
from lims.station import looking
from lims.station.permissions import LOOK
from lims.web import auth, tokens
from lims.web.looks import RIGHT_TO_LEFT

blueprint = Blueprint("look", __name__)
PARTS = {
    "answers": _("Answers"),
    "forms": _("Forms"),
    "lists": _("Lists"),
    "things": _("Things"),
    "warmth": _("Temperature"),
    "slots": _("Slots"),
    "bed": _("Bedside"),
    "paper": _("On paper"),
}
_NAMED = re.compile(r'((?:\bid|for|aria-\w+by)="|href="#)([\w.-]+)')


@blueprint.get("/look")
def colours() -> ResponseReturnValue:
    """Colours with what was measured, sizes, spaces, corners."""
    _may()
    return render_template(
        "station/look/colours.html",
        title=_("Look"),
        parts=PARTS,
        shade=_shade(),
        colours=tokens.colours(),
        sizes=tokens.sizes(),
        pairs=[
            (
                over,
                under,
                least,
                [
                    (getattr(front, shade), getattr(back, shade),
                     tokens.contrast(getattr(front, shade), getattr(back, shade)))
                    for shade in ("light", "dark")
                ],
            )
            for over, under, least in tokens.PAIRS
            for front, back in [(tokens.colours()[over], tokens.colours()[under])]
        ],
    )  # fmt: skip


@blueprint.get("/look/paper.css")
def paper() -> ResponseReturnValue:
    """What the sheets say of paper, so that the screen can show it."""
    _may()
    return Response(tokens.on_paper(), content_type="text/css; charset=utf-8")


@blueprint.get("/look/<part>")
def one(part: str) -> ResponseReturnValue:
    """One kind of parts, in every language at once."""
    _may()
    if part not in PARTS:
        abort(404)
    return render_template(
        "station/look/look.html",
        title=PARTS[part],
        part=part,
        parts=PARTS,
        shade=_shade(),
        tongues=[
            (code, "rtl" if code in RIGHT_TO_LEFT else "ltr", _drawn(part, code))
            for code in words.LANGUAGES
        ],
    )


def _drawn(part: str, language: str) -> str:
    with words.speaking(language):
        known: dict[str, Any] = looking.SHOWN[part](current_app.config["TIME_ZONE"])
        text = render_template(f"station/look/_{part}.html", **known)
    # The three stand on one page, and an id stands there once.
    return _NAMED.sub(rf"\1{language}-\2", text)


def _shade() -> str:
    return "dark" if request.args.get("shade") == "dark" else "light"


def _may() -> None:
    actor = auth.current_actor()
    with db.reading() as session:
        if not mode.is_practice(session):
            permissions.ask(actor, LOOK)
