"""Agilent BioTek Gen5: endpoint readings of a plate as tab-separated text.

Every well has its raw reading and whatever Gen5 worked out from it (blank-corrected,
concentration). The layout's column Conc/Dil is a concentration for a standard and a dilution for
a sample. Gen5 writes no unit for its concentrations.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from string import ascii_uppercase

from lims.core.words import Text as _
from lims.instruments.errors import NotReadable, SectionMissing, Truncated, TwoTables
from lims.instruments.shapes import Flag, Kind, PlateSample, Sample, Standard, Well, WellReading
from lims.instruments.source import Source

KIND = Kind.PLATE
MAKER = "Agilent BioTek"

_ROWS = {2: 1, 3: 2, 4: 3, 6: 4, 8: 6, 12: 8, 24: 16, 48: 32}  # rows by columns of usual plates
_LETTERS = [*ascii_uppercase, *(f"A{each}" for each in "ABCDEF")]
_UNITS = {"absorbance": "OD", "fluorescence": "RFU", "luminescence": "RLU"}
_FLAGS = {"OVRFLW": Flag.ABOVE, "MISSED": Flag.MISSING, "": Flag.MISSING, "?????": Flag.ERROR,
          "ERROR": Flag.ERROR, "#N/A": Flag.ERROR, "NAN": Flag.ERROR}  # fmt: skip

Cells = dict[str, str]  # by well


@dataclass(frozen=True)
class _Table:
    """A matrix of wells: for each label its cells by well."""

    title: str
    line: int
    columns: int
    labels: Mapping[str, Cells]
    wells: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """A raw reading of the procedure: the label of its rows, its wavelength and unit."""

    label: str
    wavelength_nm: int | None
    unit: str | None


def recognises(text: str) -> bool:
    """Whether the head is Gen5's."""
    head = text[:4000]
    return (
        re.search(r"^Software Version\t", head, re.MULTILINE) is not None
        and "Experiment File Path:" in head
    )


