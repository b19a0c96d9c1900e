"""The dates that a dose is timed by: the planned transfer, the cycle, and leave to differ."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lims import ledger, people
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.studies import permissions as may
from lims.studies import queries
from lims.studies.enrolment import stream
from lims.studies.errors import StepOutOfOrder
from lims.studies.models import CycleDayOne, TransferPlan, WindowOverride

SOURCES = ("natural", "withdrawal", "induced")


def _zone(name: str) -> str:
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(
            _("%(zone)s is no time zone; write one such as Asia/Tehran.", zone=name), field="zone"
        ) from None


@requires(may.PLAN)
def plan_transfer(actor: Actor, *, number: str, planned_at: datetime, zone: str) -> TransferPlan:
    """Plan the embryo transfer. The plan before is kept beside, marked replaced."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        if planned_at <= clock.now():
            raise BadInput(
                _("The transfer would lie in the past; enter the planned date and time."),
                field="planned_at",
            )
        rows: list[object] = []
        old = queries.transfer_plan(session, subject.id)
        if old is not None:
            old.replaced = True
            rows.append(old)
        plan = TransferPlan(
            subject_id=subject.id,
            planned_at=planned_at,
            zone=_zone(zone),
            made_at=clock.now(),
        )
        session.add(plan)
        session.flush()
        ledger.record(actor, stream(subject), "studies.transfer-planned", rows=[*rows, plan])
        return plan


@requires(may.PLAN)
def confirm_transfer(actor: Actor, *, number: str) -> TransferPlan:
    """Confirm today that the plan stands; the bedside asks for it (B21)."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        plan = queries.transfer_plan(session, subject.id)
        if plan is None or plan.cancelled_at or plan.done_at:
            raise StepOutOfOrder(
                _("%(number)s has no planned transfer; plan it first.", number=number)
            )
        plan.confirmed_at = clock.now()
        ledger.record(actor, stream(subject), "studies.transfer-confirmed", rows=[plan])
        return plan


@requires(may.PLAN)
def record_transfer(actor: Actor, *, number: str, done_at: datetime) -> TransferPlan:
    """The embryo transfer was done."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        plan = queries.transfer_plan(session, subject.id)
        if plan is None or plan.cancelled_at or plan.done_at:
            raise StepOutOfOrder(
                _("%(number)s has no planned transfer; plan it first.", number=number)
            )
        if done_at > clock.now():
            raise BadInput(_("The transfer lies in the future."), field="done_at")
        plan.done_at = done_at
        ledger.record(actor, stream(subject), "studies.transfer-done", rows=[plan])
        return plan


@requires(may.PLAN)
def record_cycle_day_one(
    actor: Actor, *, number: str, day: date, source: str, zone: str
) -> CycleDayOne:
    """Record the first day of full-flow bleeding, a date of the site (domain.md 13.2)."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        if source not in SOURCES:
            raise BadInput(
                _("Say where the day is known from: %(sources)s.", sources=", ".join(SOURCES)),
                field="source",
            )
        local = _zone(zone)
        if day > clock.now().astimezone(ZoneInfo(local)).date():
            raise BadInput(_("The first day of the cycle lies in the future."), field="day")
        row = CycleDayOne(
            subject_id=subject.id, day=day, zone=local, source=source, recorded_at=clock.now()
        )
        session.add(row)
        session.flush()
        ledger.record(actor, stream(subject), "studies.cycle-day-one", rows=[row])
        return row


@requires(may.OVERRIDE)
def override_window(
    actor: Actor, *, number: str, check_id: str, deviation: str, password: str
) -> WindowOverride:
    """Sign leave to differ from a window; it counts once another person has seconded it."""
    if check_id not in ("B21", "B22"):
        raise BadInput(_("Only the time windows B21 and B22 can be overridden."), field="check_id")
    if not deviation.strip():
        raise BadInput(_("Describe the protocol deviation."), field="deviation")
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        signature = people.signature(actor, meaning="deviation allowed", password=password)
        row = WindowOverride(
            subject_id=subject.id,
            check_id=check_id,
            deviation=deviation.strip(),
            signed_by=actor.person,
            signed_at=clock.now(),
        )
        session.add(row)
        session.flush()
        ledger.record(
            actor,
            stream(subject),
            "studies.window-overridden",
            {"signature": signature},
            rows=[row],
            reason=deviation,
        )
        return row


@requires(may.OVERRIDE)
def second_override(actor: Actor, *, number: str, check_id: str, password: str) -> WindowOverride:
    """The second signature under leave to differ, by another person."""
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        row = session.scalar(
            queries.select(WindowOverride)
            .where(
                WindowOverride.subject_id == subject.id,
                WindowOverride.check_id == check_id,
                WindowOverride.seconded_by.is_(None),
            )
            .order_by(WindowOverride.signed_at.desc())
            .limit(1)
        )
        if row is None or row.signed_by == actor.person:
            raise StepOutOfOrder(
                _("There is nothing that you could second: another person signs first.")
            )
        signature = people.signature(actor, meaning="deviation seconded", password=password)
        row.seconded_by = actor.person
        row.seconded_at = clock.now()
        ledger.record(
            actor,
            stream(subject),
            "studies.override-seconded",
            {"signature": signature},
            rows=[row],
        )
        return row
