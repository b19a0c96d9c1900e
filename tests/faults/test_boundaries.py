"""Every act is struck at every statement it sends: what is stored is before or after (H36)."""

import functools
import multiprocessing
import os
import signal
import types
from random import Random
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

import lims.tables  # noqa: F401
from lims import (
    collection,
    culture,
    custody,
    dosing,
    isolation,
    labels,
    ledger,
    people,
    qc,
    release,
    studies,
)
from lims.core import acts, clock, db, vault
from lims.core.device import Scan
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.custody import ItemKind
from lims.ledger import keys
from tests.conftest import SOAK
from tests.custody import bench
from tests.faults.boundaries import Strikes, Struck, fingerprint
from tests.laboratory import PASSWORD, START
from tests.ledger.sealed import key_in, write, wrong_seals

SEED = 20261126
FRONTS = (collection, culture, custody, dosing, isolation, labels, people, qc, release, studies)
WHOLLY = 12  # of custody's acts are struck at every boundary in the short run as well
FEW = 3  # boundaries of each act in the short run, besides its first and its commit


class Judge:
    """Strikes acts and says what was found between before and after."""

    def __init__(self, database: db.Database, *, every: bool) -> None:
        self.database, self.every = database, every
        self.strikes = Strikes(database)
        self.chance = Random(SEED)
        self.trials = 0
        self.torn: list[str] = []
        self.acts: dict[str, int] = {}  # the most statements that an act sent, by name

    def boundaries(self, statements: int) -> list[tuple[int, str]]:
        """Where an act of so many statements is struck."""
        every = [(n, side) for n in range(1, statements + 1) for side in ("before", "after")]
        if not self.every:
            inner = [(n, "before") for n in range(2, statements + 1)]
            few = self.chance.sample(inner, min(FEW, len(inner)))
            every = [(1, "before"), *few]
        return [*every, (0, "before")]

    def strike(self, name: str, call) -> None:
        """Strike an act at its boundaries; it must never have begun."""
        before = fingerprint(self.database)
        # Twice: what a process remembers after its first question it does not ask again.
        for _each in range(2):
            with self.strikes.armed(0, "before"):
                try:
                    call()
                except Struck:
                    pass
                else:  # it asks and writes nothing, or was refused before
                    if fingerprint(self.database) == before:
                        return
                    self.torn.append(f"{name}: wrote without a commit of its own")
                statements = self.strikes.seen
        self.acts[name] = max(statements, self.acts.get(name, 0))
        for number, side in self.boundaries(statements):
            self.trials += 1
            with self.strikes.armed(number, side):
                try:
                    call()
                except Struck:
                    pass
                else:
                    self.torn.append(f"{name}: statement {number} was not sent again")
            after = fingerprint(self.database)
            if after != before:
                changed = sorted(each for each in before if before[each] != after[each])
                self.torn.append(f"{name}: struck {side} {number}, {changed} changed")

    def struck_first(self, name: str, service):
        """The service, struck at its boundaries before it is let go."""

        @functools.wraps(service)
        def call(*args, **kwargs):
            if not db.in_transaction():
                self.strike(name, lambda: service(*args, **kwargs))
            return service(*args, **kwargs)

        return call


@pytest.fixture
def judged(monkeypatch):
    """Every writing service at the features' front doors is struck before it is let go."""
    judges = []

    def judge(database):
        found = Judge(database, every=SOAK)
        judges.append(found)
        for front in FRONTS:
            for name in dir(front):
                service = getattr(front, name)
                if isinstance(service, types.FunctionType) and hasattr(service, "permission"):
                    called = f"{front.__name__.removeprefix('lims.')}.{name}"
                    monkeypatch.setattr(front, name, found.struck_first(called, service))
        return found

    yield judge
    for each in judges:
        each.strikes.close()


def whole():
    """Whether the trail holds and the tables follow from it."""
    with db.reading() as session:
        return ledger.verify(session)


