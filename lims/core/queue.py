"""Work for later: a row in the database, and a message that nudges a worker.

The row is written in the transaction of the act and is the truth; the message carries only its id
and is sent after the commit. A sweep sends again what waited too long, so a lost message or a
broker that is down delays work and loses none.
"""

import logging
from typing import Any
from uuid import UUID

from lims.core import db

log = logging.getLogger(__name__)
_sender: list[Any] = []
TASKS: set[str] = set()


def use(celery: Any) -> None:
    """Send through this Celery application from now on; None sends nothing."""
    _sender[:] = [celery] if celery is not None else []


def task(name: str) -> str:
    """Declare the name of a task, so that a test can hold names and workers together."""
    TASKS.add(name)
    return name


def enqueue(name: str, row: UUID | int) -> None:
    """Nudge a worker about a row once the open transaction is committed."""
    if name not in TASKS:
        raise ValueError(f"no task is declared as {name}")
    db.after_commit(lambda: send(name, row))


def send(name: str, *arguments: UUID | int) -> None:
    """Send a message now. A broker that is away is logged; the sweep will send again."""
    if not _sender:
        return
    try:
        _sender[0].send_task(name, args=[str(each) for each in arguments], ignore_result=True)
    except Exception as away:  # every transport has errors of its own
        log.warning("%s was not sent (%s); the sweep sends it again", name, type(away).__name__)
