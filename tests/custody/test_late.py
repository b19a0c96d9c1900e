"""Scans that a device kept: taken in their order, or put aside for a person; never in silence."""

from collections import defaultdict
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from lims import custody, ledger, people
from lims.core import acts, clock, db
from lims.core.device import Scan
from lims.core.permissions import Role
from lims.custody.late import door
from lims.custody.models import LateScan, LateState
from lims.web import auth
from tests.apps import app_over
from tests.conftest import SOAK
from tests.custody import bench
from tests.laboratory import OPERATOR, PASSWORD, START

SEED = 20261126


@pytest.fixture
def late(database, tmp_path):
    """The application, a technician and a QC officer at the API, and a clock that is moved."""
    loaders = list(auth._loader)
    standing = clock.SetClock(START)
    with clock.running(standing):
        client = app_over(tmp_path, database).test_client(use_cookies=False)
        tokens = {}
        for login, role in (("tara", Role.TECHNICIAN), ("quin", Role.QC_OFFICER)):
            people.add_user(OPERATOR, login=login, name=login, roles=[role], password=PASSWORD)
            tokens[login] = people.create_token(OPERATOR, login, 300)

        def send(path, body=None, *, who="tara", key=None, at=None, device="", counter=""):
            headers = {
                "Authorization": f"Bearer {tokens[who]}",
                **({"Idempotency-Key": key} if key else {}),
                **({"X-Device-Time": clock.text(at)} if at else {}),
                **({"X-Device": device, "X-Device-Counter": str(counter)} if device else {}),
            }
            if body is None:
                return client.get("/api/v1" + path, headers=headers)
            return client.post("/api/v1" + path, json=body, headers=headers)

        woman = bench.women(bench.open_study(), 1)[0]
        yield SimpleNamespace(
            clock=standing, send=send, thing=lambda **how: bench.thing(donor=woman, **how)
        )
    auth._loader[:] = loaders


def make_place(name="Box", **how):
    """The code of a new place."""
    made = custody.make_place(
        bench.somebody(), name=name, kind="box", temperature_class="-80C", **how
    )
    return made.code


def stands(code):
    """The code of the place where an item stands."""
    with db.reading() as session:
        place = custody.place(session, custody.find(session, code).place_id)
        return place.code if place else None


def moves(code):
    """The entries by which an item was moved."""
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")
    return [each for each in written if each.kind == "custody.moved"]


def kept(run=""):
    """Every scan that came late, by key; of one history where it is named."""
    with db.reading() as session:
        found = session.scalars(select(LateScan).where(LateScan.key.like(f"{run}%")))
        return {row.key: row for row in found}


def waiting(late):
    """The list of what a person has to answer."""
    return late.send("/late-scans").json


def test_a_device_time_stands_in_the_entry_beside_the_servers(late):
    code, to = late.thing(), make_place()
    at = START - timedelta(seconds=40)

    answers = [
        late.send(f"/items/{code}/moves", {"to": to}, at=at),
        late.send(f"/items/{code}/observations", {"note": "frost"}, at=at),
    ]
    with db.reading() as session:
        badge = people.badge_of(session, people.account_of(session, "quin").id)
    answers.append(late.send(f"/items/{code}/handovers", {"to": badge}, at=at))

    assert [each.status_code for each in answers] == [200, 200, 200], answers[-1].json
    with db.reading() as session:
        written = ledger.entries_of(session, f"item/{code}")[1:]
    assert [each.kind for each in written] == [
        "custody.moved", "custody.observed", "custody.offered",
    ]  # fmt: skip
    assert {each.device_at for each in written} == {clock.text(at)}
    assert {each.at for each in written} == {START}
    assert {tuple(each.marks) for each in written} == {()}


@pytest.mark.parametrize(
    ("device", "code", "status"),
    [
        ({"at": START - timedelta(minutes=3)}, "not_late", 409),
        ({"device": "tablet-1", "counter": 1}, "bad_input", 422),
        ({"at": START, "device": "tablet-1", "counter": "0"}, "bad_input", 422),
        ({"at": START, "device": "tablet-1", "counter": "1.5"}, "bad_input", 422),
        ({"at": START, "device": "x" * 61, "counter": 1}, "bad_input", 422),
        ({"at": START, "device": "tablet-1", "counter": 1}, "bad_input", 422),  # without a key
    ],
)
def test_headers_that_say_half_are_refused(late, device, code, status):
    answer = late.send(f"/items/{late.thing()}/moves", {"to": make_place()}, **device)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert kept() == {}


def test_only_moves_and_observations_may_come_late():
    open_ = {(act.feature, act.name) for act in application_acts() if act.late is not None}

    assert open_ == {("custody", "move"), ("custody", "observe")}


def application_acts():
    """Every act of the application."""
    from lims.web.doors import ACTS

    assert len(ACTS) > 50
    return ACTS.values()


