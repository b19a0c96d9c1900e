"""The doors of labels: a new copy, and a label scanned back after it was stuck on."""

from typing import Any

from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.labels import queue_doors, services, showing
from lims.labels.models import LabelCopy, LabelRequest
from lims.labels.permissions import LOOK
from lims.web import fields
from lims.web.doors import Doors

doors = Doors("labels")
_THINGS = "SCLVQKATB"


class ReprintIn(fields.Shape):
    """Why a new label is needed."""

    reason = fields.Words(
        required=True,
        label=_("Why is a new label needed?"),
        help=_("Smudged, lost or wrong stock. The old label is void from now on."),
    )
    printer = fields.Words(longest=60, label=_("Printer"))


class DestroyIn(fields.Shape):
    """Why a label was destroyed."""

    reason = fields.Words(
        required=True,
        label=_("Why was it destroyed?"),
        help=_("It is void from now on, and no other takes its place."),
    )


class StickIn(fields.Shape):
    """The label, scanned off the thing."""

    scanned = fields.Words(
        longest=20,
        scan=_THINGS + "PW",
        required=True,
        label=_("Label"),
        help=_("Scan the label where it sticks; a typed code does not show which copy it is."),
    )


def _requested(row: LabelRequest) -> dict[str, Any]:
    return {"code": row.code, "copy": row.copy, "template": row.template, "state": row.state}


def _stuck(row: LabelCopy) -> dict[str, Any]:
    return {"code": row.code, "copy": row.copy, "stuck_at": row.stuck_at}


def _at(answer: dict[str, Any]) -> str:
    """The page of whatever carries the code."""
    code = str(answer["code"])
    known = {"A": "/places/", **dict.fromkeys("SCLVQK", "/items/")}
    return f"{known.get(code[0], '/scan?code=')}{code}"


def _designs(actor: Actor) -> dict[str, Any]:
    return {"designs": showing.designs_now(actor)}


reprint = doors.act(
    "/items/<code>/labels",
    services.reprint,
    takes=ReprintIn,
    gives=_requested,
    name="reprint",
    title=_("Print a new label"),
    letters={"code": _THINGS},
    after=_at,
)
destroy = doors.act(
    "/items/<code>/labels/destruction",
    services.destroy,
    takes=DestroyIn,
    gives=_stuck,
    name="destroy",
    title=_("Destroy its label"),
    letters={"code": _THINGS},
    after=_at,
)
stick = doors.act(
    "/labels/sticking",
    services.stick,
    takes=StickIn,
    gives=_stuck,
    name="stick",
    title=_("Scan a label back"),
    intro=_("After it was stuck on, so that it is known to be where it belongs."),
    said=lambda answer: _("Label copy %(copy)s is on its thing.", copy=answer["copy"]),
)
doors.read(
    "/label-designs",
    _designs,
    name="label-designs",
    title=_("Label designs, each with the version that is printed and the one in its file"),
    permission=LOOK,
)
queue_doors.declare(doors)
