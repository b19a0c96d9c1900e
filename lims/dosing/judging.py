"""What had not passed when a dose was given on paper: a deviation on its lot, and a hold."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, isolation, qc
from lims.core import db, gate
from lims.core.permissions import Actor
from lims.core.units import ml
from lims.custody import Item
from lims.dosing import reasons
from lims.dosing.bedside import TOLERANCE_UL


def failed(answer: gate.Answer, held_ul: int, told_ul: int) -> list[dict[str, str]]:
    """Every row that had not passed; what was not looked at is no better than what failed."""
    found = [
        {"id": row.id, "result": row.result.value, "why": row.finding.why.spoken("en")}
        for row in answer.rows
        if row.result is not gate.Result.PASSED
    ]
    if abs(held_ul - told_ul) > TOLERANCE_UL:
        found.append(
            {
                "id": "volumes",
                "result": gate.Result.WARNED.value,
                "why": f"given, left and wasted are {ml(told_ul)} of the {ml(held_ul)} it held",
            }
        )
    return found


def judge(
    actor: Actor, session: Session, item: Item, found: Sequence[Mapping[str, str]]
) -> str | None:
    """Open a deviation for what had not passed; hold the lot where a row would have stopped."""
    if not found:
        return None
    lot = db.locked(
        session, select(Item).where(Item.id == isolation.vial_of(session, item.id).lot_id)
    )
    assert lot is not None  # noqa: S101 - a vial names its lot by a foreign key
    said = "; ".join(f"{each['id']} {each['result']}: {each['why']}" for each in found)
    finding = qc.deviation_on(
        actor, session, lot, reasons.FROM_PAPER.kept(dose=item.code, rows=said)
    )
    stopped = [each["id"] for each in found if each["result"] == gate.Result.STOPPED.value]
    if stopped:
        custody.place_hold(
            actor,
            session,
            lot,
            reasons.FAILED_ON_PAPER.kept(finding=finding.reference, rules=", ".join(stopped)),
            "paper-record",
        )
    return finding.reference
