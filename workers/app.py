"""The Celery application, as the worker, the schedule and the web's sender use it."""

from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready

import workers
from lims import settings, tables  # noqa: F401  every table, before anything is asked of one
from lims.core import db, queue
from workers.schedule import PERIODIC

# No task takes longer; the broker gives a message to another worker only after ten times that, so
# that none runs twice at once (H35).
LONGEST_TASK = timedelta(seconds=60)
VISIBLE_AGAIN = 10 * LONGEST_TASK
_NOT_TASKS = ("app", "careful", "embedded", "identity", "schedule")

app = Celery("lims", set_as_current=True, task_cls="workers.careful:CarefulTask")


def configure(broker_url: str | None) -> Celery:
    """Set the application up for a Redis broker, or for work inside this process."""
    # What sends keeps its connections; set up anew it would go on sending to the broker before.
    app.__dict__.pop("amqp", None)
    app.conf.update(
        broker_url=broker_url or "memory://",
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        enable_utc=True,
        task_default_queue="lims",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        # The row is there and the sweep sends again: a request never waits for a broker.
        task_publish_retry=False,
        beat_schedule={
            each.task: {
                "task": each.task,
                "schedule": timedelta(seconds=each.seconds),
                # What was asked while no worker ran is asked again anyway.
                "options": {"expires": max(each.seconds, 30)},
            }
            for each in PERIODIC
        },
        **(_redis() if broker_url else _memory()),
    )
    for module in iter_modules(workers.__path__):
        if module.name not in _NOT_TASKS:
            import_module(f"workers.{module.name}")
    app.set_default()
    app.finalize()
    return app


def _redis() -> dict[str, Any]:
    return {
        "task_time_limit": LONGEST_TASK.total_seconds(),
        "worker_prefetch_multiplier": 1,
        "broker_transport_options": {
            "visibility_timeout": VISIBLE_AGAIN.total_seconds(),
            # Without these two a killed worker's messages come back up to 100 s later still.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            # A request that finds no broker goes on after two short tries.
            "socket_connect_timeout": 1,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
    }


def _memory() -> dict[str, Any]:
    return {
        "worker_prefetch_multiplier": 8,
        # The virtual transports look once a second unless told otherwise.
        "broker_transport_options": {"polling_interval": 0.02},
    }


def ask_at_start() -> None:
    """Ask once for what a starting worker does first: mostly, sweeping up after the last one."""
    for each in PERIODIC:
        if each.at_start:
            queue.send(each.task)


@worker_process_init.connect
def _child_started(**_signal: Any) -> None:
    """Each child of a worker opens the database for itself: connections do not survive a fork."""
    db.use(db.open_database(settings.read().database_url, pool=2))
    queue.use(app)


@worker_ready.connect
def _worker_ready(**_signal: Any) -> None:
    queue.use(app)
    ask_at_start()
