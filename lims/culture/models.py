"""Cultures, their counts, their preconditioning, their harvests."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked


class Culture(Tracked, Base):
    """One vessel of cells at one passage."""

    __tablename__ = "culture_culture"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    passage: Mapped[int]
    route: Mapped[str | None] = mapped_column(String(40))
    # Living cells seeded; all nucleated cells at P0, so there the doublings are nominal only.
    seeded_cells: Mapped[int | None]
    seeded_at: Mapped[datetime]
    vessel: Mapped[str] = mapped_column(String(40))
    area_cm2: Mapped[Decimal]
    medium: Mapped[str] = mapped_column(String(80))
    medium_lot: Mapped[str] = mapped_column(String(40))
    antibiotic: Mapped[bool]
    cumulative_doublings: Mapped[Decimal]


class Count(Tracked, Base):
    """What was counted when a vessel was emptied, and the growth that follows from it."""

    __tablename__ = "culture_count"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    counted_at: Mapped[datetime]
    total_cells: Mapped[int]
    viability_percent: Mapped[Decimal]
    viable_cells: Mapped[int]
    confluence_percent: Mapped[Decimal]
    hours: Mapped[Decimal]
    doublings: Mapped[Decimal | None]
    cumulative_doublings: Mapped[Decimal]
    # None where the cells did not grow: there is no doubling time then.
    doubling_time_h: Mapped[Decimal | None]
    nominal: Mapped[bool]


class Preconditioning(Tracked, Base):
    """A mechanical preconditioning run of one vessel; complete once it has ended."""

    __tablename__ = "culture_preconditioning"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    modality: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[dict[str, Any]]
    device: Mapped[str] = mapped_column(String(80))
    calibrated_on: Mapped[date] = mapped_column(Date)
    substrate: Mapped[str] = mapped_column(String(80))
    coating: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    duty_on: Mapped[str] = mapped_column(String(40))
    duty_off: Mapped[str] = mapped_column(String(40))
    during_harvest: Mapped[bool]
    static_sister_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_item.id"))
    operator_id: Mapped[UUID]
    flag: Mapped[bool]


class Harvest(Tracked, Base):
    """Conditioned medium taken off one or more vessels of one donor."""

    __tablename__ = "culture_harvest"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), unique=True)
    medium_kind: Mapped[str] = mapped_column(String(40))
    washes: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    passage: Mapped[int]
    cumulative_doublings: Mapped[Decimal]
    total_cells: Mapped[int]
    viability_percent: Mapped[Decimal]
    confluence_percent: Mapped[Decimal]
