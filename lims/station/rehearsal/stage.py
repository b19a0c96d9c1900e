"""The stage of a rehearsal: its clock, its people, its places, and the one way to act on it.

Everything goes through the front doors of the features, inside `acts.once` as a page's act does.
Women walk at the same time: each is a generator that yields how long it waits, and the earliest
goes on, so the clock only ever moves forward.
"""

import heapq
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

from lims import custody, people, studies
from lims.core import acts, clock, db
from lims.core.permissions import Actor, Role

Walk = Iterator[timedelta]

CAST: tuple[tuple[str, str, Role], ...] = (
    ("tara", "Tara Jamshidi", Role.TECHNICIAN),
    ("teo", "Teo Lindqvist", Role.TECHNICIAN),
    ("ana", "Ana Moreau", Role.ANALYST),
    ("quin", "Quin Abara", Role.QC_OFFICER),
    ("rosa", "Rosa Etxeberria", Role.QC_OFFICER),
    ("pari", "Pari Sohrabi", Role.PHARMACIST),
    ("clea", "Clea Nasrin", Role.CLINICIAN),
    ("cyra", "Cyra Okonjo", Role.CLINICIAN),
    ("ines", "Ines Varga", Role.INVESTIGATOR),
    ("ivan", "Ivan Castellanos", Role.INVESTIGATOR),
    ("sora", "Sora Bright", Role.SPONSOR),
    ("adel", "Adel Rahimi", Role.ADMINISTRATOR),
    ("auda", "Auda Lenz", Role.AUDITOR),
)
_DELEGATED = (Role.CLINICIAN, Role.INVESTIGATOR, Role.PHARMACIST)


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


@dataclass
class Woman:
    """One participant of the rehearsal and what has become of her."""

    index: int
    name: str
    birth_date: Any
    number: str = ""
    arm: str = ""
    band: str = ""
    items: list[str] = field(default_factory=list)
    lot: str | None = None
    dose: str | None = None
    outcome: str = ""
    mishap: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Her line in the rehearsal's document."""
        return {
            "code": self.number,
            "arm": self.arm,
            "item_codes": self.items,
            "lot": self.lot,
            "dose": self.dose,
            "containers": [self.dose] if self.dose else [],
            "outcome": self.outcome,
        }


