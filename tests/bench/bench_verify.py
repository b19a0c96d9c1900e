"""Verification against the least work that could do it: `make bench`.

1. Digests, one process: the whole look at the entries (digest, chain, copies, heads, peers,
   parents) against a bare loop that fetches the same rows, parses and hashes them.
2. The whole verification on all cores: seconds.
3. Memory: the most that this process and its helpers ever held, for two lengths of trail.

The trail is made by COPY (`trail.py`). The sizes of 1 000 000 entries that are measured for a
release: `python tests/bench/bench_verify.py --entries 500000 --memory 100000 1000000`.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import orjson
import psycopg

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from lims import ledger, migrations, tables  # noqa: E402, F401
from lims.core import db  # noqa: E402
from lims.ledger import verifying  # noqa: E402
from lims.ledger.spilling import Parts  # noqa: E402
from lims.ledger.verifying_entries import Found, check_range  # noqa: E402
from tests import services_here  # noqa: E402
from tests.bench import loops, trail  # noqa: E402

AIM = 0.60


def prepare(server, entries):
    """A database with a trail of this length."""
    name = f"trail_{entries}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as root:
        root.execute(f"CREATE DATABASE {name}")
    address = f"{server}/{name}"
    opened = db.open_database(address)
    migrations.upgrade(opened)
    opened.engine.dispose()
    begun = time.perf_counter()
    count = trail.fill(address, entries)
    print(f"{count} entries made in {time.perf_counter() - begun:.0f} s", flush=True)
    return address


def sealed(server, entries):
    """The same, and seals over all of it."""
    address = prepare(server, entries)
    begun = time.perf_counter()
    done = loops.seal(address)
    print(f"{done.new} entries sealed in {time.perf_counter() - begun:.0f} s", flush=True)
    return address


def drop(server, address):
    """Forget a database."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as root:
        root.execute(f"DROP DATABASE {address.rpartition('/')[2]} WITH (FORCE)")


def bare(address):
    """Fetch, parse, hash; seconds."""
    wrong = count = 0
    begun = time.perf_counter()
    with psycopg.connect(address) as connection:
        cursor = connection.cursor("bare", binary=True)
        cursor.itersize = 2000
        cursor.execute(
            "SELECT stream, number, kind, at, command, body, prev, digest FROM ledger_entry"
        )
        while page := cursor.fetchmany(2000):
            for row in page:
                content = orjson.loads(row[5])
                wrong += hashlib.sha256(b"\x00" + row[5]).digest() != row[7]
                count += bool(content)
    assert wrong == 0
    assert count
    return time.perf_counter() - begun


def entries_alone(address, folder):
    """Our look at all entries in one process; seconds."""
    opened = db.open_database(address)
    begun = time.perf_counter()
    found = Found()
    with opened.engine.connect() as connection:
        ranges = list(verifying._ranges(connection))
        parts = Parts(verifying._part_count(len(ranges) * verifying._RANGE), folder)
        for each in ranges:
            found.add(check_range(connection, each, parts))
    took = time.perf_counter() - begun
    opened.engine.dispose()
    assert not found.breaks, found.breaks[:3]
    return took


def whole(address):
    """The whole verification on all cores; seconds, and what it found."""
    opened = db.open_database(address)
    begun = time.perf_counter()
    with opened.reader() as session:
        found = ledger.verify(session)
    took = time.perf_counter() - begun
    opened.engine.dispose()
    assert found.ok, found.breaks[:3]
    return took, found.entries


def peak(process):
    """The most memory that a process ever held, MB (Linux)."""
    # Not ru_maxrss: a child inherits there what its parent held when it was started.
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(each.split()[1]) / 1024 for each in lines if each.startswith("VmHWM"))


def held(address, told):
    """The whole verification; the most that this process and one of its helpers held, MB."""
    helpers = []

    def watch():
        while not done.wait(0.05):
            for each in Path("/proc/self/task").glob("*/children"):
                for child in each.read_text().split():
                    with suppress(OSError, StopIteration):
                        helpers.append(peak(child))

    done = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    took, entries = whole(address)
    done.set()
    watcher.join()
    told.put((entries, took, peak("self"), max(helpers, default=0)))


def memory(address):
    """The same in a process of its own, whose memory nobody filled before."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=held, args=(address, told))
    process.start()
    answer = told.get()
    process.join()
    return answer


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--entries", type=int, default=100_000)
    read.add_argument("--memory", type=int, nargs=2, default=(20_000, 200_000))
    read.add_argument("--rounds", type=int, default=5)
    asked = read.parse_args()
    answer = {}
    with services_here.postgres() as server:
        address = sealed(server, asked.entries)
        ours, theirs = [], []
        for _round in range(asked.rounds):
            theirs.append(bare(address))
            with tempfile.TemporaryDirectory() as folder:
                ours.append(entries_alone(address, Path(folder)))
        ratio = statistics.median(b / o for b, o in zip(theirs, ours, strict=True))
        print(
            f"digests: {asked.entries / statistics.median(ours):.0f} entries/s in one process, bare"
            f" {asked.entries / statistics.median(theirs):.0f}, ratio {ratio:.2f} (aim {AIM:.2f},"
            f" {asked.rounds} rounds)",
            flush=True,
        )
        answer["digests"] = {"ratio": round(ratio, 3), "aim": AIM}
        took, count = whole(address)
        print(f"whole: {count} entries in {took:.1f} s on {os.cpu_count()} cores", flush=True)
        answer["whole"] = {"entries": count, "seconds": round(took, 1)}
        drop(server, address)
        answer["memory"] = []
        for size in asked.memory:
            address = sealed(server, size)
            count, took, mine, theirs_mb = memory(address)
            print(
                f"memory: {count} entries, {mine:.0f} MB here, {theirs_mb:.0f} MB in the largest"
                f" helper, {took:.1f} s",
                flush=True,
            )
            answer["memory"].append(
                {"entries": count, "mb": round(mine), "helper": round(theirs_mb)}
            )
            drop(server, address)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
