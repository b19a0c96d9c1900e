"""The doors of the printer queue, and those of print agents."""

from typing import Any

from flask import Response

from lims.core import db
from lims.core.permissions import PEOPLE, Actor
from lims.core.words import Text as _
from lims.labels import agents, looking, printing, queries, queueing, reasons, settling
from lims.labels import permissions as may
from lims.labels.models import LabelPrinter, LabelRequest
from lims.web import fields, nav
from lims.web.doors import Doors

_JOBS_A_PAGE = 50


class ReasonIn(fields.Shape):
    """Why."""

    reason = fields.Words(required=True, label=_("Reason"))


class ToIn(fields.Shape):
    """Which printer takes over."""

    to = fields.Words(
        longest=60, required=True, label=_("Printer"), help=_("The one that takes over, by name.")
    )


class SettleIn(fields.Shape):
    """Whether the label lies there."""

    printed = fields.Flag(
        load_default=False,
        label=_("The label came out"),
        help=_("Leave this empty where none came out: the copy is dead then, and another can be "
               "printed. Where it lies there, scanning it back says the same."),
    )  # fmt: skip


class JobsIn(fields.Shape):
    """Which jobs."""

    open = fields.Flag(load_default=False, label=_("Only with labels not accounted for"))
    before = fields.Whole(label=_("Before job"), help=_("Where the last page ended."))


class ClaimIn(fields.Shape):
    """Which run of the agent asks."""

    agent = fields.Words(longest=60, required=True, label=_("Run of the agent"))


class OutcomeIn(fields.Shape):
    """What became of a label."""

    outcome = fields.Words(longest=20, required=True, label=_("Outcome"))
    said = fields.Words(longest=400, load_default="", label=_("What the printer said"))


class SightIn(fields.Shape):
    """What the printer is like."""

    health = fields.Words(longest=20, required=True, label=_("State of the printer"))
    said = fields.Words(longest=400, load_default="", label=_("What the printer said"))


def _printer(row: LabelPrinter) -> dict[str, Any]:
    return {"name": row.name, "paused": row.paused_at is not None}


def _moved(rows: list[LabelRequest]) -> dict[str, Any]:
    return {"labels": len(rows), "printer": rows[0].printer}


def _cancelled(rows: list[LabelRequest]) -> dict[str, Any]:
    return {"labels": len(rows), "job": rows[0].job}


def _settled(row: LabelRequest) -> dict[str, Any]:
    return {"id": row.id, "code": row.code, "copy": row.copy, "state": row.state, "job": row.job}


