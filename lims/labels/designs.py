"""Which version of a label's description is printed: the last that two persons approved (H13).

A version is the description itself, known by the digest of its bytes and kept in the database, so
that a label is drawn from it for ever. A file that changed is a version that waits: the first
person's approval keeps and proposes it, another person's puts it in force. Until then the version
before goes on printing, and where there is none, labels wait.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import db
from lims.core.errors import DomainError
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.labels import trying
from lims.labels.errors import NoTemplate, TemplateWrong
from lims.labels.layout import load, names
from lims.labels.models import DesignState, LabelDesign, LabelRequest, RequestState
from lims.labels.places import Template
from lims.labels.reading import read

UNDECIDED = frozenset({"waiting", "proposed"})
"""States in which a version of a file waits for a person."""


@dataclass(frozen=True)
class Standing:
    """How a label's design stands.

    Attributes:
        approved: the version that is printed; None where none may be.
        deployed: the description in its file.
        known: what was decided about the file's version; None where nobody has looked at it.
        history: every version that was ever proposed, newest first.
    """

    template: str
    approved: LabelDesign | None
    deployed: Template
    known: LabelDesign | None
    history: tuple[LabelDesign, ...]

    @property
    def state(self) -> str:
        """`approved`, `proposed`, `rejected`, or `waiting` where nobody has proposed it."""
        if self.known is None or self.known.state is DesignState.SUPERSEDED:
            return "waiting"
        return self.known.state.value

    @property
    def waits(self) -> bool:
        """Whether the file's version is still to be decided."""
        return self.state in UNDECIDED


def standing(session: Session, template: str) -> Standing:
    """How one label's design stands.

    Raises:
        NoTemplate: there is no such label.
    """
    return _standing(load(template), _kept(session, template))


def standings(session: Session) -> list[Standing]:
    """How every label's design stands."""
    kept: dict[str, list[LabelDesign]] = {}
    for each in _kept(session):
        kept.setdefault(each.template, []).append(each)
    return [_standing(load(each), kept.get(each, [])) for each in names()]


def _kept(session: Session, template: str | None = None) -> list[LabelDesign]:
    """Versions that were ever proposed, newest first; of one label where it is named."""
    statement = select(LabelDesign).order_by(LabelDesign.number.desc())
    if template is not None:
        statement = statement.where(LabelDesign.template == template)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def _standing(deployed: Template, history: Sequence[LabelDesign]) -> Standing:
    return Standing(
        deployed.name,
        next((each for each in history if each.state is DesignState.APPROVED), None),
        deployed,
        next((each for each in history if each.digest == deployed.digest), None),
        tuple(history),
    )


def version(session: Session, template: str, digest: str) -> Template:
    """One version of a label, out of its file or out of the database.

    Raises:
        NoTemplate: there is no such version.
    """
    deployed = load(template)
    if deployed.digest == digest:
        return deployed
    row = session.scalar(
        select(LabelDesign).where(LabelDesign.template == template, LabelDesign.digest == digest)
    )
    if row is None:
        raise NoTemplate(
            _("The label %(name)s has no such version; look at its page.", name=template),
            field="digest",
        )
    return template_of(row)


def template_of(row: LabelDesign) -> Template:
    """A version that is kept, ready to be drawn.

    Raises:
        TemplateWrong: its description is not the one that was approved.
    """
    return _read(row.template, row.source, row.digest)


@lru_cache(maxsize=256)
def _read(name: str, source: str, digest: str) -> Template:
    if hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest() != digest:
        raise TemplateWrong(
            _(
                "The kept description of the label %(name)s is not the one that was approved; "
                "nothing is printed from it. Call the administrator.",
                name=name,
            )
        )
    deployed = load(name) if name in names() else None
    if deployed is not None and deployed.digest == digest:
        return deployed
    return read(name, source)


def choose(
    session: Session,
    deployed: Template,
    draws: Callable[[Template, bool], None],
    before: UUID | None,
) -> UUID | None:
    """The version that a new label is drawn from; None where it has to wait for an approval.

    Args:
        draws: tries the content on a version, as it is or without the fields that the version does
            not know; raises where it does not fit.
        before: the version of the label that this one replaces, for content the newest cannot draw.

    Raises:
        DomainError: the content fits no version.
    """
    approved = session.scalar(
        select(LabelDesign.id).where(
            LabelDesign.template == deployed.name, LabelDesign.state == DesignState.APPROVED
        )
    )
    last: DomainError | None = None
    for each in dict.fromkeys((approved, before)):
        if each is None:
            continue
        template = of(session, each)
        try:
            draws(template, template is deployed and before is None)
            return each
        except DomainError as refused:
            last = last or refused
            if template is deployed and before is None:
                raise
    try:
        draws(deployed, True)
    except DomainError as refused:
        raise last or refused from None
    if last is not None and approved is not None and of(session, approved) is deployed:
        raise last
    return None


_known: dict[UUID, Template] = {}


def of(session: Session, design_id: UUID) -> Template:
    """The template of a version; what was approved never changes, so it is read once."""
    if design_id not in _known:
        row = session.get(LabelDesign, design_id)
        if row is None:
            raise NoTemplate(_("There is no such version of a label; look at the list of designs."))
        if len(_known) > 500:
            _known.clear()
        _known[design_id] = template_of(row)
    return _known[design_id]


def of_request(row: LabelRequest) -> Template:
    """The version that a label is drawn from.

    Raises:
        NoTemplate: it was printed before versions were kept, or waits for an approval.
    """
    if row.design_id is None:
        raise NoTemplate(_("It is not known from which version this label is drawn."))
    if row.design_id in _known:
        return _known[row.design_id]
    with db.reading() as session:
        return of(session, row.design_id)


def give(actor: Actor, session: Session, design: LabelDesign) -> int:
    """Let labels that waited for an approval be printed from a version that is in force now.

    Those that say more than it has a place for wait on.

    Returns:
        How many.
    """
    template, given = template_of(design), 0
    waiting = db.locked_all(
        session,
        select(LabelRequest)
        .where(
            LabelRequest.template == design.template,
            LabelRequest.state == RequestState.WAITING,
            LabelRequest.design_id.is_(None),
        )
        .order_by(LabelRequest.code, LabelRequest.copy),
    )
    for each in waiting:
        try:
            trying.fits(template, each.fields, each.code, each.copy, each.language, whole=False)
        except DomainError:
            continue
        each.design_id, each.error = design.id, None
        ledger.record(
            actor,
            f"label/{each.code}",
            "labels.design-given",
            {"copy": each.copy, "design": design.number, "digest": design.digest},
            rows=[each],
        )
        given += 1
    return given
