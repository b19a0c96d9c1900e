"""The trail: what it keeps, what it refuses, what verification finds."""

from contextlib import suppress

import pytest
from sqlalchemy import insert, select, text, update

from lims import ledger
from lims.core import acts, db
from lims.core.mode import SystemFact
from lims.ledger.models import LedgerEntry
from tests.ledger.tampering import outside


def write(technician, stream="item/S7K4M29XC", kind="test.done", **data):
    with db.transaction():
        ledger.record(technician, stream, kind, data)


def test_entries_of_a_stream_form_one_chain(database, technician):
    for number in range(5):
        write(technician, n=number)

    with db.reading() as session:
        entries = ledger.entries_of(session, "item/S7K4M29XC")
        found = ledger.verify(session)

    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.data["n"] for entry in entries] == [0, 1, 2, 3, 4]
    assert (found.ok, found.entries, found.streams) == (True, 5, 1), found.breaks


def test_entries_of_one_act_name_each_other(database, technician):
    with db.transaction():
        ledger.record(technician, "item/b", "a.done")
        ledger.record(technician, "item/a", "a.done", parents=["item/b"])

    with db.reading() as session:
        (one,) = ledger.entries_of(session, "item/a")
        (two,) = ledger.entries_of(session, "item/b")
        assert ledger.verify(session).ok

    assert one.command == two.command
    assert one.peers == [{"stream": "item/b", "number": 1}]
    assert two.peers == [{"stream": "item/a", "number": 1}]


def test_an_act_that_fails_leaves_nothing(database, technician):
    def fails():
        with db.transaction():
            ledger.record(technician, "item/a", "a.done")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fails()

    with db.reading() as session:
        assert ledger.entry_count(session) == 0


def test_H38_plain_statements_cannot_rewrite_history(database, technician, measured):
    write(technician)
    entry = LedgerEntry.__table__
    with db.reading() as session:
        kept = dict(session.execute(select(entry)).mappings().one())
    attacks = [
        update(entry).values(kind="forged"),
        update(entry).values(body=b"{}"),
        entry.delete(),
        text("UPDATE ledger_head SET number = 0"),
        text("DELETE FROM ledger_head"),
        insert(entry).values(**{**kept, "body": b"forged"}),
    ]
    if database.is_sqlite:
        attacks += [
            insert(entry).prefix_with("OR REPLACE").values(**{**kept, "body": b"forged"}),
            insert(entry).prefix_with("OR REPLACE").values(**{**kept, "id": 99, "body": b"x"}),
        ]
    else:
        attacks += [text("TRUNCATE ledger_entry CASCADE"), text("TRUNCATE ledger_head")]
    got_through = 0
    for attack in attacks:
        try:
            with database.writer() as session:
                session.execute(attack)
                session.commit()
                got_through += 1
        except Exception as refused:
            said = str(refused)
            assert any(
                word in said for word in ("grows", "ends", "not authorized", "not that of")
            ), said

    with db.reading() as session:
        assert ledger.verify(session).ok
    measured("H38", trials=len(attacks), failures=got_through)
    assert got_through == 0


def test_one_changed_byte_is_found_by_stream_and_number(database, technician):
    for number in range(3):
        write(technician, n=number)
    with outside(database) as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER ledger_entry_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        stored = connection.execute(
            select(LedgerEntry.body).where(LedgerEntry.number == 2)
        ).scalar_one()
        forged = stored.replace(b'"n":1', b'"n":7')
        assert forged != stored
        connection.execute(
            update(LedgerEntry.__table__).where(LedgerEntry.number == 2).values(body=forged)
        )

    with db.reading() as session:
        found = ledger.verify(session)

    assert not found.ok
    assert ("item/S7K4M29XC", 2) in {(each.stream, each.number) for each in found.breaks}


def test_the_same_key_acts_once_and_answers_alike(database, technician):
    calls = []

    def act():
        calls.append(1)
        ledger.record(technician, "item/a", "a.done")
        return {"done": len(calls)}

    first = acts.once(technician, "key-1", acts.digest_of("a"), act)
    second = acts.once(technician, "key-1", acts.digest_of("a"), act)

    assert (first.answer, second.answer) == ({"done": 1}, {"done": 1})
    assert (first.repeated, second.repeated, calls) == (False, True, [1])
    with pytest.raises(acts.KeyReused):
        acts.once(technician, "key-1", acts.digest_of("b"), act)
    with db.reading() as session:
        assert ledger.entries_of(session, "item/a")[0].command == "key-1"


def test_an_inner_failure_that_is_swallowed_still_undoes_the_act(database, technician):
    def inner():
        with db.transaction() as session:
            session.add(SystemFact(name="half", value="done"))
            raise ValueError("on purpose")

    def swallows():
        with db.transaction(), suppress(ValueError):
            inner()

    with pytest.raises(RuntimeError, match="undone"):
        swallows()

    with db.reading() as session:
        assert session.scalar(select(SystemFact)) is None
