"""The sources as syntax trees, for tests that read code rather than run it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FEATURES = (
    "labels",
    "people",
    "instruments",
    "studies",
    "supplies",
    "custody",
    "collection",
    "culture",
    "isolation",
    "qc",
    "release",
    "dosing",
    "interchange",
    "station",
)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def files(*folders: str) -> Iterator[tuple[str, Path]]:
    """Every Python file beneath, with its name from the root."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """What a file calls, as it is written, and where."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """What a file imports, wherever the statement stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            for each in node.names:
                yield f"{node.module}.{each.name}", node.lineno
        elif isinstance(node, ast.Import):
            for each in node.names:
                yield each.name, node.lineno
