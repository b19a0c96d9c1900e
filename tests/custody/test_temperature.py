"""The temperature record of a shipment: kept, judged, held and assessed (B16, H19, H20)."""

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select

from lims import custody
from lims.core import clock, db
from lims.core.errors import BadInput, DomainError, NotAllowed, NotFound
from lims.core.permissions import Role
from lims.custody import OnHold, Outcome, RecordState
from lims.custody.errors import LoggerKnown, NothingToAssess, OtherTime
from lims.custody.models import LoggerFile, TransportRecord
from lims.release.gathering import _held as held_at_release
from lims.station import waiting
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import a_place, badge, brought, kinds, logger_file, row, verified
from tests.laboratory import PASSWORD

# What both databases must do alike is asked of both in the other tests.
here = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEED = 20261127
HOURS = 3


@pytest.fixture
def pair(donor):
    """The one who sends and the one who receives."""
    return badge("tara")[0], badge("teo")[0]


class Road:
    """A box, two sites, two people, and ways of three hours by a clock that stands still."""

    def __init__(self, donor, pair, standing, temperature: str = "2-8C") -> None:
        self.donor, self.standing = donor, standing
        self.tara, self.teo = pair
        self.box = a_place(name="Box", kind="transport", temperature=temperature)
        self.site = a_place(name="Site B", temperature=temperature)

    def send(self, number: int = 1) -> list[str]:
        things = [bench.thing(donor=self.donor) for _each in range(number)]
        for code in things:
            custody.move(self.tara, code=code, to=self.box)
        custody.dispatch(self.tara, code=self.box, to=self.site, hours=4, password=PASSWORD)
        self.sent = clock.now()
        self.standing.forward(hours=HOURS)
        return things

    def receive(self, things, file=None):
        logger = brought(file) if file else None
        return custody.receive_shipment(
            self.teo, code=self.box, seen=things, password=PASSWORD, logger=logger
        )

    def whole(self, cel: str = "5", **at: str):
        """A reading each ten minutes; some minutes may have another."""
        odd = {int(name[1:]): value for name, value in at.items()}
        minutes = range(0, HOURS * 60 + 1, 10)
        return logger_file(self.sent, [(m * 60, odd.get(m, cel)) for m in minutes])


@pytest.fixture
def road(donor, pair, standing) -> Road:
    return Road(donor, pair, standing)


def held(code: str) -> list[str]:
    with db.reading() as session:
        return [each.reason for each in custody.holds(session, [row(code).id])]


def record(shipment: UUID) -> TransportRecord:
    with db.reading() as session:
        found = custody.temperature_record(session, shipment)
        assert found is not None
        return found


def refused_at_release(code: str) -> bool:
    with db.reading() as session:
        return code in held_at_release(session, [row(code)])


def test_a_whole_record_within_limits_holds_nothing_and_keeps_the_bytes(road):
    things = road.send(2)
    name, content = road.whole(m30="8", m60="2")
    answer = road.receive(things, (name, content))

    assert answer.temperature is RecordState.CLEAR
    assert [held(each) for each in things] == [[], []]
    assert not refused_at_release(things[0])
    with db.reading() as session:
        (kept,) = session.scalars(select(LoggerFile))
        assert (kept.content, kept.name, kept.zone) == (content, name, "UTC")
        assert (kept.readings, str(kept.minimum_cel), str(kept.maximum_cel)) == (19, "2", "8")
        assert (kept.first_at, kept.last_at) == (road.sent, clock.now())
    assert "custody.temperature-judged" in kinds(road.box, "place")


@here
def test_without_a_file_everything_is_held_until_the_file_shows_the_way(road):
    things = road.send(2)
    answer = road.receive(things)

    assert answer.temperature is RecordState.OPEN
    assert record(answer.shipment).faults == [{"kind": "missing"}]
    assert all(f"temperature on the way in {road.box}: missing" in held(each) for each in things)
    assert refused_at_release(things[0])
    with pytest.raises(OnHold, match="on hold"), db.reading() as session:
        custody.require_free(session, row(things[0]))
    file = road.whole()
    custody.read_logger(road.teo, shipment_id=answer.shipment, file=file, zone="UTC", unit="Cel")
    assert record(answer.shipment).state is RecordState.CLEAR
    assert [held(each) for each in things] == [[], []]
    assert kinds(things[0])[-1] == "custody.hold-lifted"


@here
def test_an_excursion_stays_with_quality_whatever_other_file_comes(road, quality):
    things = road.send()
    answer = road.receive(things, road.whole(m30="8.1"))
    (fault,) = record(answer.shipment).faults

    assert fault["kind"] == "excursion"
    assert fault["cel"] == "8.1"
    assert clock.parse(fault["to"]) - clock.parse(fault["from"]) == timedelta(minutes=10)
    custody.read_logger(
        road.teo, shipment_id=answer.shipment, file=road.whole(), zone="UTC", unit="Cel"
    )
    assert record(answer.shipment).state is RecordState.OPEN
    assert len(held(things[0])) == 1


