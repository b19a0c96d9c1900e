"""What the commands of the station do."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from lims import custody, labels
from lims.core import acts, codes
from lims.core.errors import DomainError
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody.permissions import READ
from lims.station import orders
from lims.station.bench import CALL, Bench, Outcome, Scanned, empty_handed, holds, of_a_thing
from lims.station.grammar import Mode
from lims.station.putting import require_prompt
from lims.web import verdicts
from lims.web.verdicts import Panel


@requires(READ)
def obey(actor: Actor, order: orders.Order, scanned: Scanned, bench: Bench) -> Outcome:
    """Do what a command says."""
    if order.name.startswith("UNDO"):
        return _undo(actor, scanned, bench, whole=order.name == "UNDO BATCH")
    if order.page:
        require_prompt(scanned)
        return _open(order, scanned, bench)
    if order.name == "VERIFY":
        return _verify(actor, scanned, bench)
    if order.name == "SIGN-OUT":
        return Outcome(Panel("ok", str(order.title)), Bench(), go="sign-out")
    if order.name == "HELP":
        return _help(bench)
    return _change_mode(order, bench)


def _help(bench: Bench) -> Outcome:
    known: list[tuple[Any, Any]] = [(each.title, each.about) for each in orders.ORDERS.values()]
    said = _("Scan a thing, then the place it goes into. Commands:")
    return Outcome(Panel("ok", str(said)), bench, str(_("HELP")), known)


def _change_mode(order: orders.Order, bench: Bench) -> Outcome:
    if order.name == "BATCH":
        begun = Bench(Mode.BATCH, batch=uuid4().hex)
        return Outcome(Panel("ok", str(order.title), str(_("Scan the place."))), begun)
    if order.name == "LOOK":
        return Outcome(Panel("ok", str(order.title), str(order.about)), Bench(Mode.LOOK))
    return Outcome(_summary(bench), Bench(done=bench.done))


def _undo(actor: Actor, scanned: Scanned, bench: Bench, *, whole: bool) -> Outcome:
    """Take back what was done from here: the last act, or each of a batch by itself."""
    if not bench.done:
        panel = Panel(
            "ask",
            str(_("There is nothing to undo here.")),
            str(_("Only what was moved from this page just now is undone here.")),
            str(_("Open the page of the thing, and undo or correct it there.")),
            recorded=False,
        )
        return Outcome(panel, bench)
    wanted = bench.done[::-1] if whole else bench.done[-1:]
    taken, kept = [], []
    why: DomainError | None = None
    for number, each in enumerate(wanted):
        code, _dot, entry = each.partition(".")

        def call(code: str = code, entry: str = entry) -> dict[str, Any]:
            require_prompt(scanned)
            custody.undo(actor, code=code, entry=int(entry))
            return {"code": code, "entry": int(entry)}

        try:
            acts.once(actor, f"{scanned.key}.{number}", acts.digest_of("station.undo", each), call)
            taken.append(codes.grouped(code))
        except DomainError as refusal:
            why = refusal
            kept.append(each)
    left = tuple(each for each in bench.done if each not in wanted or each in kept)
    after = replace(bench.put_down(), done=left, count=max(0, bench.count - len(taken)))
    if why is not None:
        said = _("Undone: %(done)s. Not undone: %(kept)s.", done=len(taken), kept=len(kept))
        panel = verdicts.of_error(why)
        return Outcome(panel if not taken else replace(panel, what=str(said), recorded=True), after)
    return Outcome(Panel("ok", str(_("Undone")), ", ".join(taken)), after)


def _summary(bench: Bench) -> Panel:
    if bench.mode is not Mode.BATCH:
        return Panel("ok", str(_("Nothing is in hand.")))
    said = str(_("Things put: %(count)s.", count=bench.count))
    if not bench.unknown:
        return Panel("ok", said)
    return Panel(
        "ask",
        said,
        str(_("Not placed: %(codes)s", codes=", ".join(bench.unknown))),
        str(_("Look at each of these by itself.")),
        str(CALL),
    )


def _open(order: orders.Order, scanned: Scanned, bench: Bench) -> Outcome:
    """Go on to a page about what is in hand."""
    if not holds(scanned, bench):
        return empty_handed(bench)
    code = codes.parse(bench.hand).code
    page = order.page_of_place if code[0] == "A" else order.page
    if not page:
        return of_a_thing(str(order.title), bench)
    panel = Panel("ok", str(order.title), codes.grouped(code))
    return Outcome(panel, bench.put_down(), go=page.format(code=code))


def _verify(actor: Actor, scanned: Scanned, bench: Bench) -> Outcome:
    """The label in hand sticks where it belongs."""
    if not holds(scanned, bench):
        return empty_handed(bench)

    def call() -> dict[str, Any]:
        require_prompt(scanned)
        copy = labels.stick(actor, scanned=bench.hand)
        return {"code": copy.code, "copy": copy.copy}

    digest = acts.digest_of("station.verify", bench.hand)
    answer = acts.once(actor, scanned.key, digest, call).answer
    said = str(_("Label copy %(copy)s is on its thing.", copy=answer["copy"]))
    return Outcome(Panel("ok", said, codes.grouped(answer["code"])), bench)
