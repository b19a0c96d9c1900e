"""The doors of custody: where a thing is, who holds it, why it may not be used, what befell it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import people, studies
from lims.core import because, codes, db, units
from lims.core.errors import DomainError
from lims.core.permissions import Actor, requires
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody import (
    act_doors,
    boxes,
    counter_doors,
    handing,
    holding,
    late,
    observing,
    place_doors,
    queries,
    rack_doors,
    reading,
    shipment_doors,
    standing,
)
from lims.custody import permissions as may
from lims.custody import schemas as of
from lims.custody.items import find
from lims.custody.models import Hold, Item, LateScan
from lims.custody.monitoring import doors as monitoring_doors
from lims.custody.places import place_by_code
from lims.custody.rules import FINAL, KIND_NAMES, STATE_NAMES, ItemKind, State
from lims.studies import Cell, Mark, Part, Step
from lims.web.doors import Doors

_THINGS = "SCLVQK"
_THERE = tuple(each for each in State if each not in FINAL)
_FREE = (State.RELEASED, State.CONDITIONALLY_RELEASED, State.READY_FOR_USE)
_LOST = (State.REJECTED, State.BLOCKED)


def _here(item: Item) -> dict[str, Any]:
    with db.reading() as session:
        place = queries.place(session, item.place_id)
        return {
            "code": item.code,
            "state": item.state.value,
            "place": place.code if place else None,
            "holder": people.name_of(session, item.holder_id) if item.holder_id else None,
        }


@requires(may.MOVE)
def move(actor: Actor, *, code: str, to: str, position: str = "") -> dict[str, Any]:
    """Say where it stands now."""
    moved = boxes.put(actor, code=code, to=to, position=position)
    return {
        "code": moved.code,
        "state": moved.state.value,
        "place": moved.place,
        "holder": actor.name if moved.holder_id else None,
    }


@requires(may.HAND_OVER)
def hand_over(
    actor: Actor,
    *,
    code: str,
    to: str,
    place: str | None = None,
    reason: str = "",
    minutes: int = handing.WITHIN_MINUTES,
) -> dict[str, Any]:
    """Offer it to a person."""
    offer = handing.hand_over(actor, code=code, to=to, place=place, reason=reason, minutes=minutes)
    with db.reading() as session:
        receiver = people.name_of(session, offer.receiver_id)
    return {
        "code": code,
        "receiver": receiver,
        "offered_at": offer.offered_at,
        "due_at": handing.due_at(offer),
    }


@requires(may.HAND_OVER)
def accept(actor: Actor, *, code: str, condition: str = "") -> dict[str, Any]:
    """Take what was offered."""
    return _here(handing.accept(actor, code=code, condition=condition))


@requires(may.HAND_OVER)
def refuse(actor: Actor, *, code: str, reason: str) -> dict[str, Any]:
    """Do not take what was offered."""
    return _here(handing.refuse(actor, code=code, reason=reason))


@requires(may.HAND_OVER)
def withdraw(actor: Actor, *, code: str, reason: str = "") -> dict[str, Any]:
    """Take an offer back."""
    return _here(handing.withdraw(actor, code=code, reason=reason))


@requires(may.HOLD)
def hold(actor: Actor, *, code: str, reason: str) -> dict[str, Any]:
    """Put a hold on it."""
    placed: Hold = holding.hold(actor, code=code, reason=reason)
    return {"code": code, "reason": placed.reason, "placed_at": placed.placed_at}


@requires(may.LIFT)
def lift(actor: Actor, *, code: str, reason: str) -> dict[str, Any]:
    """Lift every hold on it."""
    return _here(holding.lift_hold(actor, code=code, reason=reason))


@requires(may.OBSERVE)
def observe(actor: Actor, **given: Any) -> dict[str, Any]:
    """Note what is seen of it."""
    return {"code": observing.observe(actor, **given).code}


@requires(may.ANSWER_LATE)
def answer_late(actor: Actor, *, scan_id: UUID, decision: str, reason: str) -> dict[str, Any]:
    """Answer a scan that arrived late."""
    row = late.answer(actor, scan_id=scan_id, decision=decision, reason=reason)
    with db.reading() as session:
        return late.shown(*late.one(session, row.id))


def about_late(actor: Actor, *, scan_id: UUID) -> Sequence[tuple[Any, Any]]:
    """What was scanned, when, by whom, and why it waits."""
    with db.reading() as session:
        row, item = late.one(session, scan_id)
        gaps = late.missing(session, row.device).get(row.device, [])
        rows: list[tuple[Any, Any]] = [
            (KIND_NAMES[item.kind], codes.grouped(item.code)),
            (_("What was scanned"), _scanned(session, row)),
            (_("Where it stands now"), _stands(session, item)),
            *_scanned_by(session, row),
            (_("Scanned"), row.scanned_at),
            (_("Arrived"), row.arrived_at),
            (
                _("Device"),
                _(
                    "%(device)s, its kept scan %(count)s",
                    device=Exact(row.device),
                    count=row.counter,
                ),
            ),
            (_("Why it waits"), late.told(row)),
        ]
        if gaps:
            numbers = ", ".join(str(each) for each in gaps)
            rows.append((_("Scans of this device that never came"), numbers))
        return rows


def _scanned(session: Session, row: LateScan) -> str:
    """A move as the station says it; of anything else what it gives besides the code."""
    if "to" not in row.given:
        return ", ".join(f"{each}" for name, each in row.given.items() if name != "code")
    code, to = (codes.fold(str(row.given[each]))[: codes.LENGTH] for each in ("code", "to"))
    try:
        name = place_by_code(session, to).name
    except DomainError:
        return f"{codes.grouped(code)} → {codes.grouped(to)}"
    return f"{codes.grouped(code)} → {name} ({codes.grouped(to)})"


def _stands(session: Session, item: Item) -> Any:
    place = queries.place(session, item.place_id)
    return place.name if place else _("none recorded")


def _scanned_by(session: Session, row: LateScan) -> list[tuple[Any, Any]]:
    names = [people.name_of(session, each) for each in (row.claimed_by, row.scanned_by) if each]
    return list(zip((_("Scanned by"), _("Handed in by")), names or ["-"], strict=False))


def about(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """What it is, where it is, who holds it, and its holds."""
    with db.reading() as session:
        item = find(session, code)
        rows: list[tuple[Any, Any]] = [
            (KIND_NAMES[item.kind], codes.grouped(item.code)),
            (_("State"), STATE_NAMES[item.state]),
            (_("Place"), _stands(session, item)),
            (_("Held by"), people.name_of(session, item.holder_id) if item.holder_id else "-"),
        ]
        if item.volume_ul is not None:
            rows.append((_("Volume left"), str(units.ml(item.volume_ul))))
        if item.thaw_count:
            rows.append((_("Thawed, times in all"), item.thaw_count))
        if out := standing.open_time(session, item):
            rows.append((_("Out of the freezer"), standing.in_words(out)))
        offer = handing.open_offer(session, item.id)
        if offer is not None:
            rows.append((_("Offered to"), people.name_of(session, offer.receiver_id)))
        rows += [
            (_("On hold"), because.said(each.reason)) for each in queries.holds(session, [item.id])
        ]
        return rows


doors = Doors("custody")


def _is_offered(item: Item) -> bool:
    with db.reading() as session:
        return handing.open_offer(session, item.id) is not None


def _is_not_offered(item: Item) -> bool:
    return not _is_offered(item)


def _is_held(item: Item) -> bool:
    with db.reading() as session:
        # What the record of a way holds is lifted by its assessment.
        return not all(holding.wants_assessment(each) for each in queries.holds(session, [item.id]))


doors.act(
    "/items/<code>/moves",
    move,
    takes=of.MoveIn,
    gives=of.HereOut,
    name="move",
    title=_("Move it"),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=70,
    late=late.door("move"),
)
doors.act(
    "/items/<code>/observations",
    observe,
    takes=of.ObserveIn,
    gives=of.ObservedOut,
    name="observe",
    title=_("Note what you see"),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=71,
    late=late.door("observe"),
)
doors.act(
    "/late-scans/<uuid:scan_id>/answer",
    answer_late,
    takes=of.LateAnswerIn,
    gives=of.LateScanOut,
    name="answer-late",
    title=_("Answer a scan that arrived late"),
    intro=_("Look where the thing is before you answer."),
    about=about_late,
    after=lambda answer: f"/items/{answer['code']}",
)
doors.read("/late-scans", late.late_scans, name="late-scans", title=_("Scans that arrived late"))
doors.act(
    "/items/<code>/handovers",
    hand_over,
    takes=of.HandOverIn,
    gives=of.OfferOut,
    name="hand-over",
    title=_("Hand it over"),
    intro=_("The other person accepts it with a scan of her own."),
    on=_THINGS,
    when=_THERE,
    about=about,
    said=lambda answer: _("Offered to %(name)s", name=answer["receiver"]),
    order=72,
    fits=_is_not_offered,
)
doors.act(
    "/items/<code>/acceptance",
    accept,
    takes=of.AcceptIn,
    gives=of.HereOut,
    name="accept",
    title=_("Accept it"),
    intro=_("Look at it first. From now on you hold it."),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=74,
    fits=_is_offered,
)
doors.act(
    "/items/<code>/refusal",
    refuse,
    takes=of.RefuseIn,
    gives=of.HereOut,
    name="refuse",
    title=_("Do not take it"),
    intro=_("It stays with the person who offered it."),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=75,
    fits=_is_offered,
)
doors.act(
    "/items/<code>/withdrawal",
    withdraw,
    takes=of.WithdrawIn,
    gives=of.HereOut,
    name="withdraw",
    title=_("Take the offer back"),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=76,
    fits=_is_offered,
)
doors.act(
    "/items/<code>/holds",
    hold,
    takes=of.WhyIn,
    name="hold",
    title=_("Put it on hold"),
    intro=_("Everything made from it is held with it."),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=90,
)
doors.act(
    "/items/<code>/holds/lifting",
    lift,
    takes=of.WhyIn,
    gives=of.HereOut,
    name="lift-hold",
    title=_("Lift its holds"),
    on=_THINGS,
    when=_THERE,
    about=about,
    order=92,
    fits=_is_held,
)
place_doors.declare(doors)
rack_doors.declare(doors)
counter_doors.declare(doors)
shipment_doors.declare(doors)
monitoring_doors.declare(doors)
act_doors.declare(doors, about, _THERE)
doors.read("/items/<code>", reading.card, name="card", title=_("An item"))
doors.read("/items/<code>/lineage", reading.lineage, name="lineage", title=_("Its lineage"))
doors.read(
    "/items/<code>/whereabouts",
    standing.answer,
    takes=of.AtIn,
    name="whereabouts",
    title=_("Where it was, and with whom"),
)
doors.read(
    "/items/<code>/trail", reading.trail, takes=of.TrailIn, name="trail", title=_("Its trail")
)


# On a participant's page


@studies.on_participant(order=20)
def her_items(session: Session, subject: studies.Subject) -> Part | None:
    """Everything made of her own material, with states and links."""
    return Part(
        _("Made from her material"),
        (_("Item"), _("Kind"), _("State"), _("Made")),
        [
            (
                Cell(each.code, f"/items/{each.code}", code=True),
                Cell(KIND_NAMES[each.kind]),
                Cell(STATE_NAMES[each.state]),
                Cell(each.made_at),
            )
            for each in queries.items_of(session, donor_id=subject.id)
        ],
        _("Nothing yet."),
    )


@studies.in_journey(order=30)
def lots(
    session: Session, study: studies.Study, subjects: Sequence[studies.Subject]
) -> Mapping[UUID, Sequence[Step]]:
    """The lot made of her own material, for those who are given it."""
    read = studies.protocol_of(study)
    autologous = {arm.code for arm in read.arms.values() if arm.donor_rule == "recipient"}
    own = {each.id for each in subjects if each.arm in autologous}
    newest: dict[UUID, Item] = {}
    for item in session.scalars(
        select(Item)
        .where(Item.kind == ItemKind.LOT, Item.donor_id.in_(list(own)))
        .order_by(Item.made_at)
    ):
        if item.donor_id:
            newest[item.donor_id] = item
    return {each: [_lot_step(newest.get(each))] for each in own}


def _lot_step(item: Item | None) -> Step:
    if item is None:
        return Step(_("lot"), Mark.OPEN)
    mark = Mark.DONE if item.state in _FREE else Mark.OPEN
    if item.state in _LOST:
        mark = Mark.STOPPED
    return Step(_("lot"), mark, item.made_at, STATE_NAMES[item.state])
