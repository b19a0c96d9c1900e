"""What a print agent asks of the server: the labels of the one printer that it stands beside.

The same rules hold as for a worker (H12). The agent looks whether its printer can print, and only
then claims a label: the claim commits `sending`, so it is handed out once and for all. What the
agent does not tell becomes uncertain when its turn ends.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import permissions as may
from lims.labels import printing, progress, queries, reasons, sending, turns
from lims.labels.errors import NoPrinter, NoRequest, QueueRefused
from lims.labels.handing import Handed
from lims.labels.models import Health, LabelPrinter, LabelRequest, PrinterKind, RequestState
from lims.labels.rendering import Drawn

OUTCOMES = ("printed", "sent", "uncertain", "not-sent", "not-taken")
TEST = "test"


@dataclass(frozen=True)
class Claimed:
    """What an agent is to print now.

    Attributes:
        id: of the copy; `test` for a test label; None where nothing waits.
        name: of the file or job.
    """

    id: str | None
    name: str | None = None


@requires(may.AGENT)
def waiting(actor: Actor) -> dict[str, Any]:
    """Whether there is something to print, and what the printer takes."""
    printer = _mine(actor)
    with db.reading() as session:
        return {
            "printer": printer.name,
            "waiting": queries.work_at(session, printer.name, clock.now()),
            "language": sending.language_of(printer),
        }


@requires(may.AGENT)
def claim(actor: Actor, *, agent: str) -> Claimed:
    """Take the next label, for good; the caller's printer can print now.

    Args:
        agent: the name of this run of the program; another run waits until the turn has ended.
    """
    printer = _mine(actor)
    holder = f"{actor.name}:{agent}"[:120]
    turns.make(printer.name)
    if not turns.take(printer.name, holder):
        return Claimed(None)
    progress.doubt_left_behind(printer.name, actor)
    with db.transaction() as session:
        turn = turns.of(session, printer.name)
        if turn is not None and turn.test_asked_at is not None:
            turn.test_asked_at = None
            return Claimed(TEST, f"test-{printer.name}.{sending.language_of(printer)}")
        row = queries.next_at(session, printer.name, clock.now())
        if row is None or not progress.claim(row.id, printer.name, holder):
            return Claimed(None)
        return Claimed(str(row.id), sending.name_of(row, printer))


@requires(may.AGENT)
def content(actor: Actor, *, copy_id: str) -> Drawn:
    """The bytes of a label that this agent has claimed, drawn at this moment and kept nowhere else.

    Raises:
        QueueRefused: it is not being sent, or its turn has ended; nothing may be printed.
    """
    printer = _mine(actor)
    if copy_id == TEST:
        return printing.example(printer)
    row = _copy(actor, copy_id)
    if row.state is not RequestState.SENDING:
        raise _not_yours()
    drawn = printing.draw(row, actor, printer)
    if drawn is None:
        raise QueueRefused(_("This label cannot be drawn; look at the page of its job."))
    return drawn


@requires(may.AGENT)
def report(actor: Actor, *, copy_id: str, outcome: str, said: str = "") -> dict[str, Any]:
    """Say what became of a label.

    Args:
        outcome: `printed` (the printer says so), `sent` (it took it), `uncertain`, `not-sent`
            (nothing left, so it waits again), `not-taken` (refused whole).

    Raises:
        QueueRefused: it is not being sent any more; what stands there stays.
    """
    if outcome not in OUTCOMES:
        raise BadInput(
            _("An outcome is one of %(list)s.", list=", ".join(OUTCOMES)), field="outcome"
        )
    printer = _mine(actor)
    if copy_id == TEST:
        with db.transaction() as session:
            turn = turns.of(session, printer.name)
            if turn is not None:
                turn.test_said = said or outcome
        return {"id": TEST, "state": outcome}
    row = _copy(actor, copy_id)
    if not _reported(actor, row, printer.name, outcome, said):
        raise _not_yours()
    turns.saw(printer.name, Health.READY, said or None)
    with db.reading() as session:
        return {"id": copy_id, "state": queries.request_by_id(session, row.id).state}


def _reported(actor: Actor, row: LabelRequest, printer: str, outcome: str, said: str) -> bool:
    if outcome in ("printed", "sent"):
        handed = Handed(printed=outcome == "printed", said=said or None)
        return progress.handed_over(row.id, actor, printer, handed)
    if outcome == "not-sent":
        return progress.move(row.id, RequestState.SENDING, RequestState.WAITING, error=said)
    if outcome == "not-taken":
        return progress.move(
            row.id, RequestState.SENDING, RequestState.FAILED, error=said,
            entry=(actor, "labels.failed", {"why": "not taken", "printer": printer}),
        )  # fmt: skip
    return progress.doubt(row.id, actor, said or reasons.BROKEN, {"printer": printer})


@requires(may.AGENT)
def see(actor: Actor, *, health: str, said: str = "") -> dict[str, Any]:
    """Say what the printer is like: `ready`, `stopped` or `silent`."""
    if health not in set(Health):
        raise BadInput(_("A printer is ready, stopped or silent."), field="health")
    printer = _mine(actor)
    turns.make(printer.name)
    # The agent looks after its printer by itself; the server keeps nothing back from it.
    turns.saw(printer.name, Health(health), said or None)
    return {"printer": printer.name, "health": health}


def _mine(actor: Actor) -> LabelPrinter:
    """The printer of this agent's token, as it stands now."""
    with db.reading() as session:
        printer = queries.printer_called(session, actor.station)
    if printer is None or not printer.in_use or printer.kind is not PrinterKind.AGENT:
        raise NoPrinter(_("The printer of this agent is not in use any more."))
    return printer


def _copy(actor: Actor, copy_id: str) -> LabelRequest:
    try:
        wanted = UUID(copy_id)
    except ValueError:
        raise NoRequest(_("There is no such label; claim one first."), field="copy_id") from None
    with db.reading() as session:
        row = queries.request_by_id(session, wanted)
    if row.printer != actor.station:
        raise NoRequest(_("There is no such label; claim one first."), field="copy_id")
    return row


def _not_yours() -> QueueRefused:
    return QueueRefused(
        _("This label is not being sent any more. Do not print it; a person decides.")
    )
