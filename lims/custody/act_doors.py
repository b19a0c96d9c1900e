"""The doors of dividing, pooling, losing, thawing and ending an item."""

from collections.abc import Sequence
from typing import Any

from lims.core import codes, db, units
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import act_schemas as of
from lims.custody import dividing, ending, losing, pooling, queries, thawing
from lims.custody import permissions as may
from lims.custody.items import find
from lims.custody.models import Item
from lims.custody.rules import DIVISIBLE, ItemKind, State, leaving_to
from lims.web.doors import Doors


def _volume(item: Item) -> units.Quantity | None:
    return None if item.volume_ul is None else units.ml(item.volume_ul)


def _part(item: Item) -> dict[str, Any]:
    return {
        "code": item.code,
        "kind": item.kind.value,
        "state": item.state.value,
        "volume": _volume(item),
    }


def _now(item: Item, held: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "code": item.code,
        "state": item.state.value,
        "volume": _volume(item),
        "thaws": item.thaw_count,
        "held": "; ".join(held) or None,
    }


@requires(may.DIVIDE)
def divide(actor: Actor, **given: Any) -> dict[str, Any]:
    """Take parts of it."""
    done = dividing.divide(actor, **given)
    return {**_now(done.whole), "parts": [_part(each) for each in done.parts]}


@requires(may.POOL)
def pool(actor: Actor, **given: Any) -> dict[str, Any]:
    """Put it together with others."""
    return _part(pooling.pool(actor, **given))


@requires(may.LOSE)
def lose(actor: Actor, **given: Any) -> dict[str, Any]:
    """Record a loss."""
    return _now(losing.record_loss(actor, **given))


@requires(may.USE_UP)
def use_up(actor: Actor, **given: Any) -> dict[str, Any]:
    """Nothing of it is left."""
    return _now(ending.use_up(actor, **given))


@requires(may.DESTROY)
def destroy(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Destroy it before a witness; what stood against its use is said again."""
    with db.transaction() as session:
        item = find(session, code)
        line = [item, *queries.ancestors(session, [item.id])]
        held = [each.reason for each in queries.holds(session, [one.id for one in line])]
        return _now(ending.destroy(actor, code=code, **given), held)


@requires(may.THAW)
def thaw(actor: Actor, **given: Any) -> dict[str, Any]:
    """Thaw it."""
    return _now(thawing.thaw(actor, **given))


@requires(may.THAW)
def refreeze(actor: Actor, **given: Any) -> dict[str, Any]:
    """Freeze it again."""
    return _now(thawing.refreeze(actor, **given))


def _is_divisible(item: Item) -> bool:
    return bool(item.volume_ul) and item.state in DIVISIBLE.get(item.kind, ())


def _is_pooled(item: Item) -> bool:
    return item.kind in pooling.POOLED and _is_divisible(item)


def _holds_some(item: Item) -> bool:
    return bool(item.volume_ul)


def _is_used_up(item: Item) -> bool:
    return item.kind in ending.USED_UP and bool(leaving_to(item.kind, item.state, State.EXHAUSTED))


def _is_destroyed(item: Item) -> bool:
    return (
        item.kind in ending.DESTROYED
        and len(leaving_to(item.kind, item.state, State.DESTROYED)) == 1
    )


def _is_frozen(item: Item) -> bool:
    return item.kind in thawing.THAWED and item.kind is not ItemKind.LOT and item.thawed_at is None


def _is_thawed(item: Item) -> bool:
    return item.kind in thawing.THAWED and item.thawed_at is not None


def _said_parts(answer: dict[str, Any]) -> _:
    shown = ", ".join(codes.grouped(each["code"]) for each in answer["parts"][:10])
    return _("%(count)s made: %(codes)s", count=len(answer["parts"]), codes=shown)


def _said_destroyed(answer: dict[str, Any]) -> _:
    if answer["held"]:
        return _("Destroyed. It was on hold: %(reason)s", reason=answer["held"])
    return _("Destroyed before a witness")


def _said_thaws(answer: dict[str, Any]) -> _:
    return _("Thawed %(count)s times in all", count=answer["thaws"])


def declare(doors: Doors, about: Any, there: Sequence[State]) -> None:
    """Declare them among custody's doors.

    Args:
        about: what stands beside each form.
        there: the states of a thing that is not gone.
    """
    dividable = sorted({state for states in DIVISIBLE.values() for state in states})
    doors.act(
        "/items/<code>/parts", divide, takes=of.DivideIn, name="divide",
        title=_("Take aliquots or samples"),
        intro=_("Each part gets a code and a label of its own; what is left stays in it."),
        on="SCLQ", when=dividable, about=about, fits=_is_divisible, order=60, said=_said_parts,
    )  # fmt: skip
    doors.act(
        "/items/<code>/pools", pool, takes=of.PoolIn, gives=of.PartOut, name="pool",
        title=_("Pool it with others"),
        intro=_("All of one donor. Every hold and every thaw of one counts for the pool."),
        on="SCQ", when=dividable, about=about, fits=_is_pooled, order=61,
        after=lambda answer: f"/items/{answer['code']}",
    )  # fmt: skip
    doors.act(
        "/items/<code>/thaws", thaw, takes=of.ThawIn, gives=of.EndedOut, name="thaw",
        title=_("Thaw it"), intro=_("Each thaw counts, for it and for what is made of it."),
        on="SCQ", when=thawing.STATES, about=about, fits=_is_frozen, order=62, said=_said_thaws,
    )  # fmt: skip
    doors.act(
        "/items/<code>/refreezing", refreeze, takes=of.ThawIn, gives=of.EndedOut, name="refreeze",
        title=_("Freeze it again"), on="SCLQ", when=thawing.STATES, about=about,
        fits=_is_thawed, order=63, said=_said_thaws,
    )  # fmt: skip
    doors.act(
        "/items/<code>/losses", lose, takes=of.LossIn, gives=of.EndedOut, name="lose",
        title=_("Record a loss"),
        intro=_("What was spilt, broke or dried up; the volume shrinks by that."),
        on="SCLVQ", when=there, about=about, fits=_holds_some, order=80,
    )  # fmt: skip
    doors.act(
        "/items/<code>/end", use_up, takes=of.UseUpIn, gives=of.EndedOut, name="use-up",
        title=_("It is used up"), intro=_("Nothing of it is left. This is final."),
        on="SCQ", when=[each for each in there if each is not State.BLOCKED], about=about,
        fits=_is_used_up, order=94,
    )  # fmt: skip
    doors.act(
        "/items/<code>/destruction", destroy, takes=of.DestroyIn, gives=of.EndedOut,
        name="destroy", title=_("Destroy it"),
        intro=_("Before a second person, who signs with her own password. This is final."),
        on="KSCQ", when=there, about=about, fits=_is_destroyed, order=96, said=_said_destroyed,
    )  # fmt: skip
