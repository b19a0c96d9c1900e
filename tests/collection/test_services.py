"""From a packed kit to an accepted tube: what each limit lets through, asks about, or stops."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from lims import collection, custody, labels, ledger, studies
from lims.collection import Decision, MarkerState, SpecimenKind, schemas
from lims.collection.errors import KitBound, WrongSpecimenForTest
from lims.core import clock, codes, db
from lims.core.errors import BadInput, Conflict, NotAllowed
from lims.core.gate import GateStopped, Result
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.custody import State, StateRefused
from lims.station.rehearsal.leaving import print_labels
from tests.approved import put_in_force
from tests.custody.bench import Light, row
from tests.laboratory import BORN, START
from tests.makers import actor

LATER = date(2026, 12, 1)
HER = {"stated_name": "Laleh Ahmadi", "stated_birth_date": BORN}


class Clinic(Light):
    """A laboratory with one woman, her kit and her tube."""

    def kit(self, **other) -> str:
        """A packed kit."""
        given = {"study": self.study, "device_lot": "CUP-1", "device_expires_on": LATER, **other}
        return collection.prepare_kit(self.tara, **given).code

    def issued(self) -> tuple[str, str]:
        """Her kit and her tube."""
        self.woman()
        kit = self.kit()
        tube = collection.issue_kit(self.clea, code=kit, participant=self.number, **HER).code
        return kit, tube

    def collect(self, kit: str, tube: str, **other) -> None:
        """She returns it; `other` is what differs from a good day."""
        collection.collect(
            self.clea,
            kit=kit,
            code=tube,
            **{
                "collected_at": clock.now(), "cycle_day": 2, "cup_in_place": Quantity("3", "h"),
                "active_infection": False, "medium": "PBS", "medium_lot": "T-1",
                "medium_expires_on": LATER, **HER, **other,
            },
        )  # fmt: skip

    def collected(self) -> str:
        """A tube on its way to the laboratory."""
        kit, tube = self.issued()
        self.collect(kit, tube)
        self.clock.forward(hours=5)
        return tube

    def take_in(self, code: str, **other) -> None:
        """It arrives; `other` is what differs from a good delivery."""
        collection.receive(
            self.tara,
            code=code,
            **{
                "decision": Decision.ACCEPT, "received_at": clock.now(), "label_matches": True,
                "seal_intact": True, "leaked": False, "temperature_min": Quantity("3", "Cel"),
                "temperature_max": Quantity("7", "Cel"), "appearance": "red", "clots": False,
                "volume": Quantity("7", "mL"), **other,
            },
        )  # fmt: skip


@pytest.fixture
def clinic(database: db.Database) -> Iterator[Clinic]:
    """A clinic whose trail holds when the test ends."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        yield Clinic(standing)
    with db.reading() as session:
        found = ledger.verify(session)
    assert found.ok, found.breaks


def kinds(code: str) -> list[str]:
    """What stands in an item's stream."""
    with db.reading() as session:
        return [each.kind for each in ledger.entries_of(session, f"item/{code}")]


def refused(act, *args, **how) -> dict[str, list[str]]:
    """The rows of the gate that did not pass; empty where it let the act through."""
    try:
        act(*args, **how)
    except GateStopped as stop:
        answer = stop.answer
        return {
            each.value: answer.ids(each) for each in (Result.STOPPED, Result.WARNED)
            if answer.ids(each)
        }  # fmt: skip
    return {}


def test_a_good_day_leads_from_the_kit_to_an_accepted_tube(clinic):
    kit, tube = clinic.issued()
    assert (row(kit).state, row(tube).state) == (State.ISSUED, State.ORDERED)
    clinic.collect(kit, tube)
    assert (row(kit).state, row(tube).state) == (State.USED, State.COLLECTED)
    clinic.clock.forward(hours=5)
    clinic.take_in(tube)

    item = row(tube)
    assert (item.state, item.volume_ul, item.initial_volume_ul) == (State.ACCEPTED, 7000, 7000)
    assert kinds(tube) == [
        "custody.made", "collection.tube-labelled", "collection.collected", "collection.received",
        "custody.measured", "collection.accepted",
    ]  # fmt: skip
    assert kinds(kit) == [
        "custody.made", "collection.kit-prepared", "collection.kit-issued", "collection.kit-used",
    ]  # fmt: skip