class Stage:
    """People, places, clock and chance of one rehearsal."""

    def __init__(self, study: str, seed: int, clock_: clock.SetClock) -> None:
        self.study = study
        self.chance = Random(seed)  # noqa: S311 - a rehearsal is repeatable, not secret
        self.clock = clock_
        self.acts = 0
        self.passwords: dict[str, str] = {}
        self.pins: dict[str, str] = {}
        self.actors: dict[str, Actor] = {}
        self.badges: dict[str, str] = {}
        self.logins: dict[str, str] = {}
        self.places: dict[str, str] = {}
        # Boxes with slots; a large fill puts its vials into the next of them.
        self.boxes: list[str] = []

    # acting

    def do(self, who: str, service: Callable[..., Any], **how: Any) -> Any:
        """One act by one person, as a page would do it; its answer, never an ORM row.

        Raises:
            DomainError: whatever the service refuses; a stopped gate leaves its refusal behind.
        """
        actor = self.actors[who]
        done = acts.once(
            actor,
            uuid4().hex,
            acts.digest_of(service.__name__, how),
            lambda: _plain(service(actor, **how)),
        )
        self.acts += 1
        return done.answer

    def sign(self, who: str, service: Callable[..., Any], **how: Any) -> Any:
        """An act signed with the person's password."""
        return self.do(who, service, password=self.passwords[who], **how)

    # setting

    def cast(self, first: Actor) -> None:
        """Open everybody's account; in a database that has rehearsed before, under fresh logins."""
        with db.reading() as session:
            known = {user["login"] for user in people.users(session)}
        for key, name, role in CAST:
            self.logins[key] = next(each for each in _logins(key) if each not in known)
            self.open(first, key, name, role)

    def open(self, first: Actor, key: str, name: str, *roles: Role) -> None:
        """Open one account."""
        login = self.logins.setdefault(key, key)
        # Long enough that a login met inside it by chance is never taken for its root.
        self.passwords.setdefault(key, secrets.token_urlsafe(18))
        self.pins.setdefault(key, f"{secrets.randbelow(10**6):06d}")
        acts.once(
            first,
            uuid4().hex,
            acts.digest_of(login),
            partial(
                _opened,
                first,
                login=login,
                name=name,
                roles=roles,
                password=self.passwords[key],
                pin=self.pins[key],
            ),
        )
        self.meet(key, login)

    def join(self, other: "Stage") -> None:
        """Play with the people of another stage, at a site of its own."""
        self.logins, self.passwords, self.pins = other.logins, other.passwords, other.pins
        self.actors, self.badges = other.actors, other.badges

    def meet(self, key: str, login: str) -> None:
        """Know somebody who has an account."""
        self.logins[key] = login
        self.actors[key] = people.actor_for(login)
        with db.reading() as session:
            account = people.account_of(session, login)
            self.badges[key] = people.badge_of(session, account.id) or ""

    def delegate(self, until: datetime) -> None:
        """Let the clinical people act on the study."""
        for key, _name, role in CAST:
            if role in _DELEGATED:
                self.delegate_to(key, role, until)

    def delegate_to(self, key: str, role: Role, until: datetime) -> None:
        """Let one person act on the study."""
        self.do(
            "ines",
            studies.delegate,
            study=self.study,
            login=self.logins[key],
            role=role,
            trained_at=self.clock() - days(30),
            valid_until=until,
        )

    def furnish(self) -> None:
        """Places that things stand in, unless they were made before."""
        for key, name, kind, temperature in (
            ("bench", "Bench 2", "bench", "room"),
            ("incubator", "Incubator I1", "incubator", "37C"),
            ("freezer", "Freezer F2, rack 3", "freezer", "-80C"),
            ("theatre", "Transfer room, box on dry ice", "ward", "-80C"),
            ("bedside", "Transfer room", "ward", "room"),
        ):
            if key not in self.places:
                self.places[key] = self.make_place(name, kind, temperature)

    def make_place(self, name: str, kind: str, temperature: str, parent: str | None = None) -> str:
        """A place, made by whoever makes places; its code."""
        made = self.do(
            "adel",
            custody.make_place,
            name=name,
            kind=kind,
            temperature_class=temperature,
            parent=parent,
        )
        return str(made["code"])

    # walking

    def walk(self, walks: list[tuple[datetime, Walk]], until: datetime | None = None) -> None:
        """Let everybody walk, the earliest first, until all have arrived, or until an instant."""
        order = count()
        waiting = [(start, next(order), each) for start, each in walks]
        heapq.heapify(waiting)
        while waiting:
            due, _turn, each = heapq.heappop(waiting)
            if until is not None and due > until:
                return
            if due > self.clock():
                self.clock.set(due)
            for pause in each:
                if not pause:
                    continue
                heapq.heappush(waiting, (self.clock() + pause, next(order), each))
                break


def _logins(key: str) -> Iterator[str]:
    yield key
    yield from (f"{key}{number}" for number in count(2))


def _opened(first: Actor, **account: Any) -> Any:
    return _plain(people.add_user(first, **account))


def _plain(answer: Any) -> Any:
    """What a page would need of an answer: codes and names."""
    if isinstance(answer, list | tuple):
        return [_plain(each) for each in answer]
    found = {}
    for name in ("code", "number", "name", "arm", "id", "reference", "login"):
        value = getattr(answer, name, None)
        if value is not None and not callable(value):
            found[name] = str(value)
    state = getattr(answer, "state", None)
    if state is not None:
        found["state"] = str(getattr(state, "value", state))
    verdict = getattr(answer, "verdict", None)
    if verdict is not None:
        found["verdict"] = str(getattr(verdict, "value", verdict))
    return found
