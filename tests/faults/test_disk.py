"""The disk is full or broken, one file call after the other (H37): 503, and nothing half written.

A system-call tracer makes single calls of a real process fail, with the error or with a SIGKILL:
that is for SQLite, whose files are ours. PostgreSQL is put on a small volume, which is filled.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psycopg
import pytest
from sqlalchemy import select

from lims import custody, ledger, migrations, people
from lims.core import acts, db
from lims.core.permissions import Role
from lims.ledger.models import LedgerEntry
from tests.conftest import ROOT, SOAK
from tests.custody import bench
from tests.faults.cluster import Cluster
from tests.laboratory import OPERATOR, PASSWORD

SEED = 20261126
# What SQLite asks of the system for a commit: pages, the disk, the end of the journal.
CALLS = ("pwrite64", "fdatasync", "fsync", "unlink")
ERRORS = ("ENOSPC", "EIO")


@pytest.fixture
def tracer(tmp_path):
    """The tracer, where it is installed and may trace here; else the row is not measured."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("not measured: no system-call tracer on this machine")
    tried = subprocess.run(
        [program, "-f", "-o", str(tmp_path / "tried"), "-e", "inject=fsync:error=EIO:when=999",
         sys.executable, "-c", "pass"], capture_output=True, check=False,
    )  # fmt: skip
    if tried.returncode != 0:
        pytest.skip("not measured: the system-call tracer may not trace here")
    return program


class Writer:
    """An item, places, a token; and runs of a process that moves the item while calls fail."""

    def __init__(self, tracer: str, url: str, folder: Path) -> None:
        self.tracer, self.url, self.folder = tracer, url, folder
        (woman,) = bench.women(bench.open_study(), 1)
        who = bench.somebody()
        self.code = bench.thing(donor=woman)
        self.places = [
            custody.make_place(who, name=f"Box {each}", kind="box", temperature_class="-80C").code
            for each in range(3)
        ]
        people.add_user(
            OPERATOR, login="tara", name="tara", roles=[Role.TECHNICIAN], password=PASSWORD
        )
        self.token = people.create_token(OPERATOR, "tara", 30)

    def run(self, inject: str, number: int, count: int) -> tuple[list[str], int, int]:
        """Its lines, its exit code, and how many calls were made to fail."""
        log, call = self.folder / "traced", inject.partition(":")[0]
        ran = subprocess.run(
            [self.tracer, "-f", "-qq", "-o", str(log), "-e", f"trace={call}",
             "-e", f"inject={inject}", sys.executable, "-m", "tests.faults.writing",
             self.url, self.token, self.code, f"disk/{number}", str(count), *self.places],
            capture_output=True, text=True, cwd=ROOT, check=False, timeout=300,
        )  # fmt: skip
        injected = len(re.findall(r"\(INJECTED\)", log.read_text(errors="replace")))
        if ran.returncode not in (0, -9, 137):
            raise AssertionError(ran.stderr[-2000:])
        return ran.stdout.splitlines(), ran.returncode, injected

    def untraced(self, number: int, count: int) -> list[str]:
        """Its lines where nothing is made to fail from outside."""
        ran = subprocess.run(
            [sys.executable, "-m", "tests.faults.writing", self.url, self.token, self.code,
             f"disk/{number}", str(count), *self.places],
            capture_output=True, text=True, cwd=ROOT, check=True, timeout=300,
        )  # fmt: skip
        return ran.stdout.splitlines()


def stored() -> Counter:
    """How often each key of the writer stands in the trail, and whether its answer is kept."""
    with db.reading() as session:
        moved = Counter(
            session.scalars(select(LedgerEntry.command).where(LedgerEntry.kind == "custody.moved"))
        )
        kept = set(session.scalars(select(acts.Act.key).where(acts.Act.key.like("disk/%"))))
    assert kept == set(moved), "an answer without its act, or an act without its answer"
    return moved


@dataclass
class Judged:
    """What the writer was answered, held against what stands in the trail."""

    statuses: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    doubled: int = 0
    unanswered: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """All that must not be."""
        return self.missing + self.doubled + len(self.wrong)

    def judge(self, lines: list[str], before: Counter, now: Counter, about: str) -> None:
        """One run: its lines, and the trail before and after it."""
        for line in lines:
            status, _blank, rest = line.partition(" ")
            if not status.isdigit():
                continue
            key = rest.split()[0]
            self.statuses[status] += 1
            self.missing += status == "200" and now[key] != 1
            self.doubled += now[key] > 1
            self.unanswered += status == "503" and now[key] > before[key]
            if status not in ("200", "503"):
                self.wrong.append(f"{about}: {line}")


