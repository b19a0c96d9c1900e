"""Malvern NanoSight NTA: the "NTA Experiment Summary File" (CSV) of NTA 3.

The concentrations are those of the sample in the chamber unless the file records a dilution
factor: then they already hold it ("concentrations adjusted for this factor") and it must not be
multiplied in a second time. The two columns after the captures are their average and its standard
error; they are not captures.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lims.core.words import Text as _
from lims.instruments.errors import SectionMissing, Truncated, UnitMissing
from lims.instruments.nanosight_sizes import (
    CONCENTRATION,
    Row,
    Sizes,
    cell_of,
    chosen,
    complete,
    histogram,
    sizes_of,
    twice,
)
from lims.instruments.shapes import Average, Capture, Kind, NtaSample, Sample
from lims.instruments.source import Source

KIND = Kind.NTA
MAKER = "Malvern NanoSight"
SIGNATURE = "NTA Experiment Summary File"

_SIZES = {"mean": "mean_nm", "mode": "mode_nm", "sd": "sd_nm", "d10": "d10_nm", "d50": "d50_nm",
          "d90": "d90_nm"}  # fmt: skip
_NEEDED = ("experiment details", "results", "size data")
# How far the sum of a histogram, or the mean of the captures, may lie from the figure that the
# file states for it: three significant digits are printed.
_AGREES = Decimal("0.01")


def recognises(text: str) -> bool:
    """Whether the first line is the maker's."""
    return text.lstrip().lstrip('"').startswith(SIGNATURE)


def read(source: Source) -> tuple[str | None, str | None, tuple[Sample, ...]]:
    """Software, capture time and the one sample of the file."""
    rows = _rows(source)
    software = next(
        (
            row[0].strip()[len("Created with ") :]
            for row in rows[:3]
            if row[0].startswith("Created with ")
        ),
        None,
    )
    sections = _sections(source, rows)
    for name in _NEEDED:
        if name not in sections:
            raise SectionMissing(
                source.file,
                f"[{name.title()}]",
                _(
                    "the section is not there, so the file is broken off or another report. "
                    "Export the experiment summary again."
                ),
            )
        if len(sections[name]) > 1 and name != "size data":
            raise twice(source, f"[{name.title()}]")
    details = _named(source, sections["experiment details"][0], "Experiment Details")
    names = [each.strip() for each in details.get("filename", [])]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names):
        raise SectionMissing(
            source.file,
            "Filename:",
            _("no captures are named there. Export the experiment summary again."),
        )
    source.settle_mark(
        cell
        for name, found in sections.items()
        if name != "experiment details"
        for part in found
        for row in part
        for cell in row
    )
    sizes = chosen(source, [sizes_of(source, each, names) for each in sections["size data"]])
    complete(source, sections, sizes)
    return (
        software,
        _text(details, "time captured"),
        (_sample(source, sections, details, names, sizes),),
    )


def _sample(
    source: Source,
    sections: Mapping[str, list[list[Row]]],
    details: Mapping[str, Row],
    names: Sequence[str],
    sizes: Sizes,
) -> NtaSample:
    header, *body = sections["results"][0]
    results = _named(source, body, "Results")
    if CONCENTRATION not in results:
        raise UnitMissing(
            source.file,
            "[Results]",
            _(
                "there is no row Concentration (Particles / ml), so the unit of the concentration "
                "is not known. Export again with concentrations per mL."
            ),
        )

    def part(name: str) -> Mapping[str, Row]:
        return _named(source, sections.get(name, [[]])[0], name.title(), repeats=True)

    conditions, settings, validity = (
        part("conditions"),
        part("settings"),
        part("concentration warnings").get("validity of concentration measurement"),
    )

    captures = []
    for at, name in enumerate(names):

        def figure(
            rows: Mapping[str, Row], row: str, at: int = at, name: str = name
        ) -> Decimal | None:
            return _figure(source, rows, row, at, name)

        def count(rows: Mapping[str, Row], row: str, at: int = at, name: str = name) -> int | None:
            return source.whole(cell_of(rows.get(row), at), f"{row}, {name}")

        captures.append(
            Capture(
                name=name,
                particles_per_ml=figure(results, CONCENTRATION),
                **{key: figure(sizes.rows, row) for row, key in _SIZES.items()},
                valid_tracks=count(sizes.rows, "valid tracks"),
                completed_tracks=count(results, "completed tracks"),
                frames=count(settings, "total frames analysed"),
                particles_per_frame=figure(results, "particles per frame"),
                validity=cell_of(validity, at).strip() or None,
                camera_level=cell_of(conditions.get("camera level"), at).strip() or None,
                detection_threshold=cell_of(settings.get("detection threshold"), at).strip()
                or None,
                temperature_cel=figure(conditions, "temperature/c"),
            )
        )
    dilution, applied = _dilution(source, results, len(names))
    average = _average(source, header, results, sizes)
    usable = None
    if validity is not None:
        usable = sum(
            1 for each in captures if each.validity == "OK" and each.particles_per_ml is not None
        )
    _doubts(source, captures, average, sizes)
    return NtaSample(
        name=_text(details, "sample name"),
        experiment=_text(details, "experiment name"),
        captures=tuple(captures),
        dilution=dilution,
        dilution_applied=applied,
        average=average,
        usable_captures=usable,
        histogram=histogram(source, sizes, len(names)),
    )


