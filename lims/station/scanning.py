"""Taking one scan at the station: what it is, and what it means with what is in hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, people
from lims.core import acts, because, clock, codes, db, mode
from lims.core.errors import DomainError, TemporaryFailure
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import FINAL, STATE_NAMES, Item, Place, Shipment, State
from lims.custody.permissions import READ
from lims.station import cards, grammar, noting, obeying, orders, putting
from lims.station.bench import CALL, Bench, Outcome, Scanned, holds, named, title_of
from lims.station.grammar import Mode, Step, Thing
from lims.web import verdicts
from lims.web.verdicts import Panel

_BAD = frozenset({State.ON_HOLD, State.QUARANTINE, State.REJECTED, State.BLOCKED})


@requires(READ)
def scan(actor: Actor, *, scanned: Scanned, bench: Bench) -> Outcome:
    """Take one scan.

    A refusal is an outcome as well: a stop that leaves everything as it was.
    """
    try:
        if said := orders.note_in(scanned.text):
            return noting.note(actor, said, scanned, bench)
        return _scan(actor, scanned, bench)
    except (TemporaryFailure, acts.StillRunning):
        raise  # the same scan is asked again, and answered then
    except DomainError as refusal:
        if bench.mode is Mode.BATCH and scanned.text not in bench.unknown:
            bench = replace(bench, unknown=(*bench.unknown, scanned.text[:60]))
        return Outcome(verdicts.of_error(refusal), bench)


def _scan(actor: Actor, scanned: Scanned, bench: Bench) -> Outcome:
    with db.reading() as session:
        order = orders.ordered(scanned.text, practice=mode.is_practice(session))
        if order is None:
            found = cards.known(session, scanned.text, actor)
            if found.kind == "badge":
                return _badge(session, actor, found.code, bench)
            if found.thing is None or isinstance(found.thing, Shipment):
                return _no_thing(found, bench)
            thing, hand = (
                _thing(session, found.code, found.thing),
                _in_hand(session, scanned, bench),
            )
            wanted = grammar.step(bench.mode, thing, hand=hand, aim=bench.aim)
            if wanted not in (Step.PUT, Step.CARRY):
                return _of_thing(session, found, thing, hand, wanted, scanned, bench)
    if order is not None:
        return obeying.obey(actor, order, scanned, bench)
    # These write, and nobody writes while she reads.
    if wanted is Step.CARRY and hand is not None:
        return putting.carry(actor, hand.code, thing.code, scanned, bench)
    batch = bench.mode is Mode.BATCH
    pair = (scanned.text, bench.aim) if batch else (bench.hand, thing.code)
    return putting.put(actor, *pair, scanned, bench)


def _of_thing(
    session: Session,
    found: cards.Known,
    thing: Thing,
    hand: Thing | None,
    wanted: Step,
    scanned: Scanned,
    bench: Bench,
) -> Outcome:
    trouble = _trouble(session, found.thing) if isinstance(found.thing, Item) else None
    title, card = _card(session, found.thing, found.card)
    done = Outcome(trouble or Panel("ok", title), bench, title, card, about=found.code)
    if wanted in (Step.TAKE, Step.REFUSE):
        first = hand if wanted is Step.REFUSE else None
        return _taken(session, done, thing, first, scanned, trouble)
    return done if wanted is Step.SHOW else _aimed(done, wanted, thing)


def _thing(session: Session, code: str, known: Item | Place | None = None) -> Thing:
    if code[0] == "A":
        place = known if isinstance(known, Place) else custody.place_by_code(session, code)
        return Thing(code, place.kind)
    return Thing(code, moves=code[0] in cards.ITEMS)


def _in_hand(session: Session, scanned: Scanned, bench: Bench) -> Thing | None:
    if not holds(scanned, bench):
        return None
    return _thing(session, codes.parse(bench.hand).code)


def _card(
    session: Session, thing: Item | Place | Shipment | None, said: Sequence[tuple[Any, Any]]
) -> tuple[str, list[tuple[Any, Any]]]:
    if isinstance(thing, Item):
        return title_of(thing), list(said)
    if not isinstance(thing, Place):
        return "", list(said)
    slots = custody.slots_of(session, thing.id)
    free = [(_("Free slots"), sum(item is None for _slot, item in slots))] if slots else []
    return thing.name, [*said, *free]


def _trouble(session: Session, item: Item) -> Panel | None:
    """Why somebody should think before she goes on with a thing; a stop where it is gone."""
    what = title_of(item)
    state = str(_("its state is: %(state)s", state=STATE_NAMES[item.state]))
    if item.state in FINAL:
        return Panel(
            "stop",
            what,
            state,
            str(_("Set it aside and look at its page.")),
            str(CALL),
            recorded=False,
        )
    reasons = [str(because.said(each)) for each in custody.held_by(session, item.id)]
    if item.state in _BAD:
        reasons.insert(0, state)
    if item.expires_at is not None and item.expires_at <= clock.now():
        reasons.insert(0, str(_("it has expired")))
    if not reasons:
        return None
    return Panel(
        "ask",
        what,
        "; ".join(reasons),
        str(_("Only put it where such things are kept.")),
        str(_("QC officer")),
        recorded=False,
    )


def _taken(
    session: Session,
    done: Outcome,
    thing: Thing,
    first: Thing | None,
    scanned: Scanned,
    trouble: Panel | None,
) -> Outcome:
    if trouble is not None and trouble.kind == "stop":
        return replace(done, panel=trouble)
    at = scanned.scan.at if scanned.scan else clock.now()
    bench = replace(done.bench, hand=codes.fold(scanned.text), hand_at=at)
    if trouble is not None:
        return replace(done, panel=trouble, bench=bench)
    if first is None:
        return replace(done, panel=Panel("ok", done.title, str(_("in hand"))), bench=bench)
    was = named(session, first.code)
    do_now = (
        _("To put it there, scan the place again: %(place)s", place=was)
        if first.is_place and not thing.is_place
        else _("Go on with what is in hand now.")
    )
    panel = Panel(
        "ask",
        str(_("In hand now: %(what)s", what=done.title)),
        str(_("It cannot hold %(first)s; nothing was recorded for that.", first=was)),
        str(do_now),
        recorded=False,
    )
    return replace(done, panel=panel, bench=bench)


def _aimed(done: Outcome, wanted: Step, thing: Thing) -> Outcome:
    if wanted is Step.AIM:
        panel = Panel("ok", str(_("Into: %(place)s", place=done.title)))
        return replace(done, panel=panel, bench=replace(done.bench, aim=thing.code))
    none_yet = wanted is Step.NEEDS_PLACE
    panel = Panel(
        "ask",
        done.title,
        str(
            _("A batch needs its place first.")
            if none_yet
            else _("This batch goes into another place.")
        ),
        str(
            _("Scan the place into which everything goes.")
            if none_yet
            else _("Scan DONE first, then BATCH for the next place.")
        ),
        recorded=False,
    )
    return replace(done, panel=panel)


def _shipment(found: cards.Known, bench: Bench) -> Outcome:
    """The label of a shipment: its page opens, unless she only looks or is about a batch."""
    title = f"{codes.LETTERS['T']} {codes.grouped(found.code)}"
    panel = Panel("ok", title)
    if bench.mode is Mode.BATCH:
        panel = Panel(
            "ask",
            title,
            str(_("It is the label of a shipment, and nothing that is put into a place.")),
            str(_("Scan the label of the box itself, or go on with the batch.")),
            recorded=False,
        )
    go = (found.url or "") if bench.mode is Mode.SINGLE else ""
    return Outcome(panel, bench, title, list(found.card), go=go)


def the_pack(code: str) -> Panel:
    """What is said of the pack around a dose, wherever it is scanned: it is not the dose."""
    return Panel(
        "ask",
        f"{codes.LETTERS['B']} {codes.grouped(code)}",
        str(_("This is the pack and not the dose in it.")),
        str(_("Take the vial out and scan the vial itself.")),
        recorded=False,
    )


def _no_thing(found: cards.Known, bench: Bench) -> Outcome:
    if found.kind == "shipment":
        return _shipment(found, bench)
    if found.kind == "pack":
        return Outcome(the_pack(found.code), bench, str(codes.LETTERS["B"]), list(found.card))
    if found.kind == "wristband":
        panel = Panel(
            "stop",
            f"{_('wristband')} {codes.grouped(found.code)}",
            str(_("Wristbands are for the bedside page.")),
            str(_("Open the bedside page and scan the band there.")),
            str(CALL),
            recorded=False,
        )
        return Outcome(panel, bench)
    refusal = cards.nothing_known(found.code)
    if bench.mode is Mode.BATCH and found.code not in bench.unknown:
        bench = replace(bench, unknown=(*bench.unknown, found.code[:60]))
    return Outcome(verdicts.of_error(refusal), bench, found.code, list(found.card))


def _badge(session: Session, actor: Actor, code: str, bench: Bench) -> Outcome:
    account = people.by_badge(session, code)
    name = people.name_of(session, account.person_id)
    if account.id == actor.account:
        return Outcome(Panel("ok", str(_("You are signed in: %(name)s", name=name))), bench)
    panel = Panel(
        "ask",
        str(_("Badge of %(name)s", name=name)),
        str(_("Whoever worked here was signed out.")),
        str(_("Type the PIN of this badge.")),
        recorded=False,
    )
    return Outcome(panel, Bench(), go="badge")