def test_a_hold_is_never_taken_late(late):
    code = late.thing()

    for more in ({"device": "tablet-1", "counter": 1, "key": "k"}, {}):
        answer = late.send(
            f"/items/{code}/holds", {"reason": "cracked"}, at=START - timedelta(hours=1), **more
        )
        assert (answer.status_code, answer.json["code"]) == (409, "not_late")
    with db.reading() as session:
        assert custody.holds(session, [custody.find(session, code).id]) == []


def offline(late, code, to, at, counter, *, device="tablet-1", key=None):
    """A move that a device kept, sent now."""
    return late.send(
        f"/items/{code}/moves", {"to": to}, at=at, device=device, counter=counter,
        key=key or f"{device}/{counter}",
    )  # fmt: skip


def test_a_late_scan_that_agrees_is_taken_and_marked(late):
    code, to = late.thing(), make_place()
    late.clock.forward(hours=5)

    answer = offline(late, code, to, START + timedelta(hours=1), 1)

    assert (answer.status_code, answer.json["place"]) == (200, to)
    (moved,) = moves(code)
    assert moved.marks == ["late-scan"]
    assert (moved.at - START, moved.device_at) == (
        timedelta(hours=5), clock.text(START + timedelta(hours=1)),
    )  # fmt: skip
    assert kept()["tablet-1/1"].state is LateState.TAKEN
    assert waiting(late) == {"waiting": [], "missing": []}


def test_a_scan_made_before_a_later_move_is_put_aside_even_where_nothing_changed(late):
    code, here, there = late.thing(), make_place("Here"), make_place("There")
    assert late.send(f"/items/{code}/moves", {"to": here}).status_code == 200
    late.clock.forward(hours=2)
    # It stands where it stood; that is a word on where it is, too.
    assert late.send(f"/items/{code}/moves", {"to": here}, who="quin").status_code == 200
    late.clock.forward(minutes=10)

    answer = offline(late, code, there, START + timedelta(hours=1), 1)

    assert (answer.status_code, answer.json["why"]) == (202, "moved-later")
    assert stands(code) == here
    (line,) = waiting(late)["waiting"]
    assert (line["code"], line["given"]["to"]) == (code, there)


def test_a_scan_of_more_than_three_days_ago_waits_for_approval_by_another(late):
    code, to = late.thing(), make_place()
    late.clock.forward(hours=80)
    for counter, ago in ((1, 72), (2, 73)):
        answer = offline(late, code, to, late.clock() - timedelta(hours=ago), counter)
        assert answer.status_code == (202 if ago == 73 or counter == 2 else 200), answer.json
    row = kept()["tablet-1/2"]
    assert row.why == "too-old"

    answer = late.send(
        f"/late-scans/{row.id}/answer", {"decision": "accept", "reason": "seen"}, who="quin"
    )

    assert (answer.status_code, answer.json["state"]) == (200, "accepted")
    assert stands(code) == to
    again = late.send(
        f"/late-scans/{row.id}/answer", {"decision": "dismiss", "reason": "no"}, who="quin"
    )
    assert (again.status_code, again.json["code"]) == (409, "late_answered")
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_nobody_answers_for_her_own_scan(late):
    code, to = late.thing(), make_place()
    late.clock.forward(hours=80)
    answer = late.send(
        f"/items/{code}/moves", {"to": to}, who="quin", at=START, device="t", counter=1, key="k"
    )
    path = f"/late-scans/{answer.json['late_scan']}/answer"
    body = {"decision": "accept", "reason": "I know"}

    assert late.send(path, body, who="tara").status_code == 403
    own = late.send(path, body, who="quin")

    assert (own.status_code, own.json["code"]) == (422, "own_late_scan")
    assert stands(code) is None


def test_what_cannot_be_done_when_it_arrives_waits_and_can_be_dismissed(late):
    slot, code = make_place(one_item=True), late.thing()
    assert late.send(f"/items/{late.thing()}/moves", {"to": slot}).status_code == 200
    late.clock.forward(hours=1)

    answer = offline(late, code, slot, START + timedelta(minutes=30), 1)

    assert (answer.status_code, answer.json["why"]) == (202, "slot_taken")
    path = f"/late-scans/{answer.json['late_scan']}/answer"
    still = late.send(path, {"decision": "accept", "reason": "there"}, who="quin")
    assert (still.status_code, still.json["code"]) == (409, "slot_taken")
    gone = late.send(path, {"decision": "dismiss", "reason": "wrong slot"}, who="quin")
    assert (gone.status_code, gone.json["state"]) == (200, "dismissed")
    assert stands(code) is None


def test_a_device_ahead_of_time_says_nothing(late):
    code = late.thing()
    answer = offline(late, code, make_place(), START + timedelta(minutes=10), 1)
    assert (answer.status_code, answer.json["why"]) == (202, "device-ahead")


