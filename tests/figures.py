"""Write the figures of the last run into docs/reliability.md: `make figures`."""

import json
import re
import sys
from collections import defaultdict
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


def main():
    if not REPORT.exists():
        sys.exit("there is no hazard_report.json yet: run make test or make soak first")
    made = table(json.loads(REPORT.read_text()))
    PAPER.write_text(_BLOCK.sub(lambda block: block[1] + made + block[2], PAPER.read_text()))
    print(f"{PAPER.relative_to(ROOT)}: {made.count(chr(10)) - 2} lines")


if __name__ == "__main__":
    main()
