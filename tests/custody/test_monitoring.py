"""The temperature of places: readings taken, silences seen, what stood there held (H19)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import select, update

from lims import custody
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Role
from lims.custody import OnHold, Outcome, RecordState, monitoring
from lims.custody.errors import LoggerKnown, NothingToAssess, OtherTime
from lims.custody.excursions import Fault, Read
from lims.custody.monitoring import rules
from lims.custody.monitoring.models import Episode, PlaceRecord
from lims.custody.monitoring.queries import RecordAltered
from lims.custody.monitoring.rules import STORAGE, Level, Standing
from lims.custody.monitoring.taking import LoggerTaken, NoLogger
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import OPERATOR, a_place, badge, kinds, logger_file, race, row, somebody
from tests.laboratory import PASSWORD
from tests.makers import actor

# What both databases must do alike is asked of both in the other tests.
here = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEED = 20261127
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
WORKER = actor(Role.SYSTEM, name="worker")


def read(minutes: float, cel: str) -> Read:
    return Read(AT + timedelta(minutes=minutes), Decimal(cel))


def spell(cel: str, minutes: float, every: float = 1) -> list[rules.Found]:
    """An hour of -80 °C in which it was so warm for a while."""
    steady = [read(each, "-80") for each in (-10, -5)]
    warm = [read(each * every, cel) for each in range(int(minutes / every))] or [read(0, cel)]
    after = [read(minutes, "-80"), read(minutes + 5, "-80")]
    return rules.find([*steady, *warm, *after], STORAGE["-80C"], steady[0].at, after[-1].at)


@pytest.mark.parametrize(
    ("cel", "minutes", "level"),
    [
        ("-70", 40, None),
        ("-69.9", 15, None),
        ("-69.9", 15.1, Level.WARN),
        ("-60", 15, None),
        ("-60", 16, Level.WARN),
        ("-59.9", 0.5, Level.STOP),
        ("80.4", 0.5, Level.STOP),
    ],
)
def test_H19_a_freezer_is_judged_by_the_limits_of_the_laboratory(cel, minutes, level):
    found = spell(cel, minutes)
    assert [each.level for each in found] == ([level] if level else [])
    if level:
        assert found[0].start == AT
        assert found[0].end == AT + timedelta(minutes=minutes)
        assert str(found[0].extreme) == cel


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(30, None), (30.1, Level.WARN), (240, Level.WARN), (240.1, Level.STOP)],
)
def test_H19_a_silence_is_judged_by_its_length(minutes, level):
    found = rules.find(
        [read(0, "-80"), read(minutes, "-80")], STORAGE["-80C"], AT, AT + timedelta(minutes=minutes)
    )
    assert [(each.kind, each.level) for each in found] == ([(Fault.GAP, level)] if level else [])


def test_every_class_of_places_has_limits_and_the_mild_ones_lie_within_the_hard():
    from lims.custody.place_kinds import TEMPERATURES

    assert set(STORAGE) == set(TEMPERATURES)
    for band in STORAGE.values():
        assert band.soft_high is not None
        assert band.soft_high < band.high
        assert (band.low is None) == (band.soft_low is None)
        if band.low is not None and band.soft_low is not None:
            assert band.low < band.soft_low < band.soft_high


def test_older_than_two_readings_is_no_data_and_never_good():
    every, band = timedelta(minutes=10), STORAGE["-80C"]

    def at(minutes: float, cel: str = "-80") -> Standing:
        return rules.standing(read(0, cel), band, every, AT + timedelta(minutes=minutes))

    assert at(20) is Standing.GOOD
    assert at(20.1) is Standing.NO_DATA
    assert at(0, "-69") is Standing.OUTSIDE
    assert at(30, "-69") is Standing.NO_DATA
    assert rules.standing(None, band, every, AT) is Standing.NO_DATA
    assert rules.standing(read(0, "-80"), band, None, AT) is Standing.NO_LOGGER
    assert rules.standing(read(0, "-80"), None, every, AT) is Standing.OUTSIDE


class Cold:
    """A freezer with a rack and a box in it, measured every ten minutes by a clock that stands."""

    def __init__(self, donor, standing) -> None:
        self.donor, self.standing = donor, standing
        self.freezer = a_place(name="Freezer 1")
        self.box = a_place(name="Box 1", kind="box", parent=self.freezer)
        self.other = a_place(name="Freezer 2")
        self.who = somebody()
        monitoring.link(self.who, code=self.freezer, serial="TT-77", minutes=10)

    def put(self, to: str | None = None) -> str:
        code = bench.thing(donor=self.donor)
        custody.move(self.who, code=code, to=to or self.box)
        return code

    def run(self, minutes: float, cel: str = "-80", every: float = 10) -> None:
        """Time goes by, and the logger delivers."""
        for _each in range(int(minutes / every)):
            self.standing.forward(minutes=every)
            monitoring.deliver(
                self.who, code=self.freezer, readings=[Read(clock.now(), Decimal(cel))]
            )

    def episodes(self) -> list[Episode]:
        with db.reading() as session:
            return list(session.scalars(select(Episode).order_by(Episode.began_at)))

    def now(self) -> Standing:
        with db.reading() as session:
            found = monitoring.now_in(session, custody.place_by_code(session, self.box))
            assert found is not None
            return found.standing


@pytest.fixture
def cold(donor, standing) -> Cold:
    return Cold(donor, standing)


def held(code: str) -> int:
    with db.reading() as session:
        return len(custody.holds(session, [row(code).id]))


def test_readings_are_kept_and_tell_how_warm_everything_inside_is(cold):
    cold.run(30)
    assert cold.now() is Standing.GOOD
    cold.run(10, "-65")
    assert cold.now() is Standing.OUTSIDE
    cold.standing.forward(minutes=21)
    assert cold.now() is Standing.NO_DATA
    with db.reading() as session:
        assert monitoring.now_in(session, custody.place_by_code(session, cold.other)) is None
        (known,) = monitoring.everywhere(session).values()
        assert (known.place.code, str(known.newest.cel)) == (cold.freezer, "-65")


def test_a_delivery_that_comes_twice_counts_once(cold):
    cold.standing.forward(minutes=30)
    told = [Read(clock.now() - timedelta(minutes=each), Decimal("-80")) for each in (20, 10, 0)]
    first = monitoring.deliver(cold.who, code=cold.freezer, readings=told, serial="tt-77 ")
    again = monitoring.deliver(cold.who, code=cold.freezer, readings=told[1:])
    assert (first.taken, again.taken) == (3, 0)
    assert kinds(cold.freezer, "place").count("custody.temperature-read") == 1


def test_what_cannot_be_true_is_refused_and_nothing_of_it_is_kept(cold):
    good = Read(clock.now(), Decimal("-80"))
    for readings, serial, error, words in (
        ([good, Read(clock.now() + timedelta(minutes=3), Decimal(-80))], "", BadInput, "future"),
        ([Read(clock.now() - timedelta(hours=1), Decimal(-80))], "", BadInput, "before logger"),
        ([Read(clock.now(), Decimal(-300))], "", BadInput, "no temperature"),
        ([good], "TT-78", BadInput, "are of logger"),
    ):
        with pytest.raises(error, match=words):
            monitoring.deliver(cold.who, code=cold.freezer, readings=readings, serial=serial)
    with pytest.raises(NoLogger, match="Link one first"):
        monitoring.deliver(cold.who, code=cold.other, readings=[good])
    with db.reading() as session:
        assert session.scalars(select(PlaceRecord)).all() == []


def test_a_logger_measures_one_place_and_a_place_has_one(cold):
    with pytest.raises(LoggerTaken, match="TT-77 measures Freezer 1"):
        monitoring.link(cold.who, code=cold.other, serial="tt-77", minutes=10)
    with pytest.raises(LoggerTaken, match="End it there first"):
        monitoring.link(cold.who, code=cold.freezer, serial="TT-90", minutes=10)
    cold.run(20)
    monitoring.end(cold.who, code=cold.freezer, reason="calibration")
    with pytest.raises(NoLogger):
        cold.run(10)
    with pytest.raises(BadInput, match="until"):
        monitoring.link(
            cold.who, code=cold.freezer, serial="TT-90", minutes=10,
            since=clock.now() - timedelta(minutes=15),
        )  # fmt: skip
    monitoring.link(cold.who, code=cold.other, serial="TT-77", minutes=10)
    monitoring.link(cold.who, code=cold.freezer, serial="TT-90", minutes=10)
    assert kinds(cold.freezer, "place").count("custody.logger-linked") == 2


def test_two_who_link_one_logger_at_once_give_it_one_place(cold):
    places = [a_place(name=f"Freezer {each}") for each in range(3, 7)]
    answers = race(
        [
            lambda code=code: monitoring.link(somebody(), code=code, serial="TT-99", minutes=5)
            for code in places
        ]
    )
    assert sum(isinstance(each, LoggerTaken) for each in answers) == 3, answers


def test_who_may_do_what_is_asked_in_the_service(cold):
    nurse, freezer = actor(Role.CLINICIAN, name="nurse"), place_id(cold.freezer)
    calls = (
        lambda: monitoring.link(nurse, code=cold.other, serial="X", minutes=5),
        lambda: monitoring.end(nurse, code=cold.freezer, reason="no"),
        lambda: monitoring.deliver(nurse, code=cold.freezer, readings=[read(0, "-80")]),
        lambda: monitoring.read_file(nurse, code=cold.freezer, file=("a.csv", b"")),
        lambda: monitoring.watch(nurse),
        lambda: monitoring.assess(
            nurse,
            episode_id=place_id(cold.freezer),
            outcome=Outcome.NO_EFFECT,
            reason="x",
            password="x",
        ),
        lambda: monitoring.agree(nurse, episode_id=freezer, password="x"),
    )
    for each in calls:
        with pytest.raises(NotAllowed):
            each()


# Files


def whole(cold: Cold, minutes: int, serial: str = "TT-77", **odd: str) -> tuple[str, bytes]:
    """A reading each ten minutes up to now; some minutes may have another, or none."""
    start = clock.now() - timedelta(minutes=minutes)
    cels = {int(name[1:]): value for name, value in odd.items()}
    points = [(m * 60, cels.get(m, "-80")) for m in range(0, minutes + 1, 10) if cels.get(m, "-80")]
    return logger_file(start, points, serial=serial)


def take(cold: Cold, file: tuple[str, bytes]):
    return monitoring.read_file(cold.who, code=cold.freezer, file=file, zone="UTC", unit="Cel")


def test_files_of_its_logger_may_overlap_and_keep_their_bytes(cold):
    cold.standing.forward(hours=2)
    first = whole(cold, 120)
    assert take(cold, first).taken == 13
    with pytest.raises(LoggerKnown, match="nothing of it is new"):
        take(cold, first)
    cold.standing.forward(hours=1)
    assert take(cold, whole(cold, 180)).taken == 19
    with db.reading() as session:
        place = custody.place_by_code(session, cold.freezer)
        ids = [each.id for each in monitoring.loggers_of(session, place.id)]
        from lims.custody.monitoring.queries import readings

        assert len(readings(session, ids, clock.now() - timedelta(days=1), clock.now())) == 19
        kept = session.scalars(select(PlaceRecord).order_by(PlaceRecord.taken_at)).first()
        assert (kept.content, kept.name) == (first[1], first[0])
    assert cold.episodes() == []


def test_a_file_of_another_logger_place_or_time_is_refused(cold):
    cold.standing.forward(hours=2)
    with pytest.raises(BadInput, match="The file is of logger TT-78; Freezer 1 is measured by"):
        take(cold, whole(cold, 120, serial="TT-78"))
    early = logger_file(clock.now() - timedelta(days=9), [(0, "-80")], serial="TT-77")
    with pytest.raises(OtherTime, match="measures Freezer 1 since"):
        take(cold, early)
    late = logger_file(clock.now() + timedelta(hours=3), [(0, "-80")], serial="TT-77")
    with pytest.raises(BadInput, match="future"):
        take(cold, late)
    with pytest.raises(NoLogger):
        monitoring.read_file(cold.who, code=cold.other, file=whole(cold, 60), zone="UTC")
    with db.reading() as session:
        assert session.scalars(select(PlaceRecord)).all() == []


def test_times_that_stand_twice_are_kept_and_ask_for_a_judgement(cold):
    cold.standing.forward(hours=1)
    start = clock.now() - timedelta(minutes=60)
    points = [(m * 60, "-80") for m in (0, 10, 20, 20, 30, 40, 50, 60)]
    take(cold, logger_file(start, points, serial="TT-77"))
    (found,) = cold.episodes()
    assert (found.kind, found.level, found.state) == (Fault.ORDER, Level.WARN, RecordState.OPEN)


# Episodes


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


def place_id(code: str):
    with db.reading() as session:
        return custody.place_by_code(session, code).id


# Assessment


@pytest.fixture
def quality(donor):
    return badge("quinn", Role.QC_OFFICER)[0]


@pytest.fixture
def investigator(donor):
    return badge("ida", Role.INVESTIGATOR)[0]


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


# The record itself


def test_readings_altered_by_hand_are_found_and_never_shown(cold):
    cold.run(30)
    with db.transaction() as session:
        session.execute(update(PlaceRecord).values(points=b"1764244800 -81\n"))
    found = bench.verified()
    assert not found.ok
    assert any("readings of this place were altered" in each.what for each in found.breaks)
    with db.reading() as session:
        place = custody.place_by_code(session, cold.freezer)
        loggers = monitoring.loggers_of(session, place.id)
        since = clock.now() - timedelta(hours=1)
        with pytest.raises(RecordAltered, match="Trust none of them"):
            monitoring.drawing.of_place(session, loggers, place, since, clock.now())
    with db.transaction() as session:  # as it was, for the fixture's own look
        for each in session.scalars(select(PlaceRecord)):
            each.points = f"{int(each.last_at.timestamp())} {each.last_cel}\n".encode()
        session.flush()


@here
def test_a_place_that_cannot_be_judged_keeps_none_from_it(cold, caplog):
    cold.run(30)
    monitoring.link(cold.who, code=cold.other, serial="TT-2", minutes=10)
    with db.transaction() as session:
        for each in session.scalars(select(PlaceRecord)):
            each.points += b"1 1\n"
    cold.standing.forward(minutes=40)
    assert monitoring.watch(WORKER) == 2
    assert "altered" in caplog.text
    with db.reading() as session:
        found = [place.code for place, _each in monitoring.to_assess(session)]
    assert found == [cold.other]
    with db.transaction() as session:
        for each in session.scalars(select(PlaceRecord)):
            each.points = each.points[: -len(b"1 1\n")]


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

    def deliver(cel: str) -> None:
        monitoring.deliver(who, code=warm, readings=[Read(clock.now(), Decimal(cel))])

    look()
    deliver("-80")
    for _each in range(5):
        standing.forward(seconds=chance.randint(1, 50))
        wander()
    standing.forward(seconds=10)
    began = clock.now()
    deliver("-50")
    look()
    for _each in range(5):
        standing.forward(seconds=chance.randint(1, 50))
        wander()
    standing.forward(seconds=10)
    ended = clock.now()
    deliver("-80")
    look()
    for _each in range(5):
        standing.forward(seconds=chance.randint(1, 50))
        wander()
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
