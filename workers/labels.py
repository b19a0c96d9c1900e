"""Labels: one task does a job, one works at a printer, one sweeps up what was lost.

None is tried again by Celery: what could not be printed waits in its row, and the sweep asks again.
"""

from uuid import UUID

from celery import shared_task

from lims import labels
from workers.identity import WORKER


@shared_task(name="labels.print")
def print_job(number: str) -> None:
    """Print the labels of one job. Once they are printed, running again does nothing."""
    labels.print_job(WORKER, int(number))


@shared_task(name="labels.work")
def work(printer_id: str) -> None:
    """Print what waits at one printer, unless somebody else is at it."""
    labels.work(WORKER, UUID(printer_id))


@shared_task(name="labels.sweep")
def sweep() -> None:
    """Send again what waited too long; what was lost while sending becomes uncertain."""
    labels.sweep(WORKER)
