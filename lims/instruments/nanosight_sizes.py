"""The size distributions of a NanoSight file: their rows, their histogram, their weighting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lims.core.words import Text as _
from lims.instruments.errors import NotReadable, SectionMissing, Truncated, TwoTables, UnitMissing
from lims.instruments.shapes import Bin
from lims.instruments.source import Source

CONCENTRATION = "concentration (particles / ml)"

Row = list[str]


@dataclass(frozen=True)
class Sizes:
    """One size distribution: its weighting, its rows by name, its histogram."""

    weighting: str
    method: str
    rows: Mapping[str, Row]
    bins: tuple[tuple[Decimal, Row], ...]
    header: Row


def sizes_of(source: Source, rows: Sequence[Row], names: Sequence[str]) -> Sizes:
    named: dict[str, Row] = {}
    header: Row = []
    bins: list[tuple[Decimal, Row]] = []
    for number, row in enumerate(rows):
        first = " ".join(row[0].split()).lower()
        if first.startswith("percentile"):
            break
        if first.startswith("bin centre"):
            if header:
                raise twice(source, "Graph Data")
            header = row
            ours = [
                each
                for each in row[1 : len(names) + 1]
                if " ".join(each.split()).lower() == CONCENTRATION
            ]
            if "(nm)" not in first or len(ours) < len(names):
                raise UnitMissing(
                    source.file,
                    "Graph Data",
                    _(
                        "the histogram's heading does not say nm and particles / ml for each "
                        "capture. Export it again with number weighting per mL."
                    ),
                )
        elif header:
            where = f"Graph Data, row {number + 1}"
            centre = source.number(row[0], where)
            if bins and centre <= bins[-1][0]:
                raise twice(source, where)
            if any(not cell.strip() for cell in row[1 : len(names) + 1]) or len(row) <= len(names):
                raise Truncated(
                    source.file, where, _("a bin is missing for a capture. Export the run again.")
                )
            bins.append((centre, row[1:]))
        elif first in named:
            raise twice(source, f"[Size Data] {row[0].strip()}")
        else:
            named[first] = row[1:]
    if not bins:
        raise SectionMissing(
            source.file,
            "Graph Data",
            _("there is no histogram. Export the experiment summary again."),
        )
    return Sizes(
        cell_of(named.get("weighting"), 0).strip(),
        cell_of(named.get("analysis method"), 0).strip(),
        named,
        tuple(bins),
        header,
    )


def chosen(source: Source, tables: Sequence[Sizes]) -> Sizes:
    """The number-weighted distribution; others are named and left, never added."""
    numbered = [each for each in tables if each.weighting.lower() in ("number", "")]
    if not numbered:
        raise UnitMissing(
            source.file,
            "[Size Data]",
            _("no size distribution is weighted by number. Export it that way."),
        )
    if len(numbered) > 1:
        fitted = [each for each in numbered if each.method.upper().startswith("FTLA")]
        if len(fitted) != 1:
            raise twice(source, "[Size Data]")
        numbered = fitted
    for each in tables:
        if each is not numbered[0]:
            source.warn(
                "[Size Data]",
                _(
                    "A second size distribution (%(weighting)s, %(method)s) was left unread; "
                    "the two must not be added.",
                    weighting=each.weighting or "?",
                    method=each.method or "?",
                ),
            )
    return numbered[0]


def complete(source: Source, sections: Mapping[str, list[list[Row]]], sizes: Sizes) -> None:
    steps = {
        after[0] - before[0] for before, after in zip(sizes.bins, sizes.bins[1:], strict=False)
    }
    if len(steps) > 1:
        raise Truncated(
            source.file,
            "Graph Data",
            _("the bins are not evenly spaced, so lines are missing. Export the run again."),
        )
    promised = " ".join(row[0] for row in sections.get("data included", [[]])[0]).lower()
    table = [row for part in sections["size data"] for row in part]
    percentiles = next(
        (at for at, row in enumerate(table) if row[0].strip().lower() == "percentile"), None
    )
    if "percentile" in promised and (percentiles is None or table[-1][0].strip() != "100"):
        raise Truncated(
            source.file,
            "Percentile",
            _(
                "the table of percentiles does not reach 100, so the file is broken "
                "off. Copy it again."
            ),
        )


def histogram(source: Source, sizes: Sizes, captures: int) -> tuple[Bin, ...]:
    averaged = next(
        (
            at - 1
            for at, cell in enumerate(sizes.header)
            if at > captures and "average" in cell.lower()
        ),
        None,
    )
    if averaged is None and captures > 1:
        source.warn(
            "Graph Data",
            _("The file gives no averaged histogram; the mean of the captures stands here."),
        )
    bins = []
    for nm, row in sizes.bins:
        where = f"Graph Data, {nm} nm"
        if averaged is not None:
            held = source.number(cell_of(row, averaged), where)
        else:
            held = sum((source.number(each, where) for each in row[:captures]), Decimal(0))
            held /= captures
        bins.append(Bin(nm, held))
    return tuple(bins)


def cell_of(row: Sequence[str] | None, at: int) -> str:
    return row[at] if row is not None and at < len(row) else ""


def twice(source: Source, where: str) -> NotReadable:
    return TwoTables(
        source.file,
        where,
        _("it stands there twice, and nothing says which holds. Export one run into one file."),
    )
