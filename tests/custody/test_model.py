"""Custody against a plain model: random acts of people, step by step, on both databases.

What the model says of volumes, holders, places, slots, holds, offers, shipments and undone acts is
compared after every step; at the end of a run the trail must hold and follow to the same tables (I1
to I6).
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from lims import custody, ledger
from lims.core import clock, db
from lims.core.errors import DomainError
from lims.custody import Item, ItemKind, Taken
from tests.custody import bench, machine
from tests.custody.bench import a_place, once
from tests.laboratory import PASSWORD, START

_START_UL = 1000


class Model(machine.Plain):
    """Plain dictionaries beside the real services."""

    @initialize()
    def begin(self) -> None:
        self.volume: dict[str, int] = {}
        self.born: dict[str, int] = {}
        self.donor: dict[str, Any] = {}
        self.parents: dict[str, dict[str, int]] = {}
        self.place: dict[str, str | None] = {}
        self.holder: dict[str, Any] = {}
        self.offer: dict[str, tuple[Any, Any]] = {}
        self.held: set[str] = set()
        # By item: its acts that stand, each with who did it and how to take it back; None for an
        # act that is never taken back.
        self.acts: dict[str, list[tuple[Any, int, Callable[[], None]] | None]] = {}
        self.way: tuple[Any, set[str]] | None = None  # who sent the box, and what is in it
        for donor in self.world.donors:
            for _each in range(2):
                self._born(bench.thing(donor=donor, volume_ul=_START_UL), donor.id, _START_UL)

    def _born(self, code: str, donor: Any, volume: int) -> None:
        self.volume[code] = self.born[code] = volume
        self.donor[code], self.place[code] = donor, None
        self.parents[code] = {}
        self.holder[code] = bench.row(code).holder_id
        self.acts[code] = [None]

    def _did(self, code: str, actor: Any = None, back: Callable[[], None] | None = None) -> None:
        """Something befell an item; `back` makes the model forget it."""
        self.acts[code].append(None if back is None else (actor, _last_number(code), back))

    def _travels(self, code: str) -> bool:
        return self.way is not None and code in self.way[1]

    def _room(self, code: str, place: str) -> bool:
        """Whether a place takes an item: a slot is free, a box is not on its way."""
        slot = place in self.world.places[:2]
        away = place == self.world.box and self.way is not None
        return not away and not (slot and place in [p for c, p in self.place.items() if c != code])

    @rule(data=st.data(), to=st.integers(0, 5), who=st.integers(0, 2))
    def moves(self, data, to, who):
        self._move(
            self._pick(data), self.world.people[who], [*self.world.places, self.world.box][to]
        )

    def _move(self, code: str, actor: Any, place: str) -> None:
        good = self._room(code, place) and not self._travels(code)
        before = self.place[code], self.holder[code]

        def back() -> None:
            self.place[code], self.holder[code] = before

        if self._tried(good, lambda: once(actor, custody.move, code=code, to=place)):
            self.place[code], self.holder[code] = place, actor.person
            self._did(code, actor, back)

    @rule(
        data=st.data(), who=st.sampled_from([0, 1, 2, None, None, None]), any_item=st.booleans(),
        seconds=st.sampled_from([0, 0, 600, 601]),
    )  # fmt: skip
    def undoes(self, data, who, any_item, seconds):
        """Her own last act within ten minutes, and nothing else."""
        able = [code for code, acts in self.acts.items() if acts[-1]]
        code = self._pick(data) if any_item or not able else data.draw(st.sampled_from(able))
        last = self.acts[code][-1]
        actor = self.world.people[who or 0] if who is not None or last is None else last[0]
        self._undo(code, actor, seconds)

    @rule(data=st.data(), to=st.integers(0, 5), who=st.integers(0, 2))
    def slips(self, data, to, who):
        """The wrong place, seen at once: moved and undone."""
        code, actor = self._pick(data), self.world.people[who]
        self._move(code, actor, [*self.world.places, self.world.box][to])
        self._undo(code, actor, 30)

    def _undo(self, code: str, actor: Any, seconds: int) -> None:
        last = self.acts[code][-1]
        if last is None:
            entry = _last_number(code)
            with pytest.raises(DomainError):
                once(actor, custody.undo, code=code, entry=entry)
            return
        doer, entry, back = last
        self.world.clock.forward(seconds=seconds)
        was = self.place[code], self.holder[code], self.offer.get(code)
        back()
        place = self.place[code]
        late = clock.now() > self.world.at(code, entry) + custody.UNDO_WITHIN
        good = doer is actor and not late and (place is None or self._room(code, place))
        if not good:
            self.place[code], self.holder[code], offer = was
            if offer:
                self.offer[code] = offer
        call = lambda: once(actor, lambda who: custody.undo(who, code=code, entry=entry).code)  # noqa: E731
        if self._tried(good, call):
            self.acts[code].pop()
            self.world.undone += 1

    @rule(data=st.data(), who=st.integers(0, 2), arrives=st.booleans())
    def sends(self, data, who, arrives):
        actor, box = self.world.people[who], self.world.box
        free = self._ordered(set(self.volume) - set(self.offer))
        if free:
            self._move(data.draw(st.sampled_from(free)), actor, box)
        inside = {code for code, place in self.place.items() if place == box}
        good = bool(inside) and self.way is None and not inside & set(self.offer)
        if self._tried(good, lambda: once(actor, self.world.dispatch)):
            self.way = (actor, inside)
            for code in inside:
                self.holder[code] = actor.person
                self._did(code)
            if arrives:
                self.receives_by(data, (who + 1) % 3)

    @precondition(lambda self: self.way)
    @rule(data=st.data(), who=st.integers(0, 2))
    def receives(self, data, who):
        self.receives_by(data, who)

    def receives_by(self, data, who):
        """Every one of the manifest is received, damaged or missing; the last two are held."""
        sender, inside = self.way
        actor = self.world.people[who]
        seen = data.draw(st.sets(st.sampled_from(self._ordered(inside))))
        damaged = data.draw(st.sets(st.sampled_from(self._ordered(seen)))) if seen else set()
        call = lambda: once(actor, lambda who: self.world.receive(who, seen, damaged))  # noqa: E731
        if self._tried(actor is not sender, call):
            self.way = None
            self.world.received += 1
            for code in seen:
                self.place[code], self.holder[code] = self.world.places[2], actor.person
            self.held |= inside - (seen - damaged)
            for code in inside:
                self._did(code)

    @rule(data=st.data(), giver=st.integers(0, 2), receiver=st.integers(0, 2))
    def offers(self, data, giver, receiver):
        code = self._pick(data)
        who, to = self.world.people[giver], self.world.people[receiver]
        good = (
            self.holder[code] == who.person
            and code not in self.offer
            and giver != receiver
            and not self._travels(code)
        )
        call = lambda: once(who, custody.hand_over, code=code, to=self.world.badges[receiver])  # noqa: E731
        if self._tried(good, call):
            self.offer[code] = (who.person, to.person)
            self._did(code, who, lambda: self.offer.pop(code, None))

    @precondition(lambda self: self.offer)
    @rule(
        data=st.data(), who=st.integers(0, 2), how=st.sampled_from(["take", "refuse", "withdraw"])
    )
    def ends_an_offer(self, data, who, how):
        code, actor = data.draw(st.sampled_from(self._ordered(self.offer))), self.world.people[who]
        giver, receiver = self.offer[code]
        if how == "take":
            good = actor.person == receiver and self.holder[code] == giver
            if self._tried(good, lambda: once(actor, custody.accept, code=code)):
                self.holder[code] = receiver
                del self.offer[code]
                self._did(code)
        elif how == "refuse":
            call = lambda: once(actor, custody.refuse, code=code, reason="no")  # noqa: E731
            if self._tried(actor.person == receiver, call):
                del self.offer[code]
                self._did(code)
        elif self._tried(
            actor.person == giver, lambda: once(actor, custody.withdraw, code=code, reason="")
        ):
            del self.offer[code]
            self._did(code)

    @rule(data=st.data(), one_ul=st.integers(0, 700), other_ul=st.integers(0, 700))
    def makes(self, data, one_ul, other_ul):
        """Aliquot, split or pool: one or two parents, of one donor or of two."""
        one, other = self._pick(data), self._pick(data)
        takes = {one: one_ul} if one == other else {one: one_ul, other: other_ul}
        good = (
            len({self.donor[code] for code in takes}) == 1
            and all(0 < ul <= self.volume[code] for code, ul in takes.items())
        )  # fmt: skip
        made = self._tried(good, lambda: self._made(takes))
        if made:
            self._born(made, self.donor[one], sum(takes.values()))
            self.parents[made] = dict(takes)
            for code, ul in takes.items():
                self.volume[code] -= ul
                self._did(code)

    def _made(self, takes: dict[str, int]) -> str:
        who = self.world.people[0]

        def call() -> Item:
            with db.transaction() as session:
                return custody.make(
                    who, ItemKind.FLASK, study_id=self.world.donors[0].study_id, step="test",
                    volume_ul=sum(takes.values()),
                    parents=[Taken(custody.find(session, c), ul) for c, ul in takes.items()],
                )  # fmt: skip

        return once(who, lambda _actor: call())

    @rule(data=st.data())
    def holds(self, data):
        code = self._pick(data)
        once(self.world.people[0], custody.hold, code=code, reason="doubt")
        self.held.add(code)
        self._did(code)

    @rule(data=st.data())
    def lifts(self, data):
        code = self._pick(data)
        call = lambda: once(self.world.people[1], custody.lift_hold, code=code, reason="settled")  # noqa: E731
        if self._tried(code in self.held, call):
            self.held.discard(code)
            self._did(code)

    def _pick(self, data) -> str:
        return data.draw(st.sampled_from(list(self.volume)))

    def _ordered(self, codes: Any) -> list[str]:
        """By birth: codes are random, and a run must be drawn again as it was."""
        return [each for each in self.volume if each in codes]

    @invariant()
    def agrees(self):
        if not getattr(self, "volume", None):
            return
        with db.reading() as session:
            for code, volume in self.volume.items():
                item = custody.find(session, code)
                place = custody.place(session, item.place_id)
                offer = custody.open_offer(session, item.id)
                assert item.volume_ul == volume >= 0
                assert (place.code if place else None) == self.place[code]
                assert item.holder_id == self.holder[code]
                assert bool(custody.holds(session, [item.id])) is (code in self.held)
                assert (
                    (offer.giver_id, offer.receiver_id) == self.offer[code]
                    if offer
                    else (code not in self.offer)
                )
                # I4 and I5: one donor above it, and what left it is in its children.
                line = custody.ancestors(session, [item.id])
                assert {each.donor_id for each in line} <= {self.donor[code]}
                given = sum(each.get(code, 0) for each in self.parents.values())
                assert self.born[code] == volume + given

    def teardown(self):
        super().teardown()
        with db.reading() as session:
            for code in getattr(self, "volume", ()):
                item = custody.find(session, code)
                stay = custody.history(session, item)[-1]
                assert (stay.place_id, stay.holder_id) == (item.place_id, item.holder_id)


def _last_number(code: str) -> int:
    """The number of the newest entry of an item that is no refusal."""
    with db.reading() as session:
        return ledger.last_of(session, f"item/{code}").number


class World(machine.World):
    """Donors, people and places that all runs share; each run has items of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = self.received = 0
        self.places: list[str] = []
        self.box = ""
        self.clock = clock.SetClock(START)

    def furnish(self) -> None:
        """Two slots and three shelves; new for each run, so that none is taken yet."""
        self.places = [
            *(a_place(name=f"Slot {each}", kind="slot", one_item=True) for each in range(2)),
            *(a_place(name=f"Shelf {each}", kind="shelf") for each in range(3)),
        ]
        self.box = a_place(name="Transport box", kind="transport")

    def dispatch(self, who: Any) -> str:
        """Send the box to the first shelf."""
        self.sent = clock.now()
        custody.dispatch(who, code=self.box, to=self.places[2], hours=4, password=PASSWORD)
        return self.box

    def receive(self, who: Any, seen: set[str], damaged: set[str]) -> str:
        """Count the box in, with the logger of a good way: one reading each half hour."""
        spent = int((clock.now() - self.sent).total_seconds())
        times = [*range(0, spent + 1, 1800), spent] if spent % 1800 else range(0, spent + 1, 1800)
        file = bench.logger_file(self.sent, [(each, "-78") for each in times])
        return custody.receive_shipment(
            who, code=self.box, seen=sorted(seen), damaged=sorted(damaged), password=PASSWORD,
            logger=bench.brought(file),
        ).place  # fmt: skip

    @staticmethod
    def at(code: str, entry: int) -> Any:
        """When an entry was written."""
        with db.reading() as session:
            return ledger.entry_at(session, f"item/{code}", entry).at


def test_custody_agrees_with_a_plain_model(database):
    standing = clock.SetClock(START)
    with clock.running(standing):
        world = World()
        world.clock = standing

        machine.run(Model, world, examples=12)
        assert world.undone
        assert world.received
        print(
            f"{world.runs} runs against the model, {world.undone} acts undone, "
            f"{world.received} shipments received, {database.engine.dialect.name}"
        )
