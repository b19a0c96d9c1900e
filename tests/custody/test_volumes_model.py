"""Volumes against a plain model: dividing, pooling, losing, thawing, ending, on both databases.

What the model says of volumes, losses, holds, thaws and ends is compared after every step; at the
end of a run the trail must hold, follow to the same tables and add up (I3 to I5). Where things
stand and who holds them is `test_model`.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
)

from lims import custody
from lims.core import clock, db
from lims.core.units import Quantity
from lims.custody import Item, ItemKind, Taken
from tests.custody import bench, machine
from tests.custody.bench import once
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
        self.held: set[str] = set()
        self.lost: dict[str, int] = {}
        self.more: dict[str, int] = {}
        self.thaws: dict[str, int] = {}
        self.ended: set[str] = set()
        for donor in self.world.donors:
            for _each in range(2):
                self._born(
                    bench.thing(ItemKind.QC_SAMPLE, donor=donor, volume_ul=_START_UL),
                    donor.id, _START_UL,
                )  # fmt: skip

    def _born(self, code: str, donor: Any, volume: int) -> None:
        self.volume[code] = self.born[code] = volume
        self.donor[code] = donor
        self.parents[code] = {}
        self.lost[code] = self.more[code] = self.thaws[code] = 0

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
                    who, ItemKind.QC_SAMPLE, study_id=self.world.donors[0].study_id, step="test",
                    volume_ul=sum(takes.values()),
                    parents=[Taken(custody.find(session, c), ul) for c, ul in takes.items()],
                )  # fmt: skip

        return once(who, lambda _actor: call())

    def _usable(self, code: str) -> bool:
        """Not gone, and neither it nor anything it came from is held."""
        return code not in self.ended and not self._above(code) & self.held

    def _above(self, code: str) -> set[str]:
        found, left = set(), {code}
        while left:
            each = left.pop()
            found.add(each)
            left |= set(self.parents[each]) - found
        return found

    def _emptied(self, code: str) -> None:
        if self.volume[code] == 0:
            self.ended.add(code)

    @rule(
        data=st.data(), parts=st.lists(st.integers(1, 600), min_size=1, max_size=3),
        waste=st.integers(0, 100), whole=st.booleans(),
    )  # fmt: skip
    def divides(self, data, parts, waste, whole):
        """Aliquots or a split; what was measured may be off by 2 %, once."""
        code = self._pick(data)
        out, there = sum(parts) + waste, self.volume[code]
        measured = self.born[code] - self.more[code]
        before = self.born[code] - there
        good = (
            self._usable(code) and there > 0 and 100 * (before + out) <= 102 * measured
        )  # fmt: skip
        call = lambda: self._divided(code, parts, waste, whole)  # noqa: E731
        made = self._tried(good, call)
        if not made:
            return
        if out > there:
            self.more[code] += out - there
            self.born[code] += out - there
            self.volume[code] = there = out
        for part, ul in zip(made.split(), parts, strict=True):
            self._born(part, self.donor[code], ul)
            self.parents[part] = {code: ul}
            self.thaws[part] = self.thaws[code]
        self.lost[code] += waste + (there - out if whole else 0)
        self.volume[code] = 0 if whole else there - out
        self._emptied(code)

    def _divided(self, code: str, parts: list[int], waste: int, whole: bool) -> str:
        def call(who) -> str:
            done = custody.divide(
                who, code=code, volumes=[Quantity(each, "uL") for each in parts],
                waste=Quantity(waste, "uL"), nothing_left=whole, reason="for the model",
            )  # fmt: skip
            return " ".join(each.code for each in done.parts)

        return once(self.world.people[0], call)

    @rule(data=st.data(), less=st.integers(0, 50))
    def pools(self, data, less):
        """All of two of one donor, and a little is lost on the way."""
        one, other = self._pick(data), self._pick(data)
        total = self.volume[one] + self.volume[other]
        good = (
            one != other and self.donor[one] == self.donor[other]
            and all(self._usable(each) and self.volume[each] > 0 for each in (one, other))
            and total > less
        )  # fmt: skip
        call = lambda: once(  # noqa: E731
            self.world.people[0], custody.pool, code=one, others=[other],
            volume=Quantity(total - less, "uL"), reason="for the model",
        )  # fmt: skip
        made = self._tried(good, call)
        if made:
            self._born(made, self.donor[one], total)
            self.volume[made] = total - less
            self.lost[made] = less
            self.thaws[made] = max(self.thaws[one], self.thaws[other])
            self.parents[made] = {one: self.volume[one], other: self.volume[other]}
            for each in (one, other):
                self.volume[each] = 0
                self._emptied(each)

    @rule(data=st.data(), ul=st.integers(1, 400))
    def loses(self, data, ul):
        code = self._pick(data)
        good = code not in self.ended and ul <= self.volume[code]
        call = lambda: once(  # noqa: E731
            self.world.people[1], custody.record_loss, code=code, cause="spill",
            volume=Quantity(ul, "uL"),
        )  # fmt: skip
        if self._tried(good, call):
            self.volume[code] -= ul
            self.lost[code] += ul

    @rule(data=st.data(), how=st.sampled_from(["use up", "destroy", "own witness"]))
    def ends(self, data, how):
        code = self._pick(data)
        if how == "use up":
            good = self._usable(code)
            call = lambda: once(  # noqa: E731
                self.world.people[0], custody.use_up, code=code, reason="for the model"
            )
        else:
            good = how == "destroy" and code not in self.ended
            witness = "teo" if how == "destroy" else "tara"
            call = lambda: once(  # noqa: E731
                self.world.people[0], custody.destroy, code=code, cause="unfit", witness=witness,
                witness_password=PASSWORD,
            )  # fmt: skip
        if self._tried(good, call):
            self.lost[code] += self.volume[code]
            self.volume[code] = 0
            self.ended.add(code)

    @rule(data=st.data())
    def thaws_once_more(self, data):
        code = self._pick(data)
        call = lambda: once(  # noqa: E731
            self.world.people[0], _thaw_again, code=code
        )
        if self._tried(self._usable(code), call):
            self.thaws[code] += 1

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
                assert item.volume_ul == volume >= 0
                assert bool(custody.holds(session, [item.id])) is (code in self.held)
                # I4 and I5: one donor above it, and what left it is in its children.
                line = custody.ancestors(session, [item.id])
                assert {each.donor_id for each in line} <= {self.donor[code]}
                given = sum(each.get(code, 0) for each in self.parents.values())
                assert self.born[code] == volume + given + self.lost[code]
                spent = sum(each.volume_ul for each in custody.spent(session, item))
                assert (item.initial_volume_ul, spent) == (self.born[code], self.lost[code])
                assert item.thaw_count == self.thaws[code]
                assert (item.state in custody.FINAL) is (code in self.ended)


def _thaw_again(who, *, code: str) -> Item:
    """Thaw it, out of the freezer where it was put back since."""
    if bench.row(code).thawed_at is not None:
        custody.refreeze(who, code=code, reason="for the model")
    return custody.thaw(who, code=code, reason="for the model")


def test_volumes_agree_with_a_plain_model(database):
    with clock.running(clock.SetClock(START)):
        world = machine.World()

        machine.run(Model, world, examples=6)
        print(f"{world.runs} runs against the model, {database.engine.dialect.name}")
