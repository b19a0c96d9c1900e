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
from enum import StrEnum


class Donor(StrEnum):
    """Whose material an arm or a product is made from."""

    RECIPIENT = "recipient"
    OTHER = "other"


class Kept(StrEnum):
    """How a thawed container was kept: 20-25 Cel or 2-8 Cel."""

    ROOM = "room"
    COLD = "cold"


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
class Operator:
    """Whoever gives.

    Attributes:
        signed_in: with her own credentials, now.
        may_give: has a role that gives doses.
        trained, delegated: for this procedure; on this trial at this site.
        valid_until: first instant at which training or delegation is over; None: open end.
        signed: signed "administered" with a secret; None: not yet.
    """

    person: str
    name: str
    signed_in: bool
    may_give: bool
    trained: bool
    delegated: bool
    valid_until: datetime | None = None
    signed: bool | None = None


@dataclass(frozen=True)
class Witness:
    """The second person.

    Attributes:
        own_credentials: signed in herself, not on the operator's sign-in.
        trained: trained for witnessing, in date.
        band, dose: the codes her own scans read; None: not yet.
        figures_right: the four figures typed from the label agree; None: not yet typed.
        wrong_figures: how often they were typed wrong in this check.
        signed: signed "witnessed" with a secret; None: not yet.
    """

    person: str
    name: str
    own_credentials: bool
    trained: bool
    band: str | None = None
    dose: str | None = None
    figures_right: bool | None = None
    wrong_figures: int = 0
    signed: bool | None = None


@dataclass(frozen=True)
class Band:
    """The wristband as scanned.

    Attributes:
        code: as scanned; of any type letter, a sheet's or a spare label's too.
        copy: copy number from the symbol; None when typed.
        live: the one band in force; a reprint cancels it, a hand-drawn copy never is.
        participant: code of whoever wears it; None when unknown.
    """

    code: str
    copy: int | None
    live: bool
    participant: str | None


@dataclass(frozen=True)
class Spoken:
    """Name and full birth date, asked openly and compared by a person.

    Attributes:
        name_agrees, birth_date_agrees: with the record; None: not asked.
        at: when they were spoken.
        band, copy: the band that was scanned then.
        sedated_at: start of sedation; None where she is awake.
    """

    name_agrees: bool | None
    birth_date_agrees: bool | None
    at: datetime
    band: str
    copy: int | None = None
    sedated_at: datetime | None = None


@dataclass(frozen=True)
class Participant:
    """Whom the check is for.

    Attributes:
        code: as people say it (`SARI-021`); also her id as a donor in `Lineage.donors`.
        visit: the visit at which a dose is due now; None: none is due.
        held: a safety hold on the trial, the site, the arm or her.
        asked_again: criteria to be asked again today (Tang-Du E9) still hold; None: not asked
            yet; meaningless unless `ask_again`.
        given: codes of doses given to her in this trial, whatever the visit.
        last_given_at: when the last of them was given.
    """

    code: str
    found: bool = True
    study: str = ""
    enrolled: bool = False
    withdrawn: bool = False
    eligible: bool = False
    held: bool = False
    ask_again: bool = False
    asked_again: bool | None = None
    visit: str | None = None
    given: tuple[str, ...] = ()
    last_given_at: datetime | None = None


@dataclass(frozen=True)
class Consent:
    """Her consent to this trial; `signed_at` None: none on record.

    Attributes:
        current: signed in the version in force.
        covers_giving: covers administration.
        first_study_act_at: earliest of allocation, first study procedure and, where the material
            is her own, its collection; None when none of them happened.
    """

    signed_at: datetime | None
    current: bool = False
    covers_giving: bool = False
    withdrawn: bool = False
    first_study_act_at: datetime | None = None


@dataclass(frozen=True)
class Allocation:
    """What her allocation says; never shown.

    Attributes:
        revealed: the arm is known to the system.
        product: product type of the arm; None: no product.
        mechanical: flag the lot must carry; None: the arm does not ask.
        donor: whose material; None without a product.
    """

    revealed: bool
    product: str | None = None
    mechanical: bool | None = None
    donor: Donor | None = None


