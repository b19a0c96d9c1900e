"""What a page says of scans that its own script cannot take."""

from collections.abc import Mapping

from flask import Blueprint, Response, abort, render_template

from lims.core import words as speech
from lims.core.words import Text as _
from lims.web.verdicts import Panel

blueprint = Blueprint("scanning", __name__)
_CALL = _("The person in charge of this bench, if it happens again.")


@blueprint.get("/scan-stops/<language>")
def words(language: str) -> Response:
    """The stops in one language, fetched once by the script; they say nothing of anybody."""
    if language not in speech.LANGUAGES:
        abort(404)
    with speech.speaking(language):
        drawn = render_template("scan_stops.html", stops=stops())
    response = Response(drawn, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def stops() -> Mapping[str, Panel]:
    """The stops by the names that the script calls them."""
    return {
        "unclear": _stop(
            _("Two readings of one scan."),
            _("The keyboard's layout turned it into another code that fits as well."),
            _("Scan it again, or set this computer's keyboard to US English."),
        ),
        "unreadable": _stop(
            _("This scan cannot be read."),
            _("It is no code of ours, or it is damaged: the check character does not fit."),
            _("Scan it again. A supplier's code is scanned into the box at the top."),
        ),
        "elsewhere": _stop(
            _("This page has no place for that code:"),
            _("What you have entered here would be lost."),
            _("Send or leave this form first, then scan it again."),
        ),
        "late": _stop(
            _("This scan came while the page was changing, and was not used."),
            _("The page took too long to come."),
            _("Scan it again."),
        ),
        "left": _stop(
            _("Scans of another person were not sent:"),
            _("She is no longer signed in here."),
            _("Let her scan them again."),
        ),
        "wait": Panel(
            "wait",
            str(_("Waiting for the server:")),
            str(_("It does not answer. What is scanned is kept and sent in its order.")),
            str(_("Leave this page open.")),
            str(_("The operator, if it does not come back.")),
            recorded=False,
        ),
    }


def _stop(what: _, why: _, do_now: _) -> Panel:
    return Panel("stop", str(what), str(why), str(do_now), str(_CALL), recorded=False)
