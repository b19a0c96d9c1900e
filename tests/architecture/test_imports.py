"""The arrows point down, and a feature is used by its front door."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.architecture.sources import FEATURES, ROOT, files, imports

LINT = Path(sys.executable).parent / "lint-imports"
# Inside a feature, and a front door of its own: what a study file says; the one walk over a lineage
# and the blocks that follow it; the table of states, which rules above read and no front door could
# give them, since those know a database.
OWN_DOORS = {
    "lims.studies.protocol",
    "lims.custody.genealogy",
    "lims.custody.blocking",
    "lims.custody.rules",
}
# The rehearsal is the journey as somebody outside would walk it.
REHEARSAL_MAY = ("lims.core", "lims.instruments.synthetic", "lims.studies.protocol")


def test_the_contracts_of_pyproject_hold():
    ran = subprocess.run(
        [LINT, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 kept, 0 broken" in ran.stdout


def _modules_of_features(path):
    """Modules inside features that a file reaches past their front doors."""
    for name, line in imports(path):
        parts = name.split(".")
        if len(parts) < 3 or parts[0] != "lims" or parts[1] not in FEATURES:
            continue
        module = ".".join(parts[:3])
        if find_spec(module) is not None:
            yield module, line


def test_a_feature_is_used_by_its_front_door():
    """Only the application's own parts, and foreign keys' tables, may reach inside."""
    past = []
    for name, path in files("lims", "workers"):
        parts = name.split("/")
        own = parts[1] if len(parts) > 2 else ""
        for module, line in _modules_of_features(path):
            if own == module.split(".")[1] or module in OWN_DOORS:
                continue
            # What a door asks for before it shows a thing is named by the feature that owns it.
            if module.endswith(".permissions") or own == "commands":
                continue
            if own == "station" and module == "lims.instruments.synthetic":
                continue
            past.append(f"{name}:{line} reaches {module}")
    assert past == []


def test_the_rehearsal_walks_through_front_doors_only():
    """Not even its own tables: what it did must be what a person could have done."""
    folder = ROOT / "lims/station/rehearsal"
    seen = 0
    past = []
    for path in sorted(folder.rglob("*.py")):
        for module, line in imports(path):
            seen += module.startswith("lims.")
            if module in ("sqlalchemy.orm", "sqlalchemy.orm.Session"):
                continue  # what reading() gives, for an annotation
            if module.split(".")[0] in ("sqlalchemy", "psycopg", "sqlite3", "workers"):
                past.append(f"{path.name}:{line} imports {module}")
        for module, line in _modules_of_features(path):
            if module.startswith("lims.station.") or module.startswith(REHEARSAL_MAY):
                continue
            past.append(f"{path.name}:{line} reaches {module}")
    assert past == []
    assert not folder.exists() or seen > 0