def test_H36_no_boundary_of_the_laboratorys_acts_is_between(
    database, judged, monkeypatch, measured
):
    from tests.laboratory import Laboratory

    judge = judged(database)
    standing = clock.SetClock(START)
    with clock.running(standing):
        lab = Laboratory(standing)
        lab.confirm_units()
        lot = lab.awaiting()
        lab.release(lab.rosa, lot)
        studies.withdraw_consent(lab.clea, number=lab.number, reason="hers", material="destroy")
        found = whole()

    measured(
        "H36", trials=judge.trials, failures=len(judge.torn) + len(found.breaks), seed=SEED,
        acts=len(judge.acts), what="kit to release", longest=max(judge.acts.values()),
    )  # fmt: skip
    assert judge.torn == []
    assert found.ok, found.breaks[:3]
    assert {"collection.collect", "culture.harvest", "isolation.fill", "qc.review",
            "release.release", "studies.withdraw_consent"} <= set(judge.acts)  # fmt: skip


def test_H36_no_boundary_at_the_bed_is_between(bed, judged, measured):
    judge = judged(db.current())
    first, second = bed.world.first, bed.world.second
    check = bed.ready(first)
    # Inside of an act, with its idempotency key and answer, as a door has it.
    key = uuid4().hex
    given = bed.given
    judge.strike("dosing.given", lambda: given(check, key=key))
    given(check, key=key)
    found, _answer = bed.check(second)
    dosing.not_given(bed.actor("clea"), check_id=found.id, reason="fainted", dose_went="ward")
    found = whole()

    measured(
        "H36", trials=judge.trials, failures=len(judge.torn) + len(found.breaks), seed=SEED,
        acts=len(judge.acts), what="bedside",
    )  # fmt: skip
    assert judge.torn == []
    assert found.ok, found.breaks[:3]
    assert {"dosing.start_check", "dosing.witness", "dosing.given", "dosing.not_given"} <= set(
        judge.acts
    )


class Bench:
    """Custody's own acts, each ready to be done once on a fresh thing."""

    def __init__(self) -> None:
        self.who = bench.somebody()
        self.study = bench.open_study()
        (self.woman,) = bench.women(self.study, 1)
        self.places = [self._place("box", one_item=False), self._place("slot", one_item=True)]
        self.places.append(self._place("rack", one_item=False))

    def _place(self, kind: str, **how) -> str:
        return custody.make_place(
            self.who, name=kind, kind=kind, temperature_class="-80C", **how
        ).code

    def thing(self, **how) -> str:
        return bench.thing(donor=self.woman, **how)

    def aliquot(self, code: str) -> custody.Item:
        """A dose filled from a lot: a child, an edge, a volume taken."""
        with db.transaction() as session:
            parent = custody.find(session, code)
            return custody.make(
                self.who, ItemKind.DOSE, study_id=parent.study_id,
                parents=[custody.Taken(parent, 100)], step="fill", volume_ul=100,
            )  # fmt: skip

    def acts(self):
        """By name: what is done."""
        who, box, slot, rack = self.who, *self.places
        lot, held, dose = self.thing(volume_ul=1000), self.thing(), self.thing(kind=ItemKind.DOSE)
        custody.hold(who, code=held, reason="test")
        slipped, seen = self.thing(), self.thing()
        custody.move(who, code=slipped, to=box)
        custody.move(who, code=slipped, to=rack)
        custody.observe(who, code=seen, note="frost")
        with db.reading() as session:
            last = {
                code: ledger.last_of(session, f"item/{code}").number for code in (slipped, seen)
            }
        samples = [self.thing(kind=ItemKind.QC_SAMPLE, volume_ul=1000) for _each in range(6)]
        whole, one, other, spilt, empty, ruined = samples
        half = Quantity(500, "uL")
        witness = {"witness": "teo", "witness_password": PASSWORD}
        people.add_user(
            bench.OPERATOR, login="teo", name="Teo", roles=[Role.TECHNICIAN], password=PASSWORD
        )

        def blocked():
            with db.transaction() as session:
                item = custody.find(session, lot, lock=True)
                return custody.block_descendants(who, item, reason="test")

        def state():
            with db.transaction() as session:
                item = custody.find(session, dose, lock=True)
                custody.set_state(who, item, custody.State.AVAILABLE, "test.available")

        return {
            "make_place": lambda: custody.make_place(
                who, name="Rack", kind="rack", temperature_class="-80C"
            ),
            "move": lambda: custody.move(who, code=lot, to=box),
            "move to a slot": lambda: custody.move(who, code=dose, to=slot),
            "observe": lambda: custody.observe(who, code=lot, note="frost"),
            "make and take": lambda: self.aliquot(lot),
            "block": blocked,
            "set_state": state,
            "hold": lambda: custody.hold(who, code=lot, reason="test"),
            "undo": lambda: custody.undo(who, code=slipped, entry=last[slipped]),
            "correct": lambda: custody.correct(
                who, code=seen, entry=last[seen], reason_code="typing", reason="ice", note="ice"
            ),
            "lift_hold": lambda: custody.lift_hold(who, code=held, reason="settled"),
            "divide": lambda: custody.divide(who, code=whole, volumes=[half], waste=half).whole,
            "pool": lambda: custody.pool(who, code=one, others=[other]),
            "thaw": lambda: custody.thaw(who, code=spilt),
            "refreeze": lambda: custody.refreeze(who, code=spilt, reason="test"),
            "lose": lambda: custody.record_loss(who, code=spilt, cause="spill", volume=half),
            "use_up": lambda: custody.use_up(who, code=empty, waste=Quantity(1000, "uL")),
            "destroy": lambda: custody.destroy(who, code=ruined, cause="unfit", **witness),
        }