def test_a_count_used_twice_is_refused_and_a_gap_shows(late):
    code, to = late.thing(), make_place()
    late.clock.forward(minutes=30)
    assert offline(late, code, to, START + timedelta(minutes=1), 3).status_code == 200

    twice = offline(late, code, to, START + timedelta(minutes=2), 3, key="another")
    same = offline(late, code, to, START + timedelta(minutes=1), 3)

    assert (twice.status_code, twice.json["code"]) == (409, "counter_used")
    assert same.headers["Idempotency-Replayed"] == "true"
    assert waiting(late)["missing"] == [{"device": "tablet-1", "counters": [1, 2]}]


DOOR = door("move")


def move(who, given):
    """The act that the door would do."""
    return custody.move(who, **given).code


class History:
    """Fifty moves as they truly happened, some by people with a network, most by two devices.

    At the service behind the door: what the door adds has tests of its own above.
    """

    ACTS = 50

    def __init__(self, late, chance: Random) -> None:
        self.late, self.chance = late, chance
        self.things = [late.thing() for _each in range(4)]
        self.places = [make_place(f"Box {each}") for each in range(5)]
        self.who = bench.somebody()
        self.run = uuid4().hex[:16]
        self.told: list[tuple] = []  # by device: (key, code, to, at, device, counter)
        self.true: dict[str, list[tuple]] = defaultdict(list)  # (at, to, key) by thing

    def happen(self) -> None:
        """Live moves reach the server at once; the others wait in their devices."""
        counted = defaultdict(int)
        for act in range(self.ACTS):
            self.late.clock.forward(minutes=self.chance.randint(1, 90))
            at, code = self.late.clock(), self.chance.choice(self.things)
            to, key = self.chance.choice(self.places), f"{self.run}/{act}"
            self.true[code].append((at, to, key))
            if self.chance.random() < 0.25:
                given = {"code": code, "to": to}
                acts.once(self.who, key, key, lambda given=given: move(self.who, given))
                continue
            device = self.chance.choice(("phone", "tablet")) + self.run
            counted[device] += 1
            self.told.append((key, code, to, at, device, counted[device]))
            if self.chance.random() < 0.1:
                self._deliver(self.told[-1])

    def arrive(self) -> None:
        """What the devices kept arrives in any order, some of it twice, some of it days later."""
        left = [*self.told, *self.chance.choices(self.told, k=15)]
        self.chance.shuffle(left)
        if self.chance.random() < 0.3:  # a device that was repaired in its own order
            left.sort(key=lambda each: (each[4], each[5]))
        for each in left:
            if self.chance.random() < 0.05:
                self.late.clock.forward(hours=self.chance.choice((1, 5, 20)))
            self._deliver(each)

    def _deliver(self, scan: tuple) -> None:
        key, code, to, at, device, counter = scan
        given = {"code": code, "to": to}
        DOOR(self.who, Scan(at, device, counter), key, key, given, lambda: move(self.who, given))

    def differences(self) -> list[str]:
        """Where the end is neither as it truly was nor said to be put aside."""
        aside = {key for key, row in kept(self.run).items() if row.state is LateState.WAITING}
        found = []
        for code, truth in self.true.items():
            done = [each.command for each in moves(code)]
            if len(done) != len(set(done)):
                found.append(f"{code}: acted twice")
            if {key for _at, _to, key in truth} != set(done) | (
                aside & {key for _at, _to, key in truth}
            ) or set(done) & aside:
                found.append(f"{code}: a scan neither done nor put aside")
            order = {key: place for place, (_at, _to, key) in enumerate(truth)}
            # A live move is entered at once; what came late must not undo a later one.
            at_last = max(done, key=lambda key: order[key], default=None)
            if at_last and done[-1] != at_last:
                found.append(f"{code}: an earlier scan had the last word")
            last = truth[-1]
            if stands(code) != last[1] and last[2] not in aside:
                found.append(f"{code}: another end, and nothing put aside")
        return found


def test_H11_kept_scans_in_any_order_end_alike_or_are_put_aside(late, measured):
    histories = 2000 if SOAK else 8
    different, aside, taken = [], 0, 0
    for number in range(histories):
        history = History(late, Random(f"{SEED}/{number}"))
        history.happen()
        history.arrive()
        different += [f"{number}: {each}" for each in history.differences()]
        late.clock.forward(hours=1)
    with db.reading() as session:
        states = dict(
            session.execute(select(LateScan.state, func.count()).group_by(LateScan.state)).all()
        )
        whole = ledger.verify(session)
        never = custody.late.missing(session)
    taken, aside = states[LateState.TAKEN], states[LateState.WAITING]

    measured(
        "H11", trials=histories, failures=len(different), seed=SEED, acts=50, taken=taken,
        put_aside=aside,
    )  # fmt: skip
    assert different == []
    assert whole.ok, whole.breaks[:3]
    assert taken > histories * 3
    assert aside > histories * 3
    assert never == {}
