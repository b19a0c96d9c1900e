"""Every kind of entry that the sources write has its words."""

import ast
from pathlib import Path

from lims.web.happenings import WORDS

SOURCES = Path(__file__).parents[2] / "lims"
RECORDERS = {"record": 2, "touch": 2, "set_state": 3, "_end": 4}
ADMINISTRATION = "people."  # accounts have a page of their own and no trail of an item


def kinds_written() -> set[str]:
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            place = RECORDERS.get(name)
            if place is not None and len(node.args) > place:
                said = node.args[place]
                if isinstance(said, ast.Constant) and "." in str(said.value):
                    found.add(said.value)
    return found


def test_every_kind_has_its_words():
    written = {each for each in kinds_written() if not each.startswith(ADMINISTRATION)}
    assert len(written) > 60

    assert written <= set(WORDS), sorted(written - set(WORDS))
