"""Doing the tasks of a practice system: seen from what happened, kept beside the person's name.

What writes into the ledger anyhow (a hand-over, a stop at the bed) is read from there. What a task
at the station came to is told by the station as it happens, with its scans and seconds, since
looking and being warned leave no entry of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lims import ledger
from lims.core import clock, db, mode
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.ledger import Entry
from lims.station import cards, orders, tasks
from lims.station.bench import Bench, Outcome
from lims.station.grammar import Mode
from lims.station.permissions import PRACTISE

_NOT_HERS = frozenset({"B06", "B07"})


@dataclass(frozen=True)
class Result:
    """How a task went.

    Attributes:
        scans, seconds: at the station; None for what was done on other pages.
    """

    at: datetime
    scans: int | None = None
    seconds: str | None = None


def _stream(actor: Actor) -> str:
    """Where it is kept what somebody practised."""
    return f"practice/{actor.label}"


@requires(PRACTISE)
def begin(actor: Actor) -> None:
    """Start with the first task again; what was done before counts no more."""
    with db.transaction() as session:
        _require_practice(session)
        ledger.record(actor, _stream(actor), "practice.begun")


@requires(PRACTISE)
def finish(actor: Actor, *, task: str, scans: int, seconds: str) -> None:
    """Keep how a task at the station went; the first time counts."""
    with db.transaction() as session:
        _require_practice(session)
        if task not in _kept(session, actor)[1]:
            done = {"task": task, "scans": scans, "seconds": seconds}
            ledger.record(actor, _stream(actor), "practice.done", done)


def _require_practice(session: Session) -> None:
    if not mode.is_practice(session):
        raise mode.NotForPractice(
            _("This is a live system; nobody practises in it. Start a demonstration for that.")
        )


def results(session: Session, actor: Actor, since: datetime | None) -> dict[str, Result]:
    """What somebody has done of the tasks, by task.

    Args:
        since: what happened before counts only where the station kept it.
    """
    begun, found = _kept(session, actor)
    since = begun or since
    for kind, task, counts in (
        ("custody.offered", "hand-over", lambda _entry: True),
        ("dosing.checked", "bedside", _stopped_as_not_hers),
    ):
        for entry in ledger.newest(session, kind=kind, since=since, limit=200):
            if entry.person == str(actor.person) and counts(entry):
                found[task] = Result(entry.at)
    return found


def _kept(session: Session, actor: Actor) -> tuple[datetime | None, dict[str, Result]]:
    begun: datetime | None = None
    found: dict[str, Result] = {}
    for entry in ledger.entries_of(session, _stream(actor), limit=None):
        if entry.kind == "practice.begun":
            begun, found = entry.at, {}
        elif entry.kind == "practice.done":
            data: Mapping[str, Any] = entry.data
            found[data["task"]] = Result(entry.at, int(data["scans"]), str(data["seconds"]))
    return begun, found


def _stopped_as_not_hers(entry: Entry) -> bool:
    answer = entry.data["gate"]
    return answer["verdict"] == "stop" and any(
        row["id"] in _NOT_HERS and row["result"] == "stopped" for row in answer["rows"]
    )


def met(session: Session, text: str, bench: Bench, outcome: Outcome) -> str | None:
    """Which task a scan at the station ends, from what it came to; None for most.

    Args:
        bench: as it was before the scan.
    """
    panel, order = outcome.panel, orders.ordered(text, practice=True)
    if order is not None:
        ended = {
            "DONE": "batch" if bench.mode is Mode.BATCH and bench.count >= tasks.BATCH_OF else None,
            "UNDO": "undo" if bench.done else None,
            "UNDO BATCH": "undo" if bench.done else None,
            "VERIFY": "label",
        }
        return ended.get(order.name) if panel.kind == "ok" else None
    item = tasks.about(session, text)
    if item is None:
        moved = bench.mode is Mode.SINGLE and outcome.event is not None and panel.kind == "ok"
        return "move" if moved and bench.hand[:1] in cards.ITEMS else None
    if bench.mode is Mode.LOOK:
        return "look" if outcome.card else None
    if item.expires_at is not None and item.expires_at <= clock.now():
        return "expired" if panel.kind in ("ask", "stop") else None
    return None