def test_a_kit_whose_cup_has_expired_is_neither_packed_nor_issued(clinic):
    with pytest.raises(BadInput, match="expired"):
        clinic.kit(device_expires_on=START.date() - timedelta(days=1))
    clinic.woman()
    kit = clinic.kit(device_expires_on=START.date())
    clinic.clock.forward(days=1)
    bind = {"code": kit, "participant": clinic.number, **HER}
    assert refused(collection.issue_kit, clinic.clea, **bind) == {"stopped": ["C01"]}
    clinic.clock.set(START)
    assert refused(collection.issue_kit, clinic.clea, **bind) == {}


def test_a_kit_is_used_once(clinic):
    kit, tube = clinic.issued()
    clinic.collect(kit, tube)
    with pytest.raises(KitBound, match="used already"):
        clinic.collect(kit, tube)


@pytest.mark.parametrize(
    ("other", "rows"),
    [
        ({"cycle_day": 0}, {"stopped": ["C06"]}),
        ({"cycle_day": 1}, {}),
        ({"cup_in_place": Quantity("300", "min")}, None),
        ({"cup_in_place": Quantity("30", "h")}, {"stopped": ["C07"]}),
        ({"medium_expires_on": START.date() - timedelta(days=1)}, {"stopped": ["C08"]}),
        ({"medium_expires_on": START.date()}, {}),
        ({"active_infection": True}, {"stopped": ["C09"]}),
        ({"collected_at": START + timedelta(minutes=1)}, {"stopped": ["C04"]}),
        ({"collected_at": START - timedelta(hours=24)}, {}),
        ({"collected_at": START - timedelta(hours=25)}, {"warned": ["C04"]}),
    ],
    ids=str,
)
def test_what_may_be_wrong_with_a_collection(clinic, other, rows):
    kit, tube = clinic.issued()

    found = refused(clinic.collect, kit, tube, **other)

    if rows is None:  # a limit of the site; within it or warned, never stopped
        assert "stopped" not in found
        return
    assert found == rows
    assert (row(tube).state is State.COLLECTED) == (rows == {})
    if "warned" in rows:
        assert refused(clinic.collect, kit, tube, reason="the night shift wrote it", **other) == {}
    if "stopped" in rows:
        assert refused(clinic.collect, kit, tube, reason="please", **other) == rows


def test_the_limits_of_the_cycle_are_the_studys(clinic):
    kit, tube = clinic.issued()
    with db.reading() as session:
        limit = studies.protocol_of(studies.study_by_code(session, clinic.study)).limit
    accept, last = (
        int(limit(f"collection.menstrual.cycle_day_{each}"))
        for each in ("accept_last", "warn_last")
    )

    assert refused(clinic.collect, kit, tube, cycle_day=last + 1) == {"stopped": ["C06"]}
    assert refused(clinic.collect, kit, tube, cycle_day=accept + 1) == {"warned": ["C06"]}
    assert refused(clinic.collect, kit, tube, cycle_day=accept) == {}


RECEIPTS = [
    ({"label_matches": False}, {"stopped": ["R01"]}),
    ({"seal_intact": False}, {"stopped": ["R02"]}),
    ({"leaked": True}, {"stopped": ["R03"]}),
    ({"temperature_min": Quantity("-5", "Cel")}, {"stopped": ["R05"]}),
    ({"temperature_max": Quantity("40", "Cel")}, {"stopped": ["R06"]}),
    ({"volume": Quantity("1", "uL")}, {"stopped": ["R07"]}),
    ({"volume": None}, {"stopped": ["R07"]}),
]


@pytest.mark.parametrize(("other", "rows"), RECEIPTS, ids=str)
def test_what_may_not_be_accepted_is_held_or_rejected(clinic, other, rows):
    tube = clinic.collected()

    assert refused(clinic.take_in, tube, reason="please", **other) == rows
    assert row(tube).state is State.COLLECTED
    with pytest.raises(BadInput, match="Choose why"):
        clinic.take_in(tube, decision=Decision.REJECT, **other)
    clinic.take_in(tube, decision=Decision.HOLD, reason="asked the clinic", **other)
    assert row(tube).state is State.ON_HOLD


def test_a_tube_that_is_too_late_is_stopped_and_rejected_with_its_reason(clinic):
    tube = clinic.collected()
    clinic.clock.forward(days=4)

    assert refused(clinic.take_in, tube) == {"stopped": ["R04"]}
    clinic.take_in(tube, decision=Decision.REJECT, reason_code="too-late")
    assert row(tube).state is State.REJECTED
    with pytest.raises(StateRefused):
        clinic.take_in(tube, decision=Decision.HOLD)


