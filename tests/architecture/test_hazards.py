"""docs/hazards.md and the tests hold each other: no id without a test, no test without an id."""

import ast
import re

from tests.architecture.sources import ROOT, files, tree

FIRST_DAY = {
    *("H01", "H03", "H04", "H06", "H07", "H09", "H10", "H15"),
    *("H16", "H17", "H21", "H27", "H31", "H38", "H39", "H53"),
}
_ROW = re.compile(r"^\| (H\d\d) \|(.+)\|$", re.MULTILINE)
_NAMED = re.compile(r"^test_((?:H\d\d_)+)\w+$")


def _listed():
    return dict(_ROW.findall((ROOT / "docs/hazards.md").read_text()))


def _tests():
    """Tests that name an id: the id, the name, whether they write a figure."""
    for name, path in files("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_H"):
                named = _NAMED.match(node.name)
                assert named, f"{name}: {node.name} names no id"
                arguments = {each.arg for each in node.args.args}
                for id_ in named[1].rstrip("_").split("_"):
                    yield id_, f"{name}::{node.name}", "measured" in arguments


def test_every_test_of_a_hazard_names_one_that_is_listed():
    unknown = [where for id_, where, _measured in _tests() if id_ not in _listed()]
    assert unknown == []


def test_every_hazard_listed_has_a_test_that_writes_its_figure():
    measured = {id_ for id_, _where, writes in _tests() if writes}
    assert sorted(set(_listed()) - measured) == []


def test_the_hazards_of_the_first_day_are_in_force():
    assert sorted(FIRST_DAY - set(_listed())) == []


def test_every_row_is_complete():
    for id_, row in _listed().items():
        cells = [each.strip() for each in row.split("|")]
        assert len(cells) == 3, f"{id_} has {len(cells)} cells"
        assert all(cells), f"{id_} has an empty cell"