def test_only_a_signed_assessment_lifts_its_hold_and_no_other(road, quality):
    things = road.send()
    answer = road.receive(things)
    custody.hold(quality, code=things[0], reason="label smeared")
    custody.lift_hold(quality, code=things[0], reason="label read again")
    assert len(held(things[0])) == 1
    with pytest.raises(OnHold, match="Assess the shipment"):
        custody.lift_hold(quality, code=things[0], reason="looks good")
    signed = {"shipment_id": answer.shipment, "outcome": Outcome.NO_EFFECT, "reason": "3 h, ice"}
    with pytest.raises(NotAllowed):
        custody.assess(road.teo, **signed, password=PASSWORD)
    with pytest.raises(DomainError):
        custody.assess(quality, **signed, password="not hers")
    with pytest.raises(BadInput, match="looked at"):
        custody.assess(quality, **{**signed, "reason": "  "}, password=PASSWORD)
    custody.hold(quality, code=things[0], reason="label smeared")
    custody.assess(quality, **signed, password=PASSWORD)

    assert record(answer.shipment).state is RecordState.ASSESSED
    assert held(things[0]) == ["label smeared"]
    with pytest.raises(NothingToAssess):
        custody.assess(quality, **signed, password=PASSWORD)


@here
def test_not_usable_keeps_the_hold_and_can_be_assessed_again(road, quality):
    things = road.send()
    answer = road.receive(things, road.whole(m30="30"))

    def assess(outcome):
        custody.assess(
            quality, shipment_id=answer.shipment, outcome=outcome, reason="30 °C",
            password=PASSWORD,
        )  # fmt: skip

    assess(Outcome.NOT_USABLE)
    assert record(answer.shipment).state is RecordState.UNUSABLE
    assert refused_at_release(things[0])
    assert held(things[0])
    custody.read_logger(
        road.teo, shipment_id=answer.shipment, file=road.whole(), zone="UTC", unit="Cel"
    )
    assert record(answer.shipment).state is RecordState.UNUSABLE
    assess(Outcome.LOGGER_FAULT)
    assert held(things[0]) == []


@here
def test_a_file_after_the_assessment_that_shows_an_excursion_opens_it_again(road, quality):
    things = road.send()
    answer = road.receive(things)
    custody.assess(
        quality, shipment_id=answer.shipment, outcome=Outcome.NO_EFFECT, reason="ice was there",
        password=PASSWORD,
    )  # fmt: skip
    assert not refused_at_release(things[0])
    custody.read_logger(
        road.teo, shipment_id=answer.shipment, file=road.whole(m60="22"), zone="UTC", unit="Cel"
    )
    assert record(answer.shipment).state is RecordState.OPEN
    assert len(held(things[0])) == 1


def test_the_investigator_agrees_as_another_person_and_once(road, quality, investigator):
    answer = road.receive(road.send())
    both = badge("bea", Role.QC_OFFICER, Role.INVESTIGATOR)[0]
    with pytest.raises(NothingToAssess):
        custody.agree(investigator, shipment_id=answer.shipment, password=PASSWORD)
    custody.assess(
        both, shipment_id=answer.shipment, outcome=Outcome.NO_EFFECT, reason="ice",
        password=PASSWORD,
    )  # fmt: skip
    with pytest.raises(NotAllowed, match="another person"):
        custody.agree(both, shipment_id=answer.shipment, password=PASSWORD)
    with pytest.raises(NotAllowed):
        custody.agree(quality, shipment_id=answer.shipment, password=PASSWORD)
    custody.agree(investigator, shipment_id=answer.shipment, password=PASSWORD)
    with pytest.raises(NothingToAssess):
        custody.agree(investigator, shipment_id=answer.shipment, password=PASSWORD)


def test_H20_the_same_bytes_are_read_once_for_whatever_shipment(road):
    things = road.send()
    file = road.whole()
    first = road.receive(things, file)
    for shipment in (first.shipment, road.receive(road.send()).shipment):
        with pytest.raises(LoggerKnown, match="read once"):
            custody.read_logger(
                road.teo, shipment_id=shipment, file=("other.csv", file[1]), zone="UTC", unit="Cel"
            )


