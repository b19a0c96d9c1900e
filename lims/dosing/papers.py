"""Papers of a dose: the downtime sheet to print, and the one it was entered from."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from lims.core import codes
from lims.dosing import downtime
from lims.web import auth

blueprint = Blueprint("papers", __name__)


@blueprint.get("/doses/<code>/downtime-sheet")
def sheet(code: str) -> ResponseReturnValue:
    """The downtime sheet, PDF."""
    return downtime.sheet(auth.current_actor(), code=codes.expect(code, "V", "code").code)


@blueprint.get("/doses/<code>/paper-record/sheet")
def scanned(code: str) -> ResponseReturnValue:
    """The scanned sheet."""
    return downtime.scanned(auth.current_actor(), code=codes.expect(code, "V", "code").code)
