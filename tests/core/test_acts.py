"""One act of one request: retried where the database only was busy, refused, done once."""

import sqlite3
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from lims import ledger
from lims.core import acts, clock, db, gate
from lims.core.errors import BadInput, NotAllowed, TemporaryFailure
from lims.core.mode import SystemFact
from lims.core.permissions import Role, ask, permission
from lims.core.words import Text as _
from tests.makers import actor

STREAM = "item/S7K4M29XC"
AT = datetime(2026, 5, 8, tzinfo=UTC)


def kinds(stream: str = STREAM) -> list[str]:
    """What stands in a stream."""
    with db.reading() as session:
        return [each.kind for each in ledger.entries_of(session, stream)]


def busy(state: str = "40001") -> None:
    """Fail as the database does when two acts cannot both be kept."""
    with db.reading() as session:
        if session.get_bind().dialect.name == "sqlite":
            locked = sqlite3.OperationalError("database is locked")
            raise OperationalError("COMMIT", {}, locked)
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE='{state}'; END $$"))


class Work:
    """An act that meets a busy database so many times before it can be kept."""

    def __init__(self, technician, failing: int, state: str = "40001") -> None:
        self.technician, self.failing, self.state = technician, failing, state
        self.tries = 0

    def __call__(self) -> dict:
        self.tries += 1
        ledger.record(self.technician, STREAM, "test.done", {"try": self.tries})
        with db.reading() as session:
            session.add(SystemFact(name=f"try {self.tries}", value="1"))
            session.flush()
        if self.tries <= self.failing:
            busy(self.state)
        return {"try": self.tries}


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
@pytest.mark.parametrize("failing", [1, 2, 3])
def test_an_act_that_met_a_busy_database_is_tried_again(database, technician, failing, state):
    work = Work(technician, failing, state)

    done = acts.once(technician, None, acts.digest_of(), work)

    assert (done.answer, work.tries) == ({"try": failing + 1}, failing + 1)
    assert kinds() == ["test.done"]
    with db.reading() as session:
        # Nothing of the tries that failed is left.
        assert session.scalars(select(SystemFact.name)).all() == [f"try {failing + 1}"]
        assert ledger.verify(session).ok


def test_an_act_that_is_never_let_in_leaves_nothing_and_says_so(database, technician):
    work = Work(technician, failing=99)

    with pytest.raises(TemporaryFailure, match="nothing was recorded"):
        acts.once(technician, "key", acts.digest_of(), work)

    assert work.tries == 4
    assert kinds() == []
    # The key was not used up: the same request may be sent again, and acts.
    work.failing = 0
    assert not acts.once(technician, "key", acts.digest_of(), work).repeated
    assert kinds() == ["test.done"]


def test_another_failure_of_the_database_is_not_tried_again(database, technician):
    tries = []

    def work() -> None:
        tries.append(1)
        with db.reading() as session:
            session.execute(text("SELECT no_such_column FROM core_act"))

    with pytest.raises(Exception, match="no_such_column"):
        acts.once(technician, None, acts.digest_of(), work)
    assert tries == [1]


def test_a_broken_constraint_of_a_feature_is_not_tried_again(database, technician):
    tries = []

    def work() -> None:
        tries.append(1)
        with db.reading() as session:
            session.add_all([SystemFact(name="a", value="1")])
            session.flush()
            session.execute(SystemFact.__table__.insert().values(name="a", value="2"))

    with pytest.raises(IntegrityError):
        acts.once(technician, None, acts.digest_of(), work)
    assert tries == [1]


def stopping(technician, codes=("S7K4M29XC",)):
    """An act whose gate stops after it has written."""

    def work() -> None:
        ledger.record(technician, STREAM, "test.done")
        with db.reading() as session:
            session.add(SystemFact(name="written", value="1"))
            session.flush()
        found = gate.stopped(_("the tube"), _("is hers not"), _("Stop."), _("quality"))
        gate.demand(gate.Answer("test.gate", AT, (gate.Row("T1", found),)), codes=codes)

    return work


