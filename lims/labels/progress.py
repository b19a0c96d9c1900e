"""How far a copy has come: each step an update that only one runner can win."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import update

from lims import ledger
from lims.core import clock, db
from lims.core.permissions import Actor
from lims.labels import reasons, turns
from lims.labels.handing import Handed
from lims.labels.models import LabelRequest, RequestState
from lims.labels.services import stream


def move(
    request_id: UUID,
    old: RequestState,
    new: RequestState,
    *,
    error: str | None = None,
    remote: int | None = None,
    entry: tuple[Actor, str, dict[str, Any]] | None = None,
) -> bool:
    """Move a copy on, if it is still where it was; the entry goes with the move."""
    with db.transaction() as session:
        moved = session.execute(
            update(LabelRequest)
            .where(LabelRequest.id == request_id, LabelRequest.state == old)
            .values(state=new, moved_at=clock.now(), error=error, remote=remote)
            .returning(LabelRequest.code, LabelRequest.copy)
        ).one_or_none()
        if moved is not None and entry:
            actor, kind, data = entry
            ledger.record(actor, stream(moved.code), kind, {"copy": moved.copy, **data})
        return moved is not None


def claim(request_id: UUID, printer: str, holder: str) -> bool:
    """Commit that a copy is being sent, before a byte leaves; False where it may not be (H12)."""
    with db.transaction() as session:
        if not turns.extend(session, printer, holder):
            return False
        return bool(
            session.execute(
                update(LabelRequest)
                .where(
                    LabelRequest.id == request_id,
                    LabelRequest.state == RequestState.WAITING,
                    LabelRequest.printer == printer,
                )
                .values(state=RequestState.SENDING, moved_at=clock.now(), error=None)
            ).rowcount  # type: ignore[attr-defined]
        )


def handed_over(request_id: UUID, actor: Actor, printer: str, handed: Handed) -> bool:
    """Write what came of a copy that left; False where it is not being sent any more."""
    to = RequestState.PRINTED if handed.printed else RequestState.SENT
    kind = "labels.printed" if handed.printed else "labels.sent"
    return move(
        request_id, RequestState.SENDING, to, error=handed.said, remote=handed.remote,
        entry=(actor, kind, {"printer": printer}),
    )  # fmt: skip


def doubt_left_behind(printer: str, actor: Actor) -> None:
    """Call what somebody was sending when it died uncertain; the caller has taken the turn."""
    with db.reading() as session:
        lost = [each.id for each in turns.left_behind(session, printer)]
    for each in lost:
        doubt(each, actor, reasons.INTERRUPTED, {})


def doubt(request_id: UUID, actor: Actor, reason: str, data: Mapping[str, Any]) -> bool:
    """Call a copy that was being sent uncertain; False where it is not being sent any more."""
    return move(
        request_id,
        RequestState.SENDING,
        RequestState.UNCERTAIN,
        error=reason,
        entry=(actor, "labels.uncertain", {"why": reasons.kept(reason), **data}),
    )
