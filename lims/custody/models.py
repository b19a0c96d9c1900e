"""The spine: items, lineage, places, holders, holds."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from lims.core.db import Base, Tracked, stored
from lims.custody.rules import ItemKind, LateState, Outcome, RecordState, State


class Place(Tracked, Base):
    """Somewhere things are: a site, a freezer, a box, a slot, a ward."""

    __tablename__ = "custody_place"
    __table_args__ = (Index("uq_custody_place_position", "parent_id", "position", unique=True),)

    code: Mapped[str] = mapped_column(String(9), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_place.id"))
    temperature_class: Mapped[str] = mapped_column(String(20))
    one_item: Mapped[bool] = mapped_column(default=False)
    # Open to one donor at a time; None in places that were made before there were work areas.
    work_area: Mapped[bool | None]
    # How many items may stand there; None where nobody set a limit.
    capacity: Mapped[int | None]
    # Where a slot is in its box, such as A1.
    position: Mapped[str | None] = mapped_column(String(8))


class Item(Tracked, Base):
    """One physical thing with a printed code."""

    __tablename__ = "custody_item"
    __table_args__ = (
        CheckConstraint("volume_ul >= 0", name="volume_not_negative"),
        CheckConstraint("thaw_count >= 0", name="thaw_count_not_negative"),
        # What `Edge` refers to, so that a child can only have its parent's donor (H03).
        UniqueConstraint("id", "donor_id"),
        Index(
            "uq_custody_item_slot",
            "slot_id",
            unique=True,
            sqlite_where=text("slot_id IS NOT NULL"),
            postgresql_where=text("slot_id IS NOT NULL"),
        ),
    )

    code: Mapped[str] = mapped_column(String(9), unique=True)
    kind: Mapped[ItemKind] = mapped_column(stored(ItemKind))
    state: Mapped[State] = mapped_column(stored(State), index=True)
    study_id: Mapped[UUID | None] = mapped_column(ForeignKey("studies_study.id"), index=True)
    donor_id: Mapped[UUID | None] = mapped_column(ForeignKey("studies_subject.id"), index=True)
    name: Mapped[str | None] = mapped_column(String(60))
    product: Mapped[str | None] = mapped_column(String(40))
    volume_ul: Mapped[int | None]
    initial_volume_ul: Mapped[int | None]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_place.id"), index=True)
    # The place again where it holds one item only; unique, so that a slot is never booked twice.
    slot_id: Mapped[UUID | None]
    holder_id: Mapped[UUID | None]
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    thawed_at: Mapped[datetime | None]
    thaw_count: Mapped[int] = mapped_column(default=0)


class Edge(Tracked, Base):
    """A parent gave to a child; both have the one donor."""

    __tablename__ = "custody_edge"
    __table_args__ = (
        UniqueConstraint("parent_id", "child_id"),
        CheckConstraint("parent_id <> child_id", name="not_itself"),
        CheckConstraint("volume_ul > 0", name="volume_positive"),
        ForeignKeyConstraint(
            ["parent_id", "donor_id"],
            ["custody_item.id", "custody_item.donor_id"],
            name="fk_custody_edge_parent_donor",
        ),
        ForeignKeyConstraint(
            ["child_id", "donor_id"],
            ["custody_item.id", "custody_item.donor_id"],
            name="fk_custody_edge_child_donor",
        ),
    )

    parent_id: Mapped[UUID] = mapped_column(index=True)
    child_id: Mapped[UUID] = mapped_column(index=True)
    donor_id: Mapped[UUID]
    step: Mapped[str] = mapped_column(String(40))
    volume_ul: Mapped[int | None]


_OPEN_OFFER = "accepted_at IS NULL AND refused_at IS NULL AND withdrawn_at IS NULL"


class Transfer(Tracked, Base):
    """One hand-over: offered by the giver; accepted or refused by the receiver, or withdrawn."""

    __tablename__ = "custody_transfer"
    __table_args__ = (
        Index(
            "uq_custody_transfer_open",
            "item_id",
            unique=True,
            sqlite_where=text(_OPEN_OFFER),
            postgresql_where=text(_OPEN_OFFER),
        ),
    )

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    giver_id: Mapped[UUID]
    receiver_id: Mapped[UUID]
    from_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_place.id"))
    to_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_place.id"))
    reason: Mapped[str]
    condition: Mapped[str | None]
    offered_at: Mapped[datetime]
    # None in offers made before hand-overs had a deadline.
    due_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    # Why it was refused or withdrawn.
    ended_because: Mapped[str | None]

    @property
    def is_open(self) -> bool:
        """Offered, and neither accepted nor refused nor withdrawn."""
        return (self.accepted_at, self.refused_at, self.withdrawn_at) == (None, None, None)


class Opening(Tracked, Base):
    """A work area opened for one donor, until it is cleared by two people."""

    __tablename__ = "custody_opening"
    __table_args__ = (
        Index(
            "uq_custody_opening_open",
            "place_id",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
        CheckConstraint("cleared_by <> asked_by", name="two_people"),
    )

    place_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place.id"))
    donor_id: Mapped[UUID] = mapped_column(ForeignKey("studies_subject.id"))
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None]
    # The first person says that all is out; None again when one of her items comes back.
    asked_at: Mapped[datetime | None]
    asked_by: Mapped[UUID | None]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[UUID | None]


class Shipment(Tracked, Base):
    """A transport box on its way: dispatched by one person, received by another.

    Attributes:
        code: on the label of this way; None of one that was sent before there were any.
    """

    __tablename__ = "custody_shipment"
    __table_args__ = (
        Index(
            "uq_custody_shipment_open",
            "place_id",
            unique=True,
            sqlite_where=text("received_at IS NULL"),
            postgresql_where=text("received_at IS NULL"),
        ),
        CheckConstraint("received_by <> sent_by", name="two_people"),
    )

    code: Mapped[str | None] = mapped_column(String(9), unique=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place.id"))
    to_place_id: Mapped[UUID] = mapped_column(ForeignKey("custody_place.id"))
    # Who answers for it on the way, and holds what is in it.
    sent_by: Mapped[UUID]
    sent_at: Mapped[datetime]
    due_at: Mapped[datetime]
    received_by: Mapped[UUID | None]
    received_at: Mapped[datetime | None]


class ShipmentLine(Tracked, Base):
    """One item of a shipment's manifest, and what became of it at the receipt."""

    __tablename__ = "custody_shipment_line"
    __table_args__ = (
        UniqueConstraint("shipment_id", "item_id"),
        # An item travels in one shipment at a time.
        Index(
            "uq_custody_shipment_line_open",
            "item_id",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("custody_shipment.id"))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    # received, damaged or missing; None on the way.
    outcome: Mapped[str | None] = mapped_column(String(10))


class LoggerFile(Tracked, Base):
    """A logger's file that came with a shipment, as it came. The same bytes are taken once."""

    __tablename__ = "custody_logger_file"

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("custody_shipment.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    maker: Mapped[str] = mapped_column(String(80))
    parser_version: Mapped[str] = mapped_column(String(20))
    # As the person said who brought it, where the file says neither.
    zone: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(80))
    readings: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    minimum_cel: Mapped[Decimal]
    maximum_cel: Mapped[Decimal]
    reading: Mapped[dict[str, Any]] = mapped_column(info={"guarded": False})  # follows from content
    # The digest above is guarded and names every bit of the content.
    content: Mapped[bytes] = mapped_column(LargeBinary, info={"guarded": False})
    taken_at: Mapped[datetime]
    taken_by: Mapped[UUID | None]


class TransportRecord(Tracked, Base):
    """What the loggers of a received shipment say of its way, all files together."""

    __tablename__ = "custody_transport_record"

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("custody_shipment.id"), unique=True)
    state: Mapped[RecordState] = mapped_column(stored(RecordState), index=True)
    # What was found: kind, and for a part of the way from when to when, with the reading.
    faults: Mapped[list[Any]]
    judged_at: Mapped[datetime]


