"""The worker's sign of life."""

from typing import Any

from celery import shared_task

from lims.core import heartbeat


@shared_task(name=heartbeat.TASK, bind=True, ignore_result=True)
def beat(self: Any) -> None:
    """Write this worker's row."""
    heartbeat.beat(self.request.hostname or "worker")
