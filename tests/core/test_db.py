"""The database: one transaction, exact values, and reads that are not stale."""

import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update

from lims.core import db
from lims.core.errors import BadInput, TemporaryFailure
from lims.core.mode import SystemFact

FACT = SystemFact.__table__


def keep(name: str, value: str) -> None:
    """Write one fact in an act of its own."""
    with db.transaction() as session:
        session.add(SystemFact(name=name, value=value))


def kept() -> dict[str, str]:
    """Every fact."""
    with db.reading() as session:
        return {row.name: row.value for row in session.execute(select(FACT))}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_a_decimal_comes_back_as_it_was(value):
    column = db.DecimalText()
    assert column.process_result_value(column.process_bind_param(value, None), None) == value


def test_a_float_is_no_decimal_and_a_naive_time_is_no_instant():
    with pytest.raises(TypeError):
        db.DecimalText().process_bind_param(0.1, None)
    with pytest.raises(ValueError, match="naive"):
        db.Instant().process_bind_param(datetime(2026, 5, 8), None)  # noqa: DTZ001


def test_an_instant_comes_back_in_utc():
    tehran = timezone(timedelta(hours=3, minutes=30))
    column = db.Instant()

    stored = column.process_bind_param(datetime(2026, 5, 8, 13, 30, tzinfo=tehran), None)

    assert stored == datetime(2026, 5, 8, 10, tzinfo=UTC)
    # SQLite gives it back without a zone.
    assert column.process_result_value(stored.replace(tzinfo=None), None) == stored


def test_a_step_joins_the_act_that_is_open(database):
    with db.transaction() as outer:
        with db.transaction() as inner:
            assert inner is outer
            inner.add(SystemFact(name="inner", value="1"))
        assert db.in_transaction()
        with db.reading() as reading:
            assert reading is outer
    assert not db.in_transaction()
    assert kept() == {"inner": "1"}


def test_what_was_asked_for_after_the_commit_waits_for_it(database):
    seen = []
    with db.transaction() as session:
        db.after_commit(lambda: seen.append(kept()))
        session.add(SystemFact(name="a", value="1"))
        session.flush()
        assert seen == []
    assert seen == [{"a": "1"}]


def test_nothing_asked_for_follows_an_act_that_failed(database):
    seen = []

    def fail() -> None:
        with db.transaction() as session:
            db.after_commit(lambda: seen.append(1))
            session.add(SystemFact(name="a", value="1"))
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert (seen, kept()) == ([], {})


def test_outside_an_act_nothing_can_be_asked_for():
    with pytest.raises(RuntimeError, match="no act"):
        db.after_commit(lambda: None)
    with pytest.raises(RuntimeError, match="no act"):
        db.command()


def test_each_act_has_a_key_of_its_own(database):
    keys = set()
    for _each in range(5):
        with db.transaction():
            keys.add(db.command())
    assert len(keys) == 5


def test_a_locked_read_is_fresh_though_the_row_was_loaded_before(database):
    keep("a", "old")
    if database.is_sqlite:
        # A writer holds the whole file, so only this session itself can have gone past its object.
        with db.transaction() as session:
            loaded = session.scalar(select(SystemFact).where(SystemFact.name == "a"))
            session.execute(update(FACT).values(value="new"))
            assert loaded.value == "old"
            found = db.locked(session, select(SystemFact).where(SystemFact.name == "a"))
            assert found is loaded
            assert found.value == "new"
        return
    with db.transaction() as session:
        loaded = session.scalar(select(SystemFact).where(SystemFact.name == "a"))
        with database.engine.begin() as other:
            other.execute(update(FACT).values(value="new"))
        assert loaded.value == "old"
        found = db.locked(session, select(SystemFact).where(SystemFact.name == "a"))
        assert found is loaded
        assert found.value == "new"


def test_a_lock_keeps_another_writer_out(database):
    keep("a", "0")

    def add() -> None:
        with db.transaction() as session:
            row = db.locked(session, select(SystemFact).where(SystemFact.name == "a"))
            now = int(row.value)
            time.sleep(0.005)
            row.value = str(now + 1)

    threads = [threading.Thread(target=add) for _each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert kept() == {"a": "8"}


def test_a_reader_does_not_wait_for_a_writer(database):
    keep("a", "old")
    began = time.monotonic()
    with db.transaction() as session:
        session.execute(update(FACT).values(value="new"))
        with database.reader() as reader:
            assert reader.scalar(select(FACT.c.value)) == "old"
    assert time.monotonic() - began < 5


def test_the_line_is_fair_and_whoever_waits_too_long_is_told():
    line = db._Line()
    order = []
    with line.turn():
        threads = []
        for number in range(5):
            started = threading.Thread(target=lambda n=number: _stand(line, order, n))
            started.start()
            threads.append(started)
            while len(line._waiting) <= number:
                time.sleep(0.001)
        with pytest.raises(TemporaryFailure), line.turn(0.01):
            pytest.fail("it had its turn beside another")
    for each in threads:
        each.join()
    assert order == [0, 1, 2, 3, 4]
    with line.turn(0.01):
        pass


def _stand(line, order, number):
    with line.turn():
        order.append(number)


@pytest.mark.parametrize(
    ("version", "unsafe"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True),
     ((3, 51, 3), False), ((3, 52, 0), False)],
)  # fmt: skip
def test_H39_a_library_with_the_reset_defect_gets_the_rollback_journal(version, unsafe, measured):
    right = db.needs_rollback_journal(version) is unsafe
    measured("H39", trials=1, failures=int(not right), version=".".join(map(str, version)))
    assert right


def test_an_opened_sqlite_database_stands_as_it_must(tmp_path):
    database = db.open_database(f"sqlite:///{tmp_path}/one.db")
    with database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    database.engine.dispose()
    careful = db.needs_rollback_journal(sqlite3.sqlite_version_info)
    assert found == {
        "journal_mode": "delete" if careful else "wal",
        "synchronous": 3 if careful else 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root@127.0.0.1/lims", "sqlite"])
def test_an_address_of_no_database_of_ours_is_refused(url):
    with pytest.raises(BadInput):
        db.open_database(url)


def test_a_missing_reference_is_refused_by_the_database(database):
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO custody_place (id, version, code, name, kind, parent_id,"
                " temperature_class, one_item) VALUES (:id, 1, 'A', 'a', 'b', :id2, 'c', :no)"
            ),
            {"id": "0" * 32, "id2": "1" * 32, "no": False},
        )


def test_a_fact_is_written_once(database):
    keep("a", "1")
    with pytest.raises(Exception, match=r"(?i)unique"), database.engine.begin() as connection:
        connection.execute(insert(FACT).values(name="a", value="2"))
    assert kept() == {"a": "1"}
