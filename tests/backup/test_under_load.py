"""Copies taken while several processes write, and the way back from each of them."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

from lims import backup, ledger
from lims.backup import packing
from lims.core import db
from tests.conftest import SOAK
from tests.laboratory import OPERATOR

WRITERS = 3


def scan(url, name, stop):
    """Write acts of two streams until asked to stop; what was answered is counted outside."""
    db.use(db.open_database(url))
    person = replace(OPERATOR, name=f"operator:{name}")
    number = 0
    while not stop.is_set():
        number += 1
        with db.transaction():
            for stream in (f"item/{name}", "item/shared"):
                ledger.record(person, stream, "test.written", {"number": number})
        time.sleep(0.02)
    db.current().engine.dispose()


def test_H39_H45_copies_under_write_load_come_back_whole(
    here, elsewhere, database_url, tmp_path, measured
):
    wanted = 100 if SOAK else 3
    restored = 20 if SOAK else 2
    with db.transaction():  # of two who begin a stream at once, one is refused
        ledger.record(OPERATOR, "item/shared", "test.written", {"number": 0})
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    writers = [
        spawn.Process(target=scan, args=(database_url, f"W{number}", stop), daemon=True)
        for number in range(WRITERS)
    ]
    for each in writers:
        each.start()
    failures, sizes = [], []
    try:
        until = time.monotonic() + 60
        while not writing(here) and time.monotonic() < until:
            time.sleep(0.1)
        for number in range(wanted):
            taken = backup.take(OPERATOR, here, tmp_path / f"{number}.backup")
            sizes.append(taken.manifest.entries)
            failures += taken.manifest.breaks
            if number < restored:
                failures += backup.restore(OPERATOR, elsewhere(), taken.file).breaks
            elif database_url.startswith("sqlite"):
                failures += looked_into(taken.file)
            Path(taken.file).unlink()
    finally:
        stop.set()
        for each in writers:
            each.join(30)
    measured("H39", trials=wanted, failures=len(failures), writers=WRITERS, entries=sizes[-1])
    measured("H45", trials=restored, failures=len(failures), writers=WRITERS)
    assert failures == []
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0] > 0, "nobody wrote meanwhile"
    assert [each.exitcode for each in writers] == [0] * WRITERS


def looked_into(file):
    """What does not hold in a copy of SQLite, without restoring it (I2, I3)."""
    with packing.opened(file, None) as (said, payload):
        opened = db.open_database(f"sqlite:///{payload}")
        with opened.reader() as session:
            found = ledger.verify(session)
        opened.engine.dispose()
        lost = [] if found.entries == said.entries else ["entries are missing"]
        return [*(each.what for each in found.breaks), *lost]


def writing(settings):
    """Whether every writer has written."""
    with db.reading() as session:
        return all(ledger.entries_of(session, f"item/W{each}", limit=1) for each in range(WRITERS))


def test_H45_a_drill_comes_back_the_same(laboratory, here, measured):
    laboratory.specimen()
    wanted = 20 if SOAK else 2
    drills = [backup.drill(OPERATOR, here) for _each in range(wanted)]
    failures = [each for each in drills if not each.ok]
    measured(
        "H45",
        trials=wanted,
        failures=len(failures),
        restore_s=f"{max(each.restore_s for each in drills):.2f}",
        backup_s=f"{max(each.backup_s for each in drills):.2f}",
        entries=drills[0].restored.entries,
    )
    assert failures == []


def test_the_payload_is_what_the_manifest_says(here, tmp_path):
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    with packing.opened(taken.file, None) as (said, payload):
        assert said == taken.manifest
        assert packing.digest(payload) == said.payload["sha256"]
