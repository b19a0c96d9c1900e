"""What one asking of the bedside gate brings: scans, people, what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims import people
from lims.core.permissions import Actor, Role


@dataclass(frozen=True)
class Present:
    """A person at the bed: who she is and what she is trusted with. Nobody acts through it."""

    person: UUID
    roles: frozenset[Role]
    signed_in: bool = True
    station: str = ""

    @classmethod
    def of(cls, actor: Actor) -> "Present | None":
        """Whoever is signed in; None for a machine."""
        if actor.person is None:
            return None
        how = actor.signed_in_by in ("password", "badge", "token", "practice")
        return cls(actor.person, actor.roles, how, actor.station)

    @classmethod
    def known(cls, session: Session, person: UUID | None) -> "Present | None":
        """A person on the record of the check."""
        return cls(person, people.roles_of(session, person)) if person else None


@dataclass(frozen=True)
class Asked:
    """What one asking of the gate brings: scans, people, what was seen. None: not asked.

    Attributes:
        dose, participant, band: as scanned or typed.
        seen: what the operator looked at and entered; keys as in `start_check`.
        operator, witness: signed-in people.
        started_at, stations: of the check.
        witness_band, witness_dose, figures_right, wrong_figures: the witness's own scans.
        operator_signed, witness_signed: with a password, in this check.
        verdict_at: when the gate last said yes, for the drawing up.
        interrupted: another person goes on with it than the one who began.
    """

    dose: str
    participant: str
    band: str | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    operator: Present | None = None
    witness: Present | None = None
    started_at: datetime | None = None
    stations: tuple[str, ...] = ()
    witness_band: str | None = None
    witness_dose: str | None = None
    figures_right: bool | None = None
    wrong_figures: int = 0
    operator_signed: bool | None = None
    witness_signed: bool | None = None
    verdict_at: datetime | None = None
    interrupted: bool = False
