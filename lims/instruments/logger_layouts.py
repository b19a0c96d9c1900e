"""How each maker of loggers lays its table out: which line is what, and nothing about its meaning.

Every layout gives one `Table` of text: a time for each reading, and the columns beside it.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from lims.core.words import Text as _
from lims.instruments.errors import SectionMissing, Truncated
from lims.instruments.source import Source

Row = list[str]


@dataclass(frozen=True)
class Stamp:
    """The time of one reading as the file writes it, and its line."""

    text: str
    line: int


@dataclass(frozen=True)
class Column:
    """One channel: a cell for each reading.

    Attributes:
        quantity: `temperature`, `humidity`, or None for any other.
        alarm_low, alarm_high: the logger's own limits, where the file has them.
    """

    name: str
    quantity: str | None
    unit: str | None
    cells: Sequence[str]
    alarm_low: Decimal | None = None
    alarm_high: Decimal | None = None


@dataclass(frozen=True)
class Table:
    """A logger's record, as text."""

    stamps: Sequence[Stamp]
    columns: Sequence[Column]
    software: str | None = None
    device: str | None = None
    serial: str | None = None
    interval: timedelta | None = None


def is_tinytag(text: str) -> bool:
    """Tinytag Explorer: `,Time,1,2`, and the properties of each channel above the readings."""
    return re.match(r",Time(,\d+)+\r?\n", text) is not None and "\nProperty," in text[:2000]


def tinytag(source: Source) -> Table:
    """Numbered readings beneath serial numbers, types and properties."""
    rows = _rows(source)
    width = len(rows[0][1])
    head: dict[str, Row] = {}
    body: list[tuple[int, Row]] = []
    for line, row in rows[1:]:
        if re.fullmatch(r"\d+", row[0].strip(), re.ASCII):
            body.append((line, row))
        elif body:
            raise _out_of_place(source, line)
        else:
            head[row[0].strip().lower()] = row[2:]
    for number, (line, row) in enumerate(body, 1):
        _whole(source, line, row, width)
        if int(row[0]) != number:
            raise Truncated(
                source.file,
                f"line {line}",
                _(
                    "reading %(found)s stands where %(wanted)s is due, so lines are missing. "
                    "Export the whole record again.",
                    found=row[0].strip()[:20],
                    wanted=number,
                ),
            )
    properties = [each.strip() for each in head.get("property", [])]
    if len(properties) != width - 2 or not all(properties):
        raise SectionMissing(
            source.file,
            "Property",
            _("it does not say what each channel measures. Export the record again."),
        )
    return Table(
        [Stamp(row[1].strip(), line) for line, row in body],
        [
            Column(name, _quantity(name), None, [row[at] for _line, row in body])
            for at, name in enumerate(properties, 2)
        ],
        device=_one(head.get("type")),
        serial=_one(head.get("s/n")),
    )


def is_rotronic(text: str) -> bool:
    """Rotronic HW4 and its followers: sections in square brackets, `[#D]` before the readings."""
    return text.startswith("[#I]") and "[#H]" in text


def rotronic(source: Source) -> Table:
    """Sections of `name = value`, one for each channel; then heads, then readings."""
    parts: dict[str, list[tuple[int, Row]]] = {}
    for line, row in _rows(source):
        found = re.match(r"\[#(\w+)\]", row[0].strip())
        if found:
            if found[1] in parts:
                raise _out_of_place(source, line)
            part = parts.setdefault(found[1], [])
        elif any(cell.strip() for cell in row):
            part.append((line, row))
    for name in ("H", "D"):
        if not parts.get(name):
            raise SectionMissing(
                source.file, f"[#{name}]", _("the section is not there. Export the record again.")
            )
    about = _pairs(parts.get("S", []))
    channels = [_pairs(part) for name, part in parts.items() if name.isdigit()]
    heads = [each.strip() for each in parts["H"][0][1]]
    if heads[:2] != ["Date", "Time"] or len(parts["H"]) > 1:
        raise _out_of_place(source, parts["H"][-1][0])
    body = parts["D"]
    for line, row in body:
        _whole(source, line, row, len(heads))
    columns = []
    for at, name in enumerate(heads[2:], 2):
        its = next((each for each in channels if name in each), None)
        if its is None:
            raise SectionMissing(
                source.file, name, _("no section says its unit. Export the record again.")
            )
        limits = [
            source.maybe(its.get(key, ""), f"{name}, {key}")
            for key in ("Low Alarm Threshold", "High Alarm Threshold")
        ]
        columns.append(
            Column(name, _quantity(name), its[name] or None, [row[at] for _line, row in body],
                   *limits)
        )  # fmt: skip
    return Table(
        [Stamp(f"{row[0].strip()} {row[1].strip()}", line) for line, row in body],
        columns,
        software=about.get("Version"),
        device=parts["I"][0][1][0].strip() if parts.get("I") else None,
        serial=about.get("Serial Number"),
        interval=_interval(source, about.get("Log Interval")),
    )


