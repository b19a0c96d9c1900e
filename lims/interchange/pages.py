"""The dossier from an item's page."""

from flask import Blueprint, Response

from lims.core import codes
from lims.core.words import Text as _
from lims.interchange import doors
from lims.interchange import permissions as may
from lims.web import auth, papers

blueprint = Blueprint("interchange", __name__)
papers.add("V", _("Dossier of a dose"), "/doses/<code>/dossier", may.EXPORT)


@blueprint.get("/doses/<code>/dossier")
def dossier(code: str) -> Response:
    """The dossier of a dose, to keep; its paper in the language that is spoken."""
    return doors.dossier(auth.current_actor(), code=codes.expect(code, "V", "code").code)
