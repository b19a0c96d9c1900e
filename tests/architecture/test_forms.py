"""What was written under an earlier form comes up whole, down again and up again (H48)."""

import pytest
from alembic import command
from sqlalchemy import MetaData, select

from lims import ledger, migrations
from lims.ledger import tree
from tests import forms
from tests.architecture.test_migrations import bare

__all__ = ["bare"]
# What the machinery keeps about entries and rebuilds for itself.
_BESIDE = {"alembic_version", "ledger_pending", "ledger_leaf", "ledger_tile", "ledger_seal"}
# Words of a machine's progress that a later form says otherwise; entries never held them.
_REWORDED = {"labels_request": {"'requested'": "'waiting'"}}


def reworded(before):
    """What was kept, in the words of the newest form."""
    return {
        name: (
            columns,
            sorted(tuple(_REWORDED.get(name, {}).get(each, each) for each in row) for row in rows),
        )
        for name, (columns, rows) in before.items()
    }


def pictured(connection, like=None):
    """Every row of every table, by table and column; only the columns of `like` where given."""
    there = MetaData()
    there.reflect(connection)
    found = {}
    for table in there.sorted_tables:
        if table.name in _BESIDE or (like is not None and table.name not in like):
            continue
        columns = [each for each in table.c if like is None or each.name in like[table.name][0]]
        rows = [tuple(map(repr, row)) for row in connection.execute(select(*columns))]
        if rows or (like is not None):
            found[table.name] = ([each.name for each in columns], sorted(rows))
    return found


def root_of(connection):
    """The root of the tree over all entries, in the order of their streams."""
    found = connection.exec_driver_sql("SELECT stream, number, digest FROM ledger_entry")
    return tree.root([bytes(row[2]) for row in sorted(map(tuple, found))])


def moved(opened, to, how):
    """Bring a database up or down to a form, as an operator does."""
    if how is command.upgrade and to == "head":
        migrations.upgrade(opened)
    else:
        with opened.turn(), opened.engine.begin() as connection:
            how(migrations.configuration(connection), to)


@pytest.mark.parametrize("form", forms.kept())
def test_H48_a_kept_form_comes_up_whole_and_down_and_up(bare, form, measured):
    moved(bare, form, command.upgrade)
    with bare.turn(), bare.engine.begin() as connection:
        forms.fill(connection, forms.kept()[form])
        before = pictured(connection)
    assert len(before["ledger_entry"][1]) > 50

    differences, roots = [], set()
    for to, how in (
        ("head", command.upgrade),
        (form, command.downgrade),
        ("head", command.upgrade),
    ):
        moved(bare, to, how)
        with bare.engine.connect() as connection:
            after = pictured(connection, before)
            roots.add(root_of(connection))
        wanted = reworded(before) if to == "head" else before
        differences += [f"{to}: {name}" for name in wanted if after.get(name) != wanted[name]]
        if to == "head":
            with bare.reader() as session:
                verified = ledger.verify(session)
            differences += [each.what for each in verified.breaks]
            assert verified.entries == len(before["ledger_entry"][1])
            with bare.engine.connect() as connection:
                waiting = connection.exec_driver_sql("SELECT count(*) FROM ledger_pending").scalar()
            differences += [] if waiting == verified.entries else [f"{waiting} wait for a seal"]

    differences += [] if len(roots) == 1 else ["the root changed"]
    measured("H48", trials=3, failures=len(differences), form=form)
    assert differences == []
