"""The worker and its schedule inside the web process, where no broker is set.

Messages live in memory. That is enough: the rows are in the database, and the sweep at the start
asks for everything the last process left behind.
"""

import logging
import threading

from celery import beat
from celery.worker import WorkController, state

from lims.core import queue
from workers.app import ask_at_start, configure

log = logging.getLogger(__name__)


class Embedded:
    """A running worker and its schedule."""

    def __init__(self) -> None:
        """Start both; the database is open already, and shared with the web."""
        self._app = configure(None)
        self._worker = WorkController(
            app=self._app,
            pool_cls="threads",
            concurrency=2,
            hostname="embedded@lims",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        self._thread = threading.Thread(target=self._worker.start, name="worker", daemon=True)
        self._thread.start()
        # beat.Scheduler keeps its times in memory; a file of them would be one more thing to lose.
        self._beat = beat.EmbeddedService(self._app, thread=True, scheduler_cls=beat.Scheduler)
        self._beat.start()
        queue.use(self._app)
        ask_at_start()

    def alive(self) -> bool:
        """Whether both still run."""
        return self._thread.is_alive() and self._beat.is_alive()

    def stop(self, seconds: float = 10) -> bool:
        """End both after the task at hand; False where a task did not end in time."""
        queue.use(None)
        self._beat.stop()
        state.should_stop = 0
        self._thread.join(seconds)
        state.should_stop = None
        if self._thread.is_alive():
            log.warning(
                "a task did not end in %s s; its row is taken up at the next start", seconds
            )
        return not self._thread.is_alive()


def start() -> Embedded:
    """Start the embedded worker."""
    return Embedded()
