"""What a scan at the station costs among many items: `make bench`.

The page of the station is asked as a browser asks it: a vial is scanned, then a place, and the move
stands. The same two scans in a database of a million items and in one of ten thousand, in turns.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import lims.tables  # noqa: F401
from lims import people
from lims.core import db
from lims.core.permissions import Role
from tests import services_here
from tests.apps import app_over
from tests.bench import filling, loops
from tests.bench.bench_station import in_process
from tests.makers import actor

LOGIN, PASSWORD = "bench", uuid4().hex
GROWTH = 1.30
SCANS = ("a vial", "a place")
ENTRIES_AN_ITEM = 10 / 7


def technician():
    """Whoever scans, in every database."""
    people.add_user(
        actor(Role.OPERATOR, name="operator"),
        login=LOGIN,
        name="Bench",
        roles=["technician"],
        password=PASSWORD,
    )


def many(address):
    """Items in a database."""
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT count(*) FROM custody_item").fetchone()[0]


class Station:
    """The station's page over one database, with the technician signed in."""

    def __init__(self, app, opened):
        self.opened, self.backend = opened, loops.backend(opened)
        db.use(opened)
        self.page = in_process(app, {"password": PASSWORD})

    def scan(self, text):
        """Send one scan; seconds by the clock, and of both ends' processor."""
        db.use(self.opened)
        ran, begun = loops.both_ends_s(self.backend), time.perf_counter()
        self.page.scan(text)
        return time.perf_counter() - begun, loops.both_ends_s(self.backend) - ran


def measure(addresses, dose, there, moves):
    """Seconds of each scan in each database, in turns, by size and what was scanned."""
    opened = {size: db.open_database(each) for size, each in addresses.items()}
    app = app_over(Path(tempfile.mkdtemp()), next(iter(opened.values())))
    stations = {size: Station(app, each) for size, each in opened.items()}
    taken = {(size, what): [] for size in stations for what in SCANS}
    for number in range(moves):
        if number == moves // 10:  # what was before warmed up
            for times in taken.values():
                times.clear()
        for size, station in stations.items():
            for what, text in zip(SCANS, (dose, there[number % 2]), strict=True):
                taken[size, what].append(station.scan(text))
    for each in opened.values():
        each.engine.dispose()
    db.forget()
    return taken


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--moves", type=int, default=200)
    read.add_argument("--small", type=int, default=10_000)
    read.add_argument("--large", type=int, default=1_000_000)
    asked = read.parse_args()
    with services_here.postgres(safe=True) as server:
        # An item has little more than one entry here, so that a million come in minutes.
        sizes = [int(each * ENTRIES_AN_ITEM) for each in (asked.small, asked.large)]
        addresses, dose, there = filling.databases(server, sizes, rounds=0, first=technician)
        taken = measure({many(each): each for each in addresses.values()}, dose, there, asked.moves)
        print(
            json.dumps({what: loops.say_growth(taken, what, GROWTH, of="items") for what in SCANS})
        )


if __name__ == "__main__":
    main()
