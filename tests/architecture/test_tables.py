"""Every table is guarded by the ledger, or says why not."""

import ast

from sqlalchemy import DateTime, Float, Numeric

from lims.core.db import Base, Tracked
from lims.ledger.writing import unguarded
from lims.tables import metadata
from tests.architecture.sources import files, tree

# Tables of the machinery itself, and why an entry does not account for their rows.
OF_THE_SPINE = {
    "core_act": "the answer to a key, in the same commit as the entries of its act",
    "core_heartbeat": "a machine's sign of life, overwritten every minute",
    "core_system_fact": "what this installation is, set once while it is empty",
    "ledger_entry": "the ledger",
    "ledger_head": "follows from the entries, and is checked against them",
    "ledger_pending": "what no seal covers yet",
    "ledger_leaf": "the place of an entry in the tree, covered by the next seal's root",
    "ledger_tile": "follows from the leaves, and is checked against them",
    "ledger_seal": "signed, and chained to the seal before",
    "ledger_cosignature": "signed by a witness",
}


def _models():
    return {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}


def test_every_guarded_row_has_an_id_and_a_version():
    """A row's version orders its changes where its entries stand in several streams."""
    without = sorted(
        name
        for name, model in _models().items()
        if not unguarded(metadata.tables[name]) and not issubclass(model, Tracked)
    )
    # Its own states are moved by conditional updates that no version could order.
    assert without in ([], ["labels_request"])


def test_the_tables_that_no_entry_guards_are_known():
    free = {name for name, table in metadata.tables.items() if unguarded(table)}
    spine = {name for name in free if name.startswith(("core_", "ledger_"))}
    assert spine == set(OF_THE_SPINE)
    assert free - spine == {
        "labels_job",
        "labels_turn",
        "people_sign_in",
        "people_attempt",
        "release_recalled",
        "studies_identity",
    }


def test_what_is_not_guarded_says_why():
    """A comment stands on the line, or right above the column or the table's arguments."""
    silent = []
    for name, path in files("lims"):
        if not name.endswith("models.py"):
            continue
        lines = path.read_text().splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.AnnAssign | ast.Assign):
                continue
            text = ast.unparse(node)
            if "'guarded': False" not in text and "info=_PROGRESS" not in text:
                continue
            if "_PROGRESS" in text:
                continue  # the comment stands at its definition, which is checked below
            first = node.lineno - 1
            while "guarded" in lines[first - 1]:  # one comment may speak for a run of columns
                first -= 1
            here = lines[first - 1 : node.end_lineno]
            if not any("#" in each for each in here):
                silent.append(f"{name}:{node.lineno}")
    assert silent == []


def test_no_column_keeps_a_float_or_a_naive_time():
    """SQLite would keep NUMERIC as a float; a naive time could be read in any zone (H15, H17)."""
    wrong = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Float | Numeric) or type(column.type) is DateTime
    ]
    assert wrong == []


def test_every_constraint_has_a_name():
    """A migration of SQLite can only change what it can name."""
    nameless = [
        (table.name, type(each).__name__)
        for table in metadata.tables.values()
        for each in table.constraints
        if each.name is None
    ]
    assert nameless == []
