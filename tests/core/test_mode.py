"""Live or practice: decided while the database is empty, and then never asked again."""

import pytest
from sqlalchemy import event

from lims import ledger
from lims.core import db, mode


def is_practice() -> bool:
    """What a new act hears."""
    with db.reading() as session:
        return mode.is_practice(session)


def questions(database: db.Database) -> list[str]:
    """The statements that ask for the mode, as they come."""
    heard: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def statement(_connection, _cursor, sent, _parameters, _context, _many):
        if "core_system_fact" in sent and sent.startswith("SELECT"):
            heard.append(sent)

    return heard


def record(technician) -> None:
    """An act that asks for the mode and writes an entry."""
    with db.transaction() as session:
        mode.is_practice(session)
        ledger.record(technician, "item/S7K4M29XC", "test.done", {})


def test_an_empty_database_may_still_become_one_for_practice(database):
    assert not is_practice()
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    assert is_practice()


def test_once_something_is_recorded_the_mode_is_known(database, technician):
    record(technician)
    heard = questions(database)

    record(technician)

    assert (is_practice(), heard) == (False, [])


def test_an_act_that_was_undone_settles_nothing(database, technician):
    def fail() -> None:
        with db.transaction() as session:
            mode.is_practice(session)
            ledger.record(technician, "item/S7K4M29XC", "test.done", {})
            mode.declare_practice(session, empty=True)
            raise ValueError("the bench burns")

    with pytest.raises(ValueError, match="burns"):
        fail()

    assert not is_practice()
    assert "practice" not in database.known


def test_live_records_cannot_become_practice(database, technician):
    record(technician)
    with db.transaction() as session, pytest.raises(mode.NotForPractice):
        mode.declare_practice(session, empty=False)
