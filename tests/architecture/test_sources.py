"""What must stand in one place only, read from the sources."""

import ast

from tests.architecture.sources import ROOT, files, tree

LOCKS = {
    "lims/core/db.py": "the one locking read, which reads afresh (H07)",
    "lims/ledger/writing.py": "locks plain rows of heads, which no session holds as objects",
    "lims/custody/genealogy.py": "locks plain columns of a walk; objects of them are expired",
    "lims/custody/inheriting.py": "locks plain identities of parents; their states are asked anew",
    "lims/custody/places.py": "locks plain columns of an item; an object of it is refreshed after",
    "lims/labels/services.py": "locks plain identities of copies, which no session holds",
}
NOW = {
    "lims/core/clock.py": "the one clock",
    "lims/failing.py": "names the file of a fault; decides nothing",
}
FLOATS = {
    "lims/instruments/shapes.py": "the JSON edge, where design asks for JSON numbers",
    "lims/labels/commands.py": "the JSON edge: millimetres of a drawing",
    "lims/labels/elements.py": "places dots on a label",
    "lims/labels/fitting.py": "places dots on a label",
    "lims/labels/sheets.py": "places dots on a label",
    "lims/labels/formats.py": "the size of a page of PDF",
    "lims/station/practice_sheets.py": "where a line ends on a page of PDF",
}


def _found(wanted, *folders):
    """Files with a call whose dotted end is one of the wanted."""
    found = {}
    for name, path in files(*folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                text = ast.unparse(node.func)
                if any(text == each or text.endswith(f".{each}") for each in wanted):
                    found.setdefault(name, []).append(node.lineno)
    return found


def test_H07_every_lock_is_taken_where_the_row_is_read_afresh(measured):
    """A lock alone may give back the stale object that the session already holds."""
    found = _found({"with_for_update"}, "lims", "workers")
    elsewhere = {name: lines for name, lines in found.items() if name not in LOCKS}
    scanned = sum(1 for _each in files("lims", "workers"))
    measured("H07", trials=scanned, failures=len(elsewhere))
    assert elsewhere == {}
    assert set(LOCKS) == set(found), "listed and gone"
    assert "populate_existing" in (ROOT / "lims/core/db.py").read_text()


def test_only_the_clock_says_what_time_it_is():
    wanted = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "datetime.today"}
    found = _found(wanted, "lims", "workers")
    assert {name: lines for name, lines in found.items() if name not in NOW} == {}


def test_H15_no_amount_passes_through_a_float(measured):
    found = _found({"float"}, "lims", "workers")
    elsewhere = {name: lines for name, lines in found.items() if name not in FLOATS}
    measured("H15", trials=sum(1 for _ in files("lims", "workers")), failures=len(elsewhere))
    assert elsewhere == {}


def test_nothing_evaluates_text():
    for name, path in files("lims", "workers"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{name}:{node.lineno}"


def test_files_stay_short_enough_to_read():
    """One file, one thought. A protocol of a trial is data and does not count."""
    long = {
        name: lines
        for name, path in files("lims", "workers")
        if "/versions/" not in name  # written by a tool, read once
        and (lines := len(path.read_text().splitlines())) > 600
    }
    assert long == {}
