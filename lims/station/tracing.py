"""Up and down: what a thing was made from, what was made from it, and whom it came to.

A trace starts at any code: an item, a place in a period, a person's badge or login, or a
participant's number. Each asks a fixed number of questions, whatever it finds.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims import custody, dosing, people, studies
from lims.core import codes, db
from lims.core.errors import BadInput, NotFound
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, genealogy
from lims.custody.genealogy import Reached
from lims.custody.permissions import READ
from lims.dosing import Given
from lims.people import NoSuchUser
from lims.station.touching import items_stood_at, items_touched_by


@dataclass(frozen=True)
class Trace:
    """Everything that a code leads to.

    Attributes:
        kind: `participant`, `donor`, `place` or `person`; an item's own kind.
        item: where it starts at one; then `up` and `down` are walked from it, oldest first.
        found: what else it leads to, oldest first, where it starts at no item.
        because: of each found item, why: `donor`, `given`, `meant`, `stood`, `touched`.
        edges: parent and child id, over `up`, the item and `down`.
    """

    code: str
    kind: str
    name: str = ""
    item: Item | None = None
    up: list[Reached] = field(default_factory=list)
    down: list[Reached] = field(default_factory=list)
    found: list[Item] = field(default_factory=list)
    because: dict[UUID, str] = field(default_factory=dict)
    edges: list[tuple[UUID, UUID]] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    where: custody.Whereabouts = field(default_factory=lambda: custody.Whereabouts({}, {}))

    def place_of(self, item: Item | Reached) -> str | None:
        """The name of an item's place now."""
        return self.where.places.get(item.place_id) if item.place_id else None

    def holder_of(self, item: Item | Reached) -> str | None:
        """Who holds it now."""
        return self.where.holders.get(item.holder_id) if item.holder_id else None

    def as_json(self) -> dict[str, Any]:
        """As the contract gives it."""
        answer: dict[str, Any] = {"code": self.code, "kind": self.kind}
        if self.item is not None:
            answer |= self._line(self.item)
            answer |= {
                "up": [self._line(each) for each in self.up],
                "down": [self._line(each) for each in self.down],
            }
        else:
            answer |= {
                "name": self.name,
                "found": [
                    self._line(each) | {"because": self.because[each.id]} for each in self.found
                ],
            }
        answer["given"] = [
            {
                "code": each.code,
                "participant": each.participant,
                "at": each.at,
                "recorded_from_paper": each.from_paper,
            }
            for each in self.given
        ]
        return answer

    def _line(self, item: Item | Reached) -> dict[str, Any]:
        return {
            "code": item.code,
            "kind": item.kind.value,
            "state": item.state.value,
            "place": self.place_of(item),
            "holder": self.holder_of(item),
        }


def trace_of(session: Session, item: Item, *, drawn: bool = False) -> Trace:
    """Walk the lineage of an item both ways.

    Args:
        drawn: with the edges, for a picture.
    """
    start = genealogy.of_items([item.id])
    above = genealogy.closure(start, up=True, name="above")
    below = genealogy.closure(start, up=False, name="below")
    up = [each for each in genealogy.reached(session, above) if each.id != item.id]
    down = [each for each in genealogy.reached(session, below) if each.id != item.id]
    edges: list[tuple[UUID, UUID]] = []
    if drawn:
        edges += genealogy.edges(session, above, up=True)
        edges += genealogy.edges(session, below, up=False)
    return Trace(
        code=item.code,
        kind=item.kind.value,
        item=item,
        up=up,
        down=down,
        edges=edges,
        given=_given(session, [item, *down]),
        where=custody.where_all(session, [*up, item, *down]),
    )


def _given(session: Session, items: Sequence[Item | Reached]) -> list[Given]:
    doses = [each.id for each in items if each.kind is ItemKind.DOSE]
    return dosing.given_among(session, doses)


def from_any(
    session: Session,
    text: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    drawn: bool = False,
) -> Trace:
    """Follow whatever a code, a number or a login names.

    Raises:
        BadInput: a period for what is no place, or one that ends before it begins.
        NotFound: nothing is called that.
    """
    if since is not None and until is not None and until < since:
        raise BadInput(_("The period ends before it begins; exchange the two times."), field="to")
    folded = codes.fold(text)
    letter = codes.parse(folded, "code").letter if codes.valid(folded) else ""
    if letter != "A" and (since is not None or until is not None):
        raise BadInput(
            _("Only a place is traced over a period; leave the times out."), field="from"
        )
    if letter == "A":
        return _from_place(session, text, since, until)
    if letter == "P":
        account = people.by_badge(session, text)
        return _from_person(session, account.person_id, codes.parse(folded).code)
    if letter:
        return trace_of(session, custody.find(session, text, field="code"), drawn=drawn)
    return _from_name(session, text.strip())


def _from_name(session: Session, name: str) -> Trace:
    with suppress(NotFound):
        return _from_participant(session, studies.subject_by_number(session, name))
    with suppress(NoSuchUser):
        return _from_person(session, people.account_of(session, name).person_id, name)
    # Whoever meant a code hears which character is wrong, and not that it is unknown.
    with suppress(codes.NotACode):
        codes.parse(name, "code")
    raise NotFound(
        _(
            "No item, place, participant or person is called %(name)s; check what you typed.",
            name=name[:60],
        ),
        field="code",
    )


def _listed(session: Session, why: Sequence[tuple[str, Sequence[UUID]]], **about: Any) -> Trace:
    because: dict[UUID, str] = {}
    for word, ids in why:
        for each in ids:
            because.setdefault(each, word)
    found = custody.items_by_id(session, because)
    return Trace(
        found=found,
        because=because,
        given=_given(session, found),
        where=custody.where_all(session, found),
        **about,
    )


def _from_participant(session: Session, subject: studies.Subject) -> Trace:
    """All items of her as a donor, and all doses to her."""
    given = [each.item_id for each in [dosing.given_to(session, subject.id)] if each]
    meant = dosing.received_by(session, subject.id)
    own = [each.id for each in custody.items_of(session, donor_id=subject.id, limit=1_000_000)]
    return _listed(
        session,
        [("given", given), ("donor", own), ("meant", meant)],
        code=subject.number,
        kind=subject.kind.value,
    )


def _from_place(
    session: Session, text: str, since: datetime | None, until: datetime | None
) -> Trace:
    """All that stood there in the period, or in a place inside of it."""
    place = custody.place_by_code(session, text, "code")
    stood = items_stood_at(session, place, since, until)
    return _listed(session, [("stood", stood)], code=place.code, kind="place", name=place.name)


def _from_person(session: Session, person_id: UUID, called: str) -> Trace:
    """All items that she has done anything with."""
    return _listed(
        session,
        [("touched", items_touched_by(session, person_id))],
        code=called,
        kind="person",
        name=people.name_of(session, person_id),
    )


@requires(READ)
def trace(
    actor: Actor, *, code: str, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """Everything that a code, a participant's number or a login leads to.

    Raises:
        BadInput: a code misread; a period that fits nothing.
        NotFound: nothing is called that.
    """
    with db.reading() as session:
        return from_any(session, code, since=since, until=until).as_json()
