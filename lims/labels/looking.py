"""Looking at print requests and printers, for whoever may."""

from collections.abc import Iterable

from lims.core import db
from lims.core.permissions import Actor, requires
from lims.labels import jobs, queries, queueing, settling
from lims.labels import permissions as may
from lims.labels.models import LabelPrinter, LabelRequest, RequestState


@requires(may.LOOK)
def requests(
    actor: Actor, *, states: Iterable[RequestState] = (), limit: int = 200
) -> list[LabelRequest]:
    """Print requests, newest first; of some states where they are given."""
    with db.reading() as session:
        return queries.requests(session, states=states, limit=limit)


@requires(may.LOOK)
def printers(actor: Actor) -> list[LabelPrinter]:
    """Every printer, by name."""
    with db.reading() as session:
        return queries.printers(session)


@requires(may.LOOK)
def printers_now(actor: Actor) -> list[jobs.PrinterView]:
    """Every printer with its state and what waits at it."""
    with db.reading() as session:
        return jobs.printers(session)


@requires(may.LOOK)
def recent_jobs(
    actor: Actor, *, open_only: bool = False, before: int | None = None, limit: int = 50
) -> list[jobs.JobView]:
    """Print jobs, newest first; those with labels not accounted for, where asked."""
    with db.reading() as session:
        return jobs.jobs(session, open_only=open_only, before=before, limit=limit)


@requires(may.LOOK)
def job_by_number(actor: Actor, *, number: str) -> jobs.JobView:
    """One job with its labels.

    Raises:
        NoRequest: there is none of this number.
    """
    with db.reading() as session:
        return jobs.job(session, queueing.job_called(session, number))


@requires(may.SEE)
def one_request(actor: Actor, *, request_id: str) -> LabelRequest:
    """One print request.

    Raises:
        NoRequest: there is none of this number.
    """
    with db.reading() as session:
        return queries.request_by_id(session, settling.id_of(request_id))
