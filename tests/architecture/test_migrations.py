"""A database comes from nothing to the newest form, the same on both kinds, and stays guarded."""

import threading
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from lims import ledger, migrations
from lims.core import db
from lims.tables import metadata
from tests.ledger.tampering import outside


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request, tmp_path):
    """A database with nothing in it at all."""
    request.config.per_database[request.param] += 1
    if request.param == "sqlite":
        opened = db.open_database(f"sqlite:///{tmp_path / 'bare.db'}")
        yield opened
        opened.engine.dispose()
        return
    server = request.getfixturevalue("postgres")
    name = f"bare_{uuid4().hex[:8]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        opened = db.open_database(f"{server}/{name}")
        yield opened
        opened.engine.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_there_is_one_head_and_its_name_is_dated():
    script = ScriptDirectory.from_config(migrations.configuration())
    assert len(script.get_heads()) == 1
    for each in script.walk_revisions():
        file = each.path.rpartition("/")[2]
        assert file[:8].isdigit(), f"{file} has no date"
        assert file[8] == "_"
        assert file[9:13].isdigit(), f"{file} has no time of day"


def test_an_empty_database_becomes_the_models_and_is_guarded(bare):
    before, after = migrations.upgrade(bare)

    assert (before, after) == ("", migrations.head())
    with bare.engine.begin() as connection:
        command.check(migrations.configuration(connection))
        there = set(inspect(connection).get_table_names())
    assert there == set(metadata.tables) | {"alembic_version"}
    with bare.reader() as session:
        assert ledger.missing_guards(session) == []
        assert ledger.verify(session).ok


def test_constraints_and_indexes_are_those_of_the_models(bare):
    """`command.check` does not look at everything: CHECKs and partial indexes are held here."""
    migrations.upgrade(bare)
    with bare.engine.connect() as connection:
        looked = inspect(connection)
        for name, table in metadata.tables.items():
            checks = {each["name"] for each in looked.get_check_constraints(name)}
            wanted = {
                each.name for each in table.constraints if type(each).__name__ == "CheckConstraint"
            }
            assert checks == {str(each) for each in wanted}, name
            unique = {each["name"] for each in looked.get_indexes(name) if each["unique"]}
            keys = {each["name"] for each in looked.get_unique_constraints(name)}
            assert {str(each.name) for each in table.indexes if each.unique} <= unique, name
            assert {
                str(each.name)
                for each in table.constraints
                if type(each).__name__ == "UniqueConstraint"
            } <= keys, name


def test_a_lost_guard_is_named_until_the_operator_puts_it_back(bare):
    migrations.upgrade(bare)
    with outside(bare) as connection:
        on = " ON ledger_entry" if bare.engine.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER ledger_entry_no_update{on}"))
    with bare.reader() as session:
        assert ledger.missing_guards(session) == ["ledger_entry_no_update"]

    migrations.upgrade(bare)  # as every start does
    with bare.reader() as session:
        assert ledger.missing_guards(session) == ["ledger_entry_no_update"]
        assert [each.what for each in ledger.verify(session).breaks] == [
            "guard missing: ledger_entry_no_update"
        ]

    assert migrations.upgrade(bare, repair=True) == (migrations.head(), migrations.head())

    with bare.reader() as session:
        assert ledger.missing_guards(session) == []


def test_processes_that_start_at_once_upgrade_once(bare):
    failures = []

    def start():
        try:
            migrations.upgrade(bare)
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=start) for _each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    with bare.engine.connect() as connection:
        assert migrations.revision(connection) == migrations.head()


def test_the_first_form_can_be_taken_back_while_nothing_is_recorded(bare):
    migrations.upgrade(bare)
    with bare.engine.begin() as connection:
        command.downgrade(migrations.configuration(connection), "base")
    with bare.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
