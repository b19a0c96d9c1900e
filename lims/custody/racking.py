"""What a person settled of a rack scanner's file, written in one act or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims import ledger
from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, boxes, queries, racks, storage, transit
from lims.custody import permissions as may
from lims.custody.items import find, stream
from lims.custody.models import Item
from lims.custody.places import place_locked
from lims.custody.racks import Answer, Finding, Found, RackChanged, Review


@dataclass(frozen=True)
class Settled:
    """What was written, by code, and how many positions were left as they are."""

    place: str
    counts: Mapping[str, int]
    moved: Sequence[str]
    missing: Sequence[str]
    left: Sequence[str]


@requires(may.READ)
def review(actor: Actor, *, code: str, file: tuple[str, bytes]) -> Review:
    """Compare a rack scanner's file with a box; nothing is recorded."""
    with db.reading() as session:
        return racks.review(session, code, file)


@requires(may.MOVE)
def settle(
    actor: Actor, *, code: str, file: tuple[str, bytes], review: str, answers: Mapping[str, str]
) -> Settled:
    """Write what a person settled of a file that she has reviewed.

    Args:
        review: the digest of the review she saw.
        answers: by position, or `key_of` where a tube is missing.

    Raises:
        RackChanged: somebody changed the box since.
        BadInput: a position without an answer, or one that cannot be given to it.
        SlotTaken: an item would come where another stays.
    """
    with db.transaction() as session:
        box = place_locked(session, code)
        seen = racks.review(session, code, file)
        if seen.digest != review:
            raise RackChanged(
                _("%(box)s is not as the review showed it any more.", box=box.name),
                why=_("Somebody moved something, or the file is another."),
                do_now=_("Look at the new review and settle it."),
            )
        chosen = [(each, _answer(each, answers)) for each in seen.open]
        moves = [each for each, answer in chosen if answer is Answer.MOVE]
        gone = [each for each, answer in chosen if answer is Answer.MISSING]
        _write(actor, session, seen, moves, gone)
        for each, answer in chosen:
            if answer is Answer.LEAVE and each.found in (Found.UNEXPECTED, Found.ENDED):
                ledger.record(
                    actor, stream(str(each.item)), "custody.unexpected", {"counted_at": box.code}
                )
        settled = Settled(
            box.code,
            seen.counts,
            [str(each.item) for each in moves],
            [str(each.item) for each in gone],
            [each.position for each, answer in chosen if answer is Answer.LEAVE],
        )
        ledger.record(
            actor,
            areas.stream(box.code),
            "custody.rack-settled",
            {
                "sha256": seen.sha256,
                "counts": dict(settled.counts),
                "moved": list(settled.moved),
                "missing": list(settled.missing),
                "left": list(settled.left),
            },
        )
        return settled


def key_of(finding: Finding) -> str:
    """What an answer to it is called: its position; with a `-` for the tube that is missing."""
    return finding.position + ("-" if finding.found is Found.MISSING else "")


def _answer(finding: Finding, answers: Mapping[str, str]) -> Answer:
    given = answers.get(key_of(finding), "")
    if given not in finding.answers:
        raise BadInput(
            _(
                "%(position)s: choose one of %(choices)s.",
                position=key_of(finding),
                choices=", ".join(finding.answers),
            ),
            field="answers",
        )
    return Answer(given)


def _write(
    actor: Actor,
    session: Session,
    seen: Review,
    moves: Sequence[Finding],
    gone: Sequence[Finding],
) -> None:
    slots = {slot.position: slot for slot, _item in boxes.slots_of(session, seen.box.id)}
    wanted = sorted({str(each.item) for each in (*moves, *gone)})
    items = {code: find(session, code, lock=True) for code in wanted}
    _require_free(moves, items)
    left = {code: _code_of(session, item) for code, item in items.items()}
    # All are taken out before any is put in: two that changed places never meet in one slot.
    for code, item in items.items():
        before = queries.place(session, item.place_id)
        if before is not None and before.kind == transit.TRANSPORT:
            transit.require_not_travelling(session, item.id, code)
        item.place_id = item.slot_id = None
    session.flush()
    for each in moves:
        item = items[str(each.item)]
        storage.stand(actor, session, item, slots[each.position])
        item.holder_id = actor.person
        ledger.record(
            actor,
            stream(item.code),
            "custody.moved",
            {"from": left[item.code], "to": slots[each.position].code},
            rows=[item],
        )
    for each in gone:
        item = items[str(each.item)]
        ledger.record(
            actor,
            stream(item.code),
            "custody.missing",
            {"counted_at": seen.box.code, "from": left[item.code]},
            rows=[item],
        )


def _require_free(
    moves: Sequence[Finding],
    items: Mapping[str, Item],
) -> None:
    """Refuse a move to a slot whose item stays there; the way out is to settle both."""
    for each in moves:
        if each.booked is not None and each.booked not in items:
            raise storage.SlotTaken(
                _(
                    "%(code)s cannot be booked at %(position)s while %(other)s stays there.",
                    code=codes.grouped(str(each.item)),
                    position=each.position,
                    other=codes.grouped(each.booked),
                ),
                field="answers",
                do_now=_("Settle both, or leave both as they are."),
            )


def _code_of(session: Session, item: Item) -> str:
    place = queries.place(session, item.place_id)
    return place.code if place else ""
