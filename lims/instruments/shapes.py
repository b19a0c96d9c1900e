"""What a reader hands back: one shape for every maker. `None` where the file does not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from lims.core.words import Text

PRACTICE_WHERE = "practice data"


class Kind(StrEnum):
    """What an instrument measures."""

    NTA = "nta"
    PLATE = "plate"
    TEMPERATURE = "temperature"
    RACK = "rack"


class Flag(StrEnum):
    """Why a reading is not simply a number."""

    BELOW = "below"
    ABOVE = "above"
    MASKED = "masked"
    MISSING = "missing"
    ERROR = "error"


@dataclass(frozen=True)
class Warned:
    """Something a person must see before she uses the figures."""

    where: str
    what: Text


@dataclass(frozen=True)
class Capture:
    """One video of an NTA run. Concentrations are as the file gives them (see `dilution`)."""

    name: str
    particles_per_ml: Decimal | None
    mean_nm: Decimal | None
    mode_nm: Decimal | None
    sd_nm: Decimal | None
    d10_nm: Decimal | None
    d50_nm: Decimal | None
    d90_nm: Decimal | None
    valid_tracks: int | None
    completed_tracks: int | None
    frames: int | None
    particles_per_frame: Decimal | None
    validity: str | None
    camera_level: str | None
    detection_threshold: str | None
    temperature_cel: Decimal | None


@dataclass(frozen=True)
class Average:
    """The average over captures, as the instrument's software gives it."""

    particles_per_ml: Decimal | None
    particles_per_ml_standard_error: Decimal | None
    mean_nm: Decimal | None
    mode_nm: Decimal | None
    sd_nm: Decimal | None
    d10_nm: Decimal | None
    d50_nm: Decimal | None
    d90_nm: Decimal | None
    particles_per_frame: Decimal | None


@dataclass(frozen=True)
class Bin:
    """One bar of a size histogram: its centre and what it holds."""

    nm: Decimal
    particles_per_ml: Decimal


@dataclass(frozen=True)
class NtaSample:
    """One sample of a nanoparticle tracking run.

    `dilution_applied`: whether the concentrations already hold the dilution factor.
    `usable_captures`: how many the instrument's software calls valid.
    """

    name: str | None
    experiment: str | None
    captures: tuple[Capture, ...]
    dilution: Decimal | None
    dilution_applied: bool | None
    average: Average
    usable_captures: int | None
    histogram: tuple[Bin, ...]


@dataclass(frozen=True)
class WellReading:
    """A figure that the instrument's software worked out for a well."""

    name: str
    value: Decimal | None
    unit: str | None
    flag: Flag | None


@dataclass(frozen=True)
class Well:
    """One well at one wavelength.

    `value` is the raw reading. `flag` is the raw reading's own or, where that is a good number,
    the first flag among the worked-out `readings`. `conc_dil` is the layout's own column: a
    standard's concentration, or a sample's dilution.
    """

    well: str
    value: Decimal | None
    unit: str | None
    wavelength_nm: int | None
    flag: Flag | None
    readings: tuple[WellReading, ...]
    well_id: str | None
    conc_dil: Decimal | None


@dataclass(frozen=True)
class Standard:
    """One level of the standard curve and the wells that hold it."""

    value: Decimal
    unit: str | None
    wells: tuple[str, ...]


@dataclass(frozen=True)
class PlateSample:
    """One plate."""

    name: str | None
    experiment: str | None
    wells: tuple[Well, ...]
    standards: tuple[Standard, ...]
    curves: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Logged:
    """One reading of a logger: the file's own text for its time, and the value.

    `instant` is aware where a time zone was given, else the logger's own clock.
    """

    at: str
    instant: datetime = field(metadata={"shown": False})
    value: Decimal


@dataclass(frozen=True)
class Hole:
    """Between two readings that follow one another in the file; below zero: it goes back."""

    after: str
    before: str
    minutes: Decimal


@dataclass(frozen=True)
class LoggerChannel:
    """One channel of a logger, in the order of the file.

    Attributes:
        quantity: `temperature`, `humidity`, or None for another.
        unit: None where the file does not say and nobody gave it.
        interval_seconds: as the file says, else the commonest step.
        gaps: steps of more than one and a half intervals.
        duplicates: times that stand there more than once.
        backwards: where the record goes back in time.
        alarms: readings beyond the logger's own limits; None where it has none.
    """

    name: str
    quantity: str | None
    unit: str | None
    device: str | None
    serial: str | None
    readings: int
    first: Logged
    last: Logged
    minimum: Decimal
    maximum: Decimal
    interval_seconds: int | None
    gaps: tuple[Hole, ...]
    duplicates: tuple[str, ...]
    backwards: tuple[Hole, ...]
    alarm_low: Decimal | None
    alarm_high: Decimal | None
    alarms: int | None
    points: tuple[Logged, ...] = field(metadata={"shown": False})


class RackStatus(StrEnum):
    """What a rack scanner saw at a position."""

    READ = "read"
    EMPTY = "empty"
    NO_READ = "no-read"


@dataclass(frozen=True)
class RackPosition:
    """One position of a rack; `code` as the scanner read it, None where it read none."""

    position: str
    code: str | None
    status: RackStatus


@dataclass(frozen=True)
class RackSample:
    """One rack, in the order of the file."""

    rack: str | None
    positions: tuple[RackPosition, ...]


Sample = NtaSample | PlateSample | LoggerChannel | RackSample


@dataclass(frozen=True)
class Reading:
    """A whole file, read. `measured_at` is the file's own text for its time."""

    kind: Kind
    maker: str
    software: str | None
    file: str
    sha256: str
    measured_at: str | None
    samples: tuple[Sample, ...]
    warnings: tuple[Warned, ...]

    @property
    def practice(self) -> bool:
        """Whether the file says of itself that it was made up; a live system refuses it."""
        return any(each.where == PRACTICE_WHERE for each in self.warnings)

    def as_json(self) -> dict[str, Any]:
        """Plain lists, objects, text and numbers, with the names of the dataclasses."""
        shown: dict[str, Any] = _plain(self)
        return shown


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: _plain(getattr(value, each.name))
            for each in fields(value)
            if each.metadata.get("shown", True)
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        # JSON has no decimals: this is the edge where they become numbers, and the only one.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, StrEnum):
        return value.value
    return str(value) if isinstance(value, Text) else value
