"""What the bedside gate is told, read from the records inside the deciding transaction.

What nobody has asked yet stays None and leaves its row pending; what was asked for and is not
there is told as such, and stops.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import isolation, studies
from lims.core import clock, codes, units
from lims.custody import Item, ItemKind
from lims.dosing import facts as told
from lims.dosing.asked import Asked
from lims.dosing.facts_people import Session as CheckSession
from lims.dosing.gathering_people import (
    allocation_facts,
    assessment_facts,
    band_facts,
    consent_facts,
    operator_facts,
    overrides_facts,
    participant_facts,
    spoken_facts,
    subject_named,
    witness_facts,
)
from lims.dosing.gathering_product import (
    custody_facts,
    dose_facts,
    lineage_facts,
    lot_facts,
    storage_facts,
    thaw_facts,
    transport_facts,
)
from lims.studies.protocol import Arm, WindowKind


def facts_of(session: Session, asked: Asked, *, now: datetime | None = None) -> told.BedsideFacts:
    """Everything the gate wants to know, as it stands at `now`."""
    at = now or clock.now()
    scanned = codes.parse(asked.dose, "dose")
    item = session.scalar(select(Item).where(Item.code == scanned.code))
    subject = subject_named(session, asked.participant)
    study = studies.study(session, subject.study_id) if subject else None
    read = studies.protocol_of(study) if study else None
    arm = read.arm(subject.arm) if read and subject and subject.arm else None
    vial = isolation.vial_of(session, item.id) if item and item.kind is ItemKind.DOSE else None
    lot = isolation.lot_of(session, vial.lot_id) if vial else None
    zone = read.document["site"]["time_zone"] if read else "UTC"
    return told.BedsideFacts(
        now=at,
        time_zone=zone,
        limits=_limits(read),
        participant=participant_facts(session, read, subject, asked),
        consent=consent_facts(session, subject, item) if subject else None,
        allocation=allocation_facts(arm, subject) if subject else None,
        operator=operator_facts(session, subject, asked, at),
        witness=witness_facts(session, subject, asked),
        band=band_facts(session, asked),
        spoken=spoken_facts(asked),
        dose=dose_facts(session, scanned, item),
        lot=lot_facts(session, lot, item) if lot and item else None,
        lineage=lineage_facts(session, item, lot, read, asked) if item and lot else None,
        thaw=thaw_facts(session, item) if item and lot else None,
        transport=transport_facts(session, item) if item and lot else None,
        storage=storage_facts(session, item) if item and lot else None,
        custody=custody_facts(session, item, asked) if item and lot else None,
        inspection=told.Inspection(
            **{
                name: asked.seen.get(name)
                for name in (
                    "seal_intact",
                    "cap_matches",
                    "appearance_good",
                    "fully_thawed",
                    "label_readable",
                    "label_matches",
                )
            }
        ),
        window=_window(session, read, arm, subject),
        plan=_plan(read, arm, asked),
        device=_device(asked),
        route=asked.seen.get("route"),
        assessment=assessment_facts(session, subject, at, zone),
        session=CheckSession(
            started_at=asked.started_at, interrupted=asked.interrupted, devices=asked.stations
        )
        if asked.started_at
        else None,
        draw_up=told.DrawUp(
            verdict_at=asked.verdict_at,
            drawn_at=_instant(asked.seen.get("drawn_up_at")),
            witnessed=bool(asked.seen.get("draw_up_witnessed")),
        )
        if asked.seen.get("drawn_up_at")
        else None,
        emergency=told.Emergency(
            kit=asked.seen.get("emergency_kit"), staff=asked.seen.get("emergency_staff")
        ),
        overrides=overrides_facts(session, subject),
    )


def of_band(session: Session, band: str) -> told.BedsideFacts:
    """What is known after the first scan alone."""
    asked = Asked(dose="", participant="", band=band)
    return told.BedsideFacts(
        now=clock.now(), time_zone="UTC", limits=_limits(None), band=band_facts(session, asked)
    )


def _instant(value: Any) -> datetime | None:
    return clock.parse(value) if isinstance(value, str) else value


def _span(read: studies.Protocol | None, name: str, otherwise: str) -> timedelta:
    quantity = read.quantity(name) if read else units.Quantity.parse(otherwise)
    return quantity.span()


def _limits(read: studies.Protocol | None) -> told.Limits:
    before = (
        next((w for w in read.windows.values() if w.kind is WindowKind.BEFORE_TRANSFER), None)
        if read
        else None
    )

    def window(value: units.Quantity | None) -> timedelta:
        # An arm without this window never asks it.
        return value.span() if value else timedelta(0)

    warn_at = read.quantity("thaw.warn_at").value / 100 if read else Decimal("0.75")
    return told.Limits(
        check=_span(read, "bedside.verdict_valid", "15 min"),
        sedated_identity=_span(read, "bedside.identity_before_anaesthesia_valid", "120 min"),
        thaw_room=_span(read, "thaw.room_time_max", "60 min"),
        thaw_cold=_span(read, "thaw.cold_time_max", "4 h"),
        thaw_warn=warn_at,
        thaws=int(str(read.limit("thaw.dose_thaws_max"))) if read else 1,
        prp_age=_span(read, "prp.use_from_draw_stop_above", "4 h"),
        window_silent=window(before.silent if before else None),
        window_warn=window(before.warn if before else None),
        lead_shortest=window(before.override_min if before else None),
        lead_longest=window(before.override_max if before else None),
        custody_gap=_span(read, "bedside.custody_gap_override_max", "30 min"),
        pregnancy_test_days=0,
        figures_tries=2,
    )


def _window(
    session: Session,
    read: studies.Protocol | None,
    arm: Arm | None,
    subject: studies.Subject | None,
) -> told.TransferWindow | told.CycleWindow | told.AnyTime | None:
    if read is None or arm is None or subject is None:
        return None
    window = read.window(arm)
    if window is None:
        return told.AnyTime()
    if window.kind is WindowKind.BEFORE_TRANSFER:
        plan = studies.transfer_plan(session, subject.id)
        nominal = window.nominal
        lead = nominal.span() if nominal else timedelta(0)
        if plan is None or plan.cancelled_at:
            return told.TransferWindow(lead=lead, planned_at=None)
        return told.TransferWindow(
            lead=lead,
            planned_at=plan.planned_at,
            confirmed_at=plan.confirmed_at,
            done=plan.done_at is not None,
        )
    day = studies.cycle_day_one(session, subject.id)
    return told.CycleWindow(
        day1=day.day if day else None, first=window.first or 0, last=window.last or 0
    )


def _plan(read: studies.Protocol | None, arm: Arm | None, asked: Asked) -> told.Plan | None:
    if read is None or arm is None or arm.dose is None:
        return None
    dose = arm.dose
    low, high = dose.delivered_min.count("uL"), dose.delivered_max.count("uL")
    sites: list[int] | None = asked.seen.get("sites_ul")
    dead = arm.device_dead_volume
    allergy = read.document.get("allergy", {})
    return told.Plan(
        total_low_ul=low,
        total_high_ul=high * dose.sites_max if dose.per_site else high,
        device=arm.device or "",
        route=arm.route or "",
        site_low_ul=low if dose.per_site else None,
        site_high_ul=high if dose.per_site else None,
        most_sites=dose.sites_max,
        sites_ul=None if sites is None else tuple(sites),
        dead_volume_ul=dead.count("uL") if dead and asked.seen.get("device") else None,
        # Where no test can show the lot to be free of it, any match stops (domain.md 13.7).
        allergy_match_stops="unless_test_below_loq" not in allergy,
        refused_allergies=tuple(allergy.get("refused", ())),
    )


def _device(asked: Asked) -> told.Device | None:
    kind = asked.seen.get("device")
    if not kind:
        return None
    expires = asked.seen.get("device_expires_on")
    if isinstance(expires, str):
        expires = date.fromisoformat(expires)
    end = (
        datetime.combine(expires + timedelta(days=1), datetime.min.time(), clock.now().tzinfo)
        if isinstance(expires, date)
        else None
    )
    return told.Device(kind=kind, lot=asked.seen.get("device_lot") or "", expires_at=end)