@here
def test_what_a_file_does_not_say_is_asked_and_another_time_is_refused(road):
    things = road.send()
    file = road.whole()
    for said, field in (({"zone": "UTC"}, "unit"), ({"unit": "Cel"}, "zone")):
        with pytest.raises(BadInput) as asked:
            custody.receive_shipment(
                road.teo, code=road.box, seen=things, password=PASSWORD,
                logger=custody.Brought(*file, **said),
            )  # fmt: skip
        assert asked.value.field == field
    with pytest.raises(OtherTime, match="correct the time zone"):
        custody.receive_shipment(
            road.teo, code=road.box, seen=things, password=PASSWORD,
            logger=custody.Brought(*file, zone="+10:00", unit="Cel"),
        )  # fmt: skip
    assert "custody.shipment-received" not in kinds(road.box, "place")
    marked = file[1].replace(b"Description,,Box", b"Description,,SYNTHETIC practice data")
    with pytest.raises(BadInput, match="made up"):
        road.receive(things, ("made.csv", marked))
    assert road.receive(things, file).temperature is RecordState.CLEAR


@here
def test_a_hole_to_the_hand_over_and_a_doubled_instant_want_an_assessment(road):
    for readings, fault in (
        ([(each * 600, "5") for each in range(14)], "gap"),
        ([(each * 600, "5") for each in (*range(19), 18)], "order"),
    ):
        answer = road.receive(road.send(), logger_file(road.sent, readings))
        assert [each["kind"] for each in record(answer.shipment).faults] == [fault]


@here
def test_what_was_made_of_a_thing_is_held_with_it_also_when_the_thing_is_used_up(road, quality):
    (code,) = road.send()
    answer = road.receive([code], road.whole())
    with db.transaction() as session:
        parent = custody.find(session, code, lock=True)
        child = custody.make(
            road.teo, custody.ItemKind.QC_SAMPLE, study_id=parent.study_id,
            parents=[custody.Taken(parent)], step="sampling",
        ).code  # fmt: skip
    custody.read_logger(
        road.teo, shipment_id=answer.shipment, file=road.whole(m10="9"), zone="UTC", unit="Cel"
    )
    assert refused_at_release(code)
    with pytest.raises(OnHold), db.reading() as session:
        custody.require_free(session, row(child))


@here
def test_only_what_was_received_has_a_record_and_an_unknown_shipment_is_said_so(road, quality):
    (code,) = road.send()
    with db.reading() as session:
        (shipment,) = custody.shipments_of(session, row(code).place_id)
        (way,) = custody.ways_of(session, [row(code).id])
    assert (way.received_at, way.state) == (None, None)
    with pytest.raises(BadInput, match="still on its way"):
        custody.read_logger(
            road.teo, shipment_id=shipment.id, file=road.whole(), zone="UTC", unit="Cel"
        )
    with pytest.raises(NothingToAssess, match="still on its way"):
        custody.assess(
            quality, shipment_id=shipment.id, outcome=Outcome.NO_EFFECT, reason="-",
            password=PASSWORD,
        )  # fmt: skip
    with pytest.raises(NotFound):
        custody.assess(
            quality, shipment_id=row(code).id, outcome=Outcome.NO_EFFECT, reason="-",
            password=PASSWORD,
        )  # fmt: skip


@here
def test_open_records_wait_for_quality(road, quality):
    answer = road.receive(road.send())
    (listed,) = [each for each in waiting.LISTS if each.id == "temperature"]
    with db.reading() as session:
        assert [each.url for each in listed.find(session, quality)] == [
            f"/shipments/{answer.shipment}"
        ]


def test_H19_no_way_that_was_not_good_leaves_its_things_free(donor, pair, standing, measured):
    chance = Random(SEED)
    road = Road(donor, pair, standing)
    histories, wrong = (500 if SOAK else 4), 0
    for _each in range(histories):
        things = road.send(chance.randint(1, 3))
        minutes = list(range(0, 181, 10))
        kind = chance.choice(("good", "warm", "cold", "hole", "late", "none", "split"))
        odd = {chance.choice(minutes): {"warm": "8.1", "cold": "1.9"}.get(kind, "5")}
        if kind in ("hole", "split"):
            at = chance.randrange(10, 130, 10)
            minutes = [each for each in minutes if not at <= each <= at + 30]
        if kind == "late":
            minutes = [each for each in minutes if each <= 140]
        readings = [(each * 60, odd.get(each, "5")) for each in minutes]
        answer = road.receive(things, None if kind == "none" else logger_file(road.sent, readings))
        if kind == "split":  # a second logger has what the first has not
            rest = [(each * 60, "5") for each in range(0, 181, 10) if each not in minutes]
            custody.read_logger(
                road.teo, shipment_id=answer.shipment, file=logger_file(road.sent, rest),
                zone="UTC", unit="Cel",
            )  # fmt: skip
        good = kind in ("good", "split")
        wrong += sum(bool(held(each)) is good for each in things)
        wrong += sum(refused_at_release(each) is good for each in things)
    measured("H19", trials=histories, failures=wrong, seed=SEED, how="shipments")
    assert wrong == 0
    assert verified().ok