def whole(database: db.Database) -> list[str]:
    """What the library and the trail find wrong."""
    with sqlite3.connect(database.engine.url.database) as plain:
        said = [line for (line,) in plain.execute("PRAGMA integrity_check") if line != "ok"]
    plain.close()
    with db.reading() as session:
        return said + [each.what for each in ledger.verify(session).breaks]


def faults() -> list[str]:
    """What is made to fail, and how: a call, an error and its turns."""
    chance = Random(SEED)
    every = [(call, error) for call in CALLS for error in ERRORS]
    runs = every * 6 if SOAK else [("pwrite64", "ENOSPC"), ("fdatasync", "EIO")]
    return [
        f"{call}:error={error}:when={chance.randint(20, 60)}+{chance.randint(7, 19)}"
        for call, error in runs
    ]


def test_H37_a_full_or_broken_disk_is_503_and_leaves_nothing_half_written(
    database, database_url, tracer, tmp_path, measured
):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL stands on a small volume in the test below")
    writer = Writer(tracer, database_url, tmp_path)
    injected, judged = 0, Judged()
    for number, inject in enumerate(faults()):
        before = stored()
        lines, _code, failed = writer.run(inject, number, 40)
        injected += failed
        now = stored()
        judged.judge(lines, before, now, inject)
        judged.wrong += [f"{inject}: {each}" for each in whole(database)]

    measured(
        "H37", trials=injected, failures=judged.failures, seed=SEED,
        answers=dict(judged.statuses), stored_and_unanswered=judged.unanswered,
    )  # fmt: skip
    assert (judged.missing, judged.doubled, judged.wrong) == (0, 0, [])
    assert judged.statuses["200"] > 10
    assert judged.statuses["503"] >= 2
    assert injected >= (300 if SOAK else 8)


def test_H37_a_process_killed_in_the_middle_of_a_file_call_leaves_a_whole_record(
    database, database_url, tracer, tmp_path, measured
):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL stands on a small volume in the test below")
    writer = Writer(tracer, database_url, tmp_path)
    chance, runs = Random(SEED), 60 if SOAK else 3
    missing, wrong, killed = 0, [], 0
    for number in range(runs):
        call = CALLS[number % len(CALLS)] if SOAK else "pwrite64"
        lines, code, _failed = writer.run(
            f"{call}:signal=KILL:when={chance.randint(30, 200)}", number, 60
        )
        killed += code != 0
        now = stored()
        for line in lines:
            status, _blank, rest = line.partition(" ")
            if status.isdigit():
                missing += status == "200" and now[rest.split()[0]] != 1
                wrong += [] if status == "200" else [line]
        wrong += whole(database)

    measured("H37", trials=killed, failures=missing + len(wrong), seed=SEED, what="SIGKILL")
    assert (missing, wrong) == (0, [])
    assert killed >= runs // 2


@pytest.fixture
def volume():
    """A disk of 160 MB of its own, where this account may mount one."""
    mount = shutil.which("mount")
    # Not below pytest's own folder, which is closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="exotrace-volume-") as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "volume"
        folder.mkdir()
        made = mount and subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", folder],
            capture_output=True, check=False,
        )  # fmt: skip
        if not made or made.returncode != 0:
            pytest.skip("not measured: no small volume may be mounted here")
        yield folder
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave_kib: int) -> Path:
    """A file that takes all the room but so much."""
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free - leave_kib * 1024
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)
    return ballast


def test_H37_a_full_volume_under_postgresql_is_503_and_leaves_nothing_half_written(
    volume, tmp_path, measured
):
    chance, rounds = Random(SEED), 20 if SOAK else 2
    cluster = Cluster(volume)
    try:
        with psycopg.connect(f"{cluster.address}/postgres", autocommit=True) as root:
            root.execute("CREATE DATABASE lims_full")
        address = f"{cluster.address}/lims_full"
        database = db.open_database(address)
        migrations.upgrade(database)
        db.use(database)
        writer = Writer("", address, tmp_path)
        judged = Judged()
        for number in range(rounds):
            before = stored()
            ballast = fill(volume, chance.randint(0, 100))
            lines = writer.untraced(number, 500)
            ballast.unlink()
            database.engine.dispose()
            cluster.ensure()
            now = stored()
            judged.judge(lines, before, now, f"fill {number}")
            with db.reading() as session:
                judged.wrong += [each.what for each in ledger.verify(session).breaks]
        written = writer.untraced(rounds, 5)
        database.engine.dispose()
    finally:
        cluster.close()

    measured(
        "H37", trials=judged.statuses["503"], failures=judged.failures, seed=SEED,
        answers=dict(judged.statuses), stored_and_unanswered=judged.unanswered,
        stopped=cluster.crashes,
    )  # fmt: skip
    assert (judged.missing, judged.doubled, judged.wrong) == (0, 0, [])
    assert judged.statuses["503"] >= rounds
    assert [line.partition(" ")[0] for line in written if line[0].isdigit()] == ["200"] * 5
