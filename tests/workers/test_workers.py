"""Work that was queued is done: inside the web process, and by a process on a real Redis (H35)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from alembic import command
from sqlalchemy import func, select

from lims import labels, migrations
from lims.core import codes, db, heartbeat, queue
from lims.core.permissions import Role
from lims.labels import RequestState
from lims.labels.models import LabelRequest
from lims.ledger.models import LedgerEntry
from tests import services_here
from tests.approved import put_in_force
from tests.conftest import SOAK
from tests.makers import actor
from tests.services_here import until
from workers import app as celery_app
from workers import embedded
from workers.heartbeat import beat
from workers.schedule import PERIODIC

LIMS = Path(sys.executable).parent / "lims"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIMS_SECRET_KEY", "s" * 40)
    yield tmp_path / "home"
    queue.use(None)


@pytest.fixture
def database(database):
    """As an operator leaves it: other processes ask which form it has."""
    with database.engine.begin() as connection:
        command.stamp(migrations.configuration(connection), "head")
    return database


@pytest.fixture
def broker():
    with services_here.redis_server() as address:
        yield address


def ask_for_labels(count):
    """Queue so many labels, each in an act of its own."""
    put_in_force()
    technician = actor(Role.TECHNICIAN)
    rows = []
    for _each in range(count):
        with db.transaction():
            rows.append(
                labels.request(
                    technician,
                    template="place_50x20",
                    code=codes.draw("A"),
                    fields={"name": "Freezer F1, rack 12", "within": "Cold room 2"},
                ).id
            )
    return rows


def drawn(rows):
    with db.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(LabelRequest)
            .where(LabelRequest.id.in_(rows), LabelRequest.state == RequestState.DRAWN)
        ) == len(rows)


def waiting():
    with db.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(LabelRequest)
            .where(LabelRequest.state == RequestState.WAITING)
        )


class Worker:
    """A worker process on a broker and a database."""

    def __init__(self, database_url, broker, *, beat=True, env=None, stderr=subprocess.PIPE):
        self.process = subprocess.Popen(
            [str(LIMS), "worker", "--json", "--concurrency", "2", *(["--beat"] if beat else [])],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={
                **os.environ,
                "LIMS_DATABASE_URL": database_url,
                "LIMS_BROKER_URL": broker,
                **(env or {}),
            },
        )
        self.ready = json.loads(self.process.stdout.readline() or "{}")

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            _out, self.said = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def test_every_queued_name_has_a_task_and_every_periodic_row_too():
    application = celery_app.configure(None)
    known = {name for name in application.tasks if not name.startswith("celery.")}
    assert known == queue.TASKS
    assert {each.task for each in PERIODIC} <= known
    assert set(application.conf.beat_schedule) == {each.task for each in PERIODIC}
    assert all(each.why for each in PERIODIC)


def test_messages_are_text_alone_and_a_redelivery_waits_ten_times_the_longest_task():
    application = celery_app.configure("redis://127.0.0.1:1/0")
    assert application.conf.accept_content == ["json"]
    assert application.conf.task_acks_late
    assert application.conf.task_reject_on_worker_lost
    options = application.conf.broker_transport_options
    assert options["visibility_timeout"] >= 10 * application.conf.task_time_limit
    celery_app.configure(None)


def test_a_heartbeat_twice_in_a_row_is_one_row(database):
    beat.apply()
    beat.apply()
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(heartbeat.Heartbeat)) == 1
    assert 0 <= heartbeat.age() < 5


def test_the_embedded_worker_does_what_is_queued_and_ends(database):
    assert heartbeat.age() is None
    before = ask_for_labels(1)  # as left behind by a process that ended before it sent
    worker = embedded.start()
    try:
        rows = ask_for_labels(20 if SOAK else 5)
        assert until(lambda: drawn(rows))
        assert until(lambda: heartbeat.age() is not None)
        assert until(lambda: drawn(before)), "the sweep did not send what was left behind"
        assert worker.alive()
    finally:
        assert worker.stop()
    assert not worker.alive()


def test_H35_a_worker_process_does_what_is_queued_and_what_was_lost(
    database, database_url, broker, measured
):
    lost = ask_for_labels(3)  # no broker yet: their messages were never sent
    with Worker(database_url, broker) as worker:
        assert worker.ready["ready"].startswith("worker@")
        queue.use(celery_app.configure(broker))
        rows = ask_for_labels(50 if SOAK else 10)
        done = until(lambda: drawn(rows) and drawn(lost))
        assert until(lambda: heartbeat.age() is not None)
    with db.reading() as session:
        states = session.scalars(select(LabelRequest.state)).all()
    failures = sum(each is not RequestState.DRAWN for each in states)
    measured("H35", trials=len(states), failures=failures)
    assert done
    assert failures == 0
    assert worker.process.returncode == 0
    assert "Traceback" not in worker.said


def test_H35_killed_workers_and_a_wiped_broker_lose_nothing(
    database, database_url, broker, measured
):
    queue.use(celery_app.configure(broker))
    client = redis.from_url(broker)
    rows: list[object] = []
    kills, each_time = (10, 1000) if SOAK else (1, 8)
    for _kill in range(kills):
        with Worker(database_url, broker, stderr=subprocess.DEVNULL) as worker:
            rows += ask_for_labels(each_time)
            children = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(worker.process.pid)],
                capture_output=True,
                text=True,
            ).stdout.split()
            assert children
            for child in [*children, str(worker.process.pid)]:
                os.kill(int(child), signal.SIGKILL)
        client.flushall()
    with Worker(database_url, broker, stderr=subprocess.DEVNULL):
        assert until(lambda: not waiting(), 3000 if SOAK else 60)
    with db.reading() as session:
        states = session.scalars(select(LabelRequest.state)).all()
        told = Counter(
            session.scalars(select(LedgerEntry.stream).where(LedgerEntry.kind == "labels.drawn"))
        )
    lost = len(rows) - sum(each is RequestState.DRAWN for each in states)
    twice = sum(each > 1 for each in told.values())
    measured("H35", trials=len(rows), failures=lost + twice, kills=kills)
    assert (lost, twice, len(told)) == (0, 0, len(rows))
    client.close()


def test_a_broker_that_is_away_delays_no_act(database):
    queue.use(celery_app.configure(f"redis://127.0.0.1:{services_here.free_port()}/0"))
    start = time.monotonic()
    (row,) = ask_for_labels(1)
    assert time.monotonic() - start < 5
    with db.reading() as session:
        assert session.get(LabelRequest, row).state is RequestState.WAITING


def test_a_worker_says_in_one_line_that_its_broker_is_away(database, database_url):
    away = f"redis://:hidden@127.0.0.1:{services_here.free_port()}/0"
    with Worker(database_url, away) as worker:
        worker.process.wait(30)
    assert worker.ready["error"]["code"] == "temporary_failure"
    assert worker.process.wait() == 2
    assert worker.said.count("\n") == 1
    assert "hidden" not in worker.said


def test_many_web_processes_serve_and_send_to_a_broker(database, database_url, broker):
    import urllib.request

    port = services_here.free_port()
    server = subprocess.Popen(
        [str(LIMS), "serve", "--port", str(port), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LIMS_DATABASE_URL": database_url, "LIMS_BROKER_URL": broker},
        start_new_session=True,
    )
    try:
        said = json.loads(server.stdout.readline())
        assert "ready" in said, said
        ready = said["ready"]
        with urllib.request.urlopen(f"{ready}/healthz", timeout=10) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGTERM)
        _out, err = server.communicate(timeout=30)
    finally:
        # Its forks hold the same pipes, so whatever is left of them ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
    assert server.returncode == 0
    assert "Traceback" not in err


def test_old_heartbeats_are_forgotten(database, monkeypatch):
    heartbeat.beat("gone")
    monkeypatch.setattr(heartbeat, "FORGOTTEN", timedelta(seconds=-1))
    heartbeat.beat("here")
    with db.reading() as session:
        assert session.scalars(select(heartbeat.Heartbeat.worker)).all() == []
