"""What a person says of copies that the machine cannot know of."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, db
from lims.core.because import Because
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import permissions as may
from lims.labels import queries, reasons
from lims.labels.errors import NoRequest, NotSettled
from lims.labels.models import CopyState, LabelRequest, RequestState
from lims.labels.services import stream

_NOT_PRINTED = Because(_("not printed"))


def id_of(text: str) -> UUID:
    """The id of a copy, as an address holds it.

    Raises:
        NoRequest: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NoRequest(_("There is no such print request; look at the list of labels.")) from None


@requires(may.SETTLE)
def settle(actor: Actor, *, request_id: UUID, printed: bool) -> LabelRequest:
    """Say what became of an uncertain print: it lies there, or no label came out.

    Where none came out the copy dies; `reprint` makes the next.

    Raises:
        NotSettled: the print is not uncertain.
    """
    with db.transaction() as session:
        row = queries.request_by_id(session, request_id)
        to = RequestState.PRINTED if printed else RequestState.FAILED
        if not _move(session, row.id, to):
            raise NotSettled(_("This print is not uncertain but %(state)s.", state=row.state.value))
        copy = queries.live_copy_of(session, row)
        rows = []
        if copy is not None and not printed:
            copy.state = CopyState.VOID
            copy.void_reason = _NOT_PRINTED.kept()
            rows = [copy]
        ledger.record(
            actor,
            stream(row.code),
            "labels.settled",
            {"copy": row.copy, "printed": printed},
            rows=rows,
        )
        return queries.request_by_id(session, request_id)


def doubt_unfinished(session: Session) -> int:
    """Call every print that had not ended uncertain: it may have come out since (H12, H45).

    For a restored copy, where a worker would otherwise print again what lies printed.

    Returns:
        How many.
    """
    moved = session.execute(
        update(LabelRequest)
        .where(
            LabelRequest.printer.is_not(None),
            LabelRequest.state.in_((RequestState.WAITING, RequestState.SENDING)),
        )
        .values(
            state=RequestState.UNCERTAIN,
            moved_at=clock.now(),
            error=reasons.RESTORED,
        )
    )
    return int(moved.rowcount)  # type: ignore[attr-defined]


def _move(session: Session, request_id: UUID, to: RequestState) -> bool:
    moved = session.execute(
        update(LabelRequest)
        .where(LabelRequest.id == request_id, LabelRequest.state == RequestState.UNCERTAIN)
        .values(state=to, moved_at=clock.now(), error=None)
    )
    return bool(moved.rowcount)  # type: ignore[attr-defined]
