"""Assessing an episode of a place: quality signs, the investigator agrees, as for a way (B16)."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger, people
from lims.core import clock, db
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, reasons, telling
from lims.custody import permissions as may
from lims.custody.assessing import MEANING, countersigned, stated
from lims.custody.errors import NothingToAssess
from lims.custody.models import Place
from lims.custody.monitoring import episodes
from lims.custody.monitoring import queries as known
from lims.custody.monitoring.models import Episode
from lims.custody.rules import Outcome, RecordState


class EpisodeUnknown(NotFound):
    """No episode has this number."""

    code = "episode_unknown"


@requires(may.ASSESS_EPISODE)
def assess(
    actor: Actor, *, episode_id: UUID, outcome: Outcome, reason: str, password: str
) -> Episode:
    """Decide about a part of a place's time that was not shown to be good, and sign.

    Args:
        outcome: `no-effect` and `logger-fault` lift its holds; `not-usable` leaves them, and holds
            what a mild one had not held.
        reason: what was looked at and what follows from it.

    Raises:
        NothingToAssess: it lasts still, or was assessed as usable or filled.
        WrongSecret: not her password.
    """
    said = stated(reason)
    with db.transaction() as session:
        row, place = _of(session, episode_id)
        if row.ended_at is None:
            raise NothingToAssess(
                _(
                    "It lasts still. Bring the place back to its temperature, or read its logger; "
                    "then assess it."
                )
            )
        if row.state not in (RecordState.OPEN, RecordState.UNUSABLE):
            raise NothingToAssess(
                _("This part of the record is not open; nothing is to assess."),
                why=telling.last_act(session, areas.stream(place.code)),
            )
        signature = people.signature(actor, meaning=MEANING, password=password)
        usable = outcome is not Outcome.NOT_USABLE
        row.outcome, row.reason = outcome, said
        row.signed_at, row.signed_by = clock.now(), actor.person
        row.state = RecordState.ASSESSED if usable else RecordState.UNUSABLE
        session.flush()
        ledger.record(
            actor,
            areas.stream(place.code),
            "custody.episode-assessed",
            {"outcome": outcome.value, "signature": signature},
            rows=[row],
            reason=said,
        )
        if usable:
            episodes.free(actor, session, row, reasons.ASSESSED.kept(outcome=outcome, words=said))
        else:
            episodes.hold(actor, session, place, row)
        return row


@requires(may.AGREE_EPISODE)
def agree(actor: Actor, *, episode_id: UUID, password: str) -> Episode:
    """Agree to quality's assessment, as another person.

    Raises:
        NothingToAssess: quality has not found it usable, or the investigator has agreed already.
        NotAllowed: she signed the assessment herself.
    """
    with db.transaction() as session:
        row, place = _of(session, episode_id)
        if row.state is not RecordState.ASSESSED or row.agreed_at is not None:
            raise NothingToAssess(
                _("No assessment of this part of the record waits for the investigator."),
                why=telling.last_act(session, areas.stream(place.code)),
            )
        signature = countersigned(actor, row.signed_by, password)
        row.agreed_at, row.agreed_by = clock.now(), actor.person
        session.flush()
        ledger.record(
            actor,
            areas.stream(place.code),
            "custody.episode-agreed",
            {"signature": signature},
            rows=[row],
        )
        return row


def found(session: Session, episode_id: UUID) -> Episode:
    """The episode of a number.

    Raises:
        EpisodeUnknown: there is none.
    """
    row = session.get(Episode, episode_id)
    if row is None:
        raise _unknown()
    return row


def _of(session: Session, episode_id: UUID) -> tuple[Episode, Place]:
    """An episode and its place; its row is held, after that of its logger."""
    episodes.locked(session, found(session, episode_id).logger_id)
    row = db.locked(session, select(Episode).where(Episode.id == episode_id))
    if row is None:
        raise _unknown()
    return row, known.place_of(session, row)


def _unknown() -> EpisodeUnknown:
    return EpisodeUnknown(_("No such part of a temperature record. Open it from the place's page."))