def as_an_act(who, key: str, call) -> acts.Done:
    """As a door does it, with the answer kept under the key."""
    return acts.once(who, key, key, lambda: str(getattr(call(), "code", "done")))


def test_H36_no_boundary_of_custodys_acts_is_between(database, measured):
    site = Bench()
    judge = Judge(database, every=True)
    repeated = 0
    try:
        for number, (name, call) in enumerate(site.acts().items()):
            judge.every = SOAK or number < WHOLLY
            key = uuid4().hex
            judge.strike(name, lambda call=call, key=key: as_an_act(site.who, key, call))
            # Struck when the commit has been made: the answer is lost, the act is not.
            with judge.strikes.armed(0, "after"), pytest.raises(Struck):
                as_an_act(site.who, key, call)
            done = fingerprint(database)
            again = as_an_act(site.who, key, call)
            repeated += again.repeated and fingerprint(database) == done
    finally:
        judge.strikes.close()
    found = whole()

    failures = len(judge.torn) + len(found.breaks) + len(judge.acts) - repeated
    measured("H36", trials=judge.trials, failures=failures, acts=len(judge.acts), what="custody")
    assert judge.torn == []
    assert repeated == len(judge.acts) == 18
    assert found.ok, found.breaks[:3]


def test_H36_no_boundary_of_handing_in_is_between(database, measured):
    site = Bench()
    people.add_user(
        bench.OPERATOR, login="mina", name="Mina", roles=[Role.TECHNICIAN], password=PASSWORD
    )
    with db.reading() as session:
        absent = str(people.account_of(session, "mina").person_id)
    given = {"code": site.thing(), "to": site.places[0]}
    scan, key = Scan(clock.now(), "station-1", 1), uuid4().hex

    def hand_in() -> acts.Done:
        return custody.hand_in(site.who, "move", scan, key, key, given, claimed=absent)

    judge = Judge(database, every=True)
    try:
        judge.strike("hand_in", hand_in)
        with judge.strikes.armed(0, "after"), pytest.raises(Struck):
            hand_in()  # its answer is lost
        again = hand_in()
    finally:
        judge.strikes.close()
    found = whole()

    failures = len(judge.torn) + len(found.breaks) + (not again.repeated)
    measured("H36", trials=judge.trials, failures=failures, acts=1, what="handing in")
    assert judge.torn == []
    assert again.repeated
    assert again.answer["why"] == "handed-in"
    assert found.ok, found.breaks[:3]


