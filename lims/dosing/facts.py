"""What the bedside gate is told: plain values, gathered by a service inside its transaction.

Two kinds of nothing are kept apart. A group or field that is None was *not asked* (nobody scanned
a band, no witness yet): its row is `pending`. A thing that was asked for and is not there is a
fact of its own (`found=False`, `planned_at=None` inside a window): its row stops.

Instants are aware; volumes are whole microlitres; persons are ids of human beings, never of
accounts. Source: domain.md 10.2 and 13.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from lims.dosing.facts_people import (
    Allocation,
    Band,
    Consent,
    Operator,
    Participant,
    Session,
    Spoken,
    Witness,
)
from lims.dosing.facts_product import (
    Custody,
    Donor,
    Dose,
    DrawUp,
    Inspection,
    Kept,
    Lineage,
    Lot,
    Storage,
    Thaw,
    Transport,
)

__all__ = [
    "Allocation",
    "AnyTime",
    "Assessment",
    "Band",
    "BedsideFacts",
    "Consent",
    "Custody",
    "CycleWindow",
    "Device",
    "Donor",
    "Dose",
    "DrawUp",
    "Emergency",
    "Inspection",
    "Kept",
    "Limits",
    "Lineage",
    "Lot",
    "Operator",
    "Override",
    "Participant",
    "Plan",
    "Session",
    "Spoken",
    "Storage",
    "Thaw",
    "TransferWindow",
    "Transport",
    "Witness",
]


@dataclass(frozen=True)
class Limits:
    """The site's approved limits (house defaults in brackets, domain.md 1.4, 3.4, 6.8, 10, 13).

    Attributes:
        check: how long one bedside check may take, and a verdict last [15 min].
        sedated_identity: how long an identity spoken before sedation holds [120 min].
        thaw_room, thaw_cold: use after thaw at 20-25 Cel [60 min], at 2-8 Cel [4 h].
        thaw_warn: part of the thaw limit from which to warn [0.75].
        thaws: thaws a dose container may have [1].
        prp_age: use after the blood was drawn [4 h].
        window_silent, window_warn: distance from the planned lead time that passes [2 h], that
            warns [6 h]; beyond it stops.
        lead_shortest, lead_longest: lead times between which an override can stand [24 h, 72 h].
        custody_gap: longest gap an override can cover while the seal is intact [30 min].
        pregnancy_test_days: age of the pregnancy test in local days [0: same day].
        figures_tries: wrong read-back figures that stop the check [2].
    """

    check: timedelta
    sedated_identity: timedelta
    thaw_room: timedelta
    thaw_cold: timedelta
    thaw_warn: Decimal
    thaws: int
    prp_age: timedelta
    window_silent: timedelta
    window_warn: timedelta
    lead_shortest: timedelta
    lead_longest: timedelta
    custody_gap: timedelta
    pregnancy_test_days: int
    figures_tries: int


@dataclass(frozen=True)
class TransferWindow:
    """A dose before an embryo transfer (IRCT).

    Attributes:
        lead: planned time between dose and transfer.
        planned_at: planned transfer; None: no date recorded.
        confirmed_at: when that date was last confirmed.
        done: the transfer has been done.
    """

    lead: timedelta
    planned_at: datetime | None
    confirmed_at: datetime | None = None
    done: bool = False


@dataclass(frozen=True)
class CycleWindow:
    """A dose on a day of the cycle (Tang-Du); day 1 is a site-local date, None: none recorded."""

    day1: date | None
    first: int
    last: int


@dataclass(frozen=True)
class AnyTime:
    """An arm that asks for no time window."""


@dataclass(frozen=True)
class Plan:
    """What the protocol arm says about giving, and what is planned for her.

    Attributes:
        total_low_ul, total_high_ul: what may be delivered in all.
        site_low_ul, site_high_ul: at each site; None: no limit of its own.
        most_sites: sites above this warn.
        sites_ul: volume planned for each site; None: not entered yet.
        dead_volume_ul: of the chosen device; None: no device chosen.
        device, route: what the arm asks for.
        allergy_match_stops: any match with a residual stops (Tang-Du).
        refused_allergies: names that stop unless the lot is shown free of antibiotic (IRCT).
    """

    total_low_ul: int
    total_high_ul: int
    device: str
    route: str
    site_low_ul: int | None = None
    site_high_ul: int | None = None
    most_sites: int = 1
    sites_ul: tuple[int, ...] | None = None
    dead_volume_ul: int | None = None
    allergy_match_stops: bool = False
    refused_allergies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Device:
    """The catheter or needle in hand."""

    kind: str
    lot: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Assessment:
    """The pre-dose assessment of the day. None: not asked yet.

    Attributes:
        signed: by the investigator.
        allergies: names; case, blanks and underscores do not matter.
        pregnancy_test: `negative` or `positive`; None: none done.
    """

    at: datetime
    signed: bool
    allergies: tuple[str, ...] = ()
    fever: bool | None = None
    infection: bool | None = None
    bleeding: bool | None = None
    pregnancy_test: str | None = None
    pregnancy_tested_on: date | None = None


@dataclass(frozen=True)
class Emergency:
    """What must stand ready. None: not asked yet."""

    kit: bool | None = None
    staff: bool | None = None


@dataclass(frozen=True)
class Override:
    """An earlier signed act that turns a stop into a warning, where domain.md allows it.

    Attributes:
        check: id of the row.
        role: of the first signer.
        by, second: persons; they differ.
        deviation: reference of the protocol deviation.
    """

    check: str
    role: str
    by: str
    second: str
    deviation: str = ""


@dataclass(frozen=True)
class BedsideFacts:
    """All that may be known at the bedside at `now`. A group that is None was not asked."""

    now: datetime
    time_zone: str
    limits: Limits
    participant: Participant | None = None
    consent: Consent | None = None
    allocation: Allocation | None = None
    operator: Operator | None = None
    witness: Witness | None = None
    band: Band | None = None
    spoken: Spoken | None = None
    dose: Dose | None = None
    lot: Lot | None = None
    lineage: Lineage | None = None
    thaw: Thaw | None = None
    transport: Transport | None = None
    storage: Storage | None = None
    custody: Custody | None = None
    inspection: Inspection = field(default_factory=Inspection)
    window: TransferWindow | CycleWindow | AnyTime | None = None
    plan: Plan | None = None
    device: Device | None = None
    route: str | None = None
    assessment: Assessment | None = None
    session: Session | None = None
    draw_up: DrawUp | None = None
    emergency: Emergency = field(default_factory=Emergency)
    overrides: tuple[Override, ...] = ()
