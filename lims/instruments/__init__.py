"""Strict readers of instruments' files: bytes in, one shape out.

A file is recognised by what stands in it, never by its name. What the file does not say is `None`
and never guessed; what a person must know before she uses a figure is a warning; a file that is
broken off, of an unknown maker, without a unit where one is needed, or with two tables that must
not be added is refused in one sentence that names the place.

Front door: `read(data, file, kind=None, zone=None, unit=None) -> Reading`, `Reading.as_json()`.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lims.core.errors import BadInput
from lims.core.words import Text
from lims.core.words import Text as _
from lims.instruments import gen5, loggers, nanosight, racks
from lims.instruments.errors import (
    NotReadable,
    SectionMissing,
    TooLarge,
    Truncated,
    TwoTables,
    UnitMissing,
    UnknownMaker,
    WrongKind,
)
from lims.instruments.shapes import (
    PRACTICE_WHERE,
    Average,
    Bin,
    Capture,
    Flag,
    Hole,
    Kind,
    Logged,
    LoggerChannel,
    NtaSample,
    PlateSample,
    RackPosition,
    RackSample,
    RackStatus,
    Reading,
    Sample,
    Standard,
    Warned,
    Well,
    WellReading,
)
from lims.instruments.source import LARGEST_BYTES, PRACTICE, Source, decode

__all__ = [
    "LARGEST_BYTES", "PARSER_VERSION", "Average", "Bin", "Capture", "Flag", "Hole", "Kind",
    "Logged", "LoggerChannel", "NotReadable", "NtaSample", "PlateSample", "RackPosition",
    "RackSample", "RackStatus", "Reading", "Sample",
    "SectionMissing", "Standard", "TooLarge", "Truncated", "TwoTables", "UnitMissing",
    "UnknownMaker", "Warned", "Well", "WellReading", "WrongKind", "read", "zone_of",
]  # fmt: skip

# Stored beside every imported file, so that a result can be read again as it was read then (H20).
PARSER_VERSION = "1"


class Reader(Protocol):
    """One maker's module."""

    @property
    def KIND(self) -> Kind:
        """What it measures."""
        ...

    @property
    def MAKER(self) -> str:
        """Whose files it reads."""
        ...

    def recognises(self, text: str) -> bool:
        """Whether the text carries this maker's signature."""
        ...

    def read(self, source: Source) -> tuple[str | None, str | None, tuple[Sample, ...]]:
        """Software, the file's own text for its time, samples."""
        ...


READERS: Sequence[Reader] = (nanosight, gen5, *loggers.READERS, *racks.READERS)


def read(
    data: bytes,
    file: str,
    kind: str | None = None,
    *,
    zone: str | None = None,
    unit: str | None = None,
) -> Reading:
    """Recognise and read one instrument's file.

    Args:
        data: its bytes, as they came.
        file: its name, for messages only.
        kind: `nta`, `plate`, `temperature` or `rack`, where the caller expects one.
        zone: of a logger's clock, where the file names none: `Asia/Tehran` or `+03:30`.
        unit: of a logger's temperatures, where the file names none.

    Raises:
        NotReadable: or one of its kinds (`UnknownMaker`, `WrongKind`, `TooLarge`, `Truncated`,
            `SectionMissing`, `TwoTables`, `UnitMissing`).
    """
    if kind is not None and kind not in [each.value for each in Kind]:
        raise WrongKind(
            file,
            _("kind"),
            _(
                "%(kind)s is not a kind of file read here; there are %(kinds)s.",
                kind=kind,
                kinds=", ".join(Kind),
            ),
        )
    text = decode(data, file)
    reader = next((each for each in READERS if each.recognises(text)), None)
    if reader is None:
        raise UnknownMaker(file, _("first lines"), _unknown(text))
    if kind is not None and kind != reader.KIND:
        raise WrongKind(
            file,
            _("first lines"),
            _(
                "this is a file of %(maker)s (%(found)s), not of the kind %(kind)s. "
                "Choose the right file.",
                maker=reader.MAKER,
                found=reader.KIND.value,
                kind=kind,
            ),
        )
    source = Source(file, text, zone=zone_of(zone) if zone else None, unit=unit or None)
    if not text.endswith(("\n", "\r")):
        source.warn(
            "last line",
            _(
                "The file does not end with a line end. If it was copied while being written, "
                "export it again."
            ),
        )
    if PRACTICE in text:
        source.warn(
            PRACTICE_WHERE,
            _("These figures were made up for practice; no instrument measured them."),
        )
    software, measured_at, samples = reader.read(source)
    return Reading(
        reader.KIND,
        reader.MAKER,
        software,
        file,
        hashlib.sha256(data).hexdigest(),
        measured_at,
        samples,
        tuple(source.warnings),
    )


def admit(reading: Reading, *, practice: bool) -> None:
    """Refuse a file of made-up figures in a live system.

    Raises:
        BadInput: the file says that it is one.
    """
    if reading.practice and not practice:
        raise BadInput(
            _("The file says that its figures were made up; a live system refuses it."),
            field="file",
        )


def zone_of(text: str, field: str | None = "zone") -> tzinfo:
    """A time zone by its name or by its offset.

    Raises:
        BadInput: there is none of this name.
    """
    name = text.strip()
    offset = re.fullmatch(r"(?:UTC)?([+-])(\d{2}):(\d{2})", name, re.ASCII)
    if offset and int(offset[2]) <= 14 and int(offset[3]) < 60:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(span if offset[1] == "+" else -span)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise BadInput(
            _(
                "No time zone is called %(name)s; write it as Asia/Tehran, UTC or +03:30.",
                name=name[:40] or "''",
            ),
            field=field,
        ) from None


def _unknown(text: str) -> Text:
    start = " ".join(text[:200].split())[:60]
    return _(
        "no reader knows this file (it starts with %(start)s). Files of %(makers)s are read; "
        "export again from the instrument's own software.",
        start=start or "''",
        makers=", ".join(each.MAKER for each in READERS),
    )
