"""The temperature of places: one task looks at each of them, since a silence tells of nothing."""

from celery import shared_task

from lims import custody
from workers.identity import WORKER


@shared_task(name=custody.monitoring.TASK)
def watch() -> None:
    """Judge what is new of every place with a logger. Running twice writes nothing twice."""
    custody.monitoring.watch(WORKER)
