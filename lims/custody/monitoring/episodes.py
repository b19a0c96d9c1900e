"""Keeping the episodes of a place in step with its readings, and holding what stood in a hard one.

Looked at with every delivery and every minute by a worker (`watch`): a silence has no reading that
could tell of it. What was judged stays judged; whatever lasts beyond it is a new episode. A
silence that a later file fills is cleared, and with it what it held.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, db
from lims.core.errors import DomainError
from lims.core.permissions import Actor, requires
from lims.custody import areas, holding, reasons
from lims.custody import permissions as may
from lims.custody.excursions import LONGEST_GAP, Band, Fault
from lims.custody.models import Hold, Item, Place
from lims.custody.monitoring import queries as known
from lims.custody.monitoring import rules, stood
from lims.custody.monitoring.models import Episode, PlaceLogger
from lims.custody.monitoring.rules import Found, Level
from lims.custody.rules import RecordState

log = logging.getLogger(__name__)
SOURCE = "storage-temperature"
_ZERO = Decimal(0)
_DECIDED = (RecordState.ASSESSED, RecordState.UNUSABLE)


@requires(may.WATCH)
def watch(actor: Actor) -> int:
    """Look at every place that a logger measures; for the worker. How many there are.

    Each place is a commit of its own, so that one which cannot be judged keeps none from it.
    """
    with db.reading() as session:
        ids = [logger.id for logger, _place in known.in_use(session)]
    for each in ids:
        try:
            with db.transaction() as session:
                logger = locked(session, each)
                if logger is not None and logger.ended_at is None:
                    look(actor, session, logger)
        except DomainError as refused:
            log.error("the temperature of a place could not be judged: %s", refused)
    return len(ids)


def locked(session: Session, logger_id: UUID) -> PlaceLogger | None:
    """A logger's row, held: whoever judges its place waits here."""
    return db.locked(session, select(PlaceLogger).where(PlaceLogger.id == logger_id))


def look(
    actor: Actor, session: Session, logger: PlaceLogger, since: datetime | None = None
) -> list[Episode]:
    """Judge what is new of a place; the caller holds the logger's row.

    Args:
        since: the first instant of which something new is known; else the newest reading.

    Returns:
        The episodes that began, changed or ended.
    """
    place = known.place_of(session, logger)
    band = rules.band_of(place.temperature_class)
    assert band is not None  # noqa: S101 - `loggers.link` refuses a place without limits
    end = logger.ended_at or clock.now()
    kept = _of_logger(session, logger)
    lasting = [each.began_at for each in kept if each.ended_at is None]
    new = since or known.last_before(session, logger, end)
    earliest = min([new, *lasting]) - max(LONGEST_GAP, band.soft_for)
    start = known.last_before(session, logger, max(earliest, logger.since))
    read = known.readings(session, [logger.id], start, end)
    found = rules.find(read, band, start, end)
    over = logger.ended_at is not None
    changed: list[Episode] = []
    for kind in (Fault.EXCURSION, Fault.GAP):
        there = [
            each
            for each in kept
            if each.kind is kind and (each.ended_at is None or each.ended_at >= start)
        ]
        changed += _in_step(
            session, logger, there, [f for f in found if f.kind is kind], band, end, over
        )
    for each in changed:
        written(actor, session, place, each)
        if _holds(each):
            hold(actor, session, place, each)
    for each in kept:
        if each.ended_at is None and each not in changed and _holds(each):
            # What came in meanwhile. What came and went again is found when the episode ends.
            _hold(actor, session, place, each, stood.now_in(session, place))
    return changed


def _holds(episode: Episode) -> bool:
    return episode.state is RecordState.OPEN and episode.level is Level.STOP


def begin(
    session: Session, logger: PlaceLogger, found: Found, start: datetime, until: datetime | None
) -> Episode:
    """A new episode, which no entry names yet."""
    row = Episode(
        logger_id=logger.id,
        place_id=logger.place_id,
        kind=found.kind,
        level=found.level,
        began_at=start,
        ended_at=until,
        extreme_cel=found.extreme,
        state=RecordState.OPEN,
        reason="",
    )
    session.add(row)
    return row


