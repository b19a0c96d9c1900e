"""Who may do what. A feature declares its permissions; its services ask for them.

What is not declared is refused. Separation of duties is not here: it is computed from the trail
by the gate, since it depends on what a person did and not on what she may do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from lims.core.errors import NotAllowed
from lims.core.words import Text as _


class Role(StrEnum):
    """What a person is trusted with. `SYSTEM` is the worker's, `OPERATOR` the console's.

    `AGENT` is a program beside a printer elsewhere, known by the printer's token.
    """

    TECHNICIAN = "technician"
    ANALYST = "analyst"
    QC_OFFICER = "qc_officer"
    INVESTIGATOR = "investigator"
    CLINICIAN = "clinician"
    PHARMACIST = "pharmacist"
    SPONSOR = "sponsor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"
    OPERATOR = "operator"
    AGENT = "agent"


ROLE_NAMES = {
    Role.TECHNICIAN: _("technician"),
    Role.ANALYST: _("analyst"),
    Role.QC_OFFICER: _("QC officer"),
    Role.INVESTIGATOR: _("investigator"),
    Role.CLINICIAN: _("clinician"),
    Role.PHARMACIST: _("pharmacist"),
    Role.SPONSOR: _("sponsor"),
    Role.AUDITOR: _("auditor"),
    Role.ADMINISTRATOR: _("administrator"),
    Role.SYSTEM: _("system"),
    Role.OPERATOR: _("operator"),
    Role.AGENT: _("print agent"),
}
PEOPLE = frozenset(Role) - {Role.SYSTEM, Role.OPERATOR, Role.AGENT}


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a signed-in person, a token's owner, the worker or the console.

    `person` is the human being, `account` one of her accounts; duties are separated by person.
    `address` is where her request came from, where it came over the network.
    """

    person: UUID | None
    account: UUID | None
    name: str
    roles: frozenset[Role]
    station: str = ""
    signed_in_by: str = "password"
    practice: bool = field(default=False, compare=False)
    address: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """How entries name the actor: an id for people, a word for machines."""
        return str(self.person) if self.person else self.name


@dataclass(frozen=True)
class Permission:
    """One action, by feature, thing and verb, and the roles it is granted to."""

    name: str
    granted_to: frozenset[Role]
    about: str


PERMISSIONS: dict[str, Permission] = {}


def permission(name: str, *, granted_to: Iterable[Role], about: str) -> Permission:
    """Declare a permission, once."""
    if name in PERMISSIONS:
        raise ValueError(f"permission {name} is declared twice")
    declared = Permission(name, frozenset(granted_to), about)
    PERMISSIONS[name] = declared
    return declared


def allowed(actor: Actor, wanted: Permission) -> bool:
    """Whether one of the actor's roles was granted it."""
    return bool(actor.roles & wanted.granted_to)


def ask(actor: Actor, wanted: Permission) -> None:
    """Refuse unless the actor may.

    Raises:
        NotAllowed: names the roles that may.
    """
    if not allowed(actor, wanted):
        roles = ", ".join(sorted(str(ROLE_NAMES[role]) for role in wanted.granted_to & PEOPLE))
        raise NotAllowed(
            _(
                "%(name)s may not do this: it needs the role %(roles)s. "
                "Ask a colleague who has it.",
                name=actor.name,
                roles=roles or "-",
            )
        )


P = ParamSpec("P")
R = TypeVar("R")


def requires(
    wanted: Permission,
) -> Callable[[Callable[Concatenate[Actor, P], R]], Callable[Concatenate[Actor, P], R]]:
    """Ask for a permission before the service runs; its first argument is the actor."""

    def wrap(service: Callable[Concatenate[Actor, P], R]) -> Callable[Concatenate[Actor, P], R]:
        @wraps(service)
        def asked(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
            ask(actor, wanted)
            return service(actor, *args, **kwargs)

        marked: Any = asked
        marked.permission = wanted
        return asked

    return wrap


WORKER = Actor(None, None, "worker", frozenset({Role.SYSTEM}), signed_in_by="worker")
