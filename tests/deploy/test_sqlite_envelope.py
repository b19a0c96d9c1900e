"""SQLite is used where it is known to be safe, and nowhere else (H39)."""

import sqlite3

import pytest

from lims.core import db

# A WAL database can be corrupted by 3.7.0 to 3.51.2 (the WAL-reset defect, mended in 3.51.3).
VERSIONS = {
    (3, 6, 23): False,
    (3, 7, 0): True,
    (3, 31, 1): True,
    (3, 37, 2): True,
    (3, 40, 1): True,
    (3, 45, 0): True,
    (3, 46, 1): True,
    (3, 50, 4): True,
    (3, 51, 0): True,
    (3, 51, 2): True,
    (3, 51, 3): False,
    (3, 52, 0): False,
    (4, 0, 0): False,
}
FULL, EXTRA = 2, 3


def pragma(opened, name):
    with opened.engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def open_file(tmp_path):
    return db.open_database(f"sqlite:///{tmp_path / 'lims.db'}")


def test_H39_each_library_gets_the_journal_it_is_safe_with(measured):
    wrong = {
        version: rollback
        for version, rollback in VERSIONS.items()
        if db.needs_rollback_journal(version) is not rollback
    }
    measured("H39", trials=len(VERSIONS), failures=len(wrong))
    assert wrong == {}


@pytest.mark.parametrize(
    ("version", "journal", "synchronous"),
    [
        ((3, 40, 1), "delete", EXTRA),
        ((3, 51, 2), "delete", EXTRA),
        ((3, 51, 3), "wal", FULL),
        ((3, 52, 0), "wal", FULL),
    ],
)
def test_H39_what_was_decided_is_in_force_on_every_connection(
    tmp_path, monkeypatch, measured, version, journal, synchronous
):
    """The pragmas are asked back: SQLite ignores one that it does not know, without a word."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    opened = open_file(tmp_path)
    wanted = {
        "journal_mode": journal,
        "synchronous": synchronous,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 10000,
    }
    wrong = 0
    with opened.engine.connect(), opened.engine.connect():  # two at once: each for itself
        for name, value in wanted.items():
            wrong += pragma(opened, name) != value
    opened.engine.dispose()
    measured("H39", trials=len(wanted), failures=wrong, library=".".join(map(str, version)))
    assert wrong == 0


def test_H39_this_machines_library_never_writes_a_wal_it_can_break(tmp_path, measured):
    opened = open_file(tmp_path)
    with opened.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE one (number INTEGER)")
    beside = {each.name for each in tmp_path.iterdir()}
    defective = (3, 7, 0) <= sqlite3.sqlite_version_info <= (3, 51, 2)
    opened.engine.dispose()
    wrong = defective and (pragma(opened, "journal_mode") == "wal" or "lims.db-wal" in beside)
    measured("H39", trials=1, failures=int(wrong), library=sqlite3.sqlite_version)
    assert not wrong


def test_H39_a_writer_begins_as_a_writer(tmp_path, measured):
    """A deferred BEGIN that reads first and then writes fails under another writer."""
    opened = open_file(tmp_path)
    with opened.engine.begin() as connection:
        # It has only read so far, and holds the one place of a writer already.
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")
        other = sqlite3.connect(tmp_path / "lims.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    opened.engine.dispose()
    measured("H39", trials=1, failures=0)
