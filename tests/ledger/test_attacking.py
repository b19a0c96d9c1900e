"""The guards are tried and not only counted (H38)."""

import sqlite3

import psycopg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from lims import ledger, migrations
from lims.core import clock, db
from lims.ledger import guards
from lims.ledger.models import LedgerEntry
from lims.ledger.writing import NoTrail
from tests.ledger.tampering import owned


def open_guards():
    return ledger.open_guards(db.current())


def test_H38_the_guards_refuse_what_is_tried_against_them(database, technician, measured):
    with db.transaction():
        ledger.record(technician, "item/a", "test.written")
    through = open_guards()
    measured("H38", trials=12, failures=len(through), what="self-attack")
    assert through == []
    with db.reading() as session:
        assert ledger.verify(session).ok
        assert ledger.entry_count(session) == 1


@pytest.mark.parametrize("table", ["entry", "head", "leaf", "tile", "seal", "cosignature"])
def test_H38_a_guard_that_stands_and_lets_pass_is_named(database, measured, table):
    """Its name is there, so only an attack tells."""
    name = "ledger_head_forward" if table == "head" else f"ledger_{table}_no_update"
    if not database.is_sqlite:
        with owned(database) as connection:
            letting = (
                "CREATE FUNCTION lets_pass() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RETURN NEW; END $$"
            )
            connection.exec_driver_sql(letting)
            connection.exec_driver_sql(f"DROP TRIGGER {name} ON ledger_{table}")
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON ledger_{table} "
                "FOR EACH ROW EXECUTE FUNCTION lets_pass()"
            )
    if database.is_sqlite:
        _empty(database, name, table)

    through = open_guards()

    missed = f"ledger_{table}: update" not in through
    measured("H38", trials=1, failures=int(missed), what="empty guard")
    assert not missed, through
    with db.reading() as session:
        assert ledger.missing_guards(session) == []


def _empty(database, name, table):
    with sqlite3.connect(database.engine.url.database) as file:
        file.execute(f"DROP TRIGGER {name}")
        file.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON ledger_{table} BEGIN SELECT 1; END")
    file.close()


def test_H38_an_upgrade_that_leaves_a_hole_is_undone(database, monkeypatch, measured):
    if database.is_sqlite:
        hole = {"ledger_tile_no_update": "CREATE TRIGGER ledger_tile_no_update "
                "BEFORE UPDATE ON ledger_tile BEGIN SELECT 1; END"}  # fmt: skip
        monkeypatch.setattr(guards, "_SQLITE", {**guards._SQLITE, **hole})
    else:
        monkeypatch.delitem(guards._POSTGRESQL, "ledger_tile_no_update")
        with owned(database) as connection:
            connection.exec_driver_sql("DROP TRIGGER ledger_tile_no_update ON ledger_tile")
            for each in (
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql"
                " AS $$ BEGIN RETURN NEW; END $$",
                "CREATE TRIGGER ledger_tile_no_update BEFORE UPDATE ON ledger_tile"
                " FOR EACH ROW EXECUTE FUNCTION nothing()",
            ):
                connection.exec_driver_sql(each)
    with pytest.raises(migrations.GuardsOpen, match="ledger_tile: update"):
        migrations.upgrade(database, repair=True)
    measured("H38", trials=1, failures=0, what="upgrade")


def test_H38_postgresql_refuses_a_digest_of_other_bytes(database, technician, measured):
    with db.transaction():
        ledger.record(technician, "item/a", "test.written")
    row = {"stream": "item/b", "number": 1, "kind": "forged", "at": clock.now(),
           "command": "x", "body": b"forged", "prev": bytes(32), "digest": bytes(32)}  # fmt: skip
    if database.is_sqlite:
        pytest.skip("SQLite has no digest of its own; verification finds it")
    with database.engine.connect() as connection:
        with pytest.raises(Exception, match="not that of the bytes"):
            connection.execute(insert(LedgerEntry.__table__), row)
        connection.rollback()
    measured("H38", trials=1, failures=0, what="digest of other bytes")


def test_H38_an_act_whose_entries_are_swallowed_fails(database, technician, measured):
    with owned(database) as connection:
        if database.is_sqlite:
            connection.exec_driver_sql(
                "CREATE TRIGGER aaa BEFORE INSERT ON ledger_entry BEGIN SELECT RAISE(IGNORE); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE RULE swallow AS ON INSERT TO ledger_entry DO INSTEAD NOTHING"
            )
    with pytest.raises(NoTrail, match="kept 0 of 1"), db.transaction():
        ledger.record(technician, "item/a", "test.written")
    measured("H38", trials=1, failures=0, what="swallowed")
    assert "ledger_entry: insert that stores nothing" in open_guards()
    if not database.is_sqlite:
        with owned(database) as connection:
            connection.exec_driver_sql("DROP RULE swallow ON ledger_entry")


def test_H38_the_form_of_the_ledger_stands_where_the_owner_may_watch_it(
    postgres, postgres_template, request, measured
):
    """An event trigger stops even the superuser, unless she says that it is an upgrade."""
    request.config.per_database["postgresql"] += 1
    name, role = "form_stands", "form_stands_app"
    through, said = [], []
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as root:
        root.execute(f"CREATE ROLE {role} LOGIN")
        root.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        opened = db.open_database(f"{postgres}/{name}")
        try:
            with opened.reader() as session:
                assert not ledger.form_watched(session)
            migrations.upgrade(opened, application_role=role, repair=True)
            with opened.reader() as session:
                assert ledger.form_watched(session)
            attacks = (
                "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
                "ALTER TABLE ledger_entry ALTER COLUMN kind TYPE varchar(60) USING 'forged'",
                "ALTER TABLE ledger_entry RENAME TO ledger_before",
                "DROP TRIGGER ledger_entry_no_update ON ledger_entry",
                "DROP TABLE ledger_entry CASCADE",
                "CREATE RULE swallow AS ON INSERT TO ledger_entry DO INSTEAD NOTHING",
                "CREATE TABLE ledger_child () INHERITS (ledger_entry)",
                "CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql"
                " AS $$ BEGIN RETURN NEW; END $$",
            )
            for each in attacks:
                with opened.engine.connect() as connection:
                    try:
                        connection.execute(text(each))
                        through.append(each)
                    except DBAPIError as refused:
                        said.append(str(refused))
                    connection.rollback()
            with opened.engine.begin() as connection:
                connection.execute(text("CREATE TABLE something_else (id int)"))
                connection.execute(text("DROP TABLE something_else"))
            migrations.upgrade(opened, application_role=role, repair=True)
        finally:
            opened.engine.dispose()
            root.execute(f"DROP DATABASE {name} WITH (FORCE)")
            root.execute(f"DROP ROLE {role}")
    measured("H38", trials=len(attacks), failures=len(through), what="event trigger")
    assert through == []
    assert [each for each in said if "the form of the ledger stands" not in each] == []
