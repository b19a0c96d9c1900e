"""The doors that belong to no step: what was scanned, and what stands above and below a code."""

from lims.core.words import Text as _
from lims.station import cards, tracing
from lims.web import fields
from lims.web.doors import Doors

doors = Doors("station")


class ScanIn(fields.Shape):
    """A scan, as the device read it."""

    code = fields.Words(longest=400, required=True, label=_("Code"))
    station = fields.Words(longest=60, load_default="", label=_("Station"))


doors.read(
    "/scans", cards.scanned, takes=ScanIn, method="post", name="scan", title=_("What was scanned")
)
doors.read(
    "/trace/<code>",
    tracing.trace,
    name="trace",
    title=_("Everything above and below a code"),
    letters={"code": "SCLVQK"},
)
