"""The pages of the printer queue: printers in words, jobs with their counts, one job's labels."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from lims import labels, people
from lims.core import codes, db, permissions
from lims.core.words import Text as _
from lims.labels.permissions import QUEUE, SEE, SETTLE
from lims.web import auth

blueprint = Blueprint("printers", __name__)
_JOBS = 30  # on one page


@blueprint.get("/printers")
def printers() -> ResponseReturnValue:
    """Every printer, and the newest jobs."""
    actor = auth.current_actor()
    open_only = "open" in request.args
    before = request.args.get("before", "")
    found = labels.recent_jobs(
        actor,
        open_only=open_only,
        limit=_JOBS,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None,
    )
    return render_template(
        "station/printers.html",
        title=_("Printers"),
        printers=labels.printers_now(actor),
        jobs=found,
        open_only=open_only,
        before=found[-1].number if len(found) == _JOBS else None,
        words=labels.PRINTER_WORDS,
        named=labels.design_named,
        undecided=sum(
            each["state"] in labels.DESIGN_UNDECIDED for each in labels.designs_now(actor)
        ),
        may_change=permissions.allowed(actor, QUEUE),
    )


@blueprint.get("/print-jobs/<number>")
def job(number: str) -> ResponseReturnValue:
    """One job: where each of its labels is."""
    actor = auth.current_actor()
    found = labels.job_by_number(actor, number=number)
    with db.reading() as session:
        return render_template(
            "station/print_job.html",
            title=_("Print job %(number)s", number=found.number),
            job=found,
            who={
                each: people.name_of(session, each)
                for each in {label.requested_by for label in found.labels}
            },
            words=labels.STATE_NAMES,
            named=labels.design_named,
            may_change=permissions.allowed(actor, QUEUE),
            may_settle=permissions.allowed(actor, SETTLE),
            may_see=permissions.allowed(actor, SEE),
        )


@blueprint.get("/print-copies/<request_id>")
def copy(request_id: str) -> ResponseReturnValue:
    """What one label says, and when and why it was asked for."""
    actor = auth.current_actor()
    row = labels.one_request(actor, request_id=request_id)
    with db.reading() as session:
        who = people.name_of(session, row.requested_by)
    return render_template(
        "station/print_copy.html",
        title=_("Label %(code)s, copy %(copy)s", code=codes.grouped(row.code), copy=row.copy),
        request_of=row,
        who=who,
        word=labels.STATE_NAMES[row.state],
        named=labels.design_named,
        drawable=row.design_id is not None,
    )


@blueprint.get("/print-copies/<request_id>/picture")
def picture(request_id: str) -> ResponseReturnValue:
    """The picture on that page."""
    actor = auth.current_actor()
    row = labels.one_request(actor, request_id=request_id)
    answer = Response(
        labels.redraw(actor, request_id=row.id).png,
        content_type="image/png",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
