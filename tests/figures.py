"""Write the figures of the last run into docs/reliability.md: `make figures`.

`python -m tests.figures FILE…` takes several reports: of each test the run with the most trials
counts, unless another failed.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "hazard_report.json"
PAPER = ROOT / "docs/reliability.md"
_BLOCK = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def table(report):
    """One line for each hazard and database: its tests, their trials and failures added up."""
    sums = defaultdict(lambda: [0, 0, 0])
    for each in report:
        line = sums[each["id"], each["database"] or "none"]
        line[0] += 1
        line[1] += each["trials"]
        line[2] += each["failures"]
    rows = ["| hazard | database | tests | n | failures |", "|---|---|---|---|---|"]
    for (hazard, database), (tests, trials, failures) in sorted(sums.items()):
        rows.append(f"| {hazard} | {database} | {tests} | {trials} | {failures} |")
    return "\n".join(rows) + "\n"


def longest(reports):
    """Of each test, and each of its figures, the one with the most trials; a failure is kept."""
    found = {}
    for report in reports:
        seen = Counter()
        for each in report:
            test = each["id"], each["test"], each["database"]
            seen[test] += 1  # a test may have several figures, in one order
            at = (*test, seen[test])
            found[at] = max(
                each,
                found.get(at, each),
                key=lambda one: (one["failures"] > 0, one["trials"]),
            )
    return list(found.values())


def main(given):
    paths = [Path(each) for each in given] or [REPORT]
    missing = [str(each) for each in paths if not each.exists()]
    if missing:
        sys.exit(f"there is no {', '.join(missing)}: run make test or make soak first")
    made = table(longest(json.loads(each.read_text()) for each in paths))
    PAPER.write_text(_BLOCK.sub(lambda block: block[1] + made + block[2], PAPER.read_text()))
    print(f"{PAPER.relative_to(ROOT)}: {made.count(chr(10)) - 2} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
