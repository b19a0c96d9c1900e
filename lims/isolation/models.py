"""Isolation runs, lots with their frozen specification, fills and dose vials."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked


class Run(Tracked, Base):
    """One isolation run: how the vesicles, or the plasma, were separated."""

    __tablename__ = "isolation_run"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    method: Mapped[str] = mapped_column(String(40))
    steps: Mapped[list[Any]]
    rotor: Mapped[str] = mapped_column(String(80))
    formulation: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    operator_id: Mapped[UUID]


class Lot(Tracked, Base):
    """A lot: one homogeneous product, with the specification frozen into it when it was made."""

    __tablename__ = "isolation_lot"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    serial: Mapped[int]
    product: Mapped[str] = mapped_column(String(40))
    # Computed from the cultures behind it; None where the product has no cultures.
    mechanical: Mapped[bool | None]
    mechanical_record: Mapped[str] = mapped_column(String(20))
    study_digest: Mapped[str] = mapped_column(String(64))
    specification: Mapped[list[Any]]
    specification_digest: Mapped[str] = mapped_column(String(64))
    residuals: Mapped[list[Any]]
    drawn_at: Mapped[datetime | None]
    made_at: Mapped[datetime]


class Fill(Tracked, Base):
    """The filling of a lot into vials, with its balance in whole microlitres."""

    __tablename__ = "isolation_fill"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    bulk_ul: Mapped[int]
    filled_ul: Mapped[int]
    qc_ul: Mapped[int]
    retained_ul: Mapped[int]
    waste_ul: Mapped[int]
    loss_ul: Mapped[int]
    doses: Mapped[int]
    balance: Mapped[dict[str, Any]]
    filled_at: Mapped[datetime]
    operator_id: Mapped[UUID]
    # Volumes and labels were as they should be; None also where a deviation was opened instead.
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]

    @property
    def out_of_tolerance(self) -> bool:
        """Whether more was lost than is passed over; then only its deviation is decided."""
        found = {each["id"]: each["result"] for each in self.balance.get("rows", ())}
        return found.get("mass-balance", "passed") != "passed"


class Vial(Tracked, Base):
    """A dose vial: its lot, its number in it, and the four figures on its label."""

    __tablename__ = "isolation_vial"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    number: Mapped[int]
    # Sealed and out of the ledger: the witness must read the figures off the vial, so no page,
    # export or trail may hold them (H27).
    figures_key: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
    figures: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