def is_meaco(text: str) -> bool:
    """Meaco's DTM server: one line a reading, sender and receiver in front."""
    return re.match(r'"?RECEIVER"?,"?TRANSMITTER"?,"?DATE"?,', text) is not None


def meaco(source: Source) -> Table:
    """A table with heads; every line names the sender again."""
    rows = _rows(source)
    heads = [each.strip() for each in rows[0][1]]
    body = rows[1:]
    for line, row in body:
        _whole(source, line, row, len(heads))
    senders = {row[1].strip() for _line, row in body}
    if len(senders) > 1:
        raise source.refuse(
            "TRANSMITTER",
            _(
                "the readings of several loggers stand in it: %(names)s. Export each by itself.",
                names=", ".join(sorted(senders))[:80],
            ),
        )
    return Table(
        [Stamp(row[2].strip(), line) for line, row in body],
        [
            Column(name.capitalize(), _quantity(name), None, [row[at] for _line, row in body])
            for at, name in enumerate(heads[3:], 3)
        ],
        device=next(iter(senders), None) or None,
    )


def is_tandd(text: str) -> bool:
    """T&D: date and time twice, once as a spreadsheet's number; heads of three lines."""
    return re.match(r'"?Date/Time"?,"?Date/Time"?,"?No\.1"?', text) is not None


def tandd(source: Source) -> Table:
    """Numbers, names and units of the channels in three lines; sums stand in the last row."""
    rows = _rows(source)
    if len(rows) < 4:
        raise Truncated(
            source.file, _("first lines"), _("the heads are cut off. Export the record again.")
        )
    names, units = rows[1][1], rows[2][1]
    width = len(rows[0][1])
    for line, row in rows:
        _whole(source, line, row, width)
    body = rows[3:]
    columns = []
    for at in range(2, width):
        name = names[at].strip() or rows[0][1][at].strip()
        if name.lower().startswith("cumulative"):
            source.warn(name, _("The column holds sums and no readings; it is not read."))
            continue
        unit = units[at].strip() or None
        # Its channels have no other name than their unit.
        quantity = {"°C": "temperature", "°F": "temperature", "%": "humidity"}.get(unit or "")
        columns.append(Column(name, quantity, unit, [row[at] for _line, row in body]))
    return Table([Stamp(row[0].strip(), line) for line, row in body], columns)


def _rows(source: Source) -> list[tuple[int, Row]]:
    """Every line that is not empty, with its number."""
    reader = csv.reader(io.StringIO(source.text, newline=""), strict=True)
    found: list[tuple[int, Row]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append((reader.line_num, row))
    except csv.Error as broken:
        raise Truncated(
            source.file, _("table"), _("a quoted cell never ends. Export the record again.")
        ) from broken
    return found


def _whole(source: Source, line: int, row: Row, width: int) -> None:
    if len(row) != width:
        raise Truncated(
            source.file,
            f"line {line}",
            _(
                "the line has %(found)s of %(width)s columns, so the file is broken off. "
                "Copy it again.",
                found=len(row),
                width=width,
            ),
        )


def _out_of_place(source: Source, line: int) -> Exception:
    return source.refuse(
        f"line {line}", _("the line is out of place. Export the whole record again.")
    )


def _pairs(part: Sequence[tuple[int, Row]]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for _line, row in part:
        name, sign, value = row[0].partition("=")
        if sign:
            pairs.setdefault(name.strip(), value.strip())
    return pairs


def _interval(source: Source, text: str | None) -> timedelta | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,3}):(\d{2}):(\d{2})", text, re.ASCII)
    if not found or found[0] in ("00:00:00", "000:00:00"):
        raise source.refuse(
            "Log Interval", _("%(text)s is no time. Export the record again.", text=text[:40])
        )
    hours, minutes, seconds = (int(each) for each in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _quantity(name: str) -> str | None:
    word = name.strip().lower()
    return word if word in ("temperature", "humidity") else None


def _one(cells: Sequence[str] | None) -> str | None:
    found = {each.strip() for each in cells or () if each.strip()}
    return found.pop() if len(found) == 1 else None
