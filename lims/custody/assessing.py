"""Assessing a way that was not good or not fully recorded: quality signs, the investigator agrees.

Quality's assessment frees the material for every step of the laboratory. What went such a way in
its final container is given at a bed only where the investigator has agreed as well (domain.md
10.2, B16).
"""

from uuid import UUID

from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, loggers, queries, reasons, telling, ways
from lims.custody import permissions as may
from lims.custody.errors import NothingToAssess
from lims.custody.models import Place, Shipment
from lims.custody.models import TransportAssessment as Assessment
from lims.custody.models import TransportRecord as Record
from lims.custody.rules import Outcome, RecordState

MEANING = "temperature record assessed"
AGREED = "assessment of the temperature record agreed to"


@requires(may.ASSESS)
def assess(
    actor: Actor, *, shipment_id: UUID, outcome: Outcome, reason: str, password: str
) -> Record:
    """Decide about a way that is not shown to have been good, and sign.

    Args:
        outcome: `no-effect` and `logger-fault` lift its holds; `not-usable` leaves them.
        reason: what was looked at and what follows from it.

    Raises:
        NothingToAssess: it is on its way, was good, or was assessed.
        WrongSecret: not her password.
    """
    said = stated(reason)
    with db.transaction() as session:
        shipment, box = _received(session, shipment_id)
        record = ways.record_of(session, shipment.id, lock=True)
        if record is None:  # received before records were kept
            record = loggers.take(actor, session, shipment, ())
        if record.state not in (RecordState.OPEN, RecordState.UNUSABLE):
            raise NothingToAssess(
                _("The temperature record of this shipment is not open; nothing is to assess."),
                why=telling.last_act(session, areas.stream(box.code)),
            )
        signature = people.signature(actor, meaning=MEANING, password=password)
        row = Assessment(
            record_id=record.id,
            outcome=outcome,
            reason=said,
            signed_at=clock.now(),
            signed_by=actor.person,
        )
        session.add(row)
        usable = outcome is not Outcome.NOT_USABLE
        record.state = RecordState.ASSESSED if usable else RecordState.UNUSABLE
        session.flush()
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.temperature-assessed",
            {"outcome": outcome.value, "signature": signature},
            rows=[record, row],
            reason=said,
        )
        if usable:
            loggers.free(
                actor, session, shipment, reasons.ASSESSED.kept(outcome=outcome, words=said)
            )
        return record


@requires(may.AGREE)
def agree(actor: Actor, *, shipment_id: UUID, password: str) -> Record:
    """Agree to quality's assessment, as another person.

    Raises:
        NothingToAssess: quality has not found it usable, or the investigator has agreed already.
        NotAllowed: she signed the assessment herself.
    """
    with db.transaction() as session:
        shipment, box = _received(session, shipment_id)
        record = ways.record_of(session, shipment.id, lock=True)
        found = ways.assessment_of(session, record.id) if record else None
        if (
            record is None
            or found is None
            or record.state is not RecordState.ASSESSED
            or found.agreed_at is not None
        ):
            raise NothingToAssess(
                _("No assessment of this shipment waits for the investigator."),
                why=telling.last_act(session, areas.stream(box.code)),
            )
        signature = countersigned(actor, found.signed_by, password)
        found.agreed_at, found.agreed_by = clock.now(), actor.person
        session.flush()
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.temperature-agreed",
            {"signature": signature},
            rows=[found],
        )
        return record


def stated(reason: str) -> str:
    """What quality looked at and what follows from it.

    Raises:
        BadInput: nothing was written.
    """
    if not reason.strip():
        raise BadInput(_("Write what you looked at and what follows from it."), field="reason")
    return reason.strip()


def countersigned(actor: Actor, signed_by: UUID | None, password: str) -> dict[str, str]:
    """The signature of the investigator under an assessment that another person signed.

    Raises:
        NotAllowed: she signed it herself.
        WrongSecret: not her password.
    """
    if signed_by == actor.person:
        raise NotAllowed(_("You signed this assessment; another person agrees to it."))
    return people.signature(actor, meaning=AGREED, password=password)


def _received(session: Session, shipment_id: UUID) -> tuple[Shipment, Place]:
    shipment = ways.shipment_by_id(session, shipment_id, lock=True)
    box = queries.place(session, shipment.place_id)
    assert box is not None  # noqa: S101 - a foreign key
    if shipment.received_at is None:
        raise NothingToAssess(
            _("The shipment is still on its way. Receive it first."),
            why=telling.last_act(session, areas.stream(box.code)),
        )
    return shipment, box
