"""Episodes of a place: what stood there is held, quality signs, nothing else is touched (H19)."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from lims import custody
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Role
from lims.custody import OnHold, Outcome, RecordState, monitoring
from lims.custody.errors import NothingToAssess
from lims.custody.excursions import Fault, Read
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.rules import Level
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import OPERATOR, a_place, badge, kinds, logger_file, row, somebody
from tests.custody.cold import WORKER, Cold, held, place_id, take, whole
from tests.laboratory import PASSWORD

# What both databases must do alike is asked of both in the other tests.
here = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEED = 20261127


def test_H19_a_hard_excursion_holds_all_that_stood_there_and_nothing_else(cold, measured):
    inside, gone, elsewhere = cold.put(), cold.put(), cold.put(cold.other)
    cold.run(20)
    custody.move(cold.who, code=gone, to=cold.other)
    cold.run(10)
    left = cold.put()
    cold.run(10, "-58")
    custody.move(cold.who, code=left, to=cold.other)
    cold.run(10, "-58")
    cold.run(10)
    cold.standing.forward(seconds=1)
    after = cold.put()
    cold.run(10)

    assert [held(each) for each in (inside, left)] == [1, 1]
    assert [held(each) for each in (gone, elsewhere, after)] == [0, 0, 0]
    (found,) = cold.episodes()
    assert (found.kind, found.level, str(found.extreme_cel)) == (
        Fault.EXCURSION, Level.STOP, "-58"
    )  # fmt: skip
    assert found.ended_at - found.began_at == timedelta(minutes=20)
    with pytest.raises(OnHold), db.reading() as session:
        custody.require_free(session, row(inside))
    with pytest.raises(OnHold, match="Assess that"):
        custody.lift_hold(somebody(), code=inside, reason="looks fine")
    measured("H19", trials=5, failures=0)


def test_what_comes_in_while_it_lasts_is_held_as_well(cold):
    cold.run(20)
    cold.run(10, "-58")
    newcomer = cold.put()
    assert held(newcomer) == 0
    monitoring.watch(WORKER)
    assert held(newcomer) == 1
    (found,) = cold.episodes()
    assert found.ended_at is None
    cold.run(10)
    (found,) = cold.episodes()
    assert found.ended_at == clock.now()
    written = kinds(cold.freezer, "place")
    monitoring.watch(WORKER)
    assert kinds(cold.freezer, "place") == written


def test_a_mild_spell_is_written_down_and_holds_nothing(cold):
    vial = cold.put()
    cold.run(10)
    cold.run(30, "-66")
    cold.run(10)
    (found,) = cold.episodes()
    assert (found.level, found.state, held(vial)) == (Level.WARN, RecordState.OPEN, 0)


def test_H19_a_silence_is_seen_by_the_worker_and_holds_after_four_hours(cold, measured):
    vial = cold.put()
    cold.run(20)
    failures = 0
    for minutes, expected, on_hold in ((30, [], 0), (1, ["warn"], 0), (209, ["warn"], 0),
                                       (1, ["stop"], 1)):  # fmt: skip
        cold.standing.forward(minutes=minutes)
        monitoring.watch(WORKER)
        failures += [each.level.value for each in cold.episodes()] != expected
        failures += held(vial) != on_hold
    measured("H19", trials=8, failures=failures)
    assert failures == 0
    (found,) = cold.episodes()
    assert (found.kind, found.ended_at) == (Fault.GAP, None)


def test_a_file_that_fills_a_silence_clears_it_and_frees_what_it_held(cold):
    vial = cold.put()
    cold.run(20)
    cold.standing.forward(hours=5)
    monitoring.watch(WORKER)
    assert held(vial) == 1
    take(cold, whole(cold, 320))
    (found,) = cold.episodes()
    assert (found.state, found.ended_at) == (RecordState.CLEAR, clock.now())
    assert held(vial) == 0
    assert kinds(vial)[-1] == "custody.hold-lifted"


def test_a_file_that_fills_a_part_leaves_the_rest_open(cold):
    vial = cold.put()
    cold.run(20)
    cold.standing.forward(hours=6)
    monitoring.watch(WORKER)
    assert held(vial) == 1
    missing = {f"m{each}": "" for each in range(130, 250, 10)}
    take(cold, whole(cold, 380, **missing))
    open_ones = [each for each in cold.episodes() if each.state is RecordState.OPEN]
    assert [(each.level, each.ended_at - each.began_at) for each in open_ones] == [
        (Level.WARN, timedelta(minutes=130))
    ]
    assert held(vial) == 0


def test_a_file_may_show_that_the_silence_was_warm(cold):
    vial = cold.put()
    cold.run(20)
    cold.standing.forward(hours=5)
    monitoring.watch(WORKER)
    take(cold, whole(cold, 320, m150="-40"))
    assert {(each.kind, each.state) for each in cold.episodes()} == {
        (Fault.GAP, RecordState.CLEAR),
        (Fault.EXCURSION, RecordState.OPEN),
    }
    assert held(vial) == 1


def test_ending_a_logger_ends_what_lasts_and_a_silence_before_it_is_judged(cold):
    vial = cold.put()
    cold.run(20)
    cold.standing.forward(hours=5)
    monitoring.end(cold.who, code=cold.freezer, reason="battery")
    (found,) = cold.episodes()
    assert (found.level, found.ended_at) == (Level.STOP, clock.now())
    assert held(vial) == 1
    cold.standing.forward(hours=5)
    monitoring.watch(WORKER)
    assert len(cold.episodes()) == 1


def test_a_logger_that_was_there_before_holds_nothing_until_its_first_file_is_due(cold):
    vial = cold.put(cold.other)
    cold.standing.forward(hours=30)
    since = clock.now() - timedelta(hours=29)
    monitoring.link(cold.who, code=cold.other, serial="TT-2", minutes=10, since=since)
    assert monitoring.watch(WORKER) == 2
    assert [each for each in cold.episodes() if each.place_id == place_id(cold.other)] == []
    start = clock.now() - timedelta(hours=24)
    file = logger_file(start, [(each * 600, "-80") for each in range(145)], serial="TT-2")
    monitoring.read_file(cold.who, code=cold.other, file=file, zone="UTC", unit="Cel")
    # Five hours of what it is said to have measured are not in its file.
    (found,) = [each for each in cold.episodes() if each.place_id == place_id(cold.other)]
    assert (found.level, found.ended_at - found.began_at) == (Level.STOP, timedelta(hours=5))
    assert held(vial) == 1


# Assessment


def warmed(cold: Cold) -> tuple[str, Episode]:
    vial = cold.put()
    cold.run(10)
    cold.run(10, "-50")
    cold.run(10)
    return vial, cold.episodes()[0]


def test_quality_frees_what_it_held_by_her_signature_and_the_investigator_agrees(
    cold, quality, investigator
):
    vial, found = warmed(cold)
    other = custody.hold(cold.who, code=vial, reason="leaks")
    monitoring.assess(
        quality, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason="thick walls",
        password=PASSWORD,
    )  # fmt: skip
    assert held(vial) == 1
    with db.reading() as session:
        (left,) = custody.holds(session, [row(vial).id])
        assert left.id == other.id
    with pytest.raises(NothingToAssess):
        monitoring.assess(
            quality, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason="x", password=PASSWORD
        )
    monitoring.agree(investigator, episode_id=found.id, password=PASSWORD)
    with pytest.raises(NothingToAssess):
        monitoring.agree(investigator, episode_id=found.id, password=PASSWORD)
    # What was judged is not asked again, whatever comes of that time.
    take(cold, whole(cold, 30, m20="-50"))
    assert [each.state for each in cold.episodes()] == [RecordState.ASSESSED]
    assert held(vial) == 1


def test_nobody_agrees_with_herself_or_signs_what_lasts_or_without_a_reason(cold):
    both = badge("bea", Role.QC_OFFICER, Role.INVESTIGATOR)[0]
    cold.put()
    cold.run(10)
    cold.run(10, "-50")
    (found,) = cold.episodes()
    with pytest.raises(NothingToAssess, match="lasts still"):
        monitoring.assess(
            both, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason="x", password=PASSWORD
        )
    cold.run(10)
    with pytest.raises(BadInput, match="what follows"):
        monitoring.assess(
            both, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason=" ", password=PASSWORD
        )
    monitoring.assess(
        both, episode_id=found.id, outcome=Outcome.LOGGER_FAULT, reason="probe", password=PASSWORD
    )
    with pytest.raises(NotAllowed, match="another person"):
        monitoring.agree(both, episode_id=found.id, password=PASSWORD)


def test_what_is_not_usable_stays_held_and_a_mild_one_is_held_then(cold, quality):
    vial = cold.put()
    cold.run(10)
    cold.run(30, "-66")
    cold.run(10)
    (found,) = cold.episodes()
    assert held(vial) == 0
    monitoring.assess(
        quality, episode_id=found.id, outcome=Outcome.NOT_USABLE, reason="twice already",
        password=PASSWORD,
    )  # fmt: skip
    assert held(vial) == 1
    assert cold.episodes()[0].state is RecordState.UNUSABLE
    monitoring.assess(
        quality, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason="data of the maker",
        password=PASSWORD,
    )  # fmt: skip
    assert held(vial) == 0


def test_what_goes_on_beyond_an_assessment_is_new(cold, quality):
    vial, found = warmed(cold)
    monitoring.assess(
        quality, episode_id=found.id, outcome=Outcome.NO_EFFECT, reason="ok", password=PASSWORD
    )
    cold.run(10, "-50")
    assert [each.state for each in cold.episodes()] == [RecordState.ASSESSED, RecordState.OPEN]
    assert held(vial) == 1


# Where things stood, against a count by hand


@here
def test_H19_random_moves_of_things_and_boxes_hold_exactly_what_stood_there(
    donor, standing, measured
):
    """Vials and boxes wander between two freezers and a bench; one freezer is warm for a while."""
    chance = Random(SEED)
    trials, wrong = (60 if SOAK else 6), []
    for trial in range(trials):
        wrong += _wandered(chance, donor, standing, trial)
    measured("H19", trials=trials, failures=len(wrong), seed=SEED)
    assert wrong == []


def _wandered(chance: Random, donor, standing, trial: int) -> list[str]:
    who = somebody()
    warm, cold = (a_place(name=f"Freezer {trial}{each}") for each in "AB")
    boxes = [
        a_place(name=f"Box {trial}-{each}", kind="box", parent=chance.choice((warm, cold)))
        for each in range(3)
    ]
    vials = [bench.thing(donor=donor) for _each in range(4)]
    lay = {box: _around(box) for box in boxes}
    stood: dict[str, str | None] = dict.fromkeys(vials)
    monitoring.link(who, code=warm, serial=f"W{trial}", minutes=10)
    there: list[tuple[datetime, set[str]]] = []

    def look() -> None:
        in_warm = {box for box, around in lay.items() if around == warm}
        now = {code for code, place in stood.items() if place == warm or place in in_warm}
        there.append((clock.now(), now))

    def wander() -> None:
        if chance.random() < 0.7:
            code = chance.choice(vials)
            stood[code] = chance.choice((warm, cold, *boxes))
            custody.move(who, code=code, to=stood[code])
        else:
            box = chance.choice(boxes)
            lay[box] = chance.choice((warm, cold))
            custody.move_place(who, code=box, to=lay[box])
        look()

    def a_while() -> None:
        for _each in range(5):
            standing.forward(seconds=chance.randint(1, 50))
            wander()

    def deliver(cel: str) -> None:
        monitoring.deliver(who, code=warm, readings=[Read(clock.now(), Decimal(cel))])

    look()
    deliver("-80")
    a_while()
    standing.forward(seconds=10)
    began = clock.now()
    deliver("-50")
    look()
    a_while()
    standing.forward(seconds=10)
    ended = clock.now()
    deliver("-80")
    look()
    a_while()
    during = {
        code
        for (since, codes), (until, _next) in pairwise([*there, (clock.now(), set())])
        if since < ended and until > began
        for code in codes
    }
    with db.reading() as session:
        held_now = {code for code in vials if custody.holds(session, [row(code).id])}
    if held_now == during:
        return []
    return [f"{trial}: held without cause {held_now - during}, not held {during - held_now}"]


def _around(box: str) -> str:
    with db.reading() as session:
        place = custody.place_by_code(session, box)
        around = custody.place(session, place.parent_id)
        assert around is not None
        return around.code


@here
def test_how_warm_a_thing_had_it_is_drawn_over_all_its_places(cold):
    vial = cold.put()
    cold.run(60)
    custody.move(cold.who, code=vial, to=cold.other)
    cold.run(60)
    custody.move(cold.who, code=vial, to=cold.box)
    cold.run(10, "-66")
    cold.run(50)
    with db.reading() as session:
        spans = monitoring.measured(session, row(vial))
        drawn = monitoring.drawing.of_item(session, spans)
    assert drawn is not None
    assert [each.place_id is not None for each in spans] == [True, False, True]
    assert [each.end - each.start for each in drawn.unmeasured] == [timedelta(minutes=60)]
    assert (str(drawn.highest.cel), drawn.count) == ("-66", 13)
    assert len(drawn.curve.moves) == 2
    assert drawn.silent == []


def test_an_operator_links_a_logger_on_the_console(cold):
    monitoring.link(OPERATOR, code=cold.other, serial="TT-5", minutes=15)
    assert kinds(cold.other, "place")[-1] == "custody.logger-linked"
