"""The pages of the printer queue: printers in words, jobs with their counts, one job's labels."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lims import labels, people
from lims.core import db, permissions
from lims.core.words import Text as _
from lims.labels.permissions import QUEUE, SETTLE
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
            may_change=permissions.allowed(actor, QUEUE),
            may_settle=permissions.allowed(actor, SETTLE),
        )
