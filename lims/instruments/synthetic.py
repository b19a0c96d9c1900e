"""Practice files in the makers' own layouts, for the rehearsal and for tests.

Each says inside that it is synthetic, and the reader repeats it as a warning (`Reading.practice`).
"""

import csv
import io
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from string import ascii_uppercase

from lims.core import numbers
from lims.instruments.nanosight import SIGNATURE
from lims.instruments.source import PRACTICE

_BINS = 1000
_REPLICATES = 3


def nanosight_file(
    *,
    sample: str,
    captures: Sequence[Decimal],
    particles_per_frame: Decimal,
    mode_nm: Decimal,
    d10_nm: Decimal,
    d50_nm: Decimal,
    d90_nm: Decimal,
    mean_nm: Decimal | None = None,
    sd_nm: Decimal | None = None,
    frames: int = 749,
    dilution: Decimal | None = None,
    completed_tracks: int = 2500,
    valid_tracks: int = 1200,
    measured_at: str = "",
) -> bytes:
    """An NTA 3 experiment summary.

    Args:
        captures: particles per mL of the diluted sample, whole numbers, one per capture.
        dilution: as NTA does it, the file's concentrations are multiplied by a recorded factor;
            None writes "Not recorded" and leaves them as they are.
    """
    stated = [each * (dilution or 1) for each in captures]
    if any(each != each.to_integral_value() or each <= 0 for each in stated):
        raise ValueError("captures are whole particles per mL above zero")
    if not Decimal(0) < d10_nm < d50_nm < d90_nm < Decimal(_BINS) / 2:
        raise ValueError("sizes rise from D10 to D90 and stay below 500 nm")
    count = len(stated)
    mean = sum(stated, Decimal(0)) / count

    def row(name: str, figure: object, summary: Sequence[object] = ("", "")) -> list[str]:
        return [name, *[_shown(figure)] * count, *map(_shown, summary)]

    def one(name: str, text: str = "") -> list[str]:
        return [name, text, *[""] * (count + 1)]

    captured = [f"{sample}_{each:02d}" for each in range(count)]
    said = ["Average", "Standard Error"]
    rows = [
        one(SIGNATURE), one("Created with NTA 3.4 Build 3.4.4"), one(""),
        one("[Experiment Details]"), one("Experiment Name", f"{PRACTICE} {sample}"),
        one("Sample Name", sample), one("Operator Name"), one("Time Captured", measured_at),
        one("Diluent", "PBS, 0.1 um filtered"),
        one("Remarks", f"{PRACTICE}: written by the rehearsal, measured by no instrument"),
        ["Filename:", *captured, "", ""], one(""),
        one("[Conditions]"), row("Temperature/C", Decimal("22.0")), row("Viscosity/cP", "0.953"),
        row("Camera Type", "sCMOS"), row("Laser Type", "Blue488"), row("Camera Level", 12),
        one(""), one("[Settings]"), row("Detection Threshold", 5),
        row("Total frames analysed", frames), one(""),
        ["[Results]", *[""] * count, *said],
        row("Dilution factor (concentrations adjusted for this factor)",
            "Not recorded" if dilution is None else dilution),
        ["Concentration (Particles / ml)", *map(_shown, stated), _rounded(mean), ""],
        row("Particles per frame", particles_per_frame, (particles_per_frame, 0)),
        row("Completed tracks", completed_tracks), one(""),
        one("[Concentration Warnings]"), row("Validity of concentration measurement", "OK"),
        one(""), one("[Data Included]"),
        one("Size distribution - Number weighting - With Percentiles"), one(""),
        one("[Size Data]"), one("Analysis Method", "FTLA"), one("Weighting", "Number"),
        ["Filename", *captured, *said],
        *[row(name, figure, (figure, 0)) for name, figure in (
            ("Mean", mean_nm or d50_nm), ("Mode", mode_nm), ("SD", sd_nm or (d90_nm - d10_nm) / 2),
            ("D10", d10_nm), ("D50", d50_nm), ("D90", d90_nm))],
        row("Valid Tracks", valid_tracks), one("Graph Data"),
        ["Bin centre (nm)", *["Concentration (particles / ml)"] * count,
         "Concentration average", "Standard Error"],
    ]  # fmt: skip
    knots = _knots(d10_nm, d50_nm, d90_nm)
    below = [0] * (count + 1)
    for at in range(_BINS):
        share = _share_below(Decimal(at + 1), knots)
        reached = [int(share * each) for each in (*stated, mean)]
        held = [now - before for now, before in zip(reached, below, strict=True)]
        below = reached
        rows.append([f"{at}.5", *map(str, held), "0"])
    rows += [one(""), ["Percentile", *["Size (nm)"] * count, "", ""]]
    for percent in range(101):
        rows.append(row(str(percent), _size_at(Decimal(percent) / 100, knots)))
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode("ascii", "replace")