def _rows(source: Source) -> list[Row]:
    first = source.text.lstrip().splitlines()[0]
    mark = next((each for each in (";", "\t", ",") if each in first), ",")
    try:
        rows = list(
            csv.reader(io.StringIO(source.text.lstrip(), newline=""), delimiter=mark, strict=True)
        )
    except csv.Error as broken:
        raise Truncated(
            source.file, _("table"), _("a quoted cell never ends. Export the run again.")
        ) from broken
    rows = [row for row in rows if row] or [[SIGNATURE]]
    width = len(rows[0])
    if width > 1 and len(rows[-1]) < width:
        raise Truncated(
            source.file,
            _("line %(line)s", line=len(rows)),
            _(
                "the last line has %(found)s of %(width)s columns, so the file is broken off. "
                "Copy it again.",
                found=len(rows[-1]),
                width=width,
            ),
        )
    return rows


def _sections(source: Source, rows: Sequence[Row]) -> dict[str, list[list[Row]]]:
    found: dict[str, list[list[Row]]] = {}
    part: list[Row] = []
    for row in rows:
        heading = re.fullmatch(r"\[(.+)\]", row[0].strip())
        if heading:
            name = heading[1].strip().lower()
            part = [row] if name == "results" else []
            found.setdefault(name, []).append(part)
        elif any(cell.strip() for cell in row):
            part.append(row)
    return found


def _named(
    source: Source, rows: Sequence[Row], section: str, *, repeats: bool = False
) -> dict[str, Row]:
    named: dict[str, Row] = {}
    for row in rows:
        name = " ".join(row[0].split()).lower().rstrip(":")
        if name in named and not repeats:
            raise twice(source, f"[{section}] {row[0].strip()}")
        named.setdefault(name, row[1:])
    return named


def _dilution(
    source: Source, results: Mapping[str, Row], captures: int
) -> tuple[Decimal | None, bool | None]:
    label = next((name for name in results if name.startswith("dilution factor")), None)
    cells = [each.strip() for each in results.get(label or "", [])[:captures]]
    factors = {source.maybe(each, "Dilution factor") for each in cells if each}
    if not factors or factors == {None}:
        source.warn(
            "Dilution factor",
            _(
                "The file records no dilution factor; enter the one used. The concentrations are "
                "those of the sample in the chamber."
            ),
        )
        return None, None
    if len(factors) > 1:
        source.warn(
            "Dilution factor",
            _("The captures do not share one dilution factor; measure them apart."),
        )
        return None, None
    factor = factors.pop()
    if factor is None or factor < 1:
        raise source.refuse(
            "Dilution factor", _("a dilution factor is 1 or more. Correct it and export again.")
        )
    if "adjusted" not in (label or ""):
        source.warn(
            "Dilution factor",
            _(
                "The file does not say whether its concentrations already hold the factor "
                "%(factor)s; ask whoever measured.",
                factor=factor,
            ),
        )
        return factor, None
    return factor, True


def _average(source: Source, header: Row, results: Mapping[str, Row], sizes: Sizes) -> Average:
    def column(heading: Row, name: str) -> int | None:
        return next(
            (at - 1 for at, cell in enumerate(heading) if at and cell.strip().lower() == name), None
        )

    ours, error = column(header, "average"), column(header, "standard error")
    theirs = column(["", *sizes.rows.get("filename", [])], "average")

    def figure(rows: Mapping[str, Row], row: str, at: int | None) -> Decimal | None:
        return None if at is None else _figure(source, rows, row, at, "Average")

    return Average(
        particles_per_ml=figure(results, CONCENTRATION, ours),
        particles_per_ml_standard_error=figure(results, CONCENTRATION, error),
        **{key: figure(sizes.rows, row, theirs) for row, key in _SIZES.items()},
        particles_per_frame=figure(results, "particles per frame", ours),
    )


def _doubts(source: Source, captures: Sequence[Capture], average: Average, sizes: Sizes) -> None:
    measured = [each.particles_per_ml for each in captures if each.particles_per_ml is not None]
    for at, each in enumerate(captures):
        if each.particles_per_ml is None:
            source.warn(each.name, _("The capture has no concentration."))
            continue
        if each.validity not in (None, "OK"):
            source.warn(
                each.name,
                _("The instrument calls this capture %(validity)s.", validity=each.validity),
            )
        held = sum(
            (source.number(row[at], f"Graph Data, {nm} nm, {each.name}") for nm, row in sizes.bins),
            Decimal(0),
        )
        if not _near(held, each.particles_per_ml):
            source.warn(
                each.name,
                _(
                    "Its histogram adds up to %(held)s particles/mL but [Results] says %(said)s; "
                    "the file was changed or broken off, or a factor was applied to one of them.",
                    held=f"{held:.3E}",
                    said=f"{each.particles_per_ml:.3E}",
                ),
            )
    if average.particles_per_ml is not None and measured:
        mean = sum(measured, Decimal(0)) / len(measured)
        if not _near(mean, average.particles_per_ml):
            source.warn(
                "Average",
                _(
                    "The captures' mean is %(mean)s particles/mL but the file says %(said)s; "
                    "the file may have been changed.",
                    mean=f"{mean:.3E}",
                    said=f"{average.particles_per_ml:.3E}",
                ),
            )
    if len({(each.camera_level, each.detection_threshold) for each in captures}) > 1:
        source.warn(
            "[Settings]",
            _(
                "The captures were taken with different camera levels or detection "
                "thresholds, so they are not repeats of one measurement."
            ),
        )


def _near(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= _AGREES * max(abs(one), abs(other))


def _figure(
    source: Source, rows: Mapping[str, Row], row: str, at: int, name: str
) -> Decimal | None:
    value = source.maybe(cell_of(rows.get(row), at), f"{row}, {name}")
    if value is not None and value < 0 and row != "temperature/c":
        raise source.refuse(
            f"{row}, {name}", _("%(value)s is below zero. Export the run again.", value=value)
        )
    return value


def _text(details: Mapping[str, Row], name: str) -> str | None:
    return cell_of(details.get(name), 0).strip() or None