def hold(actor: Actor, session: Session, place: Place, episode: Episode) -> None:
    """Hold everything that stood in its place during an episode."""
    until = episode.ended_at or clock.now()
    _hold(actor, session, place, episode, stood.in_place(session, place, episode.began_at, until))


def free(actor: Actor, session: Session, episode: Episode, because: str) -> None:
    """Lift what an episode holds, and nothing else."""
    holding.free_each(actor, session, Hold.episode_id == episode.id, because)


def _of_logger(session: Session, logger: PlaceLogger) -> list[Episode]:
    return list(
        session.scalars(
            select(Episode)
            .where(Episode.logger_id == logger.id, Episode.state != RecordState.CLEAR)
            .order_by(Episode.began_at)
        )
    )


def _in_step(
    session: Session,
    logger: PlaceLogger,
    kept: Sequence[Episode],
    found: Sequence[Found],
    band: Band,
    end: datetime,
    over: bool,
) -> list[Episode]:
    """Bring the episodes of one kind in step with what was found; those that changed."""
    free_ones = [each for each in kept if each.state is RecordState.OPEN]
    decided = [each for each in kept if each.state in _DECIDED and each.ended_at is not None]
    changed: list[Episode] = []
    matched: set[UUID] = set()
    for each in found:
        judged = max(
            (d.ended_at for d in decided if d.ended_at and d.began_at <= each.end
             and d.ended_at >= each.start),
            default=None,
        )  # fmt: skip
        if judged is not None and judged >= each.end:
            continue  # what was decided is not asked again
        start = max(each.start, judged) if judged else each.start
        until = None if each.ongoing and not over else each.end
        row = next(
            (
                one
                for one in free_ones
                if one.id not in matched
                and one.began_at <= each.end
                and (one.ended_at or end) >= each.start
            ),
            None,
        )
        if row is None:
            changed.append(begin(session, logger, each, start, until))
            continue
        matched.add(row.id)
        now = (start, until, each.level, each.extreme)
        if each.kind is Fault.EXCURSION and row.began_at < start:
            # It was looked at from within: what was known of its beginning stands.
            worst = max((row.extreme_cel, each.extreme), key=lambda cel: band.beyond(cel or _ZERO))
            level = Level.STOP if Level.STOP in (row.level, each.level) else Level.WARN
            now = (row.began_at, until, level, worst)
        if (row.began_at, row.ended_at, row.level, row.extreme_cel) != now:
            row.began_at, row.ended_at, row.level, row.extreme_cel = now
            changed.append(row)
    for row in free_ones:
        if row.id not in matched and row.kind is Fault.GAP:
            row.state, row.ended_at = RecordState.CLEAR, row.ended_at or end
            changed.append(row)
    return changed


def written(actor: Actor, session: Session, place: Place, episode: Episode) -> None:
    """Write on the place's stream how an episode stands."""
    session.flush()
    ledger.record(
        actor,
        areas.stream(place.code),
        "custody.episode",
        {"kind": episode.kind.value, "level": episode.level.value, "state": episode.state.value},
        rows=[episode],
    )
    if episode.kind is Fault.GAP and not _holds(episode):
        free(actor, session, episode, reasons.GAP_FILLED.kept())


def _hold(
    actor: Actor, session: Session, place: Place, episode: Episode, there: Sequence[Item]
) -> None:
    """Hold what stood there, once; what is used up as well, for what was made of it."""
    held = set(
        session.scalars(
            select(Hold.item_id).where(Hold.episode_id == episode.id, Hold.lifted_at.is_(None))
        )
    )
    since = clock.printed(episode.began_at)
    reason = reasons.PLACE.kept(place=place.name, time=since, fault=episode.kind)
    new = {each.id for each in there} - held
    holding.hold_each(actor, session, new, reason, SOURCE, episode_id=episode.id)