def test_a_receipt_lies_between_collection_and_now(clinic):
    tube = clinic.collected()
    for at in (START - timedelta(minutes=1), clock.now() + timedelta(minutes=1)):
        with pytest.raises(BadInput, match="between the collection and now"):
            clinic.take_in(tube, received_at=at)
    _kit, never = clinic.issued()
    with pytest.raises(BadInput):
        clinic.take_in(never)


def test_roles_keep_to_their_side_of_the_door(clinic):
    kit, tube = clinic.issued()
    with pytest.raises(NotAllowed):
        collection.prepare_kit(
            clinic.clea, study=clinic.study, device_lot="C", device_expires_on=LATER
        )
    for role in (Role.AUDITOR, Role.SPONSOR, Role.PHARMACIST):
        clinic.actors["clea"] = actor(role)
        with pytest.raises(NotAllowed):
            clinic.collect(kit, tube)
        clinic.actors["tara"] = actor(role)
        with pytest.raises(NotAllowed):
            clinic.take_in(tube)


# Blood, cord, markers


def blood(clinic: Clinic, purpose: SpecimenKind, **other):
    """Draw her blood."""
    given = {
        "participant": clinic.number, "drawn_at": clock.now(), "volume": Quantity("8", "mL"),
        "anticoagulant": "acd_a", "anticoagulant_lot": "A-1", **HER, **other,
    }  # fmt: skip
    return collection.collect_blood(clinic.clea, purpose=purpose, **given)


def test_blood_for_prp_is_only_of_those_who_are_given_it_and_never_in_edta(clinic):
    clinic.woman()

    found = refused(blood, clinic, SpecimenKind.PRP_BLOOD, anticoagulant="edta")

    assert found == {"stopped": ["C10", "C11"]}
    assert refused(blood, clinic, SpecimenKind.TEST_BLOOD, anticoagulant="edta") == {}
    with pytest.raises(BadInput, match="choose one"):
        blood(clinic, SpecimenKind.CORD)


def test_blood_is_drawn_from_whom_it_is_said_to_be_and_who_consents(clinic):
    clinic.woman()
    wrong = {"stated_name": "Mina Karimi"}
    assert refused(blood, clinic, SpecimenKind.TEST_BLOOD, **wrong) == {"stopped": ["I01"]}
    unconsented = studies.register(
        clinic.clea, study=clinic.study, name="Laleh Ahmadi", birth_date=BORN
    ).number
    found = refused(blood, clinic, SpecimenKind.TEST_BLOOD, participant=unconsented)
    assert found == {"stopped": ["C02"]}


def test_a_cord_comes_from_a_donor(clinic):
    clinic.woman()
    cord = {"collected_at": clock.now(), "length": Quantity("20", "cm"), "medium_lot": "PBS"}
    with pytest.raises(BadInput, match="comes from a donor"):
        collection.collect_cord(clinic.clea, donor=clinic.number, **cord)
    donor = studies.register(
        clinic.clea, study=clinic.study, name="Dora", birth_date=BORN,
        kind=studies.SubjectKind.DONOR,
    ).number  # fmt: skip
    found = refused(collection.collect_cord, clinic.clea, donor=donor, **cord)
    assert found == {"stopped": ["C02"]}


def test_markers_are_tested_on_blood_and_the_newest_counts(clinic):
    tube = clinic.collected()
    drawn = blood(clinic, SpecimenKind.TEST_BLOOD)

    def mark(code: str = drawn.code, state: MarkerState = MarkerState.NEGATIVE, **other):
        given = {"marker": "hbsag", "material": "serum", "sampled_at": clock.now(), **other}
        return collection.record_marker(clinic.ana, code=code, state=state, **given)

    for code, material in ((tube, "serum"), (drawn.code, "menstrual fluid")):
        with pytest.raises(WrongSpecimenForTest):
            mark(code, material=material)
    with pytest.raises(BadInput, match="not a marker"):
        mark(marker="cholesterol")
    with pytest.raises(BadInput, match="future"):
        mark(sampled_at=clock.now() + timedelta(minutes=1))
    mark()
    clinic.clock.forward(hours=1)
    mark(state=MarkerState.REACTIVE)
    with db.reading() as session:
        her = studies.subject_by_number(session, clinic.number)
        newest = collection.markers_of(session, her.id)
    assert {name: each.state for name, each in newest.items()} == {"hbsag": MarkerState.REACTIVE}


