"""Custody against a plain model: random acts of people, step by step, on both databases.

What the model says of volumes, holders, places, slots, holds and offers is compared after every
step; at the end of a run the trail must hold and follow to the same tables (I1 to I6).
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lims import custody
from lims.core import clock, db
from lims.core.errors import DomainError
from lims.custody import Item, ItemKind, Taken
from tests.custody import bench
from tests.custody.bench import a_place, badge, once, verified
from tests.laboratory import START

SOAK = bool(os.environ.get("EXOTRACE_SOAK"))
_START_UL = 1000


class Model(RuleBasedStateMachine):
    """Plain dictionaries beside the real services."""

    world: "World"

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
        for donor in self.world.donors:
            for _each in range(2):
                self._born(bench.thing(donor=donor, volume_ul=_START_UL), donor.id, _START_UL)

    def _born(self, code: str, donor: Any, volume: int) -> None:
        self.volume[code] = self.born[code] = volume
        self.donor[code], self.place[code] = donor, None
        self.parents[code] = {}
        self.holder[code] = bench.row(code).holder_id

    def _tried(self, expected: bool, call: Callable[[], Any]) -> Any:
        """Do it; that it was refused, and only then, is what the model expected."""
        if not expected:
            with pytest.raises(DomainError):
                call()
            return None
        return call()

    @rule(data=st.data(), to=st.integers(0, 4), who=st.integers(0, 2))
    def moves(self, data, to, who):
        code, actor = self._pick(data), self.world.people[who]
        place = self.world.places[to]
        slot = to < 2
        free = not slot or place not in [p for c, p in self.place.items() if c != code]
        if self._tried(free, lambda: once(actor, custody.move, code=code, to=place)):
            self.place[code], self.holder[code] = place, actor.person

    @rule(data=st.data(), giver=st.integers(0, 2), receiver=st.integers(0, 2))
    def offers(self, data, giver, receiver):
        code = self._pick(data)
        who, to = self.world.people[giver], self.world.people[receiver]
        good = self.holder[code] == who.person and code not in self.offer and giver != receiver
        call = lambda: once(who, custody.hand_over, code=code, to=self.world.badges[receiver])  # noqa: E731
        if self._tried(good, call):
            self.offer[code] = (who.person, to.person)

    @precondition(lambda self: self.offer)
    @rule(
        data=st.data(), who=st.integers(0, 2), how=st.sampled_from(["take", "refuse", "withdraw"])
    )
    def ends_an_offer(self, data, who, how):
        code, actor = data.draw(st.sampled_from(sorted(self.offer))), self.world.people[who]
        giver, receiver = self.offer[code]
        if how == "take":
            good = actor.person == receiver and self.holder[code] == giver
            if self._tried(good, lambda: once(actor, custody.accept, code=code)):
                self.holder[code] = receiver
                del self.offer[code]
        elif how == "refuse":
            call = lambda: once(actor, custody.refuse, code=code, reason="no")  # noqa: E731
            if self._tried(actor.person == receiver, call):
                del self.offer[code]
        elif self._tried(
            actor.person == giver, lambda: once(actor, custody.withdraw, code=code, reason="")
        ):
            del self.offer[code]

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

    @rule(data=st.data())
    def lifts(self, data):
        code = self._pick(data)
        call = lambda: once(self.world.people[1], custody.lift_hold, code=code, reason="settled")  # noqa: E731
        if self._tried(code in self.held, call):
            self.held.discard(code)

    def _pick(self, data) -> str:
        return data.draw(st.sampled_from(sorted(self.volume)))

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
        if not getattr(self, "volume", None):
            return
        found = verified()
        assert found.ok, found.breaks
        with db.reading() as session:
            for code in self.volume:
                item = custody.find(session, code)
                stay = custody.history(session, item)[-1]
                assert (stay.place_id, stay.holder_id) == (item.place_id, item.holder_id)
        self.world.runs += 1


class World:
    """Donors, people and places that all runs share; each run has items of its own."""

    def __init__(self) -> None:
        self.donors = bench.women(bench.open_study(), 2)
        pairs = [badge(login, *sorted(bench.EVERYBODY)) for login in ("tara", "teo", "ana")]
        self.people = [who for who, _badge in pairs]
        self.badges = [code for _who, code in pairs]
        self.runs = 0
        self.places: list[str] = []

    def furnish(self) -> None:
        """Two slots and three shelves; new for each run, so that none is taken yet."""
        self.places = [
            *(a_place(name=f"Slot {each}", kind="slot", one_item=True) for each in range(2)),
            *(a_place(name=f"Shelf {each}", kind="shelf") for each in range(3)),
        ]


def test_custody_agrees_with_a_plain_model(database):
    with clock.running(clock.SetClock(START)):
        world = World()

        class Here(Model):
            def __init__(self) -> None:
                super().__init__()
                world.furnish()
                self.world = world

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=1_000 if SOAK else 6,
                stateful_step_count=50 if SOAK else 15,
                deadline=None,
                derandomize=not SOAK,
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert world.runs > 0
        print(f"{world.runs} runs against the model, {database.engine.dialect.name}")
