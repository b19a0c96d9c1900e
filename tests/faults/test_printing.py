"""Copies over three printers while workers are killed, the broker restarts and printers fail.

Whatever happens every copy ends in a state that a person can act on; none that a printer confirmed
comes out again without a person's word, and none is reported printed that was not (H12, H35).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from lims import labels, ledger
from lims.core import codes, db, queue
from lims.core.permissions import Role
from lims.labels import PrinterKind, RequestState
from lims.labels.models import LabelRequest
from tests import services_here
from tests.approved import put_in_force
from tests.conftest import SOAK
from tests.labels import printer_here
from tests.makers import actor
from tests.services_here import until
from tests.workers.test_workers import broker, database, home
from workers import app as celery_app

__all__ = ["broker", "database", "home"]
COPIES = 2000 if SOAK else 60
WORKERS = 3
# A worker as the product starts it, with patience for a test: turns fall after two seconds.
WORKER = """
import sys
from datetime import timedelta
from lims.labels import raw, sweeping, turns
turns.HELD, turns.RESTS = timedelta(seconds=2), timedelta(seconds=0.4)
raw.ANSWER_SECONDS, raw.STATUS_SECONDS, raw.PRINT_SECONDS = 0.8, 0.4, 1.2
sweeping.WAITED = timedelta(seconds=1)
from lims.cli import cli
sys.argv = ["lims", "worker", "--json", "--concurrency", "2", *sys.argv[1:]]
cli.main()
"""
DONE = (RequestState.SENT, RequestState.PRINTED, RequestState.VERIFIED)


class Workers:
    """Three worker processes, each started again when it was killed; the first keeps the time."""

    def __init__(self, database_url, broker_url):
        self.environment = {
            **os.environ,
            "LIMS_DATABASE_URL": database_url,
            "LIMS_BROKER_URL": broker_url,
        }
        self.running = [self._start(number) for number in range(WORKERS)]
        self.kills = 0

    def _start(self, number):
        more = ["--beat"] if number == 0 else []
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, *more],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, number):
        """As a power cut: the worker and its children, in whatever they do."""
        os.killpg(self.running[number].pid, signal.SIGKILL)
        self.running[number].wait(10)
        self.running[number] = self._start(number)
        self.kills += 1

    def close(self):
        for each in self.running:
            os.killpg(each.pid, signal.SIGKILL)
            each.wait(10)


class Redis:
    """A broker that can be cut off and come back on its port, empty."""

    def __init__(self, stack):
        self.port = services_here.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = stack.enter_context(services_here.folder())
        self.restarts = 0
        self._start()
        stack.callback(lambda: (self.server.kill(), self.server.wait(10)))

    def _start(self):
        self.server = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        services_here.wait_for_port(self.port)

    def restart(self):
        self.server.kill()
        self.server.wait(10)
        self._start()
        self.restarts += 1


def fault(rng, printers):
    """Something happens to one printer, or is mended."""
    here = rng.choice(printers)
    match rng.randrange(6):
        case 0:
            here.refill(rng.randrange(0, 4))
        case 1:
            here.lid_open = not here.lid_open
        case 2:
            here.drops_after = rng.choice([1, 40, 200, 600])
        case 3:
            here.seconds = rng.choice([0.0, 0.01, 0.1])
        case 4:
            here.forget()
        case 5:
            mend([here])


def mend(printers):
    for here in printers:
        here.drops_after, here.seconds = None, 0.0
        here.refill()


def ask(technician, count):
    """So many labels, in acts of one to five; who hears that nothing was recorded asks again."""
    asked = []
    while len(asked) < count:
        wanted = min(random.randrange(1, 6), count - len(asked))
        with suppress(OperationalError):
            asked += one_act(technician, wanted)
    return asked


def one_act(technician, count):
    """So many labels, or none."""
    with db.transaction():
        return [
            labels.request(
                technician,
                template="place_50x20",
                code=codes.draw("A"),
                fields={"name": "Freezer F1"},
                printer=f"Z{random.randrange(3)}",
            )
            for _each in range(count)
        ]


def states():
    with db.reading() as session:
        return Counter(
            dict(
                session.execute(
                    select(LabelRequest.state, func.count()).group_by(LabelRequest.state)
                ).all()
            )
        )


def at_rest():
    return not {RequestState.WAITING, RequestState.SENDING} & set(states())


@pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if SOAK else ["postgresql"], indirect=True
)
def test_H12_H35_faults_of_all_kinds_leave_every_copy_known(
    database, database_url, measured
):  # fmt: skip
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    technician = actor(Role.TECHNICIAN)
    with ExitStack() as stack:
        redis = Redis(stack)
        printers = [
            stack.enter_context(printer_here.printer(answers=answers, quiet_in_trouble=quiet))
            for answers, quiet in ((True, False), (True, True), (False, False))
        ]
        for number, here in enumerate(printers):
            put_in_force()
            labels.add_printer(
                actor(Role.ADMINISTRATOR),
                name=f"Z{number}",
                kind=PrinterKind.SOCKET,
                address=here.address,
                answers=here.answers,
            )
        workers = Workers(database_url, redis.url)
        stack.callback(workers.close)
        queue.use(celery_app.configure(redis.url))
        asked, last = [], time.monotonic()
        while len(asked) < COPIES:
            asked += ask(technician, min(rng.randrange(1, 12), COPIES - len(asked)))
            fault(rng, printers)
            if time.monotonic() - last > 2:
                last = time.monotonic()
                workers.kill(rng.randrange(WORKERS))
                if rng.random() < 0.3:
                    redis.restart()
            time.sleep(rng.uniform(0.05, 0.25))
        workers.kill(rng.randrange(WORKERS))
        redis.restart()
        mend(printers)
        known = until(at_rest, 600 if SOAK else 60)
        until(lambda: not any(each.buffer for each in printers), 10)
        figures = judged(asked, printers)
    measured(
        "H12", trials=COPIES, failures=figures["twice"] + figures["claimed"], seed=seed,
        kills=workers.kills, uncertain=figures["uncertain"], on_paper=figures["paper"],
    )  # fmt: skip
    measured("H35", trials=COPIES, failures=figures["lost"], seed=seed, restarts=redis.restarts)
    assert known, states()
    assert figures["twice"] == 0, "a copy came out twice"
    assert figures["claimed"] == 0, "reported printed, and nothing lies there"
    assert figures["lost"] == 0, "a copy in no known state"
    with db.reading() as session:
        assert ledger.verify(session).ok


def judged(asked, printers):
    """What lies on paper, held against what the rows say."""
    paper = Counter(symbol for here in printers for symbol in here.printed)
    figures = Counter()
    with db.reading() as session:
        for each in asked:
            row = labels.request_by_id(session, each.id)
            came = paper[codes.symbol(row.code, row.copy)]
            figures["paper"] += came
            figures["twice"] += came > 1
            figures["claimed"] += row.state is RequestState.PRINTED and came == 0
            figures["uncertain"] += row.state is RequestState.UNCERTAIN
            figures["lost"] += row.state not in (*DONE, RequestState.UNCERTAIN)
    return figures
