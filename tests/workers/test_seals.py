"""Seals are made by the worker: within its period, and at once where an act must not wait (I9)."""

import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from lims import ledger
from lims.core import db, queue
from lims.ledger import keys
from lims.ledger.models import LedgerSeal
from tests.conftest import SOAK
from tests.ledger.sealed import key_in, write, wrong_seals
from tests.services_here import until
from workers import embedded, schedule


@pytest.fixture(autouse=True)
def key(tmp_path):
    yield key_in(tmp_path)
    keys._place.clear()
    queue.use(None)


def waiting() -> int:
    with db.reading() as session:
        return ledger.unsealed(session)[0]


def test_a_worker_seals_at_its_start_within_its_period_and_when_it_is_asked(
    database, technician, monkeypatch
):
    rows = [each for each in schedule.PERIODIC if each.task == "ledger.seal"]
    assert [(each.seconds, each.at_start) for each in rows] == [(60, True)]
    soon = tuple(
        schedule.Periodic(each.task, 2, each.why, each.at_start) if each in rows else each
        for each in schedule.PERIODIC
    )
    monkeypatch.setattr("workers.app.PERIODIC", soon)
    write(technician, 2)
    worker = embedded.start()
    try:
        assert until(lambda: waiting() == 0, 60)
        write(technician, 2)
        assert until(lambda: waiting() == 0, 60)
    finally:
        assert worker.stop()
    monkeypatch.undo()
    worker = embedded.start()  # its next turn is a minute away
    try:
        assert until(lambda: waiting() == 0, 60)
        time.sleep(1)
        write(technician, 1)
        before = time.monotonic()
        with db.transaction():
            ledger.record(technician, "item/S7K4M29XC", "test.done")
            ledger.seal_soon()
        assert until(lambda: waiting() == 0, 40)
        print(f"sealed {time.monotonic() - before:.2f} s after the act")
    finally:
        assert worker.stop()
    assert wrong_seals() == []


def test_what_was_undone_asks_for_no_seal(database, technician):
    asked = []

    class Sender:
        def send_task(self, name, **_more):
            asked.append(name)

    queue.use(Sender())

    def undone():
        with db.transaction():
            ledger.seal_soon()
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        undone()
    assert asked == []
    with db.transaction():
        ledger.seal_soon()
        assert asked == []
    assert asked == ["ledger.seal"]


_SEALER = """
import sys
from pathlib import Path
from lims import ledger, tables
from lims.core import db
from lims.ledger import keys, sealing
db.use(db.open_database(sys.argv[1]))
keys.use(keys.KeyPlace(Path(sys.argv[2]), own=True))
sealing.BATCH = 40
print("ready", flush=True)
while True:
    ledger.seal()
"""


def test_a_sealer_that_is_killed_leaves_whole_seals_and_the_next_one_goes_on(
    database, database_url, technician, key
):
    rounds = 25 if SOAK else 2
    write(technician)
    ledger.seal()
    for number in range(rounds):
        sealer = subprocess.Popen(
            [sys.executable, "-c", _SEALER, database_url, str(key)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert sealer.stdout.readline() == "ready\n"
            write(technician, 6, stream=f"item/{number}")
            time.sleep(0.013 * (number % 7))
        finally:
            sealer.send_signal(signal.SIGKILL)
            sealer.wait(20)
            sealer.stdout.close()
    ledger.seal()
    assert waiting() == 0
    with db.reading() as session:
        numbers = session.scalars(select(LedgerSeal.number).order_by(LedgerSeal.number)).all()
    assert numbers == list(range(1, len(numbers) + 1))
    assert wrong_seals() == []
