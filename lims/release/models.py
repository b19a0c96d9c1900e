"""Certificates of analysis, as they were signed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked


class Certificate(Tracked, Base):
    """The certificate of one release or rejection."""

    __tablename__ = "release_certificate"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    meaning: Mapped[str] = mapped_column(String(40))
    signed_by: Mapped[UUID]
    signed_at: Mapped[datetime]
    specification_digest: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    # The digest above is guarded and names every bit of the file.
    pdf: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
