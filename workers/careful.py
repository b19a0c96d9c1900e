"""A message that is none ends itself and not the worker (H43)."""

from collections.abc import Callable
from typing import Any

from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker import strategy


def careful(task: Any, app: Any, consumer: Any, **more: Any) -> Callable[..., Any]:
    """Celery's own way of taking a message; what it trips over is thrown away and logged."""
    take = strategy.default(task, app, consumer, **more)

    def taken(message: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return take(message, *arguments, **named)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as odd:
            # Unhandled it would end the worker, and come back to the next one.
            raise InvalidTaskError(f"no message of ours: {type(odd).__name__}") from odd

    return taken


class CarefulTask(Task):
    """Every task of ours."""

    Strategy = "workers.careful:careful"
