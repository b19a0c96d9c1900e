"""The doors that belong to no step: what was scanned, and what stands above and below a code."""

from typing import Any

from lims.core import clock
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody.permissions import READ
from lims.station import cards, ordering, tracing
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


class PeriodIn(fields.Shape):
    """A period, for a place."""

    since = fields.Words(
        longest=40, label=_("From"), help=_("Only for a place: ISO 8601 with its offset.")
    )
    until = fields.Words(longest=40, label=_("Until"))


def _trace(
    actor: Actor, *, what: str, since: str | None = None, until: str | None = None
) -> dict[str, Any]:
    return tracing.trace(
        actor,
        code=what,
        since=clock.parse(since, "since") if since else None,
        until=clock.parse(until, "until") if until else None,
    )


doors.read(
    "/trace/<what>",
    _trace,
    permission=READ,
    takes=PeriodIn,
    name="trace",
    title=_("Everything above and below a code"),
)


class CommandsIn(fields.Shape):
    """Where the commands will hang."""

    station = fields.Words(
        longest=60,
        load_default="",
        label=_("Bench"),
        help=_("Where they will hang; it is printed on them."),
    )
    printer = fields.Words(longest=60, label=_("Printer"))


doors.act(
    "/station/commands/labels",
    ordering.print_commands,
    takes=CommandsIn,
    name="print-commands",
    title=_("Print the commands as labels"),
    intro=_(
        "One label of each command. Copies that hang already go on working, and none is scanned "
        "back."
    ),
    after=lambda answer: f"/print-jobs/{answer['job']}",
    said=lambda answer: _("Labels being printed: %(count)s", count=answer["labels"]),
)