def _copy_facts(actor: Actor, *, request_id: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        row = queries.request_by_id(session, settling.id_of(request_id))
    return [
        (_("Label"), f"{row.code} / {row.copy:02d}"),
        (_("Printer"), row.printer or "-"),
        (_("What happened"), reasons.said(row.error) or "-"),
    ]


def _settle(actor: Actor, *, request_id: str, printed: bool) -> LabelRequest:
    row: LabelRequest = settling.settle(
        actor, request_id=settling.id_of(request_id), printed=printed
    )
    return row


def _picture(actor: Actor, *, request_id: str) -> Response:
    drawn = printing.redraw(actor, request_id=settling.id_of(request_id))
    answer = Response(drawn.png, content_type="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _jobs(actor: Actor, *, open: bool = False, before: int | None = None) -> dict[str, Any]:
    found = looking.recent_jobs(actor, open_only=open, before=before, limit=_JOBS_A_PAGE)
    more = len(found) == _JOBS_A_PAGE
    return {"jobs": found, "before": found[-1].number if more else None}


def _queue(actor: Actor) -> dict[str, Any]:
    return {"printers": looking.printers_now(actor)}


def _content(actor: Actor, *, copy_id: str) -> Response:
    drawn = agents.content(actor, copy_id=copy_id)
    return Response(drawn.bytes, content_type=drawn.media_type)


def declare(doors: Doors) -> None:
    """Declare what is done to printers and jobs."""
    nav.add(_("Printers"), "/printers", may.QUEUE.granted_to & PEOPLE, order=65)
    _declare_printers(doors)
    _declare_jobs(doors)
    _declare_agents(doors)


def _declare_printers(doors: Doors) -> None:
    doors.read("/printers", _queue, permission=may.LOOK, name="printers", title=_("Printers"))

    def at(_answer: dict[str, Any]) -> str:
        return "/printers"

    doors.act(
        "/printers/<name>/pause",
        queueing.pause,
        takes=ReasonIn,
        gives=_printer,
        name="pause-printer",
        title=_("Pause a printer"),
        intro=_("What waits is kept; nothing more is sent until somebody resumes it."),
        after=at,
        said=lambda answer: _("%(name)s is paused.", name=answer["name"]),
    )
    doors.act(
        "/printers/<name>/resumption",
        queueing.resume,
        gives=_printer,
        name="resume-printer",
        title=_("Go on printing"),
        intro=_("Also tries again at once where the printer gave no answer."),
        after=at,
        said=lambda answer: _("%(name)s goes on.", name=answer["name"]),
    )
    doors.act(
        "/printers/<name>/test",
        queueing.ask_test,
        gives=_printer,
        name="test-printer",
        title=_("Print a test label"),
        intro=_("It carries copy 00, which every scan refuses."),
        after=at,
        said=lambda answer: _("A test label was asked for at %(name)s.", name=answer["name"]),
    )
    doors.act(
        "/printers/<name>/queue/moves",
        queueing.move_queue,
        takes=ToIn,
        gives=_moved,
        name="move-queue",
        title=_("Move what waits to another printer"),
        intro=_("Only what was not sent. Look that the other printer holds the right stock."),
        after=at,
        said=_said_moved,
    )


def _said_moved(answer: dict[str, Any]) -> _:
    return _(
        "Labels that %(printer)s prints now: %(count)s",
        printer=answer["printer"],
        count=answer["labels"],
    )


def _declare_jobs(doors: Doors) -> None:
    doors.read(
        "/print-jobs",
        _jobs,
        permission=may.LOOK,
        takes=JobsIn,
        name="print-jobs",
        title=_("Print jobs"),
    )
    doors.read(
        "/print-jobs/<number>", looking.job_by_number, name="print-job", title=_("Print job")
    )
    doors.act(
        "/print-jobs/<number>/moves",
        queueing.move_job,
        takes=ToIn,
        gives=_moved,
        name="move-job",
        title=_("Move a job to another printer"),
        intro=_("Only what was not sent. Look that the other printer holds the right stock."),
        after=lambda _answer: "/printers",
        said=_said_moved,
    )
    doors.act(
        "/print-jobs/<number>/cancellation",
        queueing.cancel_job,
        takes=ReasonIn,
        gives=_cancelled,
        name="cancel-job",
        title=_("Print no more of a job"),
        intro=_("Labels that wait are void; those that left stay as they are."),
        after=lambda answer: f"/print-jobs/{answer['job']}",
        said=lambda answer: _("Labels cancelled: %(count)s", count=answer["labels"]),
    )
    doors.act(
        "/print-copies/<request_id>/settling",
        _settle,
        permission=may.SETTLE,
        takes=SettleIn,
        gives=_settled,
        name="settle",
        title=_("Say what became of a label"),
        about=_copy_facts,
        after=lambda answer: f"/print-jobs/{answer['job']}" if answer["job"] else "/printers",
    )

    doors.read(
        "/print-copies/<request_id>/picture",
        _picture,
        permission=may.SEE,
        name="copy-picture",
        title=_("What a label says: its picture as copy 00, which every scan refuses"),
    )


def _declare_agents(doors: Doors) -> None:
    doors.read("/print-agent/work", agents.waiting, name="agent-work", title=_("What waits"))
    doors.act(
        "/print-agent/claims",
        agents.claim,
        takes=ClaimIn,
        name="agent-claim",
        title=_("Claim the next label"),
        page=False,
    )
    doors.read(
        "/print-agent/copies/<copy_id>/content",
        _content,
        permission=may.AGENT,
        name="agent-content",
        title=_("The bytes of a claimed label"),
    )
    doors.act(
        "/print-agent/copies/<copy_id>/outcome",
        agents.report,
        takes=OutcomeIn,
        name="agent-report",
        title=_("Say what became of a claimed label"),
        page=False,
    )
    doors.act(
        "/print-agent/printer",
        agents.see,
        takes=SightIn,
        name="agent-see",
        title=_("Say what the printer is like"),
        page=False,
    )
