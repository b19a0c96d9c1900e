"""Labels: one task prints one request, one sweeps up what was lost."""

from uuid import UUID

from celery import shared_task

from lims import labels
from lims.core.errors import TemporaryFailure
from workers.identity import WORKER


@shared_task(
    name="labels.print",
    acks_late=True,
    autoretry_for=(TemporaryFailure,),
    retry_backoff=True,
    max_retries=8,
)
def print_label(request_id: str) -> None:
    """Print one requested label. Once it is printed, running again does nothing."""
    labels.print_label(WORKER, UUID(request_id))


@shared_task(name="labels.sweep")
def sweep() -> None:
    """Send again what waited too long; what was lost while sending becomes uncertain."""
    labels.sweep(WORKER)
