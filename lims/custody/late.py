"""Scans that a device kept while it had no network, and sends later (H11).

Each is judged against what is known when it arrives. One that agrees is acted on at once; one that
does not, or that is older than three days, is put aside for a person to answer, and is never lost
and never acted on in silence. Every kept scan leaves a row with its device's own count, so that one
that never arrives shows as a gap.

Only moves and observations come late. Identity checks, clearance, release and signatures are
declared without `late` and are refused at the door.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import acts, clock, db, device
from lims.core.device import OLDEST, PROMPT, Scan
from lims.core.errors import BadInput, Conflict, NotFound, RuleBroken
from lims.core.gate import GateStopped
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.boxes import put
from lims.custody.errors import CounterUsed, ItemUnknown, LateAnswered, LateUnknown, OwnLateScan
from lims.custody.items import find
from lims.custody.models import Item, LateScan, LateState
from lims.custody.observing import observe
from lims.custody.streams import stream

_PLACED = frozenset({"place_id", "slot_id", "holder_id", "state"})
_SAID = frozenset({"custody.moved", "custody.accepted"})
WHY = {
    "too-old": _("It was scanned more than three days before it arrived."),
    "device-ahead": _("The device's clock is ahead, so its time says nothing."),
    "moved-later": _("It was moved, handed over or changed its state after this scan."),
    "handed-in": _("Another person handed it in for whoever scanned it."),
}


@dataclass(frozen=True)
class _Kind:
    """A kind of scan that may come late.

    Attributes:
        perform: the service, by the arguments that were kept.
        places: whether it says where a thing is, so that a later word on that stands against it.
    """

    perform: Callable[..., Any]
    places: bool


KINDS: Mapping[str, _Kind] = {
    "move": _Kind(put, places=True),
    "observe": _Kind(observe, places=False),
}
Deliver = Callable[[Actor, Scan, str, str, Mapping[str, Any], Callable[[], Any]], acts.Done]


def door(kind: str) -> Deliver:
    """What a door does with a kept scan of this kind: `Act.late`."""

    def deliver(
        actor: Actor,
        scan: Scan,
        key: str,
        digest: str,
        given: Mapping[str, Any],
        call: Callable[[], Any],
    ) -> acts.Done:
        def taken() -> Any:
            return _taken(actor, kind, scan, key, given, call)

        try:
            with device.said(scan):
                return acts.once(actor, key, digest, taken)
        except (Conflict, RuleBroken, NotFound) as refusal:
            if isinstance(refusal, ItemUnknown | CounterUsed | acts.StillRunning | GateStopped):
                raise
            why, said = refusal.code, str(refusal)

        return put_aside(actor, kind, scan, key, digest, given, why, said)

    return deliver


def put_aside(
    actor: Actor,
    kind: str,
    scan: Scan,
    key: str,
    digest: str,
    given: Mapping[str, Any],
    why: str,
    said: str,
    *,
    claimed: UUID | None = None,
) -> acts.Done:
    """Let a kept scan wait for a person's answer, as an act of its own.

    Args:
        said: why, in words.
        claimed: who scanned it, where another person hands it in.

    Raises:
        CounterUsed: the device sent another scan under this number.
    """

    def kept() -> Any:
        with db.transaction() as session:
            item = find(session, given["code"], lock=True)
            _uncounted(session, scan)
            return _keep(actor, session, item, kind, scan, key, given, why, said, claimed)

    with device.said(scan):
        return acts.once(actor, key, digest, kept)


def _taken(
    actor: Actor,
    kind: str,
    scan: Scan,
    key: str,
    given: Mapping[str, Any],
    call: Callable[[], Any],
) -> Any:
    """Act on it, or put it aside where it does not agree with what is known by now."""
    with db.transaction() as session:
        item = find(session, given["code"], lock=True)
        _uncounted(session, scan)
        why = _against(session, item, kind, scan, clock.now())
        if why:
            said = str(WHY[why])
            return _keep(actor, session, item, kind, scan, key, given, why, said)
        answer = call()
        row = _row(actor, item, kind, scan, key, given, LateState.TAKEN)
        session.add(row)
        session.flush()
        _record(actor, item, "custody.late-taken", row)
        return answer


def _against(session: Session, item: Item, kind: str, scan: Scan, now: datetime) -> str:
    """Why a scan is not acted on by itself, as a key of `WHY`; empty where nothing speaks."""
    if scan.at - now > PROMPT:
        return "device-ahead"
    if now - scan.at > OLDEST:
        return "too-old"
    if KINDS[kind].places and _placed_since(session, item, scan):
        return "moved-later"
    return ""


def _placed_since(session: Session, item: Item, scan: Scan) -> bool:
    """Whether something later than the scan says where the item is, how it stands or who holds it.

    Scans of one device are ordered by its count, everything else by the instant at which it was
    done: the device's where it said one, else the server's. Two at one instant have no order.
    """
    counted = {
        row.key: row.counter
        for row in session.execute(
            select(LateScan.key, LateScan.counter).where(
                LateScan.item_id == item.id, LateScan.device == scan.device
            )
        )
    }
    for entry in ledger.entries_since(session, stream(item.code), scan.at - PROMPT):
        changed = any(
            each["table"] == Item.__tablename__ and _PLACED & set(each["set"])
            for each in entry.rows
        )
        # A scan of a thing that stands where it stood changes no row, and is a word on it as well.
        if not (changed or entry.kind in _SAID):
            continue
        if entry.command in counted:
            if counted[entry.command] > scan.counter:
                return True
            continue
        done = datetime.fromisoformat(entry.device_at) if entry.device_at else entry.at
        if done >= scan.at:
            return True
    return False


def _uncounted(session: Session, scan: Scan) -> None:
    used = session.scalar(
        select(LateScan.key).where(LateScan.device == scan.device, LateScan.counter == scan.counter)
    )
    if used:
        raise CounterUsed(
            _(
                "The device %(device)s has sent another scan as its number %(counter)s. Nothing "
                "was recorded; have the device looked at.",
                device=scan.device,
                counter=scan.counter,
            ),
            field="X-Device-Counter",
        )


def _keep(
    actor: Actor,
    session: Session,
    item: Item,
    kind: str,
    scan: Scan,
    key: str,
    given: Mapping[str, Any],
    why: str,
    said: str,
    claimed: UUID | None = None,
) -> dict[str, Any]:
    row = _row(actor, item, kind, scan, key, given, LateState.WAITING)
    row.why = why
    row.claimed_by = claimed
    session.add(row)
    session.flush()
    _record(actor, item, "custody.late-kept", row, {"why": why})
    return {"late_scan": str(row.id), "state": row.state.value, "why": why, "said": said}


def _row(
    actor: Actor,
    item: Item,
    kind: str,
    scan: Scan,
    key: str,
    given: Mapping[str, Any],
    state: LateState,
) -> LateScan:
    return LateScan(
        device=scan.device,
        counter=scan.counter,
        key=key,
        kind=kind,
        item_id=item.id,
        given=_plain(given),
        scanned_by=actor.person,
        scanned_at=scan.at,
        arrived_at=clock.now(),
        state=state,
        why="",
        answer="",
    )


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"value": str(each.value), "unit": each.unit} if isinstance(each, Quantity) else each
        for name, each in given.items()
        if each is not None
    }


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Quantity(each["value"], each["unit"]) if isinstance(each, Mapping) else each
        for name, each in given.items()
    }


def _record(
    actor: Actor,
    item: Item,
    kind: str,
    row: LateScan,
    data: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    about = {"kind": row.kind, "device": row.device, "counter": row.counter, **(data or {})}
    ledger.record(
        actor, stream(item.code), kind, about, rows=[row], reason=reason, device_at=row.scanned_at
    )


@requires(may.READ)
def arrived(actor: Actor, scan: Scan, key: str) -> None:
    """Note that a kept scan came and was no act, so that its number is not missed."""
    name = _name(scan.device, scan.counter)
    asked = select(LateScan.id).where(
        LateScan.device == scan.device, LateScan.counter == scan.counter
    )
    with db.reading() as session:
        # Its answer may have been lost on the way, and now another person hands it in.
        if session.scalar(asked) or session.scalar(
            select(acts.Act.key).where(acts.Act.key == name)
        ):
            return
    acts.once(actor, name, acts.digest_of(key), lambda: {"scan": key})


def _name(device: str, counter: int) -> str:
    return f"kept/{device}/{counter}"


# Answering


@requires(may.ANSWER_LATE)
def answer(actor: Actor, *, scan_id: UUID, decision: str, reason: str) -> LateScan:
    """Answer a scan that was put aside: `accept` does now what it says, `dismiss` does not.

    Raises:
        LateAnswered: somebody did.
        OwnLateScan: nobody answers for her own.
        DomainError: what it says cannot be done now; dismiss it, or put the item right first.
    """
    if not reason.strip():
        raise BadInput(_("Say why."), field="reason")
    with db.transaction() as session:
        row = db.locked(session, select(LateScan).where(LateScan.id == scan_id))
        if row is None:
            raise LateUnknown(_("No late scan has this number; look at the list of those kept."))
        if row.state is not LateState.WAITING:
            raise LateAnswered(_("This late scan was answered; there is nothing left to do."))
        if actor.person in (row.scanned_by, row.claimed_by):
            raise OwnLateScan(
                _("You scanned it or handed it in yourself; let another person answer.")
            )
        item = session.get_one(Item, row.item_id)
        if decision == "accept":
            with device.said(Scan(row.scanned_at)):
                KINDS[row.kind].perform(actor, **_arguments(row.given))
        row.state = LateState.ACCEPTED if decision == "accept" else LateState.DISMISSED
        row.answered_by = actor.person
        row.answered_at = clock.now()
        row.answer = reason.strip()
        session.flush()
        _record(actor, item, f"custody.late-{row.state.value}", row, reason=row.answer)
        return row


def waiting(session: Session, limit: int = 500) -> list[tuple[LateScan, Item]]:
    """What waits for an answer, oldest first."""
    found = session.execute(
        select(LateScan, Item)
        .join(Item, Item.id == LateScan.item_id)
        .where(LateScan.state == LateState.WAITING)
        .order_by(LateScan.arrived_at)
        .limit(limit)
    )
    return [(row, item) for row, item in found]


def missing(session: Session, name: str | None = None, most: int = 20) -> dict[str, list[int]]:
    """By device, the scans it counted and never sent, the first of them."""
    ends = select(LateScan.device, func.max(LateScan.counter), func.count()).group_by(
        LateScan.device
    )
    if name is not None:
        ends = ends.where(LateScan.device == name)
    gaps = {}
    for each, last, there in session.execute(ends):
        if there < last:
            sent = set(session.scalars(select(LateScan.counter).where(LateScan.device == each)))
            never = _unheard(session, each, [n for n in range(1, last + 1) if n not in sent], most)
            if never:
                gaps[each] = never
    return gaps


def _unheard(session: Session, name: str, counters: list[int], most: int) -> list[int]:
    """Those of a device's counts that did not come without being an act either."""
    never: list[int] = []
    for at in range(0, len(counters), 200):
        names = {_name(name, each): each for each in counters[at : at + 200]}
        came = set(session.scalars(select(acts.Act.key).where(acts.Act.key.in_(list(names)))))
        never += [each for key, each in names.items() if key not in came]
        if len(never) >= most:
            break
    return never[:most]