def test_a_stop_is_a_conflict_with_four_lines(clinic):
    kit, tube = clinic.issued()
    with pytest.raises(Conflict) as stop:
        clinic.collect(kit, tube, active_infection=True)
    lines = [str(each) for each in (stop.value.row.finding.what, stop.value.why,
                                    stop.value.do_now, stop.value.call)]  # fmt: skip
    assert lines == [
        "infection",
        "she has an active infection",
        "Do not use the sample; plan another collection.",
        "investigator",
    ]


def set_label(clinic, kit: str, **more):
    """The large label of a kit's set, asked for."""
    given = {"contact": "Study nurse: +98 11 0000 0000, every day 8:00 to 20:00", **more}
    collection.label_set(clinic.tara, code=kit, **given)
    with db.reading() as session:
        return labels.newest_request(session, kit)


def test_the_large_label_of_a_set_says_what_she_does_and_takes_the_small_ones_place(clinic):
    kit = clinic.kit()
    asked = set_label(clinic, kit)
    assert (asked.template, asked.code, asked.copy) == ("kit_set_100x70", kit, 2)
    assert "day 1 to 3 and take it out after 4 hours at most" in asked.fields["instruction"]
    assert asked.fields["instruction"].endswith("within 24 hours.")
    assert asked.fields["site"].startswith("infertility department, Imam Khomeini Hospital")
    assert asked.fields["subject"] == ""
    with db.reading() as session:
        assert labels.live_copy(session, kit) == 2
        with pytest.raises(labels.OldLabel):
            labels.check_copy(session, codes.Scanned(kit, 1))
        assert [each.void_reason for each, _asked in labels.copies(session, kit)][1] == (
            "The large label of the set takes its place."
        )
        assert custody.find(session, kit).state is State.PREPARED
    with pytest.raises(BadInput) as refused:
        set_label(clinic, kit)
    assert refused.value.field == "reason"
    assert set_label(clinic, kit, reason="wet").copy == 3


def test_the_label_of_her_set_names_her_number_and_her_kit_is_issued_by_it(clinic):
    kit, _tube = clinic.issued()
    asked = set_label(clinic, kit)
    assert asked.fields["subject"] == clinic.number
    assert not set(asked.fields) & {"full_name", "birth_date"}


def test_a_set_that_was_used_or_whose_cup_expired_gets_no_large_label(clinic):
    kit, tube = clinic.issued()
    clinic.collect(kit, tube)
    with pytest.raises(StateRefused, match="not used yet"):
        set_label(clinic, kit)
    fresh = clinic.kit()
    clinic.clock.forward(days=400)
    with pytest.raises(StateRefused, match="expired"):
        set_label(clinic, fresh)
    with db.reading() as session:
        assert labels.live_copy(session, fresh) == 1


@pytest.mark.parametrize("role", [Role.ANALYST, Role.QC_OFFICER, Role.CLINICIAN, Role.AUDITOR])
def test_who_prepares_no_kits_labels_no_set(clinic, role):
    kit = clinic.kit()
    with pytest.raises(NotAllowed):
        collection.label_set(actor(role), code=kit, contact="x")


@pytest.mark.parametrize("language", ["en", "fa", "zh"])
def test_the_label_of_a_set_is_drawn_and_reads_back_in_each_language(
    clinic, language, monkeypatch, tmp_path
):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path))
    put_in_force()
    kit = clinic.kit()
    labels.speak(language)
    try:
        asked = set_label(clinic, kit)
    finally:
        labels.speak("en")
    assert asked.fields["instruction"].isascii() is (language == "en")
    print_labels()
    with db.reading() as session:
        (file,) = [each for each in labels.drawn_files(session) if each.template == asked.template]
    assert labels.read_png(file.png.read_bytes()) == [("datamatrix", codes.symbol(kit, 2).encode())]


def test_a_set_label_begins_with_whom_the_last_one_said_to_call(clinic):
    first, second = clinic.kit(), clinic.kit()
    set_label(clinic, first, contact="Nurse +98 11 1")
    shape = schemas.set_label_of(second)
    assert shape.fields["contact"].prefill == "Nurse +98 11 1"
