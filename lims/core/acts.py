"""One act of one request: its key, its transaction, its answer kept for ever.

A door (page, API, task, command) calls a writing service through `once`. The answer is stored with
the idempotency key in the same commit as the act, so a request whose answer was lost on the way can
be sent again and acts once (hazard H10). Keys never expire: they are part of the record.
"""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Connection, String, Table, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from lims.core import clock, db
from lims.core.errors import BadInput, Conflict, TemporaryFailure
from lims.core.gate import GateStopped
from lims.core.permissions import Actor
from lims.core.words import Text as _

_RETRIES = 3
_SERIALIZATION, _DEADLOCK, _LOCK_TIMEOUT = "40001", "40P01", "55P03"
_running: set[str] = set()
_guard = threading.Lock()
_refused: list[Callable[[Actor, GateStopped], None]] = []


class Act(db.Base):
    """The answer to one idempotency key."""

    __tablename__ = "core_act"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    actor: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str]
    at: Mapped[datetime]


_act = cast(Table, Act.__table__)
_CLAIM = text("SELECT pg_try_advisory_xact_lock(:number)")
_KEPT = select(_act.c.digest, _act.c.answer).where(_act.c.key == bindparam("key"))
_KEEP = insert(_act)


class KeyReused(BadInput):
    """The same idempotency key came with another request."""

    code = "idempotency_key_reused"


class StillRunning(Conflict):
    """The first request with this key has not ended."""

    code = "still_running"


@dataclass(frozen=True)
class Done:
    """The answer of an act, and whether it had been done before."""

    answer: Any
    repeated: bool


def digest_of(*parts: Any) -> str:
    """A digest of what was asked, so that a repeat can be told from another request."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def when_refused(hook: Callable[[Actor, GateStopped], None]) -> None:
    """Let `hook` write the refusal of a gate, in a transaction of its own."""
    _refused.append(hook)


def once(actor: Actor, key: str | None, digest: str, call: Callable[[], Any]) -> Done:
    """Do `call` in one transaction and keep its answer under `key`.

    Args:
        key: the request's idempotency key; None for a request that sent none.
        digest: of the request, by `digest_of`.
        call: the service; answers what JSON can hold.

    Raises:
        KeyReused: the key was used for something else.
        StillRunning: the first request is not done.
        TemporaryFailure: the database was too busy, three times.
    """
    key = key or uuid4().hex
    if len(key) > 120 or not key.isascii() or not key.isprintable():
        raise BadInput(_("The Idempotency-Key must be at most 120 plain characters; send a UUID."))
    digest = digest_of(actor.label, digest)
    with _guard:
        if key in _running:
            raise _still_running(key)
        _running.add(key)
    try:
        return _with_retries(actor, key, digest, call)
    except GateStopped as stop:
        for hook in _refused:
            hook(actor, stop)
        raise
    finally:
        with _guard:
            _running.discard(key)


def answered(key: str, whom: str) -> Any:
    """What an act of theirs under this key came to; None where they did none.

    Args:
        whom: the label of the actor.
    """
    with db.reading() as session:
        asked = select(Act.answer).where(Act.key == key, Act.actor == whom)
        found = session.scalar(asked)
        return None if found is None else json.loads(found)


def _with_retries(actor: Actor, key: str, digest: str, call: Callable[[], Any]) -> Done:
    for attempt in range(_RETRIES + 1):
        try:
            return _attempt(actor, key, digest, call)
        except OperationalError as failure:
            if failure.connection_invalidated and attempt == 0:
                # The server hung up. Whether it had committed, the key tells.
                continue
            if not _passing(failure):
                raise
            if attempt == _RETRIES:
                break
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
        except IntegrityError as clash:
            # Another process stored the same key, or opened the same stream, since we looked.
            raced = any(table in str(clash.orig) for table in ("core_act", "ledger_"))
            if not raced or attempt == _RETRIES:
                raise
    raise TemporaryFailure(
        _("Others are working on the same items; nothing was recorded. Try again in a moment.")
    )


def _attempt(actor: Actor, key: str, digest: str, call: Callable[[], Any]) -> Done:
    with db.transaction() as session:
        session.info["command"] = key
        connection = session.connection()
        _claim(connection, key)
        kept = connection.execute(_KEPT, {"key": key}).one_or_none()
        if kept:
            if kept.digest != digest:
                raise KeyReused(
                    _(
                        "The Idempotency-Key %(key)s was used for another request; send a new key.",
                        key=key,
                    )
                )
            return Done(json.loads(kept.answer), repeated=True)
        answer = call()
        kept_as = json.dumps(answer, ensure_ascii=False)
        connection.execute(
            _KEEP,
            {
                "key": key,
                "actor": actor.label,
                "digest": digest,
                "answer": kept_as,
                "at": clock.now(),
            },
        )
        return Done(json.loads(kept_as), repeated=False)


def _claim(connection: Connection, key: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    if not connection.scalar(_CLAIM, {"number": number}):
        raise _still_running(key)


def _passing(failure: OperationalError) -> bool:
    state = getattr(failure.orig, "sqlstate", None)
    return state in (_SERIALIZATION, _DEADLOCK, _LOCK_TIMEOUT) or "locked" in str(failure.orig)


def _still_running(key: str) -> StillRunning:
    return StillRunning(
        _("The first request with the key %(key)s is still running; wait and ask again.", key=key)
    )
