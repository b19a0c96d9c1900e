"""What the station's page carries from scan to scan, and what one scan comes to.

The server keeps nothing between two scans, so a repeat of a scan is the same request and is
answered once (H10).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lims import custody
from lims.core import codes
from lims.core.device import Scan
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, Item
from lims.station import grammar
from lims.station.grammar import Mode
from lims.web.verdicts import Panel

CALL = _("The person in charge of this bench, if it cannot be right.")


@dataclass(frozen=True)
class Bench:
    """What the page carries from scan to scan.

    Attributes:
        mode: how scans are taken.
        hand: what is in hand, as it was scanned; empty for nothing.
        hand_at: when it was taken.
        aim: code of the place of a batch.
        batch: id of the batch, with which the keys of all its acts begin.
        count: how many things the batch has put.
        origin: code of the place at which the first of them stood.
        unknown: what the batch could not place, as scanned.
        done: what can be undone from here, the newest last: code and entry, as `V7K4M29XC.12`.
    """

    mode: Mode = Mode.SINGLE
    hand: str = ""
    hand_at: datetime | None = None
    aim: str = ""
    batch: str = ""
    count: int = 0
    origin: str = ""
    unknown: tuple[str, ...] = ()
    done: tuple[str, ...] = ()

    def put_down(self) -> "Bench":
        """Nothing in hand."""
        return replace(self, hand="", hand_at=None)


@dataclass(frozen=True)
class Scanned:
    """One scan as it arrived.

    Attributes:
        text: what was read or typed.
        key: its idempotency key.
        scan: what the device said of it; None where it said nothing.
        seconds: how long before it what is in hand was taken.
        claimed: the label of whoever scanned it, where another person hands it in.
    """

    text: str
    key: str
    scan: Scan | None = None
    seconds: float = 0
    claimed: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one scan came to.

    Attributes:
        card: about the thing that was scanned, or is in hand: label and value.
        about: the code of that thing; empty where the card is of none of ours.
        title: of the card.
        event: number of the entry that was written, in the stream of the thing.
        go: where the page goes on: a path, `sign-out`, or `badge` for another person's PIN.
    """

    panel: Panel
    bench: Bench
    title: str = ""
    card: list[tuple[Any, Any]] = field(default_factory=list)
    event: int | None = None
    go: str = ""
    about: str = ""


def holds(scanned: Scanned, bench: Bench) -> bool:
    """Whether something is in hand, and was taken not too long ago."""
    return bool(bench.hand) and grammar.in_hand(scanned.seconds)


def empty_handed(bench: Bench) -> Outcome:
    """A command about the thing in hand, and there is none."""
    why = _("This command is about the thing in hand.")
    return _scan_first(bench, str(_("Nothing is in hand.")), str(why))


def of_a_thing(order: str, bench: Bench) -> Outcome:
    """A command about a thing, and a place is in hand."""
    why = _("A place is in hand, and this command is about a thing.")
    return _scan_first(bench, order, str(why))


def _scan_first(bench: Bench, what: str, why: str) -> Outcome:
    do_now = str(_("Scan the thing first, then the command."))
    return Outcome(Panel("ask", what, why, do_now, recorded=False), bench.put_down())


def did(bench: Bench, code: str, entry: int) -> Bench:
    """With an act that can be undone: one at a time, or all of a batch."""
    before = bench.done if bench.mode is Mode.BATCH else ()
    return replace(bench, done=(*before, f"{code}.{entry}"))


def named(session: Session, code: str) -> str:
    """A place by its name, an item by its kind and code."""
    if code[0] == "A":
        return custody.place_by_code(session, code).name
    return title_of(custody.find(session, code))


def title_of(item: Item) -> str:
    """An item by its kind and code."""
    return f"{KIND_NAMES[item.kind]} {codes.grouped(item.code)}"