@requires(may.READ_LATE)
def late_scans(actor: Actor) -> dict[str, Any]:
    """What waits for an answer, and by device what was counted and never came."""
    with db.reading() as session:
        return {
            "waiting": [shown(row, item) for row, item in waiting(session)],
            "missing": [
                {"device": each, "counters": counters}
                for each, counters in missing(session).items()
            ],
        }


def shown(row: LateScan, item: Item) -> dict[str, Any]:
    """A late scan as the API gives it."""
    return {
        "id": row.id,
        "code": item.code,
        "kind": row.kind,
        "given": row.given,
        "device": row.device,
        "counter": row.counter,
        "scanned_at": row.scanned_at,
        "arrived_at": row.arrived_at,
        "state": row.state.value,
        "why": row.why,
    }


def told(row: LateScan) -> Any:
    """Why it waits, in words."""
    return WHY.get(row.why) or _("It was refused when it arrived (%(why)s).", why=row.why)


def one(session: Session, scan_id: UUID) -> tuple[LateScan, Item]:
    """A late scan and its item.

    Raises:
        LateUnknown: there is none.
    """
    row = session.get(LateScan, scan_id)
    if row is None:
        raise LateUnknown(_("No late scan has this number; look at the list of those kept."))
    return row, session.get_one(Item, row.item_id)
