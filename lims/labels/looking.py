"""Looking at print requests and printers, for whoever may."""

from collections.abc import Iterable

from lims.core import db
from lims.core.permissions import Actor, requires
from lims.labels import permissions as may
from lims.labels import queries
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
