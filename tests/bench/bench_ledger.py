"""What an entry costs: with others at work, in a large database, and on the disk: `make bench`.

1. Acts by four clients at once through the service, each a process, against four loops at once that
   replay the same statements, and against one.
2. An act on one stream, and a trace of one dose, in a database of a million entries against the
   same in one of ten thousand. Both are filled by COPY with chained entries, see `filling`.
3. Bytes on the disk for each entry, indexes included.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import lims.tables  # noqa: F401
from lims import custody, ledger
from lims.core import db
from lims.station import tracing
from tests import services_here
from tests.bench import filling, loops
from tests.custody import bench

CLIENTS = 4
AIM, GROWTH = 0.50, 1.30
SLICE = 100


def clients(server, count):
    """Four clients through the service, four loops, and one."""
    made = loops.prepare(server, count)
    sent = loops.record_service(server, made)
    ours, four, one = [], [], []
    with (
        loops.clone(server, made) as first,
        loops.clone(server, made) as second,
        loops.clone(server, made) as third,
    ):
        hands = loops.Hands(CLIENTS, service=first, bare=second, who=made["actor"])
        alone = loops.Hands(1, bare=third)
        todo = loops.sliced(loops.moves(made), SLICE)
        for number, (mine, base) in enumerate(zip(todo, loops.sliced(sent, SLICE), strict=True)):
            took = hands.run("service", mine), hands.run("bare", base), alone.run("bare", base)
            if number:  # the first warms all of them up
                for times, each in zip((ours, four, one), took, strict=True):
                    times.append(each)
        hands.close()
        alone.close()
    return {
        "clients": loops.say("four clients, four loops", ours, four, AIM),
        "clients_one_loop": loops.say("four clients, one loop", ours, one, AIM),
    }


def growth(addresses, dose, there, acts):
    """Seconds of each act and of each trace in each database, in turns.

    Returns:
        By size and by what was done: seconds by the clock, and of both ends' processor.
    """
    who = bench.somebody()
    opened = {size: db.open_database(address) for size, address in addresses.items()}
    backend = {size: loops.backend(database) for size, database in opened.items()}
    taken = {(size, what): [] for size in opened for what in ("append", "trace")}

    def timed(size, what, call):
        ran, begun = loops.both_ends_s(backend[size]), time.perf_counter()
        call()
        took = time.perf_counter() - begun
        taken[size, what].append((took, loops.both_ends_s(backend[size]) - ran))

    for number in range(acts):
        if number == acts // 10:  # what was before warmed up
            for times in taken.values():
                times.clear()
        for size, database in opened.items():
            db.use(database)
            to = there[number % 2]
            timed(size, "append", lambda to=to: custody.move(who, code=dose, to=to))
            timed(size, "trace", lambda: tracing.trace(who, code=dose))
    for database in opened.values():
        database.engine.dispose()
    db.forget()
    return taken


def disk(address):
    """Bytes for each entry: the entry itself, its head's share, its leaf's; indexes included."""
    with psycopg.connect(address) as connection:
        ((count, heads),) = connection.execute(
            "SELECT (SELECT count(*) FROM ledger_entry), (SELECT count(*) FROM ledger_head)"
        ).fetchall()
        sizes = dict(
            connection.execute(
                "SELECT each, pg_total_relation_size(each::regclass) FROM"
                " unnest(ARRAY['ledger_entry', 'ledger_head', 'ledger_leaf']) AS each"
            ).fetchall()
        )
        ((bare, body),) = connection.execute(
            "SELECT pg_table_size('ledger_entry'), (SELECT sum(length(body)) FROM ledger_entry)"
        ).fetchall()
    told = {name: round(size / count, 1) for name, size in sizes.items()}
    print(
        f"disk for each of {count} entries: {sum(sizes.values()) / count:.0f} bytes with indexes"
        f" (entry {told['ledger_entry']:.0f}, of it body {body / count:.0f} and indexes"
        f" {(sizes['ledger_entry'] - bare) / count:.0f}; leaf {told['ledger_leaf']:.0f};"
        f" {heads} heads {told['ledger_head']:.0f})",
        flush=True,
    )
    return told


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--acts", type=int, default=1200)
    read.add_argument("--small", type=int, default=10_000)
    read.add_argument("--large", type=int, default=1_000_000)
    asked = read.parse_args()
    with services_here.postgres(safe=True) as server:
        answer = clients(server, asked.acts)
        addresses, dose, there = filling.databases(server, (asked.small, asked.large))
        with db.open_database(addresses[asked.small]).reader() as session:
            found = ledger.verify(session)
        if not found.ok:
            raise SystemExit(f"what was filled in does not verify: {found.breaks[:3]}")
        taken = growth(addresses, dose, there, asked.acts // 2)
        answer |= {
            what: loops.say_growth(taken, what, GROWTH, of="entries")
            for what in ("append", "trace")
        }
        answer["disk"] = disk(addresses[asked.large])
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
