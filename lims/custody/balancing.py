"""Does every microlitre have a place? What an item began with is left, in children, or recorded.

Every volume that leaves an item is an entry `custody.taken` on its stream; it names the child that
it went into, or what became of it. The edges to the children say the same volumes a second time.
So for each item: began with = left + in its children + samples among them + what was recorded
otherwise, to the microlitre (I5). `ledger.verify` asks this of all items.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core.words import Text as _
from lims.custody.models import Edge, Item
from lims.custody.streams import stream

_TAKEN, _AGAIN = "custody.taken", "custody.measured-again"
_AT_ONCE = 500
_PURPOSES = {
    "waste": _("thrown away"),
    "loss": _("lost"),
    "destroyed": _("destroyed"),
    "administered": _("given"),
}
CAUSES = {
    "spill": _("spilt"),
    "breakage": _("the vessel broke"),
    "leak": _("it leaked"),
    "evaporation": _("it dried up"),
    "residue": _("left in tubes and tips"),
    "test": _("used for a test without a sample of its own"),
    "other": _("something else"),
}


@dataclass(frozen=True)
class Spent:
    """A volume that left an item and went into nothing that has a code.

    Attributes:
        purpose: such as `waste`, `loss`, `administered`.
        cause: the coded reason of a loss; empty where there is none.
    """

    at: datetime
    volume_ul: int
    purpose: str
    cause: str
    person: str
    reason: str

    @property
    def words(self) -> _:
        """What became of it: the coded cause, or else the purpose."""
        if self.cause in CAUSES:
            return CAUSES[self.cause]
        return _PURPOSES.get(self.purpose, _("taken"))


def spent(session: Session, item: Item) -> list[Spent]:
    """What was lost, thrown away or given of an item, oldest first."""
    return [
        Spent(
            each.at,
            int(each.data["volume_ul"]),
            str(each.data["purpose"]),
            str(each.data.get("cause", "")),
            each.person,
            each.reason,
        )
        for each in ledger.entries_of(session, stream(item.code), limit=None)
        if each.kind == _TAKEN and not each.data.get("into")
    ]


def measured_again_ul(session: Session, item: Item) -> int:
    """How much more was found in an item than was measured at first, in all."""
    return sum(
        int(each.data["more_ul"])
        for each in ledger.entries_of(session, stream(item.code), limit=None)
        if each.kind == _AGAIN
    )


@ledger.also_verify
def unbalanced(connection: Connection) -> Iterator[ledger.Break]:
    """Items whose volumes do not add up (I5), as breaks on their streams."""
    item: Any = Item.__table__
    edge: Any = Edge.__table__
    children = (
        select(func.coalesce(func.sum(edge.c.volume_ul), 0))
        .where(edge.c.parent_id == item.c.id)
        .scalar_subquery()
    )
    known = (
        select(item.c.code, item.c.initial_volume_ul, item.c.volume_ul, children)
        .where(item.c.initial_volume_ul.is_not(None) | item.c.volume_ul.is_not(None))
        .order_by(item.c.code)
        .limit(_AT_ONCE)
    )
    page = connection.execute(known).all()
    while page:
        yield from _of_page(connection, page)
        page = connection.execute(known.where(item.c.code > page[-1].code)).all()


def _of_page(connection: Connection, page: Sequence[Any]) -> Iterator[ledger.Break]:
    streams = {stream(each[0]): each for each in page}
    taken = _taken(connection, streams)
    for name, row in streams.items():
        into, gone, last = taken.get(name, (0, 0, 1))
        try:
            began, left, children = int(row[1] or 0), int(row[2] or 0), int(row[3])
        except ValueError:  # no number: the comparison of rows names it
            continue
        if began != left + children + gone or into != children:
            yield ledger.Break(
                name,
                last,
                f"volumes do not add up: began with {began} µL; {left} left, {children} in "
                f"children ({into} by the entries), {gone} recorded otherwise",
            )


def _taken(connection: Connection, streams: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """By stream: what went into children, what went elsewhere, and the last entry that says so."""
    found: dict[str, tuple[int, int, int]] = {}
    for body in ledger.bodies_of_kind(connection, _TAKEN, streams):
        try:
            entry = ledger.read(body)
            volume = int(entry.data["volume_ul"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # no entry: its digest tells, and so does what it leaves out here
        into, gone, _last = found.get(entry.stream, (0, 0, 1))
        if entry.data.get("into"):
            into += volume
        else:
            gone += volume
        found[entry.stream] = (into, gone, entry.number)
    return found
