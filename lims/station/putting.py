"""What a scan at the station writes: an item or a box stands somewhere else now."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lims import custody, ledger
from lims.core import acts, codes, db, device
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody.permissions import MOVE, PLACE, READ
from lims.station import cards
from lims.station.bench import Bench, Outcome, Scanned, did, named, title_of
from lims.station.grammar import Mode
from lims.web import late
from lims.web.verdicts import Panel

_KEPT = {kind: custody.late_door(kind) for kind in ("move", "observe")}


@requires(MOVE)
def put(actor: Actor, code: str, to: str, scanned: Scanned, bench: Bench) -> Outcome:
    """Move an item into a place, as one act of its own.

    Args:
        code: of the item, as it was scanned.
    """
    batch = bench.mode is Mode.BATCH
    key = f"{bench.batch}.{scanned.key}" if batch else scanned.key

    def call() -> dict[str, Any]:
        with db.transaction() as session:
            here = custody.before_move(session, code, to)
            if here.is_there:
                return {"code": here.code, "already": here.name}
            moved = custody.put(actor, code=code, to=to, kind=here.to_kind)
            now = here.to_name
            if moved.place != here.to:  # a slot of that box
                now = custody.place_by_code(session, moved.place).name
            return {"code": here.code, "was": here.name, "from": here.holder, "now": now}

    digest = acts.digest_of("station.put", code, to)
    given = {"code": code, "to": to}
    answer = as_scanned(actor, "move", scanned, key, digest, given, call)
    if "late_scan" in answer:
        folded = codes.fold(code)[: codes.LENGTH]
        with db.reading() as session:
            title, place = named(session, folded), named(session, to)
        after = bench if batch else bench.put_down()
        return put_aside(f"{title} → {place}", title, answer, after)
    with db.reading() as session:
        item = custody.find(session, answer["code"])
        title, card = title_of(item), cards.card_of(session, item, actor)
        number = ledger.first_of_act(session, custody.stream(answer["code"]), key)
    if "already" in answer:
        what = _("%(what)s is already in %(place)s", what=title, place=answer["already"])
        return Outcome(Panel("ok", str(what), recorded=False), bench.put_down(), title, card)
    after = bench.put_down()
    if batch:
        origin = bench.origin or answer.get("from", "")
        after = replace(bench, count=bench.count + 1, origin=origin)
    if number is not None:
        after = did(after, answer["code"], number)
    return Outcome(
        Panel(
            "ok",
            f"{title} → {answer['now']}",
            str(_("was: %(place)s", place=answer["was"] or _("nowhere"))),
        ),
        after,
        title,
        card,
        event=number,
    )


@requires(READ)
def as_scanned(
    actor: Actor,
    kind: str,
    scanned: Scanned,
    key: str,
    digest: str,
    given: Mapping[str, Any],
    call: Callable[[], dict[str, Any]],
) -> Any:
    """The answer of an act that may come late: done now, judged, or handed in for another."""
    scan = scanned.scan
    if scan is not None and scan.replayed:
        if scanned.claimed:
            claimed = scanned.claimed
            return custody.hand_in(actor, kind, scan, key, digest, given, claimed=claimed).answer
        return _KEPT[kind](actor, scan, key, digest, given, call).answer

    def prompt() -> dict[str, Any]:
        require_prompt(scanned)
        return call()

    with device.said(scan):
        return acts.once(actor, key, digest, prompt).answer


def put_aside(what: str, title: str, answer: Mapping[str, Any], bench: Bench) -> Outcome:
    """A kept scan that does not agree with what is known by now: another person decides."""
    panel = Panel(
        "ask",
        what,
        str(_("Put aside when it arrived: %(why)s", why=answer["said"])),
        str(_("Leave it where it is, and let another person answer this scan on the start page.")),
        str(_("QC officer")),
    )
    return Outcome(panel, bench, title)


@requires(PLACE)
def carry(actor: Actor, inner: str, outer: str, scanned: Scanned, bench: Bench) -> Outcome:
    """Put a box or a rack, with all in it, into another place."""

    def call() -> dict[str, Any]:
        require_prompt(scanned)
        with db.transaction() as session:
            around = custody.place_by_code(session, outer)
            moving = custody.place_by_code(session, inner)
            was = custody.place(session, moving.parent_id)
            if moving.id in custody.places_within(session, around.id):
                return {"already": around.name}
            custody.move_place(actor, code=inner, to=outer)
            return {"was": was.name if was else "", "now": around.name}

    digest = acts.digest_of("station.carry", inner, outer)
    with device.said(scanned.scan):
        answer = acts.once(actor, scanned.key, digest, call).answer
    with db.reading() as session:
        title = named(session, inner)
    if "already" in answer:
        what = _("%(what)s is already in %(place)s", what=title, place=answer["already"])
        return Outcome(Panel("ok", str(what), recorded=False), bench.put_down(), title)
    with db.reading() as session:
        number = ledger.first_of_act(session, f"place/{inner}", scanned.key)
    after = bench.put_down() if number is None else did(bench.put_down(), inner, number)
    was = _("was: %(place)s", place=answer["was"] or _("nowhere"))
    panel = Panel("ok", f"{title} → {answer['now']}", str(was))
    return Outcome(panel, after, title, event=number)


def require_prompt(scanned: Scanned) -> None:
    """Asked inside the act: what was done already is answered, however late it is asked again."""
    if scanned.scan is not None:
        late.require_prompt(scanned.scan, keepable=False)
