"""The first scan at the bed: whose band this is, and what she should answer."""

from dataclasses import dataclass, field

from lims import studies
from lims.core import codes, db
from lims.core.gate import Finding, Result
from lims.core.permissions import Actor, requires
from lims.dosing import permissions as may
from lims.dosing.checks_identity import b02_identity
from lims.dosing.gathering import of_band


@dataclass(frozen=True)
class Recognised:
    """Whose band was scanned.

    Attributes:
        band: the symbol as read, folded.
        number: hers; empty where the band stops.
        identity: her name and birth date, to be compared with what she says; nobody keeps it.
        stop: why this band leads no further.
    """

    band: str
    number: str = ""
    identity: dict[str, str] = field(default_factory=dict, repr=False)
    stop: Finding | None = None


@requires(may.CHECK)
def recognise(actor: Actor, *, band: str) -> Recognised:
    """Her own band opens her name and birth date to whoever is about to give; the look is written.

    Raises:
        BadInput: not a code, or misread.
    """
    folded = codes.fold(band)
    with db.transaction() as session:
        facts = of_band(session, folded)
        finding = b02_identity(facts)
        if (
            facts.band is None
            or facts.band.participant is None
            or (finding is not None and finding.result is Result.STOPPED)
        ):
            return Recognised(folded, stop=finding)
        number = facts.band.participant
        said = studies.identity(actor, number=number, purpose="bedside check")
        return Recognised(folded, number, said)
