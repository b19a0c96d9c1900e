"""What the bedside gate would have been told at an earlier instant, for a dose entered from paper.

Rows hold the present. What may have changed since the dose was given (states, holds, the holder,
consent, the plan of the transfer) is taken back to that instant, by the rows' own times or by the
changes in their entries; so a recall of this morning does not make yesterday's dose wrong.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lims import custody, isolation, ledger, qc, studies
from lims.core import clock
from lims.custody import Hold, Item, State
from lims.dosing import facts as told
from lims.dosing.asked import Asked
from lims.dosing.gathering import facts_of
from lims.dosing.gathering_people import assessment_facts
from lims.dosing.gathering_product import storage_facts, transport_of
from lims.qc import Finding

_NOT_USED = (State.BLOCKED.value, State.REJECTED.value)


def facts_then(
    session: Session, asked: Asked, subject: studies.Subject, item: Item, at: datetime
) -> told.BedsideFacts:
    """Everything the gate wants to know, as it stood at `at`."""
    facts = facts_of(session, asked, now=at)
    line = [item, *custody.ancestors(session, [item.id])]
    lot = custody.item(session, isolation.vial_of(session, item.id).lot_id)
    states = {each.id: _state(session, each, at) for each in line}
    if facts.lot is None or facts.dose is None or facts.participant is None:
        raise RuntimeError("the caller has found dose and participant")
    return replace(
        facts,
        dose=replace(facts.dose, state=states[item.id]),
        lot=replace(
            facts.lot,
            state=states[lot.id],
            held=_held(session, [each.id for each in line], at)
            or any(state in _NOT_USED for state in states.values()),
            open_findings=_findings(session, [each.id for each in line], at),
        ),
        participant=_participant(session, subject, facts.participant, at),
        consent=_consent(session, subject, facts.consent, at),
        transport=_transport(session, item, [each.id for each in line], at),
        storage=storage_facts(session, item, at),
        custody=_custody(session, item, asked, facts.custody, at),
        window=_window(session, subject, facts.window, at),
        assessment=assessment_facts(session, subject, at, facts.time_zone, then=True),
    )


def _state(session: Session, item: Item, at: datetime) -> str:
    return str(
        ledger.value_at(
            session, custody.stream(item.code), "custody_item", item.id, "state", at,
            now=item.state.value,
        )
    )  # fmt: skip


def _held(session: Session, ids: list[UUID], at: datetime) -> bool:
    found = session.scalar(
        select(Hold.id)
        .where(
            Hold.item_id.in_(ids),
            Hold.placed_at <= at,
            or_(Hold.lifted_at.is_(None), Hold.lifted_at > at),
        )
        .limit(1)
    )
    return found is not None


def _findings(session: Session, ids: list[UUID], at: datetime) -> int:
    found: list[Finding] = qc.findings_of(session, ids, open_only=False)
    return sum(
        each.opened_at <= at and (each.closed_at is None or each.closed_at > at) for each in found
    )


def _participant(
    session: Session, subject: studies.Subject, now: told.Participant, at: datetime
) -> told.Participant:
    state = ledger.value_at(
        session, studies.stream(subject), "studies_subject", subject.id, "state", at,
        now=subject.state.value,
    )  # fmt: skip
    return replace(
        now,
        enrolled=state == studies.SubjectState.ALLOCATED.value,
        withdrawn=state == studies.SubjectState.WITHDRAWN.value,
    )


def _consent(
    session: Session, subject: studies.Subject, now: told.Consent | None, at: datetime
) -> told.Consent | None:
    signed = [each for each in studies.consents(session, subject.id) if each.signed_at <= at]
    if now is None or not signed:
        return now
    newest = signed[0]
    return replace(
        now,
        covers_giving="administration" in newest.covers,
        withdrawn=newest.withdrawn_at is not None and newest.withdrawn_at <= at,
    )


def _transport(session: Session, item: Item, ids: list[UUID], at: datetime) -> told.Transport:
    """The ways that it or what it was made from had gone by then, as their records stood."""
    ways = []
    for each in custody.ways_of(session, ids):
        if each.sent_at > at:
            continue
        received = each.received_at if each.received_at and each.received_at <= at else None
        state = None
        if each.record_id is not None and each.state is not None:
            was = ledger.value_at(
                session, custody.place_stream(each.box), "custody_transport_record",
                each.record_id, "state", at, now=each.state.value,
            )  # fmt: skip
            state = custody.RecordState(was) if was else None
        ways.append(replace(each, received_at=received, state=state))
    return transport_of(session, item, ways, at)


def _custody(
    session: Session, item: Item, asked: Asked, now: told.Custody | None, at: datetime
) -> told.Custody | None:
    if now is None or asked.operator is None:
        return now
    holder = ledger.value_at(
        session, custody.stream(item.code), "custody_item", item.id, "holder_id", at,
        now=str(item.holder_id),
    )  # fmt: skip
    return replace(now, here=holder == str(asked.operator.person))


def _window(
    session: Session, subject: studies.Subject, now: told.TransferWindow | told.CycleWindow
    | told.AnyTime | None, at: datetime,
) -> told.TransferWindow | told.CycleWindow | told.AnyTime | None:  # fmt: skip
    """The plan of the transfer that was in force, as it was confirmed by then."""
    if not isinstance(now, told.TransferWindow):
        return now
    plans = [each for each in studies.transfer_plans(session, subject.id) if each.made_at <= at]
    if not plans:
        return replace(now, planned_at=None)
    plan = plans[0]

    def was(column: str, value: datetime | None) -> datetime | None:
        text = ledger.value_at(
            session, studies.stream(subject), "studies_transfer_plan", plan.id, column, at,
            now=clock.text(value) if value else None,
        )  # fmt: skip
        return clock.parse(text) if text else None

    if was("cancelled_at", plan.cancelled_at):
        return replace(now, planned_at=None)
    return replace(
        now,
        planned_at=plan.planned_at,
        confirmed_at=was("confirmed_at", plan.confirmed_at),
        done=was("done_at", plan.done_at) is not None,
    )
