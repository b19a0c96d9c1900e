"""Seals: one task seals what is new and has the newest seal co-signed."""

import logging

from celery import shared_task

from lims import ledger
from lims.core import queue
from lims.core.errors import DomainError
from lims.ledger import sealing

log = logging.getLogger(__name__)
# Well within the longest that a task may take; what is left is asked for again at once.
_WITHIN_S = 25


@shared_task(name=sealing.TASK)
def seal() -> None:
    """Seal what no seal covers. Nothing new gives no seal, so running twice does nothing."""
    try:
        done = ledger.seal(within_s=_WITHIN_S)
    except DomainError as refused:
        # Nothing is lost: the entries wait, and readiness says so. One line, each time it is tried.
        log.error("%s", refused)
        return
    if done.left:
        queue.send(sealing.TASK)
    ledger.ask_witness()
