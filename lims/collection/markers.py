"""Infectious markers of donors, tested on her blood and never on the collected fluid.

Source: Commission Directive 2006/17/EC Annex II (domain.md 3.5).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, ledger, studies
from lims.collection import permissions as may
from lims.collection import queries
from lims.collection.errors import WrongSpecimenForTest
from lims.collection.models import Marker, MarkerState, SpecimenKind
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import ItemKind


@requires(may.MARK)
def record_marker(
    actor: Actor,
    *,
    code: str,
    marker: str,
    state: MarkerState,
    material: str,
    sampled_at: datetime,
    nucleic_acid: bool = False,
) -> Marker:
    """Record one marker, from serum or plasma of a tube of blood.

    Raises:
        WrongSpecimenForTest: not from blood, or not serum or plasma.
        BadInput: a marker the site does not list.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN])
        specimen = queries.specimen_of(session, item.id)
        subject = studies.subject(session, specimen.subject_id)
        read = studies.protocol_of(studies.study(session, subject.study_id))
        if (
            specimen.kind not in (SpecimenKind.TEST_BLOOD, SpecimenKind.PRP_BLOOD)
            or material not in read.limit("markers.specimen_types")  # type: ignore[operator]
        ):
            raise WrongSpecimenForTest(
                _(
                    "Infectious markers are tested on serum or plasma of her blood. "
                    "Scan a tube of blood and choose serum or plasma."
                ),
                field="material",
            )
        known = (*read.limit("markers.required"), *read.limit("markers.optional"))  # type: ignore[misc]
        if marker not in known:
            raise BadInput(
                _(
                    "%(marker)s is not a marker of this site; choose of %(known)s.",
                    marker=marker,
                    known=", ".join(known),
                ),
                field="marker",
            )
        if sampled_at > clock.now():
            raise BadInput(_("The sample lies in the future."), field="sampled_at")
        row = Marker(
            subject_id=subject.id,
            specimen_id=item.id,
            marker=marker,
            state=state,
            material=material,
            nucleic_acid=nucleic_acid,
            sampled_at=sampled_at,
            entered_at=clock.now(),
            entered_by=actor.person,
        )
        session.add(row)
        session.flush()
        ledger.record(actor, studies.stream(subject), "collection.marker", rows=[row])
        return row


def nucleic_acid_tested(found: Mapping[str, Marker]) -> bool:
    """Whether HIV, hepatitis B and C were each looked for as nucleic acid too.

    It stands in for the repeat after 180 days (Directive 2006/17/EC).
    """
    return all(
        name in found and found[name].nucleic_acid for name in ("anti_hiv_1_2", "hbsag", "anti_hcv")
    )


def markers_of(session: Session, subject_id: UUID) -> dict[str, Marker]:
    """The newest result of each marker of a donor."""
    found = session.scalars(
        select(Marker).where(Marker.subject_id == subject_id).order_by(Marker.entered_at)
    )
    return {row.marker: row for row in found}


@custody.hazardous_if
def any_reactive(session: Session, donors: Collection[UUID]) -> bool:
    """Whether a marker of one of these donors is reactive or positive at this moment."""
    return any(
        row.state in (MarkerState.REACTIVE, MarkerState.POSITIVE)
        for donor in donors
        for row in markers_of(session, donor).values()
    )
