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
            _("They were scanned under her sign-in, and nobody sends them in her name."),
            _("Let her sign in here with badge and PIN; they are sent then."),
        ),
        "handed-in": Panel(
            "ask",
            str(_("Handed in for another person:")),
            str(_("Nothing was done by that. Each of them waits on the start page for an answer.")),
            str(_("Leave these things where they are until a third person has answered.")),
            str(_("QC officer")),
        ),
        "not-handed-in": _stop(
            _("Not all of it could be handed in; still on this device:"),
            _("The server did not take it."),
            _("Press again when the connection is back."),
        ),
        **_without_a_connection(),
        **_of_pictures(),
    }


def _without_a_connection() -> Mapping[str, Panel]:
    """What a station says while the server is away."""
    return {
        "wait": Panel(
            "wait",
            str(_("Kept on this device:")),
            str(_("The server does not answer. What is scanned is kept and sent in its order.")),
            str(_("Scan on, and leave the things where you put them.")),
            str(_("The operator, if it does not come back.")),
        ),
        "kept-trouble": Panel(
            "ask",
            str(_("Not everything that was kept could be done:")),
            str(_("Something else had happened meanwhile, or the scan could not be used.")),
            str(_("Look at the last scans below, and at each of these things.")),
            str(_CALL),
        ),
        "offline-act": _stop(
            _("This is not done without a connection:"),
            _("Only moves of things, and notes, are kept; anything else must be known now."),
            _("Scan it again when the connection is back."),
        ),
        "offline-place": _stop(
            _("This scan was not used:"),
            _("Without a connection a place is only taken for the thing in hand, or for a batch."),
            _("Scan the thing, then its place. For a batch scan BATCH, then the place."),
        ),
        "offline-note": _stop(
            _("This note was not taken:"),
            _("It is about the thing in hand, and nothing is."),
            _("Scan the thing, then type the note again."),
        ),
        "offline-badge": _stop(
            _("A badge cannot be checked without a connection:"),
            _("Who works here stays as it was."),
            _("Wait for the connection, or let whoever is signed in here go on."),
        ),
        "offline-band": _stop(
            _("Cannot confirm: no connection"),
            _("Who a woman is, is never confirmed without the server."),
            _("Do not give anything. Use its downtime sheet: both codes by hand, two people."),
        ),
        "offline-nobody": _stop(
            _("Nobody is signed in here:"),
            _("A sign-in that was not used for a while has ended; none begins without the server."),
            _("Write down the thing, its place and the time; scan it when the connection is back."),
        ),
        "second-window": _stop(
            _("The station is open in another window of this device."),
            _("Two windows would not know what the other has in hand."),
            _("Go on there, or close that window."),
        ),
    }


def _of_pictures() -> Mapping[str, Panel]:
    """What a camera or a photograph comes to where it is not one code."""
    again = _("Take one code alone, sharp and without glare, so that it fills the frame.")
    return {
        "photo-none": _stop(
            _("No code was found on this picture."),
            _("It is blurred, too small, in shadow or glare, or shows no code."),
            again,
        ),
        "photo-two": _stop(
            _("More than one code is on this picture:"),
            _("Which one is meant, nobody can know."),
            again,
        ),
        "photo-large": _stop(
            _("This picture is too large."),
            _("It has more bytes or points than are read here."),
            _("Take it again with a lower resolution."),
        ),
        "photo-wrong": _stop(
            _("This file is no picture that can be read."),
            _("JPEG, PNG and WebP are read."),
            _("Take a photograph of the label."),
        ),
        "photo-away": _stop(
            _("This picture was not read: no connection"),
            _("This browser cannot read codes itself, and the server does not answer."),
            _("Use a scanner, or wait for the connection."),
        ),
    }


def _stop(what: _, why: _, do_now: _) -> Panel:
    return Panel("stop", str(what), str(why), str(do_now), str(_CALL), recorded=False)
