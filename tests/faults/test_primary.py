"""Safety is asked of the one database by the deciding transaction: no replica, no cache (H44)."""

import ast
from random import Random

import pytest
from sqlalchemy import text

from lims import custody
from lims.core import db
from lims.core.errors import Conflict
from lims.custody import State
from tests.architecture.sources import files, tree
from tests.conftest import SOAK
from tests.custody import bench

SEED = 20261126
FOLDERS = tuple(
    f"lims/{each}"
    for each in ("custody", "collection", "culture", "isolation", "qc", "release", "dosing",
                 "studies", "people", "web", "core")
)  # fmt: skip
# What opens a database or a session, and what remembers an answer.
OPENS = {"create_engine", "open_database", "Session", "sessionmaker", "connect"}
REMEMBERS = {"cache", "lru_cache", "cached_property"}
ALLOWED = {
    "lims/core/db.py": "the one engine and its sessions",
    "lims/core/words.py": "catalogues of the program itself",
    "lims/people/rules.py": "a secret of nobody, to compare with in vain",
    "lims/studies/queries.py": "a study's text as read, by the text: pinned by its digest",
    "lims/studies/protocol/panels.py": "files of the program itself",
    "lims/studies/protocol/reading.py": "a grammar of the program itself",
    "lims/web/steps.py": "a schema of the program itself",
    "lims/web/tokens.py": "a sheet of the program itself",
    "lims/web/health.py": "asks which form the tables have",
}


def _named(wanted: set[str]) -> dict[str, list[int]]:
    """Where one of these names is called or decorates something."""
    found: dict[str, list[int]] = {}
    for name, path in files(*FOLDERS):
        for node in ast.walk(tree(path)):
            said: list[ast.expr] = []
            if isinstance(node, ast.Call):
                said = [node.func]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                said = list(node.decorator_list)
            for each in said:
                if ast.unparse(each).split("(")[0].rpartition(".")[2] in wanted:
                    found.setdefault(name, []).append(node.lineno)
    return found


def test_H44_one_engine_answers_and_nothing_remembers_an_answer(measured):
    found = _named(OPENS) | _named(REMEMBERS)
    elsewhere = {name: lines for name, lines in found.items() if name not in ALLOWED}
    measured(
        "H44", trials=sum(1 for _each in files(*FOLDERS)), failures=len(elsewhere), what="sources"
    )
    assert elsewhere == {}
    assert set(ALLOWED) == set(found), "listed and gone"


def test_H44_a_decision_sees_what_was_committed_before_it_locked(database, measured):
    """Read before, by page and in the act itself; then held or freed by somebody else."""
    chance, trials = Random(SEED), 1000 if SOAK else 40
    (woman,) = bench.women(bench.open_study(), 1)
    code, who = bench.thing(donor=woman), bench.somebody()
    stale, held = 0, False
    for _trial in range(trials):
        page = bench.row(code)  # what a page has shown, and keeps
        if chance.random() < 0.5:
            held = not held
            if held:
                custody.hold(who, code=code, reason="meanwhile")
            else:
                custody.lift_hold(who, code=code, reason="settled")
        with db.transaction() as session:
            item = custody.find(session, code, lock=True)
            try:
                custody.require_free(session, item)
                said = False
            except Conflict:
                said = True
        stale += said is not held or item.version < page.version
    measured("H44", trials=trials, failures=stale, seed=SEED, what="decisions")
    assert stale == 0


def test_H44_a_row_read_earlier_in_the_act_is_read_afresh_under_the_lock(database, measured):
    """The object that the session holds is the nearest cache of all."""
    if database.is_sqlite:
        pytest.skip("a writer there holds the whole database: nobody can come between")
    (woman,) = bench.women(bench.open_study(), 1)
    stale, trials = 0, 1000 if SOAK else 40
    for _trial in range(trials):
        code = bench.thing(donor=woman)
        with db.transaction() as session:
            early = custody.find(session, code)
            with database.engine.connect() as other:
                other.execute(
                    text("UPDATE custody_item SET state = 'blocked' WHERE code = :code"),
                    {"code": code},
                )
                other.commit()
            locked = custody.find(session, code, lock=True)
            stale += locked.state is not State.BLOCKED or locked is not early
            session.expunge_all()
    measured("H44", trials=trials, failures=stale, what="under the lock")
    assert stale == 0