def test_a_stopped_gate_undoes_the_act_and_keeps_the_refusal(database, technician):
    with pytest.raises(gate.GateStopped):
        acts.once(technician, "key", acts.digest_of(), stopping(technician))

    with db.reading() as session:
        (entry,) = ledger.entries_of(session, STREAM)
        assert session.scalar(select(SystemFact)) is None
        assert session.scalar(select(acts.Act)) is None
        assert ledger.verify(session).ok
    assert entry.kind == "refused"
    assert entry.person == str(technician.person)
    assert entry.data["codes"] == ["S7K4M29XC"]
    assert entry.data["gate"]["verdict"] == "stop"
    assert [row["id"] for row in entry.data["gate"]["rows"]] == ["T1"]


def test_a_refusal_without_a_code_stands_in_the_gates_own_stream(database, technician):
    with pytest.raises(gate.GateStopped):
        acts.once(technician, None, acts.digest_of(), stopping(technician, codes=()))
    assert kinds() == []
    assert kinds("gate/test.gate") == ["refused"]


def test_the_key_of_another_person_answers_nothing_of_hers(database, technician):
    acts.once(technician, "key", acts.digest_of("a"), lambda: {"secret": 1})

    with pytest.raises(acts.KeyReused):
        acts.once(actor(Role.AUDITOR), "key", acts.digest_of("a"), lambda: {"secret": 2})


@pytest.mark.parametrize("key", ["x" * 121, "tab\there", "ключ", "line\n"])
def test_a_key_that_cannot_be_kept_is_refused(database, technician, key):
    with pytest.raises(BadInput, match="Idempotency-Key"):
        acts.once(technician, key, acts.digest_of(), dict)


def test_acts_without_a_key_are_acts_of_their_own(database, technician):
    for _each in range(2):
        acts.once(
            technician, None, acts.digest_of(), lambda: ledger.record(technician, STREAM, "a.b")
        )
    assert kinds() == ["a.b", "a.b"]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["this process", "another process"])
def test_H10_a_request_in_flight_is_told_to_wait(database, technician, elsewhere, measured):
    within, go_on = threading.Event(), threading.Event()
    answers: list[acts.Done] = []

    def slow() -> dict:
        within.set()
        assert go_on.wait(10)
        ledger.record(technician, STREAM, "test.done")
        return {"done": True}

    def first() -> None:
        answers.append(acts.once(technician, "key", acts.digest_of("a"), slow))

    def never() -> dict:
        pytest.fail("the act was done twice")

    thread = threading.Thread(target=first)
    thread.start()
    assert within.wait(10)
    if elsewhere:
        acts._running.discard("key")  # another process does not know what this one is about
    if elsewhere and database.is_sqlite:
        # There the writers' line orders the two, and the second finds the answer of the first.
        threading.Timer(0.2, go_on.set).start()
        answers.append(acts.once(technician, "key", acts.digest_of("a"), never))
    else:
        with pytest.raises(acts.StillRunning):
            acts.once(technician, "key", acts.digest_of("a"), never)
        go_on.set()
    thread.join()
    answers.append(acts.once(technician, "key", acts.digest_of("a"), never))

    wrong = sum(each.answer != {"done": True} for each in answers) + len(kinds()) - 1
    measured("H10", trials=1, failures=wrong)
    assert wrong == 0


def test_the_answer_is_as_json_gives_it_back_at_the_first_time_too(database, technician):
    first = acts.once(technician, "key", acts.digest_of(), lambda: {"a": (1, 2), 3: "b"})
    again = acts.once(technician, "key", acts.digest_of(), dict)

    assert first.answer == again.answer == {"a": [1, 2], "3": "b"}


def test_what_is_not_declared_is_not_allowed():
    wanted = permission(
        f"test:thing:{id(object())}", granted_to={Role.ANALYST}, about="For this test."
    )

    ask(actor(Role.ANALYST), wanted)
    for role in set(Role) - {Role.ANALYST}:
        with pytest.raises(NotAllowed, match="analyst"):
            ask(actor(role), wanted)
    with pytest.raises(NotAllowed):
        ask(actor(), wanted)


def test_a_set_clock_is_the_clock_of_every_thread(database):
    standing = clock.SetClock(AT)
    seen = []
    with clock.running(standing):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
        standing.forward(hours=4)
        seen.append(clock.now())
    assert seen == [AT, AT.replace(hour=4)]
    assert clock.now() > AT.replace(month=1)
