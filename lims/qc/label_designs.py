"""A QC officer signs for a version of a label's design; it takes two of them (H13)."""

from lims import labels, people
from lims.core import db
from lims.core.permissions import Actor, requires
from lims.labels.permissions import DESIGN


@requires(DESIGN)
def approve_design(
    actor: Actor, *, template: str, digest: str, password: str
) -> labels.LabelDesign:
    """Sign for one version: the first person proposes it, another puts it in force.

    Raises:
        OwnDesign: the same person proposed it.
        WrongSecret: the password is not hers.
    """
    with db.transaction():
        signed = people.signature(actor, meaning="label design approved", password=password)
        return labels.approve_design(actor, template=template, digest=digest, signature=signed)


@requires(DESIGN)
def approve_designs(actor: Actor, *, password: str) -> list[labels.LabelDesign]:
    """Sign once for every version that waits for this person, as after an installation.

    Raises:
        BadInput: none waits for her.
    """
    with db.transaction():
        signed = people.signature(actor, meaning="label designs approved", password=password)
        return labels.approve_designs(actor, signature=signed)


@requires(DESIGN)
def reject_design(
    actor: Actor, *, template: str, digest: str, reason: str, password: str
) -> labels.LabelDesign:
    """Sign that a version is not to be used; the version before goes on printing."""
    with db.transaction():
        signed = people.signature(actor, meaning="label design rejected", password=password)
        return labels.reject_design(
            actor, template=template, digest=digest, reason=reason, signature=signed
        )
