"""What became of it: outcomes of participants, so that a lot can be traced to its effect."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from lims import ledger, studies
from lims.core import clock, db, numbers, units
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.dosing import permissions as may
from lims.dosing.models import OutcomeRecord
from lims.ledger.rules import plain
from lims.studies.protocol import Field, FieldKind, Outcome


@requires(may.OUTCOME)
def record_outcome(
    actor: Actor, *, participant: str, outcome: str, observed_on: date, fields: Mapping[str, str]
) -> OutcomeRecord:
    """Record one outcome; values are read as the study file declares them.

    Raises:
        BadInput: no such outcome or field, a value of another kind, a day in the future.
    """
    with db.transaction() as session:
        subject = studies.subject_by_number(session, participant)
        read = studies.protocol_of(studies.study(session, subject.study_id))
        declared = next((each for each in read.outcomes if each.id == outcome), None)
        if declared is None:
            raise BadInput(
                _(
                    "%(outcome)s is no outcome of this study; there are %(known)s.",
                    outcome=outcome,
                    known=", ".join(each.id for each in read.outcomes),
                ),
                field="outcome",
            )
        if observed_on > clock.now().date():
            raise BadInput(_("The day lies in the future."), field="observed_on")
        row = OutcomeRecord(
            subject_id=subject.id,
            outcome=outcome,
            fields=plain(_values(declared, fields)),
            observed_on=observed_on,
            recorded_at=clock.now(),
            recorded_by=actor.person,
        )
        session.add(row)
        session.flush()
        ledger.record(
            actor, studies.stream(subject), "dosing.outcome", {"outcome": outcome}, rows=[row]
        )
        return row


def _values(declared: Outcome, given: Mapping[str, str]) -> dict[str, Any]:
    known = {each.name: each for each in declared.fields}
    strange = [name for name in given if name not in known]
    answered = {name: text.strip() for name, text in given.items() if str(text).strip()}
    if strange or not answered:
        raise BadInput(
            _(
                "This outcome has the fields %(fields)s; fill in at least one.",
                fields=", ".join(known),
            ),
            field="fields",
        )
    return {name: _value(known[name], text) for name, text in answered.items()}


def _value(field: Field, text: str) -> Any:
    if field.kind is FieldKind.QUANTITY and field.unit:
        amount = units.Quantity.parse(text, field.name).to(field.unit, field.name)
        return f"{numbers.plain(amount.value)} {amount.unit}"
    if field.kind is FieldKind.INTEGER:
        return numbers.whole(text, field=field.name)
    if field.kind is FieldKind.BOOLEAN:
        if text not in ("true", "false"):
            raise BadInput(_("%(name)s is true or false.", name=field.name), field=field.name)
        return text == "true"
    if field.kind is FieldKind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise BadInput(
                _("%(text)s is not a date; write it as 2026-05-08.", text=text), field=field.name
            ) from None
    if field.kind is FieldKind.CHOICE and text not in field.choices:
        raise BadInput(
            _("%(name)s is one of %(choices)s.", name=field.name, choices=", ".join(field.choices)),
            field=field.name,
        )
    return text