def gen5_bca_file(
    *,
    sample: str,
    standards_ug_per_ml: Sequence[Decimal],
    standard_absorbances: Sequence[Sequence[Decimal]],
    sample_absorbances: Sequence[Decimal],
    dilution: Decimal,
    date: str = "",
    time: str = "",
) -> bytes:
    """A Gen5 endpoint export of a BCA plate read at 562 nm.

    Standards stand in columns 1-3, one level per row from A; the sample in A4-A6.

    Args:
        standards_ug_per_ml: up to eight levels.
        standard_absorbances: three raw absorbances for each level.
        sample_absorbances: three raw absorbances of the diluted sample.
        dilution: the factor; the layout's Conc/Dil holds one part in so many.
    """
    triplicates = [*standard_absorbances, sample_absorbances]
    if not 1 <= len(standards_ug_per_ml) == len(standard_absorbances) <= 8:
        raise ValueError("one to eight standards, each with its absorbances")
    if any(len(each) != _REPLICATES for each in triplicates):
        raise ValueError("standards and sample are measured in triplicate")
    letters = ascii_uppercase[:8]
    read = {letter: [""] * 12 for letter in letters}
    ids = {letter: [""] * 12 for letter in letters}
    amounts = {letter: [""] * 12 for letter in letters}
    levels = zip(letters, standards_ug_per_ml, standard_absorbances, strict=False)
    for number, (letter, level, measured) in enumerate(levels, start=1):
        read[letter][:3] = map(_shown, measured)
        ids[letter][:3] = [f"STD{number}"] * 3
        amounts[letter][:3] = [_shown(level)] * 3
    part = (1 / dilution).quantize(Decimal("1E-9")).normalize()
    read["A"][3:6], ids["A"][3:6] = map(_shown, sample_absorbances), ["SPL1"] * 3
    amounts["A"][3:6] = [f"{part:f}"] * 3
    columns = "\t".join(["", *(str(each) for each in range(1, 13))])
    lines = [
        "", "", "Software Version\t3.12.08", "", "", "",
        f"Experiment File Path:\t{PRACTICE}\\{sample}.xpt",
        f"Protocol File Path:\t{PRACTICE}\\BCA 562.prt", "", "", "",
        f"Plate Number\t{sample}", f"Date\t{date}", f"Time\t{time}", "Reader Type:\tn/a",
        "Reader Serial Number:\tn/a", "Reading Type\tManual", "",
        "Procedure Details", "", "Plate Type\t96 WELL PLATE", "Read\tBCA",
        "\tAbsorbance Endpoint", "\tFull Plate", "\tWavelengths:  562",
        "\tRead Speed: Normal,  Delay: 100 msec,  Measurements/Data Point: 8", "",
        "Layout", columns,
    ]  # fmt: skip
    for letter in letters:
        lines += ["\t".join([letter, *ids[letter], "Well ID"]),
                  "\t".join(["", *amounts[letter], "Conc/Dil"])]  # fmt: skip
    lines += ["", "Results", columns]
    lines += ["\t".join([letter, *read[letter], "BCA:562"]) for letter in letters]
    return ("\r\n".join([*lines, ""]) + "\r\n").encode("utf-8")


def tinytag_file(
    *, serial: str, begins: datetime, readings: Sequence[tuple[timedelta, Decimal]]
) -> bytes:
    """A Tinytag's export, in UTC and degrees Celsius: each reading so long after the beginning."""
    lines = [
        ",Time,1", f"S/N,,{serial}", "Type,,TGP-4510", f"Description,,{PRACTICE}",
        "Property,,Temperature",
    ]  # fmt: skip
    for count, (after, cel) in enumerate(readings, 1):
        lines.append(f"{count},{begins.astimezone(UTC) + after:%Y-%m-%d %H:%M:%S},{cel}")
    return ("\r\n".join(lines) + "\r\n").encode()


def _knots(d10: Decimal, d50: Decimal, d90: Decimal) -> list[tuple[Decimal, Decimal]]:
    return [
        (d10 * Decimal("0.7"), Decimal(0)),
        (d10, Decimal("0.1")),
        (d50, Decimal("0.5")),
        (d90, Decimal("0.9")),
        (d90 * Decimal("1.8"), Decimal(1)),
    ]


def _share_below(nm: Decimal, knots: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    if nm <= knots[0][0]:
        return Decimal(0)
    for (low, less), (high, more) in itertools.pairwise(knots):
        if nm <= high:
            return less + (more - less) * (nm - low) / (high - low)
    return Decimal(1)


def _size_at(share: Decimal, knots: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    for (low, less), (high, more) in itertools.pairwise(knots):
        if share <= more:
            return (low + (high - low) * (share - less) / (more - less)).quantize(Decimal("0.1"))
    return knots[-1][0]


def _rounded(value: Decimal) -> str:
    # NTA prints three significant digits.
    digits = value.adjusted() - 2
    return f"{value.quantize(Decimal(1).scaleb(digits)):f}" if digits > 0 else f"{value:f}"


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}" if value == value.to_integral_value() else numbers.plain(value)
    return str(value)
