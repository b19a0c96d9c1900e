"""What the release gate is told: plain values, gathered by a service inside its transaction.

Results come already judged by quality control against the frozen specification; this gate asks
whether they are there, approved, and good enough. Persons are ids of human beings, never of
accounts (H21). Source: domain.md 6.6, 6.7, 3.5, 1.5, 13; hazards H01, H21, H22.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lims.core.words import Text


class Severity(StrEnum):
    """What a result outside its limit does."""

    STOP = "stop"
    WARN = "warn"
    REC = "rec"


class Judged(StrEnum):
    """How quality control judged a result against the frozen limit, unrounded.

    `STOPS` lies outside a further limit that stops where the first only warns (PRP platelets);
    `REPORTED` has no limit.
    """

    MET = "met"
    OUTSIDE = "outside"
    STOPS = "stops"
    REPORTED = "reported"


class MarkerState(StrEnum):
    """The six states of an infectious marker; only `NEGATIVE` passes by itself (3.5)."""

    NEGATIVE = "negative"
    REACTIVE_UNCONFIRMED = "reactive-unconfirmed"
    POSITIVE = "positive"
    INDETERMINATE = "indeterminate"
    INVALID = "invalid"
    PENDING = "pending"


class MechanicalRecord(StrEnum):
    """The preconditioning record of 4.5 over the lot's cultures."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    ABSENT = "absent"


@dataclass(frozen=True)
class SpecTest:
    """One row of the frozen specification.

    Attributes:
        mandatory: a value must be there even where nothing is judged.
        late: the result comes after the dose (sterility of PRP); a sample must be kept.
    """

    id: str
    title: str
    severity: Severity
    mandatory: bool = False
    late: bool = False


@dataclass(frozen=True)
class TestResult:
    """One result for one test of the specification; every one ever entered, none left out.

    Attributes:
        value: with its unit, as shown to people.
        judged: None: not entered yet.
        state: `registered`, `in-test`, `result-entered`, `reviewed`, `approved`.
        entered_by, reviewed_by: persons.
        invalidated: set aside by a closed investigation with an assignable cause, and only so.
    """

    # pytest takes a class named Test... for tests; it is none.
    __test__ = False

    test: str
    value: str
    judged: Judged | None
    state: str
    entered_by: str
    reviewed_by: str | None = None
    invalidated: bool = False


@dataclass(frozen=True)
class Marker:
    """The newest result of one infectious marker of the donor.

    Attributes:
        right_specimen: serum or plasma of venous blood.
        in_time: within 7 days of the donation; PRP: 30 days or less before the draw.
    """

    name: str
    state: MarkerState
    right_specimen: bool = True
    in_time: bool = True


@dataclass(frozen=True)
class Markers:
    """The donor's infectious markers.

    Attributes:
        required: names that must be there.
        repeated_or_nat: allogeneic, stored: repeated after 180 days, or nucleic-acid tests on
            the first sample.
        segregated: a reactive donor's material lies apart, with the biohazard label; None: not
            known.
    """

    required: tuple[str, ...]
    results: tuple[Marker, ...]
    repeated_or_nat: bool = False
    segregated: bool | None = None


@dataclass(frozen=True)
class Labels:
    """Copies of the lot's container labels: printed = applied + destroyed + returned.

    Attributes:
        open: containers whose label nobody has accounted for.
        bare: containers that are here and have no label that counts.
    """

    printed: int
    applied: int
    destroyed: int
    returned: int
    open: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """The releasing signature. `meaning` must be `released`; `with_secret`: password given."""

    person: str
    meaning: str
    with_secret: bool


@dataclass(frozen=True)
class ReleaseFacts:
    """All that decides on a lot at `now`.

    Attributes:
        state: of the lot, domain.md 13.17.
        prp: same-day product with a reduced set, which becomes `ready-for-use`.
        autologous: donor = recipient; then `recipient` is her id as a donor.
        donors: donor ids over all ancestors.
        held: names of what is on hold, blocked or recalled: the lot, an ancestor, a reagent.
        specification: the tests frozen into the lot, in order.
        specification_pinned, specification_signed: version (or digest) frozen into the lot, and
            the one that was signed; None: there is none.
        sample_retained: the sample for late sterility was taken and is kept.
        open_oos, open_deviations: references of those still open on lot, ancestors, reagents and
            equipment.
        unit_confirmed: by the sponsor (1.5 #1); None: the study does not require it.
        mechanical_wanted: flag of the arm; None: the arm does not ask.
        mechanical_lot: flag the lot carries.
        donor_consent: the donor's consent is in force (for a cord, the mother's).
        labels: None: not known.
        mass_balance_closed: None: not computed; asks nothing of PRP.
        batch_complete: every step of the record is there, signed, its timers closed.
        releaser: person who would release; None: nobody yet.
        steps: (person, step) of every other act on the lot and its ancestors, as the trail has
            it; the service that gathers decides which acts are steps.
        signature: None: not yet signed.
    """

    now: datetime
    time_zone: str
    lot: str
    state: str
    prp: bool
    autologous: bool
    recipient: str | None
    donors: tuple[str, ...]
    expires_at: datetime | None
    specification: tuple[SpecTest, ...]
    specification_pinned: str | None
    specification_signed: str | None
    results: tuple[TestResult, ...]
    markers: Markers | None
    donor_consent: bool
    batch_complete: bool
    steps: tuple[tuple[str, str | Text], ...]
    held: tuple[str, ...] = ()
    sample_retained: bool = False
    open_oos: tuple[str, ...] = ()
    open_deviations: tuple[str, ...] = ()
    unit_confirmed: bool | None = None
    mechanical_wanted: bool | None = None
    mechanical_lot: bool | None = None
    mechanical_record: MechanicalRecord = MechanicalRecord.ABSENT
    labels: Labels | None = None
    mass_balance_closed: bool | None = None
    releaser: str | None = None
    signature: Signature | None = None
