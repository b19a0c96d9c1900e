"""Connections of the pool that may have died while nobody used them.

Asking each one by a round trip before its use would cost every act and every question one. A server
that ended (restart, switch-over, an operator) has closed the line, and a closed line can be seen on
this side without a question: an idle connection has nothing to read. Only where there is something
to read, or where it has been idle for long (a firewall forgets without a word), is it asked.
"""

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

IDLE_S = 20.0


def look_before_use(engine: Engine) -> None:
    """Look at every connection that the pool hands out; replace it, and all older ones, if dead.

    A server that dies between this look and the statement is met by `acts.once`, which tries again.
    """
    dialect = engine.dialect

    @event.listens_for(engine, "checkin")
    def given_back(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.pop("idle_since", None)
        if since is None:  # just opened
            return
        if time.monotonic() - since < IDLE_S and not _has_news(connection):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as dead:
            raise InvalidatePoolError() from dead


def _has_news(connection: Any) -> bool:
    """Whether the other side wrote or hung up; no round trip."""
    try:
        line = connection.fileno()
    except Exception:  # closed on this side; each driver has its own error for it
        return True
    look = select.poll()
    look.register(line, select.POLLIN)
    return bool(look.poll(0))