class TransportAssessment(Tracked, Base):
    """What quality decided about a way that was not good or not fully recorded, and why."""

    __tablename__ = "custody_transport_assessment"
    __table_args__ = (CheckConstraint("agreed_by <> signed_by", name="two_people"),)

    record_id: Mapped[UUID] = mapped_column(ForeignKey("custody_transport_record.id"), index=True)
    outcome: Mapped[Outcome] = mapped_column(stored(Outcome))
    reason: Mapped[str]
    signed_at: Mapped[datetime]
    signed_by: Mapped[UUID]
    # The investigator, for what is to be given at a bed all the same.
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[UUID | None]


class Hold(Tracked, Base):
    """A reason not to use an item, until somebody lifts it."""

    __tablename__ = "custody_hold"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(String(40))
    # The way that put it there; then only a signed assessment lifts it.
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_shipment.id"), index=True)
    # The part of a place's time that put it there; likewise.
    episode_id: Mapped[UUID | None] = mapped_column(ForeignKey("custody_episode.id"), index=True)
    placed_at: Mapped[datetime]
    placed_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
    lifted_because: Mapped[str | None]


class LateScan(Tracked, Base):
    """A scan that its device kept and sent later: acted on, or put aside for a person."""

    __tablename__ = "custody_late_scan"
    __table_args__ = (UniqueConstraint("device", "counter"),)

    device: Mapped[str] = mapped_column(String(60))
    counter: Mapped[int]
    # The idempotency key under which it was acted on or put aside.
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("custody_item.id"), index=True)
    given: Mapped[dict[str, Any]]
    scanned_by: Mapped[UUID | None]
    # Where another person handed it in: who scanned it, as the device says.
    claimed_by: Mapped[UUID | None]
    # By the device's clock; `arrived_at` by the server's.
    scanned_at: Mapped[datetime]
    arrived_at: Mapped[datetime]
    state: Mapped[LateState] = mapped_column(stored(LateState), index=True)
    why: Mapped[str] = mapped_column(String(40))
    answered_by: Mapped[UUID | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str]
