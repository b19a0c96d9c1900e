"""The temperature of places: their loggers, what these measured, and what somebody has to judge.

A logger is linked to a place and measures everything in it. Its readings come as files or from a
program. What is outside of the limits, or missing, becomes an episode (`episodes`); a hard one
holds what stood there until quality has signed (`assessing`). Start reading at `rules`.
"""

from lims.core import queue
from lims.custody.monitoring import drawing, rules, said
from lims.custody.monitoring.assessing import agree, assess
from lims.custody.monitoring.episodes import watch
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.queries import (
    Now,
    befell,
    everywhere,
    loggers_of,
    now_in,
    state_at,
    to_assess,
)
from lims.custody.monitoring.rules import Level, Standing
from lims.custody.monitoring.stood import measured
from lims.custody.monitoring.taking import deliver, end, link, read_file

TASK = queue.task("custody.watch")
EVERY_S = 60

__all__ = [
    "EVERY_S",
    "TASK",
    "Episode",
    "Level",
    "Now",
    "Standing",
    "agree",
    "assess",
    "befell",
    "deliver",
    "drawing",
    "end",
    "everywhere",
    "link",
    "loggers_of",
    "measured",
    "now_in",
    "read_file",
    "rules",
    "said",
    "state_at",
    "to_assess",
    "watch",
]
