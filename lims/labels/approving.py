"""Two persons decide about a version of a label: one proposes it, another puts it in force (H13).

The signature is asked above this package, where people are known; what is decided stands here.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, db, queue
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import designs
from lims.labels import permissions as may
from lims.labels.errors import DesignDecided, OwnDesign
from lims.labels.models import DesignState, LabelDesign
from lims.labels.sweeping import SWEEP_TASK

Signature = Mapping[str, str]


def stream(template: str) -> str:
    """The ledger's stream of the designs of one label."""
    return f"label-design/{template}"


@requires(may.DESIGN)
def approve(actor: Actor, *, template: str, digest: str, signature: Signature) -> LabelDesign:
    """Approve the version in a label's file: one person proposes it, another puts it in force.

    Raises:
        DesignDecided: it is in force, or the file holds another version by now.
        OwnDesign: the same person proposed it.
    """
    with db.transaction() as session:
        found = _held(session, template, digest)
        if found.known is None or found.state != "proposed":
            return _propose(actor, session, found, signature)
        return _put_in_force(actor, session, found, signature)


@requires(may.DESIGN)
def approve_all(actor: Actor, *, signature: Signature) -> list[LabelDesign]:
    """Approve every version that waits for this person; what was rejected is left out.

    Raises:
        BadInput: none waits for her.
    """
    with db.transaction() as session:
        decided = [
            approve(actor, template=each.template, digest=each.deployed.digest, signature=signature)
            for each in designs.standings(session)
            if each.waits and waits_for(each, actor)
        ]
        if not decided:
            raise BadInput(
                _("No label design waits for you; what you approved waits for another person.")
            )
        return decided


@requires(may.DESIGN)
def reject(
    actor: Actor, *, template: str, digest: str, reason: str, signature: Signature
) -> LabelDesign:
    """Reject the version in a label's file; the version before goes on printing.

    Raises:
        BadInput: no reason.
        DesignDecided: it is decided, or the file holds another version by now.
    """
    if not reason.strip():
        raise BadInput(_("Say what is wrong with the design."), field="reason")
    with db.transaction() as session:
        found = _held(session, template, digest)
        if found.state == "rejected":
            raise _decided(found)
        row = found.known or _kept(actor, session, found)
        row.state = DesignState.REJECTED
        row.decided_by, row.decided_at = actor.person, clock.now()
        row.reason = reason.strip()
        _record(actor, "labels.design-rejected", row, signature, reason=row.reason)
        return row


def waits_for(found: designs.Standing, actor: Actor) -> bool:
    """Whether this person can take the next step with a design."""
    if not found.waits:
        return False
    mine = found.known is not None and found.known.proposed_by == actor.person
    return not (found.state == "proposed" and mine)


def _held(session: Session, template: str, digest: str) -> designs.Standing:
    """How a design stands, its rows held; refuses what is in force, or not the file's any more."""
    designs.load(template)
    its = select(LabelDesign).where(LabelDesign.template == template).order_by(LabelDesign.number)
    held, found = db.locked_all(session, its), designs.standing(session, template)
    while len(held) < len(found.history):
        # Another proposed it after our question for locks and before that for the standing.
        held, found = db.locked_all(session, its), designs.standing(session, template)
    if found.deployed.digest != digest:
        raise DesignDecided(
            _(
                "The file of %(name)s holds another version by now; look at its page again.",
                name=template,
            ),
            field="digest",
        )
    if found.state == "approved":
        raise _decided(found)
    return found


def _decided(found: designs.Standing) -> DesignDecided:
    return DesignDecided(
        _("This version of %(name)s is decided; look at its page.", name=found.template),
        field="digest",
    )


def _propose(
    actor: Actor, session: Session, found: designs.Standing, signature: Signature
) -> LabelDesign:
    row = found.known or _kept(actor, session, found)
    row.state = DesignState.PROPOSED
    row.proposed_by, row.proposed_at = _person(actor), clock.now()
    row.decided_by = row.decided_at = row.reason = None
    # A version that was proposed before and is in no file any more will not be decided.
    older = [
        each for each in found.history if each.state is DesignState.PROPOSED and each is not row
    ]
    for each in older:
        each.state = DesignState.SUPERSEDED
    _record(actor, "labels.design-proposed", row, signature, older)
    return row


def _kept(actor: Actor, session: Session, found: designs.Standing) -> LabelDesign:
    last = session.scalar(
        select(func.max(LabelDesign.number)).where(LabelDesign.template == found.template)
    )
    row = LabelDesign(
        template=found.template,
        number=(last or 0) + 1,
        digest=found.deployed.digest,
        source=found.deployed.source,
        state=DesignState.PROPOSED,
        proposed_by=_person(actor),
        proposed_at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as clash:
        raise DesignDecided(
            _("Another person signs for %(name)s at this moment; look again.", name=row.template)
        ) from clash
    return row


def _put_in_force(
    actor: Actor, session: Session, found: designs.Standing, signature: Signature
) -> LabelDesign:
    row = found.known
    if row is None:
        raise RuntimeError("a proposed design has no row")
    if row.proposed_by == actor.person:
        raise OwnDesign(
            _(
                "You proposed this version of %(name)s; another person puts it in force.",
                name=found.template,
            )
        )
    older = [found.approved] if found.approved is not None else []
    for each in older:
        each.state = DesignState.SUPERSEDED
    session.flush()  # at most one is in force at any moment
    row.state = DesignState.APPROVED
    row.decided_by, row.decided_at = actor.person, clock.now()
    _record(actor, "labels.design-approved", row, signature, older)
    session.flush()
    designs.give(actor, session, row)
    db.after_commit(lambda: queue.send(SWEEP_TASK))  # labels may have waited for it
    return row


def _record(
    actor: Actor,
    kind: str,
    row: LabelDesign,
    signature: Signature,
    older: list[LabelDesign] | None = None,
    reason: str = "",
) -> None:
    ledger.record(
        actor,
        stream(row.template),
        kind,
        {"design": row.number, "digest": row.digest, "signature": dict(signature)},
        rows=[row, *(older or [])],
        reason=reason,
    )


def _person(actor: Actor) -> UUID:
    if actor.person is None:
        raise RuntimeError("a design is decided by a person")
    return actor.person
