"""Finding certificates."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.release.models import Certificate


def certificate_of(session: Session, lot_id: UUID) -> Certificate | None:
    """The newest certificate of a lot."""
    return session.scalar(
        select(Certificate)
        .where(Certificate.lot_id == lot_id)
        .order_by(Certificate.signed_at.desc())
        .limit(1)
    )
