"""Readings join each other, so that no reader waits for a commit that waits for the reader."""

import threading

import pytest
from sqlalchemy import text

from lims.core import db


def test_a_reading_inside_of_another_is_the_same_one(database):
    with db.reading() as outer:
        with db.reading() as inner:
            assert inner is outer
        assert outer.scalar(text("SELECT 1")) == 1
    with db.reading() as later:
        assert later is not outer


def test_a_transaction_is_read_in_what_it_wrote(database):
    with db.transaction() as writing, db.reading() as session:
        assert session is writing


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_that_reads_twice_does_not_wait_for_a_worker_that_commits(database):
    """With a rollback journal the commit holds new readers back until the old ones are done."""
    wrote, failed = threading.Event(), []

    def work() -> None:
        try:
            with db.transaction() as session:
                session.execute(
                    text("INSERT INTO core_system_fact (name, value) VALUES ('a', 'b')")
                )
                wrote.set()
        except Exception as fault:
            failed.append(fault)

    with db.reading() as session:
        session.execute(text("SELECT count(*) FROM core_system_fact"))
        worker = threading.Thread(target=work)
        worker.start()
        assert wrote.wait(5)
        worker.join(0.3)  # it stands at its commit now
        with db.reading() as again:
            assert again.scalar(text("SELECT count(*) FROM core_system_fact")) == 0
    worker.join(9)
    assert not worker.is_alive()
    assert failed == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_transaction_inside_of_reading_is_refused_at_once(database):
    refusal = pytest.raises(RuntimeError, match="close the reading first")
    with db.reading(), refusal, db.transaction():
        raise AssertionError("it was opened")
