"""Making items, finding them by their code, taking from them, changing their state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lims import labels, ledger
from lims.core import because, clock, codes, db, mode
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import inheriting, queries, telling
from lims.custody.errors import (
    CrossesDonors,
    ItemUnknown,
    OnHold,
    StateRefused,
    WrongItemKind,
)
from lims.custody.models import Edge, Item
from lims.custody.rules import (
    DIVISIBLE,
    FINAL,
    FIRST,
    KIND_NAMES,
    LETTER,
    STATE_NAMES,
    ItemKind,
    State,
    may_become,
)
from lims.custody.streams import stream, touch
from lims.custody.volumes import take

_BY_CODE = select(Item).where(Item.code == bindparam("code"))


@dataclass(frozen=True)
class Taken:
    """A parent of a new item, and how much of it went in; None where no volume is counted."""

    item: Item
    volume_ul: int | None = None


def find(
    session: Session,
    text: str,
    *,
    kinds: Iterable[ItemKind] | None = None,
    lock: bool = False,
    field: str | None = None,
) -> Item:
    """The item that a scanned symbol or a typed code names.

    Args:
        kinds: what the step takes; anything else is refused, naming both.
        lock: hold the row and read it afresh; for a step that will change it.

    Raises:
        BadInput: no code, or a wrong check character.
        WrongKind, WrongItemKind: a good code of another kind.
        ItemUnknown: no item carries it.
        OldLabel: the symbol is of a copy that was cancelled.
    """
    wanted = tuple(kinds) if kinds is not None else tuple(ItemKind)
    letters = "".join(dict.fromkeys(LETTER[kind] for kind in wanted))
    scanned = codes.expect(text, letters, field)
    mode.admit(session, scanned)
    asked = {"code": scanned.code}
    found = db.locked(session, _BY_CODE, asked) if lock else session.scalar(_BY_CODE, asked)
    if found is None:
        raise unknown(scanned, field)
    if found.kind not in wanted:
        raise WrongItemKind(
            _(
                "%(code)s is a %(found)s; here a %(wanted)s is needed.",
                code=codes.grouped(scanned.code),
                found=KIND_NAMES[found.kind],
                wanted=KIND_NAMES[wanted[0]],
            ),
            field=field,
        )
    labels.check_copy(session, scanned)
    return found


def unknown(scanned: codes.Scanned, field: str | None = None) -> ItemUnknown:
    """The refusal of a code that no item carries."""
    return ItemUnknown(
        _(
            "No item carries the code %(code)s. Scan the label again, or look for the item "
            "it should be on.",
            code=codes.grouped(scanned.code),
        ),
        field=field,
    )


def make(
    actor: Actor,
    kind: ItemKind,
    *,
    study_id: UUID | None,
    donor_id: UUID | None = None,
    parents: Sequence[Taken] = (),
    step: str = "",
    state: State | None = None,
    name: str | None = None,
    product: str | None = None,
    volume_ul: int | None = None,
    place_id: UUID | None = None,
    expires_at: datetime | None = None,
    thaws: int = 0,
    thawed_at: datetime | None = None,
    code: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Item:
    """Make an item from its parents and open its stream.

    The volumes taken leave the parents in the same act; every parent must have the child's donor.
    What is made while its genealogy is being recalled is born blocked (H25).

    Args:
        state: what it begins as; a part of a thing of its own kind may begin as that thing stands.
        thaws, thawed_at: how often what it came from was thawed, and since when it is.

    Raises:
        CrossesDonors: parents of two donors, or of another than `donor_id`.
        NotEnough: a parent holds less than is taken.
    """
    with db.transaction() as session:
        donors = {each.item.donor_id for each in parents} | ({donor_id} if donor_id else set())
        if len(donors) > 1:
            raise CrossesDonors(
                _(
                    "Material of two donors would meet in one vessel. Nothing was recorded. "
                    "Check the labels of everything on the bench."
                )
            )
        donor = next(iter(donors), None)
        if parents:
            inheriting.lock_parents(session, [each.item for each in parents])
        first = state or next(iter(FIRST[kind]))
        if first not in FIRST[kind] and not _is_part(parents, kind, first):
            raise ValueError(f"a {kind} does not begin as {first}")
        made = _insert(
            session,
            Item(
                code=code or "",
                kind=kind,
                state=first,
                study_id=study_id,
                donor_id=donor,
                name=name,
                product=product,
                volume_ul=volume_ul,
                initial_volume_ul=volume_ul,
                place_id=place_id,
                holder_id=actor.person,
                made_at=clock.now(),
                made_by=actor.person,
                expires_at=expires_at,
                thawed_at=thawed_at,
                thaw_count=thaws,
            ),
        )
        rows: list[Any] = [made]
        if inheriting.is_inherited(session, [each.item for each in parents], donor):
            made.state = State.BLOCKED
        # Parents in the order of their ids, so that two fills never wait for each other (H40).
        for taken in sorted(parents, key=lambda each: str(each.item.id)):
            if taken.volume_ul is not None:
                take(actor, taken.item, taken.volume_ul, purpose=step, into=made.code)
            edge = Edge(
                parent_id=taken.item.id,
                child_id=made.id,
                donor_id=donor,
                step=step,
                volume_ul=taken.volume_ul,
            )
            session.add(edge)
            rows.append(edge)
        session.flush()
        ledger.record(
            actor,
            stream(made.code),
            "custody.made",
            {"step": step, "from": [each.item.code for each in parents], **(data or {})},
            rows=rows,
            parents=[stream(each.item.code) for each in parents],
        )
        return made


def _is_part(parents: Sequence[Taken], kind: ItemKind, state: State) -> bool:
    """Whether a thing may begin in this state since all it came from is of its kind and does."""
    return bool(parents) and all(
        each.item.kind is kind and state in DIVISIBLE.get(kind, ()) for each in parents
    )


def _insert(session: Session, item: Item) -> Item:
    if item.code:
        session.add(item)
        session.flush()
        return item
    values = {key: value for key, value in vars(item).items() if not key.startswith("_")}
    return mode.with_code(session, LETTER[item.kind], lambda code: Item(**values | {"code": code}))


def set_state(
    actor: Actor,
    item: Item,
    to: State,
    kind: str,
    data: Mapping[str, Any] | None = None,
    *,
    rows: Iterable[Any] = (),
    reason: str = "",
) -> None:
    """Pass an item to another state, by the published table; the caller holds its row.

    Raises:
        StateRefused: the table has no such step.
    """
    if not may_become(item.kind, item.state, to):
        with db.reading() as session:
            why = telling.last_act(session, stream(item.code))
        raise StateRefused(
            _(
                "%(code)s is %(now)s, so it cannot become %(then)s. Look at its page for what can "
                "be done next.",
                code=codes.grouped(item.code),
                now=STATE_NAMES[item.state],
                then=STATE_NAMES[to],
            ),
            why=why,
        )
    item.state = to
    if to in FINAL:
        item.slot_id = None  # what is gone leaves its slot to the next
    touch(actor, item, kind, data, rows=rows, reason=reason)


def require_free(session: Session, *items: Item) -> None:
    """Refuse to work on what is blocked or held, or came from what is.

    Raises:
        OnHold: names the item and the reason.
    """
    for each in items:
        if each.state is State.BLOCKED:
            raise OnHold(
                _(
                    "%(code)s is blocked. Put it aside and call quality.",
                    code=codes.grouped(each.code),
                )
            )
        line = [each, *queries.ancestors(session, [each.id])]
        found = queries.holds(session, [one.id for one in line])
        if found:
            raise OnHold(
                _(
                    "%(code)s is on hold: %(reason)s. Put it aside and call quality.",
                    code=codes.grouped(each.code),
                    reason=because.said(found[0].reason),
                )
            )