# A process that ends closes no server's cursor; the driver says so when the object goes.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_H36_no_boundary_of_a_seal_is_between(database, tmp_path, measured):
    who = bench.somebody()
    key_in(tmp_path)
    try:
        write(who, 3)
        ledger.seal()  # from here on the key is known, and a seal is one transaction
        write(who, 20)
        judge = Judge(database, every=True)
        try:
            judge.strike("ledger.seal", ledger.seal)
            with judge.strikes.armed(0, "after"), pytest.raises(Struck):
                ledger.seal()
        finally:
            judge.strikes.close()
        again = ledger.seal()
        found, wrong = whole(), wrong_seals()
    finally:
        keys._place.clear()

    failures = len(judge.torn) + len(found.breaks) + len(wrong) + (again.number != 2)
    measured("H36", trials=judge.trials, failures=failures, what="sealing")
    assert judge.torn == []
    assert (again.number, again.new, wrong) == (2, 0, [])
    assert judge.trials > 20
    assert found.ok, found.breaks[:3]


def _lose(database: db.Database, server: str | None):
    """Take the connection away from under the act."""

    def how(connection) -> None:
        if database.is_sqlite:
            connection.connection.dbapi_connection.close()
            return
        pid = connection.connection.dbapi_connection.info.backend_pid
        with psycopg.connect(server, autocommit=True) as root:
            root.execute("SELECT pg_terminate_backend(%s)", (pid,))

    return how


def test_H36_a_connection_lost_at_any_statement_undoes_the_act(database, request, measured):
    server = None if database.is_sqlite else request.getfixturevalue("postgres") + "/postgres"
    site = Bench()
    strikes = Strikes(database)
    trials = wrong = 0
    try:
        for name, call in site.acts().items():
            if name not in ("move", "make and take", "hold"):
                continue
            with strikes.armed(-1, "before"):
                before = fingerprint(database)
                with pytest.raises(Struck):
                    as_an_act(site.who, uuid4().hex, _then_raise(call))
                statements = strikes.seen
            for number in range(1, statements + 1):
                trials += 1
                with strikes.armed(number, "before", _lose(database, server)):
                    try:
                        as_an_act(site.who, uuid4().hex, _then_raise(call))
                        wrong += 1
                    except Struck:
                        pass  # sent again on a fresh connection: also undone
                    except Exception as lost:  # what the driver says
                        wrong += not isinstance(lost, DBAPIError | RuntimeError)
                wrong += fingerprint(database) != before
    finally:
        strikes.close()

    measured("H36", trials=trials, failures=wrong, what="connection lost")
    assert trials > 12
    assert wrong == 0
    assert whole().ok


def _then_raise(call):
    def run():
        call()
        raise Struck

    return run


def _dies(url: str, code: str, to: str, at: int, side: str) -> None:
    """In a process of its own: move an item and die."""
    database = db.open_database(url, pool=1)
    db.use(database)
    vault.use("k" * 40)
    strikes = Strikes(database)
    with strikes.armed(at, side, lambda _connection: os.kill(os.getpid(), signal.SIGKILL)):
        as_an_act(bench.somebody(), f"dies/{code}/{at}/{side}", lambda: custody.move(
            bench.somebody(), code=code, to=to
        ))  # fmt: skip


def test_H36_a_killed_process_leaves_the_act_undone_or_done(database, database_url, measured):
    site = Bench()
    code, to = site.thing(), site.places[0]
    spawn = multiprocessing.get_context("spawn")
    points = [(1, "before"), (4, "after"), (0, "before"), (0, "after")]
    if SOAK:
        points = [(n, side) for n in range(1, 9) for side in ("before", "after")] + points[2:]
    wrong = 0
    for at, side in points:
        before = fingerprint(database)
        process = spawn.Process(target=_dies, args=(database_url, code, to, at, side))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, (at, side, process.exitcode)
        changed = {name for name, said in fingerprint(database).items() if said != before[name]} - {
            "ledger_pending"
        }
        wanted = {"custody_item", "core_act", "ledger_entry", "ledger_head"}
        wrong += changed != (wanted if (at, side) == (0, "after") else set())

    measured("H36", trials=len(points), failures=wrong, what="SIGKILL")
    assert wrong == 0
    assert whole().ok
