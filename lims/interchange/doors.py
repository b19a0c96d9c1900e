"""The door of the dossier: one zip of one dose."""

from flask import Response

from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.interchange import making, schemas
from lims.interchange import permissions as may
from lims.web.doors import Doors

doors = Doors("interchange")


@requires(may.EXPORT)
def dossier(actor: Actor, *, code: str, language: str = "", seal: int = 0) -> Response:
    """The dossier of a dose as a file to keep."""
    made = making.export(actor, code=code, language=language, also=seal)
    response = Response(made.content, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="dossier-{made.dose}.zip"'
    return response


doors.read(
    "/doses/<code>/dossier",
    dossier,
    takes=schemas.DossierIn,
    name="dossier",
    title=_("Dossier of a dose"),
    letters={"code": "V"},
)
