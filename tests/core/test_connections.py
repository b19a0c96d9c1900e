"""A connection that died while nobody used it is replaced before anybody meets it."""

import time
from types import SimpleNamespace

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from lims import ledger
from lims.core import acts, connections, db
from lims.core.mode import SystemFact

PID = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(:pid, 5000)")


@pytest.fixture
def server(emptied):
    """A database on PostgreSQL, opened; SQLite has no line that could be cut."""
    with emptied.one() as url:
        opened = db.open_database(url)
        db.use(opened)
        yield opened
        db.forget()
        opened.engine.dispose()


def idle(server: db.Database, count: int = 3) -> list[int]:
    """So many connections that wait in the pool."""
    lines = [server.engine.connect() for _each in range(count)]
    pids = [line.scalar(PID) for line in lines]
    for line in lines:
        line.close()
    return pids


def end(url: object, pids: list[int]) -> None:
    """End them as a restart of the server does."""
    other = db.open_database(str(url))
    with other.engine.connect() as line:
        for pid in pids:
            assert line.scalar(END, {"pid": pid})
    other.engine.dispose()


def asked(server: db.Database, call) -> int:
    """How many pings a call costs."""
    pings = []
    ping = server.engine.dialect.do_ping
    server.engine.dialect.do_ping = lambda line: pings.append(line) or ping(line)
    try:
        call()
    finally:
        server.engine.dialect.do_ping = ping
    return len(pings)


def a_question(server: db.Database):
    with db.reading() as session:
        return session.scalar(PID)


def test_a_line_that_the_server_cut_is_seen_before_it_is_used(server):
    before = idle(server)

    end(server.engine.url.render_as_string(hide_password=False), before)

    assert a_question(server) not in before
    with db.transaction() as session:
        assert session.scalar(PID) not in before


def test_a_line_that_is_well_costs_no_question(server):
    (pid,) = idle(server, 1)
    assert asked(server, lambda: a_question(server)) == 0
    assert a_question(server) == pid


def test_a_line_that_was_idle_for_long_is_asked(server, monkeypatch):
    idle(server, 1)
    later = time.monotonic() + connections.IDLE_S + 1
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: later))
    assert asked(server, lambda: a_question(server)) == 1


def test_H10_an_act_whose_line_is_cut_is_done_once(server, technician, measured):
    stream, cuts = "item/S7K4M29XC", []

    def work():
        ledger.record(technician, stream, "test.done", {"try": len(cuts)})
        with db.reading() as session:
            session.add(SystemFact(name="done", value="1"))
            session.flush()
            if not cuts:
                cuts.append(session.scalar(PID))
                end(server.engine.url.render_as_string(hide_password=False), cuts)
                session.scalar(PID)
        return {"try": len(cuts)}

    done = acts.once(technician, "one-key", "d", work)

    with db.reading() as session:
        kept = ledger.entries_of(session, stream)
    failures = int((done.answer, len(kept)) != ({"try": 1}, 1))
    measured("H10", trials=1, failures=failures, what="line cut inside of an act")
    assert (done.repeated, done.answer) == (False, {"try": 1})
    assert [each.data for each in kept] == [{"try": 1}]


def test_H10_an_act_whose_line_is_cut_after_its_commit_answers_from_what_it_kept(
    server, technician, measured
):
    stream, cuts = "item/S7K4M29XC", []

    def work():
        ledger.record(technician, stream, "test.done", {})
        return {"cuts": len(cuts)}

    @event.listens_for(server.engine, "commit")
    def cut(connection):
        if not cuts:
            driver = connection.connection.driver_connection
            cuts.append(driver.info.backend_pid)
            driver.commit()  # the server has it, and hangs up before it says so
            end(server.engine.url.render_as_string(hide_password=False), cuts)

    @event.listens_for(server.engine, "commit")
    def heard(connection):
        if len(cuts) == 1:
            cuts.append(0)
            connection.exec_driver_sql("SELECT 1")

    done = acts.once(technician, "one-key", "d", work)

    with db.reading() as session:
        kept = ledger.entries_of(session, stream)
    measured("H10", trials=1, failures=int(len(kept) != 1), what="line cut after the commit")
    assert (done.repeated, done.answer) == (True, {"cuts": 0})
    assert len(kept) == 1


def test_an_act_whose_line_is_cut_again_and_again_fails(server, technician):
    def work():
        with db.reading() as session:
            end(
                server.engine.url.render_as_string(hide_password=False),
                [session.scalar(PID)],
            )
            session.scalar(PID)

    with pytest.raises(OperationalError):
        acts.once(technician, "one-key", "d", work)
