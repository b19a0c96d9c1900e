"""Loggers of places: linked, read, judged by the limits of a laboratory; altered ones are found."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from lims import custody
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Role
from lims.custody import Outcome, RecordState, monitoring
from lims.custody.errors import LoggerKnown, OtherTime
from lims.custody.excursions import Fault, Read
from lims.custody.monitoring import rules
from lims.custody.monitoring.models import PlaceRecord
from lims.custody.monitoring.queries import RecordAltered
from lims.custody.monitoring.rules import STORAGE, Level, Standing
from lims.custody.monitoring.taking import LoggerTaken, NoLogger
from tests.custody import bench
from tests.custody.bench import a_place, kinds, logger_file, race, somebody
from tests.custody.cold import WORKER, place_id, take, whole
from tests.makers import actor

# What both databases must do alike is asked of both in the other tests.
here = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEED = 20261127
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


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
