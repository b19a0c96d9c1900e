"""Verification on several cores, in bounded memory, while the bench goes on."""

import multiprocessing
import threading

import pytest
from sqlalchemy import text

from lims import ledger, tables
from lims.core import db
from lims.ledger import spilling, verifying
from tests.ledger.tampering import owned, verified


@pytest.fixture
def small(monkeypatch):
    """Ranges and parts so small that even a short trail has many."""
    monkeypatch.setattr(verifying, "_RANGE", 40)
    monkeypatch.setattr(verifying, "_PART", 100)


def by(jobs, progress=None):
    with db.reading() as session:
        return ledger.verify(session, jobs=jobs, progress=progress)


def test_several_processes_find_what_one_finds(bed, small):
    alone = verified()
    told = []

    together = by(2, lambda done, total: told.append((done, total)))

    assert together.ok, together.breaks
    assert (together.entries, together.streams) == (alone.entries, alone.streams)
    assert alone.entries > 300
    assert told == sorted(told)
    assert len(told) > 10
    assert told[-1][0] <= told[-1][1] == 2 * alone.entries


def test_several_processes_name_the_same_breaks(bed, small):
    item = tables.metadata.tables["custody_item"]
    with owned(db.current()) as connection:
        connection.execute(item.update().values(volume_ul=7))
        connection.exec_driver_sql(
            "DELETE FROM custody_hold WHERE id = (SELECT min(id::text)::uuid FROM custody_hold)"
            if not db.current().is_sqlite
            else "DELETE FROM custody_hold WHERE id = (SELECT min(id) FROM custody_hold)"
        )
        connection.exec_driver_sql("UPDATE ledger_entry SET kind = 'forged' WHERE number = 2")
        connection.exec_driver_sql("DELETE FROM ledger_head WHERE number = 4")

    alone, together = verified(), by(2)

    assert len(alone.breaks) > 30
    assert {*map(str, alone.breaks)} == {*map(str, together.breaks)}
    assert (together.entries, together.streams) == (alone.entries, alone.streams)


def test_a_process_that_may_have_no_children_verifies_by_itself(bed, monkeypatch):
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {"daemon": True})
    assert by(8).ok


def test_more_breaks_than_anybody_reads_are_counted(bed, monkeypatch):
    monkeypatch.setattr("lims.ledger.verifying_entries.MOST", 5)
    with owned(db.current()) as connection:
        connection.exec_driver_sql("UPDATE ledger_entry SET kind = 'forged'")
    found = verified()
    assert not found.ok
    assert len(found.breaks) == 6
    (rest,) = (each.what for each in found.breaks if "further" in each.what)
    assert rest == f"{found.entries - 5} further breaks are not named"


def test_the_bench_goes_on_while_a_long_trail_is_verified(bed, small, technician):
    """An act commits in the middle; the verification sees the instant at which it began."""
    before = verified().entries
    wrote = []

    def write():
        with db.transaction():
            ledger.record(technician, "item/S0000000A", "test.written", {})
        wrote.append(True)

    writer = threading.Thread(target=write)

    def halfway(done, _total):
        if not wrote and not writer.ident:
            writer.start()
            writer.join(8)

    found = by(2, halfway)
    writer.join()

    assert wrote == [True]
    assert found.ok, found.breaks
    assert found.entries == before
    assert verified().entries == before + 1


def test_parts_bring_together_what_several_wrote(tmp_path):
    first, second = spilling.Parts(4, tmp_path), spilling.Parts(4, tmp_path)
    for number in range(100):
        (first if number % 2 else second).put(f"key {number % 10}", [number % 10, number])
    first.flush()
    second.flush()

    read = spilling.Parts(4, tmp_path)
    parts = [list(read.read(part)) for part in read.all()]

    assert sorted(n for part in parts for _key, n in part) == list(range(100))
    for key in range(10):
        assert sum(any(k == key for k, _n in part) for part in parts) == 1


def test_a_range_of_streams_leaves_none_out(bed, small):
    with db.current().engine.connect() as connection:
        ranges = list(verifying._ranges(connection))
        every = set(connection.execute(text("SELECT stream FROM ledger_head")).scalars())
        seen = []
        for each in ranges:
            condition, given = each.where("stream", ":x")
            for number, _value in enumerate(given):
                condition = condition.replace(":x", f":v{number}", 1)
            named_here = connection.execute(
                text(f"SELECT stream FROM ledger_head WHERE {condition}"),
                {f"v{number}": value for number, value in enumerate(given)},
            )
            seen += named_here.scalars()
    assert len(ranges) > 5
    assert sorted(seen) == sorted(every)
