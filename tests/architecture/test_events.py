"""Who hears what inside a transaction is written down for whoever reads the code."""

import ast
import re
from importlib import import_module

from lims.core import events
from tests.architecture.sources import FEATURES, ROOT, files, tree

_ROW = re.compile(r"^\| `([a-z.]+)` \| `([a-z.]+)` \| (.+) \|$", re.MULTILINE)


def _published():
    found = {}
    for name, path in files("lims"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "events.publish":
                module = name.removesuffix(".py").replace("/", ".")
                found[ast.literal_eval(node.args[0])] = module
    return found


def test_architecture_lists_every_event_and_its_subscribers():
    for feature in FEATURES:
        try:
            import_module(f"lims.{feature}")
        except ModuleNotFoundError as absent:
            if absent.name != f"lims.{feature}":
                raise
    paper = (ROOT / "ARCHITECTURE.md").read_text()
    listed = {name: (who, heard) for name, who, heard in _ROW.findall(paper)}
    published = _published()
    assert {name: who for name, (who, _heard) in listed.items()} == published
    heard = {name: sorted(re.findall(r"`([\w.]+)`", said)) for name, (_who, said) in listed.items()}
    assert heard == {name: sorted(events.subscribers().get(name, [])) for name in published}
