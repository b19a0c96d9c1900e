"""Pages of lots: the list, one lot as a whole, its certificate."""

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from lims import custody
from lims.core import codes, db, permissions
from lims.core.permissions import PEOPLE
from lims.core.words import Text as _
from lims.release import doors, lots, recalls
from lims.release import permissions as may
from lims.web import auth, nav
from lims.web.steps import Act, acts_for

blueprint = Blueprint("release", __name__, template_folder="templates")
nav.add(_("Lots"), "/lots", PEOPLE, order=40)
nav.add(_("Recall"), "/recalls", may.RECALL.granted_to, order=45)


# The work on a lot in its order; then what any item has; what stops a lot comes last.
_FIRST = (
    "fill",
    "close-fill",
    "enter-choice",
    "derive",
    "review",
    "submit",
    "release",
    "send-back",
)
_LAST = ("open-deviation", "reject")


def _turn(act: Act) -> int:
    if act.name in _FIRST:
        return _FIRST.index(act.name)
    return 100 + _LAST.index(act.name) if act.name in _LAST else 50


@blueprint.get("/lots")
def listing() -> ResponseReturnValue:
    """All lots, newest first."""
    found = lots.lots(auth.current_actor())
    return render_template("release/lots.html", title=_("Lots"), lots=found, words=lots.words())


@blueprint.get("/lots/<code>")
def lot(code: str) -> ResponseReturnValue:
    """One lot: results, findings, what its release asks now, what can be done next."""
    actor = auth.current_actor()
    scanned = codes.expect(code, "L", "code").code
    found = lots.dossier(actor, code=scanned)
    with db.reading() as session:
        item = custody.find(session, scanned)
    return render_template(
        "release/lot.html",
        title=_("Lot %(name)s", name=found["name"]),
        lot=found,
        wanting=lots.wanting(found["tests"]),
        rows=lots.sorted_rows(found["release"]),
        acts=sorted(acts_for("L", found["state"].value, actor, item), key=_turn),
        words=lots.words(),
    )


@blueprint.get("/lots/<code>/certificate")
def certificate(code: str) -> Response:
    """The certificate of analysis, PDF."""
    scanned = codes.expect(code, "L", "code").code
    return doors.certificate(auth.current_actor(), code=scanned)


@blueprint.get("/recalls/<reference>")
def recall(reference: str) -> ResponseReturnValue:
    """A recall or drill: where each thing is now, and whom it came to; made to be printed."""
    actor = auth.current_actor()
    found = recalls.recall_report(actor, reference=reference)
    return render_template(
        "release/recall.html",
        title=_("Recall %(reference)s", reference=found["reference"]),
        recall=found,
        words=recalls.words(),
        may_end=permissions.allowed(actor, may.RECALL)
        and not found["drill"]
        and found["closed_at"] is None,
    )
