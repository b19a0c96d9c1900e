"""The temperature of places: their loggers, what these measured, and what somebody has to judge.

A logger is linked to a place and measures everything in it. Its readings come as files or from a
program. What is outside of the limits, or missing, becomes an episode (`episodes`); a hard one
holds what stood there until quality has signed (`assessing`). Start reading at `rules`.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, queue
from lims.custody.areas import stream as place_stream
from lims.custody.models import Item
from lims.custody.monitoring import drawing, rules, said
from lims.custody.monitoring.assessing import agree, assess
from lims.custody.monitoring.episodes import watch
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.queries import (
    Now,
    episodes_within,
    everywhere,
    in_use,
    loggers_of,
    now_in,
    place_of,
    to_assess,
)
from lims.custody.monitoring.rules import Level, Standing
from lims.custody.monitoring.stood import in_place, measured
from lims.custody.monitoring.taking import Taken, deliver, end, link, read_file
from lims.custody.rules import RecordState

TASK = queue.task("custody.watch")
EVERY_S = 60

__all__ = [
    "EVERY_S",
    "TASK",
    "Episode",
    "Level",
    "Now",
    "Standing",
    "Taken",
    "agree",
    "assess",
    "befell",
    "deliver",
    "drawing",
    "end",
    "everywhere",
    "in_place",
    "in_use",
    "link",
    "loggers_of",
    "measured",
    "now_in",
    "place_of",
    "read_file",
    "rules",
    "said",
    "state_at",
    "to_assess",
    "watch",
]


def befell(session: Session, item: Item, until: datetime | None = None) -> list[Episode]:
    """Every episode of a place while a thing stood there, the oldest first; none twice."""
    found: dict[object, Episode] = {}
    for span in measured(session, item, end=until or clock.now()):
        if span.place_id is not None:
            for each in episodes_within(session, span.place_id, span.start, span.end):
                found[each.id] = each
    return sorted(found.values(), key=lambda each: each.began_at)


def state_at(session: Session, episode: Episode, at: datetime | None = None) -> RecordState | None:
    """How an episode stood at an instant, now unless given; None where nobody knew of it yet."""
    if at is None:
        return episode.state
    was = ledger.value_at(
        session, place_stream(place_of(session, episode).code), "custody_episode", episode.id,
        "state", at, now=episode.state.value,
    )  # fmt: skip
    return RecordState(was) if was else None
