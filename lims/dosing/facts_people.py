"""What the bedside gate is told of people and their records. See `facts` for what None means."""

from dataclasses import dataclass
from datetime import datetime

from lims.dosing.facts_product import Donor


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
class Session:
    """This check, from its first scan.

    Attributes:
        interrupted: left, locked, another person or another participant in between.
        devices: stations whose scans belong to it.
    """

    started_at: datetime
    interrupted: bool = False
    devices: tuple[str, ...] = ()
