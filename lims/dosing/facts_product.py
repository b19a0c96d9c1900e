"""What the bedside gate is told of the thing in hand. See `facts` for what None means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
        residuals: names of what may be left in it.
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
        refrozen: it came into a freezer after a thaw.
        kept: how it was kept since; None counts as room temperature, the shorter time.
        out: how long it was out of the freezer in all, by its moves and hand-overs.
    """

    at: datetime | None
    count: int = 0
    refrozen: bool = False
    kept: Kept | None = None
    out: timedelta = timedelta(0)


@dataclass(frozen=True)
class Custody:
    """The chain of hands.

    Attributes:
        incomplete: hand-overs without giver or receiver.
        longest_gap: longest time in nobody's hands.
        here: the last holder is this location; None: the place was not asked.
        altered: the first stream above or of it whose entries do not hold, or do not give its rows.
    """

    incomplete: int = 0
    longest_gap: timedelta = timedelta(0)
    here: bool | None = None
    altered: str | None = None


@dataclass(frozen=True)
class Transport:
    """The ways from site to site of the container and of all it was made from, counted by state.

    Attributes:
        ways: all of them.
        travelling: sent, and not received.
        open: received, and not shown by a whole record to have been within limits, nor assessed.
        unusable: assessed as not usable.
        unagreed: of the container itself, assessed as usable; the investigator has not agreed.
        agreed: of the container itself, assessed as usable; she has.
    """

    ways: int = 0
    travelling: int = 0
    open: int = 0
    unusable: int = 0
    unagreed: int = 0
    agreed: int = 0


@dataclass(frozen=True)
class Storage:
    """How the places were whose logger measured the container, counted by state of what was found.

    Attributes:
        measured: a logger measured one of the places where it stood.
        open: outside of the hard limits, without a reading or out of order, and not assessed.
        unusable: assessed as not usable.
        unagreed: assessed as usable; the investigator has not agreed.
        agreed: assessed as usable; she has.
    """

    measured: bool = False
    open: int = 0
    unusable: int = 0
    unagreed: int = 0
    agreed: int = 0


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