@dataclass(frozen=True)
class Dose:
    """The container as scanned.

    Attributes:
        found: a container of product carries this code.
        label_live: the label scanned is the live copy (true when the code was typed).
        state: `filled`, `available`, `allocated`, `issued`, `thawed`, `administered`,
            `destroyed`, `returned`, `blocked`; PRP also `drawn`, `processing`, `ready-for-use`.
        allocated_to, visit: participant code and visit it is meant for.
        given_at: when it was given, if it was.
        prepared_by: persons who prepared, thawed or drew it up.
        fill_ul: what it holds.
    """

    code: str
    found: bool = True
    label_live: bool = True
    study: str = ""
    state: str = ""
    allocated_to: str | None = None
    visit: str | None = None
    given_at: datetime | None = None
    prepared_by: tuple[str, ...] = ()
    fill_ul: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Lot:
    """The lot the container was filled from.

    Attributes:
        name: as people say it.
        state: domain.md 13.17.
        only_for: the one participant a conditionally released lot may go to.
        held: on hold or blocked, itself or an ancestor (rejected, recalled, contaminated).
        open_findings: open out-of-specification results and deviations, of lot, ancestors,
            reagents and equipment.
        expires_at: earliest of lot, formulation and open-vial time.
        antibiotic_clear: residual antibiotic (S18) below its limit of quantitation; None: no
            result.
        residuals: names of what may be left in it, lower case.
        prp: same-day platelet-rich plasma.
        drawn_at: when its blood was drawn (PRP).
    """

    name: str
    state: str
    product: str
    donor: Donor
    mechanical: bool | None
    expires_at: datetime | None
    only_for: str | None = None
    recalled: bool = False
    held: bool = False
    open_findings: int = 0
    antibiotic_clear: bool | None = None
    residuals: tuple[str, ...] = ()
    prp: bool = False
    drawn_at: datetime | None = None


@dataclass(frozen=True)
class Lineage:
    """Where the material came from.

    Attributes:
        donors: donor ids over all ancestors (participant codes where the donor takes part).
        chains: identifiers of the chain of identity over all ancestors, where one is kept.
        identity_matched: an approved result matches the cells to the donor (S09); for PRP the
            scans at each transfer; None: no result.
        cleared, look_back, consent: donor cleared; a look-back is open; the donor's consent
            (for a cord, the mother's) is in force.
        markers_complete, markers_reactive: infectious markers of the donor (3.5).
        biohazard_label: the container carries the legend.
        precautions: the operator acknowledged the precautions; None: not yet.
    """

    donors: tuple[str, ...]
    identity_matched: bool | None = None
    chains: tuple[str, ...] = ()
    cleared: bool = False
    look_back: bool = False
    consent: bool = False
    markers_complete: bool = False
    markers_reactive: bool = False
    biohazard_label: bool = False
    precautions: bool | None = None


@dataclass(frozen=True)
class Thaw:
    """The thaws of the container.

    Attributes:
        at: last thaw; None: never thawed.
        count: how many thaws.
        kept: how it was kept since; None counts as room temperature, the shorter time.
    """

    at: datetime | None
    count: int = 0
    refrozen: bool = False
    kept: Kept | None = None


@dataclass(frozen=True)
class Custody:
    """The chain of hands.

    Attributes:
        incomplete: hand-overs without giver or receiver.
        longest_gap: longest time in nobody's hands.
        here: the last holder is this location; None: the place was not asked.
    """

    incomplete: int = 0
    longest_gap: timedelta = timedelta(0)
    here: bool | None = None


@dataclass(frozen=True)
class Inspection:
    """What the operator looked at, at the bedside. None: not looked at yet."""

    seal_intact: bool | None = None
    cap_matches: bool | None = None
    appearance_good: bool | None = None
    fully_thawed: bool | None = None
    label_readable: bool | None = None
    label_matches: bool | None = None


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
        allergies: names, lower case.
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
class Session:
    """This check, from its first scan.

    Attributes:
        interrupted: left, locked, another person or another participant in between.
        devices: stations whose scans belong to it.
    """

    started_at: datetime
    interrupted: bool = False
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrawUp:
    """What goes in: drawn up under the witness's eyes, or a labelled syringe.

    Attributes:
        verdict_at, drawn_at: of this check's verdict; of the drawing up.
        witnessed: the witness watched.
        syringe_dose, syringe_participant: what a scanned syringe label is bound to.
    """

    verdict_at: datetime | None = None
    drawn_at: datetime | None = None
    witnessed: bool = False
    syringe_dose: str | None = None
    syringe_participant: str | None = None


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
