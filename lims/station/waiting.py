"""What waits for whom: one list per kind of work, by role; a count is the length of its list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, dosing, ledger, studies
from lims.core import clock, space
from lims.core.permissions import Actor, Role
from lims.core.words import Text
from lims.custody import STATE_NAMES, Item, ItemKind, State
from lims.station import alerts, on_the_way, watching
from lims.station.lines import Line, said_of
from lims.studies import Subject, SubjectKind, SubjectState

_ = Text
MOST = 500


@dataclass(frozen=True)
class Waiting:
    """One list.

    Attributes:
        find: the lines, the most urgent first.
        watched: drawn also where all is well; it waits for nobody.
    """

    id: str
    title: Text
    roles: frozenset[Role]
    find: Callable[[Session, Actor], Sequence[Line]]
    watched: bool = False


def _items(kind: ItemKind, *states: State) -> Callable[[Session, Actor], list[Line]]:
    def find(session: Session, actor: Actor) -> list[Line]:
        found = session.scalars(
            select(Item)
            .where(Item.kind == kind, Item.state.in_(states))
            .order_by(Item.expires_at.is_(None), Item.expires_at, Item.made_at)
            .limit(MOST)
        )
        return [_line(each) for each in found]

    return find


def _line(item: Item) -> Line:
    late = item.expires_at is not None and item.expires_at <= clock.now()
    return Line(f"/items/{item.code}", item.code, said_of(item), item.made_at, late)


def _mine(session: Session, actor: Actor) -> list[Line]:
    """Doses in my hands."""
    found = session.scalars(
        select(Item)
        .where(
            Item.kind == ItemKind.DOSE,
            Item.state.in_((State.ISSUED, State.THAWED)),
            Item.holder_id == actor.person,
        )
        .order_by(Item.expires_at)
        .limit(MOST)
    )
    return [
        Line(
            f"/items/{item.code}",
            item.code,
            _("dose for %(number)s, %(state)s", number=number, state=STATE_NAMES[item.state]),
            item.thawed_at,
        )
        for item in found
        if (number := _meant_for(session, item.id)) is not None
    ]


def _meant_for(session: Session, item_id: UUID) -> str | None:
    row = dosing.assignment_of(session, item_id)
    return studies.subject(session, row.subject_id).number if row else None


def _subjects(*states: SubjectState) -> Callable[[Session, Actor], list[Line]]:
    def find(session: Session, actor: Actor) -> list[Line]:
        found = session.scalars(
            select(Subject)
            .where(Subject.kind == SubjectKind.PARTICIPANT, Subject.state.in_(states))
            .order_by(Subject.registered_at)
            .limit(MOST)
        )
        return [_woman(each, _("waits since she was registered")) for each in found]

    return find


def _woman(subject: Subject, said: Text) -> Line:
    return Line(f"/participants/{subject.number}", subject.number, said, subject.registered_at)


def _due(session: Session, actor: Actor) -> list[Line]:
    """Participants with an issued or thawed dose that was not given."""
    found = session.scalars(
        select(Item)
        .where(Item.kind == ItemKind.DOSE, Item.state.in_((State.ISSUED, State.THAWED)))
        .order_by(Item.thawed_at.is_(None), Item.thawed_at, Item.expires_at)
        .limit(MOST)
    )
    lines = []
    for item in found:
        number = _meant_for(session, item.id)
        if number is not None:
            said = _("her dose is %(state)s", state=STATE_NAMES[item.state])
            lines.append(Line(f"/participants/{number}", number, said, item.thawed_at))
    return lines


def _late(session: Session, actor: Actor) -> list[Line]:
    """Scans that arrived late and wait for a person."""
    return [
        Line(f"/late-scans/{row.id}/answer", item.code, custody.late_told(row), row.arrived_at)
        for row, item in custody.late_waiting(session, MOST)
        if actor.person not in (row.scanned_by, row.claimed_by)
    ]


def _unsealed(session: Session, _actor: Actor) -> list[Line]:
    """Entries that missed their seal."""
    count, oldest = ledger.unsealed(session)
    if oldest is None or clock.now() - oldest <= ledger.MISSED_AFTER:
        return []
    said = _("%(count)s entries of the trail wait for their seal", count=count)
    return [Line("/.well-known/exotrace-seal.json", "", said, oldest, late=True)]


def _little_room(_session: Session, _actor: Actor) -> list[Line]:
    """A disk that fills."""
    low = space.low()
    if low is None:
        return []
    said = _(
        "%(percent)s %% of the disk under the records is free; below %(least)s %% no work area is "
        "opened",
        percent=low.percent,
        least=space.LEAST_PERCENT,
    )
    return [Line("/readyz", "", said, clock.now(), late=True)]


_R = Role
_HANDS = frozenset(
    {_R.TECHNICIAN, _R.ANALYST, _R.QC_OFFICER, _R.PHARMACIST, _R.CLINICIAN, _R.INVESTIGATOR}
)
LISTS: tuple[Waiting, ...] = (
    Waiting(
        "recalled",
        _("Doses recalled while they are out"),
        frozenset({_R.PHARMACIST, _R.CLINICIAN, _R.INVESTIGATOR, _R.QC_OFFICER}),
        alerts.recalled,
    ),
    Waiting(
        "unconfirmed",
        _("Doses out and not confirmed"),
        frozenset({_R.PHARMACIST}),
        alerts.unconfirmed,
    ),
    Waiting(
        "offered",
        _("Handed over to you"),
        _HANDS,
        on_the_way.offered,
    ),
    Waiting("overdue", _("Hand-overs overdue"), _HANDS, on_the_way.overdue),
    Waiting("shipments", _("Shipments overdue"), _HANDS, on_the_way.shipments),
    Waiting(
        "temperature",
        _("Temperature records to assess"),
        frozenset({_R.QC_OFFICER}),
        on_the_way.records,
    ),
    Waiting(
        "episodes",
        _("Temperatures of places to assess"),
        frozenset({_R.QC_OFFICER}),
        watching.episodes,
    ),
    Waiting(
        "warmth",
        _("Temperature now"),
        frozenset({_R.TECHNICIAN, _R.QC_OFFICER, _R.PHARMACIST, _R.ADMINISTRATOR}),
        watching.temperatures,
        watched=True,
    ),
    Waiting(
        "late-scans",
        _("Scans that arrived late"),
        frozenset({_R.QC_OFFICER, _R.PHARMACIST}),
        _late,
    ),
    Waiting(
        "expiring",
        _("Doses expiring within 30 days"),
        frozenset({_R.PHARMACIST, _R.QC_OFFICER}),
        watching.expiring,
    ),
    Waiting(
        "expired",
        _("Expired and still here"),
        frozenset({_R.TECHNICIAN, _R.PHARMACIST, _R.QC_OFFICER}),
        watching.expired,
    ),
    Waiting(
        "refusals",
        _("Stopped in the last 24 hours"),
        frozenset({_R.QC_OFFICER, _R.AUDITOR}),
        watching.refusals,
    ),
    Waiting(
        "to-receive",
        _("Specimens to receive"),
        frozenset({_R.TECHNICIAN}),
        _items(ItemKind.SPECIMEN, State.COLLECTED, State.IN_TRANSIT),
    ),
    Waiting(
        "to-decide",
        _("Specimens on hold"),
        frozenset({_R.TECHNICIAN, _R.QC_OFFICER}),
        _items(ItemKind.SPECIMEN, State.RECEIVED, State.ON_HOLD),
    ),
    Waiting(
        "growing",
        _("Cultures growing"),
        frozenset({_R.TECHNICIAN}),
        _items(ItemKind.FLASK, State.GROWING),
    ),
    Waiting(
        "harvests",
        _("Harvests to isolate"),
        frozenset({_R.TECHNICIAN}),
        _items(ItemKind.HARVEST, State.STORED),
    ),
    Waiting(
        "to-fill",
        _("Lots to fill"),
        frozenset({_R.TECHNICIAN}),
        _items(ItemKind.LOT, State.IN_PROCESS),
    ),
    Waiting(
        "to-test",
        _("Lots to test"),
        frozenset({_R.ANALYST}),
        _items(ItemKind.LOT, State.QUARANTINE, State.TESTING),
    ),
    Waiting(
        "to-review",
        _("Lots in testing, to review"),
        frozenset({_R.QC_OFFICER}),
        _items(ItemKind.LOT, State.TESTING),
    ),
    Waiting(
        "to-release",
        _("Lots to release"),
        frozenset({_R.QC_OFFICER}),
        _items(ItemKind.LOT, State.AWAITING_REVIEW),
    ),
    Waiting(
        "available",
        _("Doses available"),
        frozenset({_R.PHARMACIST}),
        _items(ItemKind.DOSE, State.AVAILABLE, State.RETURNED),
    ),
    Waiting(
        "assigned",
        _("Doses to issue"),
        frozenset({_R.PHARMACIST}),
        _items(ItemKind.DOSE, State.ALLOCATED),
    ),
    Waiting(
        "issued",
        _("Doses issued and not given"),
        frozenset({_R.PHARMACIST}),
        _items(ItemKind.DOSE, State.ISSUED, State.THAWED),
    ),
    Waiting("mine", _("Doses in your hands"), frozenset({_R.CLINICIAN}), _mine),
    Waiting(
        "due", _("Participants due for a dose"), frozenset({_R.CLINICIAN, _R.INVESTIGATOR}), _due
    ),
    Waiting(
        "to-judge",
        _("Participants to judge"),
        frozenset({_R.INVESTIGATOR}),
        _subjects(SubjectState.SCREENING),
    ),
    Waiting(
        "to-allocate",
        _("Participants to bring into an arm"),
        frozenset({_R.INVESTIGATOR}),
        _subjects(SubjectState.ELIGIBLE),
    ),
    Waiting(
        "unsealed",
        _("Seals that were missed"),
        frozenset({_R.AUDITOR, _R.ADMINISTRATOR}),
        _unsealed,
    ),
    Waiting("room", _("Room on the disk"), frozenset({_R.ADMINISTRATOR}), _little_room),
)


def lists_for(actor: Actor) -> list[Waiting]:
    """The lists of this person's roles."""
    return [each for each in LISTS if each.roles & actor.roles]