def read(source: Source) -> tuple[str | None, str | None, tuple[Sample, ...]]:
    """Software, date and time of the first plate, and every plate."""
    lines = source.text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("Plate Number\t")]
    if not starts:
        raise SectionMissing(
            source.file, "Plate Number", _("no plate is named. Export the plate's results again.")
        )
    head = _pairs(lines[: starts[0]])
    version = head.get("Software Version")
    # Only matrices are numbers in the reader's locale; versions, dates and paths are not.
    source.settle_mark(
        cell for line in lines if re.match(r"[A-Z]{0,2}\t", line) for cell in line.split("\t")[1:]
    )
    plates = [
        _plate(source, lines[start:end], start, head)
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    times = {_time(lines[start:]) for start in starts}
    if len(times) > 1:
        source.warn("Date", _("The plates were read at different times; the first is given."))
    _date(source, lines[starts[0] :])
    return (f"Gen5 {version}" if version else None), _time(lines[starts[0] :]), tuple(plates)


def _plate(
    source: Source, lines: Sequence[str], offset: int, head: Mapping[str, str]
) -> PlateSample:
    name = _pairs(lines).get("Plate Number") or None
    tables = _tables(source, lines, offset)
    layout = next((each for each in tables if each.title == "Layout"), None)
    figures = [each for each in tables if each.title != "Layout"]
    if not figures:
        raise SectionMissing(
            source.file,
            name or "Plate",
            _(
                "there is no endpoint matrix of results. Kinetic and spectral exports are not "
                "read; export the endpoint results as a matrix."
            ),
        )
    labels: dict[str, Cells] = {}
    for table in figures:
        if table.wells != figures[0].wells or (layout and table.wells != layout.wells):
            raise Truncated(
                source.file,
                f"{table.title}, line {table.line}",
                _(
                    "the table covers other wells than the rest of the plate, so "
                    "lines are missing. Export the plate again."
                ),
            )
        for label, cells in table.labels.items():
            if label in labels:
                raise TwoTables(
                    source.file,
                    f"{table.title}, {label}",
                    _(
                        "the same reading stands there twice and must not be added. "
                        "Export one plate into one file."
                    ),
                )
            labels[label] = cells
    if (
        layout is None
        and "\tFull Plate" in lines
        and len({re.sub(r"\d", "", each) for each in figures[0].wells})
        < _ROWS.get(figures[0].columns, 0)
    ):
        raise Truncated(
            source.file,
            f"line {figures[0].line}",
            _("rows of a full plate are missing. Export the plate again."),
        )
    reads = _reads(source, lines, labels, name or "Plate")
    derived = [each for each in labels if each not in [read.label for read in reads]]
    if any("conc" in each.lower() for each in derived):
        source.warn(
            name or "Plate",
            _(
                "Gen5 writes no unit for its concentrations; they are kept beside the raw "
                "readings and not used."
            ),
        )
    plan = _plan(source, layout)
    curves = _curves(source, lines, offset)
    if not curves and any("conc" in each.lower() for each in derived):
        source.warn(
            name or "Plate", _("There are concentrations but no curve; the file may be broken off.")
        )
    wells = tuple(
        _well(source, well, read, labels=labels, derived=_of(derived, read, reads), plan=plan)
        for well in figures[0].wells
        for read in reads
    )
    return PlateSample(
        name,
        head.get("Experiment File Path:") or None,
        wells,
        _standards(plan, figures[0].wells),
        curves,
    )


def _well(
    source: Source,
    well: str,
    read: _Read,
    *,
    labels: Mapping[str, Cells],
    derived: Sequence[str],
    plan: Mapping[str, tuple[str | None, Decimal | None]],
) -> Well:
    value, flag = _reading(source, labels[read.label][well], f"{well}, {read.label}")
    readings = tuple(
        WellReading(label, number, None, mark)
        for label in derived
        for number, mark in [_reading(source, labels[label][well], f"{well}, {label}")]
    )
    if flag is None:
        flag = next((each.flag for each in readings if each.flag), None)
    well_id, conc_dil = plan.get(well, (None, None))
    return Well(well, value, read.unit, read.wavelength_nm, flag, readings, well_id, conc_dil)


def _reading(source: Source, cell: str, where: str) -> tuple[Decimal | None, Flag | None]:
    """A cell as Gen5 prints it: a number, `*masked*`, `<below`, `>above`, or a word."""
    text = cell.strip()
    if text.upper() in _FLAGS:
        return None, _FLAGS[text.upper()]
    if len(text) > 1 and text[0] == text[-1] == "*":
        value, _flag = _reading(source, text.strip("*"), where)
        return value, Flag.MASKED
    if text[0] in "<>":
        source.number(text[1:], where)
        # The limit is not a measurement: less than 0.000 is not zero.
        return None, Flag.BELOW if text[0] == "<" else Flag.ABOVE
    return source.number(text, where), None


def _tables(source: Source, lines: Sequence[str], offset: int) -> list[_Table]:
    tables = []
    at = 0
    while at < len(lines):
        heads = lines[at].split("\t")
        if len(heads) > 2 and heads[0] == "" and heads[1:3] == ["1", "2"]:
            table, at = _table(source, lines, at, offset)
            tables.append(table)
        else:
            at += 1
    return tables


def _table(source: Source, lines: Sequence[str], at: int, offset: int) -> tuple[_Table, int]:
    heads = [each for each in lines[at].split("\t")[1:] if each]
    columns = len(heads)
    title = lines[at - 1].strip() if at else ""
    line = offset + at + 1
    if heads != [str(each + 1) for each in range(columns)]:
        raise source.refuse(
            f"line {line}", _("the columns are not numbered in order. Export the plate again.")
        )
    rows: dict[str, dict[str, list[str]]] = {}
    letter = ""
    at += 1
    while at < len(lines) and lines[at].strip("\t "):
        cells = lines[at].split("\t")
        where = f"{title}, line {offset + at + 1}"
        if cells[0]:
            letter = cells[0]
            if len(rows) >= len(_LETTERS) or letter != _LETTERS[len(rows)]:
                raise Truncated(
                    source.file,
                    where,
                    _(
                        "row %(row)s is out of order, so lines are "
                        "missing. Export the plate again.",
                        row=letter[:20],
                    ),
                )
            rows[letter] = {}
        if len(cells) < columns + 2 or not letter:
            raise Truncated(
                source.file,
                where,
                _(
                    "the line has %(found)s of %(wanted)s cells. Export the plate again.",
                    found=len(cells),
                    wanted=columns + 2,
                ),
            )
        label = cells[columns + 1].strip()
        if label in rows[letter]:
            raise TwoTables(
                source.file,
                f"{where}, {label}",
                _(
                    "the same reading stands there twice and must not be added. "
                    "Export one plate into one file."
                ),
            )
        rows[letter][label] = cells[1 : columns + 1]
        at += 1
    names = list(next(iter(rows.values()), {}))
    for letter, labelled in rows.items():
        if list(labelled) != names:
            raise Truncated(
                source.file,
                f"{title}, row {letter}",
                _("the row has other readings than row A. Export the plate again."),
            )
    if not names:
        raise Truncated(
            source.file, f"{title}, line {line}", _("the table is empty. Export the plate again.")
        )
    labels = {
        name: {
            f"{letter}{column + 1}": labelled[name][column]
            for letter, labelled in rows.items()
            for column in range(columns)
        }
        for name in names
    }
    return _Table(title, line, columns, labels, tuple(labels[names[0]])), at


def _reads(
    source: Source, lines: Sequence[str], labels: Mapping[str, Cells], plate: str
) -> list[_Read]:
    """Which rows are raw: those whose label is the procedure's read and wavelength."""
    reads: list[_Read] = []
    name, mode = "", ""
    for line in lines:
        cells = [each.strip() for each in line.split("\t")]
        if cells[0] == "Read" and len(cells) > 1:
            name, mode = cells[1], cells[1]
        elif re.fullmatch(r"(Absorbance|Fluorescence|Luminescence) \w+", cells[-1]):
            mode = cells[-1]
        elif cells[-1].startswith("Wavelengths:"):
            unit = _UNITS.get(mode.split(" ", 1)[0].lower())
            for each in re.findall(r"\d+", cells[-1]):
                found = [label for label in (f"{name}:{each}", each) if label in labels]
                reads += [
                    _Read(label, int(each), unit)
                    for label in found[:1]
                    if label not in [read.label for read in reads]
                ]
    if not reads and len(labels) == 1:
        # Fluorescence filters carry no single wavelength; one table alone is the raw one.
        unit = _UNITS.get(mode.split(" ", 1)[0].lower())
        reads = [_Read(next(iter(labels)), None, unit)]
    if not reads:
        raise SectionMissing(
            source.file,
            f"{plate}, Procedure Details",
            _(
                "no reading of the procedure is among the results, so the raw "
                "readings are not known. Export them with the results."
            ),
        )
    if any(each.unit is None for each in reads):
        source.warn(
            f"{plate}, Procedure Details",
            _("The procedure does not say what was read, so the readings have no unit."),
        )
    return reads


def _of(derived: Sequence[str], read: _Read, reads: Sequence[_Read]) -> list[str]:
    """What was worked out from this raw reading; what names none belongs to the first."""
    mine = []
    for label in derived:
        named = [each for each in reads if each.label in label]
        owner = max(named, key=lambda each: len(each.label)) if named else reads[0]
        if owner is read:
            mine.append(label)
    return mine


def _plan(source: Source, layout: _Table | None) -> dict[str, tuple[str | None, Decimal | None]]:
    if layout is None:
        return {}
    ids = layout.labels.get("Well ID", {})
    amounts = layout.labels.get("Conc/Dil", {})
    return {
        well: (
            ids.get(well, "").strip() or None,
            source.maybe(amounts.get(well, ""), f"Layout, {well}"),
        )
        for well in layout.wells
    }


def _standards(
    plan: Mapping[str, tuple[str | None, Decimal | None]], wells: Sequence[str]
) -> tuple[Standard, ...]:
    levels: dict[Decimal, list[str]] = {}
    for well in wells:
        well_id, value = plan.get(well, (None, None))
        if well_id and well_id.upper().startswith("STD") and value is not None:
            levels.setdefault(value, []).append(well)
    return tuple(Standard(value, None, tuple(held)) for value, held in levels.items())


def _curves(source: Source, lines: Sequence[str], offset: int) -> tuple[Mapping[str, str], ...]:
    curves = []
    for at, line in enumerate(lines):
        if not line.startswith("Curve Name\t"):
            continue
        heads = [each.strip() for each in line.split("\t")]
        for number, row in enumerate(lines[at + 1 :], start=at + 1):
            if not row.strip():
                break
            cells = [each.strip() for each in row.split("\t")]
            whole = len(cells) >= len(heads) and all(
                each == "?????" or not re.fullmatch(r"\?{1,4}", each) for each in cells
            )
            if not whole:
                raise _broken(source, f"Curve, line {offset + number + 1}")
            curves.append(dict(zip(heads, cells, strict=False)))
    return tuple(curves)


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        name, tab, value = line.partition("\t")
        if tab and name:
            pairs.setdefault(name.strip(), value.strip())
    return pairs


def _time(lines: Sequence[str]) -> str | None:
    pairs = _pairs(lines)
    return " ".join(each for each in (pairs.get("Date"), pairs.get("Time")) if each) or None


def _date(source: Source, lines: Sequence[str]) -> None:
    text = _pairs(lines).get("Date", "")
    found = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text, re.ASCII)
    if not found:
        return
    one, two = int(found[1]), int(found[2])
    if not 1 <= min(one, two) <= 12 or max(one, two) > 31:
        source.warn("Date", _("%(date)s is no date; check the instrument's clock.", date=text))
    elif max(one, two) <= 12 and one != two:
        source.warn(
            "Date",
            _("%(date)s could be day first or month first; the file does not say.", date=text),
        )


def _broken(source: Source, where: str) -> NotReadable:
    return Truncated(
        source.file, where, _("the curve's line is broken off. Export the plate again.")
    )
