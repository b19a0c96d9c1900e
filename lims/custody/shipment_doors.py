"""The doors of a shipment's temperature record: loggers' files, assessment, agreement."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims.core import codes, db, numbers
from lims.core.permissions import Actor, requires
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody import assessing, consigning, loggers, queries, telling, ways
from lims.custody import permissions as may
from lims.custody import shipment_schemas as of
from lims.custody.consigning import said_by
from lims.custody.excursions import Fault
from lims.custody.models import Shipment, TransportRecord
from lims.custody.rules import OUTCOME_NAMES, Outcome, RecordState
from lims.web.doors import Doors

STATES: Mapping[RecordState | None, _] = {
    RecordState.CLEAR: _("within limits the whole way"),
    RecordState.OPEN: _("to be assessed"),
    RecordState.ASSESSED: _("assessed as usable"),
    RecordState.UNUSABLE: _("assessed as not usable"),
    None: _("no record"),
}


@requires(may.READ_LOGGER)
def read_logger(actor: Actor, *, shipment_id: UUID, **given: Any) -> dict[str, Any]:
    """Read a logger's file into its record."""
    return shown(loggers.read_logger(actor, shipment_id=shipment_id, **given))


@requires(may.ASSESS)
def assess(actor: Actor, *, shipment_id: UUID, outcome: str, **given: Any) -> dict[str, Any]:
    """Decide about its way."""
    return shown(
        assessing.assess(actor, shipment_id=shipment_id, outcome=Outcome(outcome), **given)
    )


@requires(may.AGREE)
def agree(actor: Actor, *, shipment_id: UUID, password: str) -> dict[str, Any]:
    """Agree to what quality decided."""
    return shown(assessing.agree(actor, shipment_id=shipment_id, password=password))


@requires(may.SHIP)
def label(actor: Actor, *, shipment_id: UUID, **given: Any) -> dict[str, Any]:
    """Print its label."""
    row = consigning.label_shipment(actor, shipment_id=shipment_id, **given)
    return {"shipment": str(row.id), "label": row.code}


def shown(record: TransportRecord) -> dict[str, Any]:
    """A record as a door answers it."""
    return {
        "shipment": str(record.shipment_id),
        "temperature": record.state.value,
        "faults": list(record.faults),
    }


@requires(may.READ)
def shipment(actor: Actor, *, shipment_id: UUID) -> dict[str, Any]:
    """A shipment, what its loggers say, and what was decided."""
    with db.reading() as session:
        row = ways.shipment_by_id(session, shipment_id)
        box = queries.place(session, row.place_id)
        record = ways.record_of(session, row.id)
        found = ways.assessment_of(session, record.id) if record else None
        return {
            "shipment": str(row.id),
            "label": row.code,
            "box": box.code if box else None,
            "temperature_class": box.temperature_class if box else None,
            "sent_at": row.sent_at,
            "received_at": row.received_at,
            "items": [each.code for each in ways.manifest(session, row)],
            "temperature": record.state.value if record else None,
            "faults": list(record.faults) if record else [],
            "files": [
                {
                    "name": each.name,
                    "sha256": each.sha256,
                    "maker": each.maker,
                    "channel": each.channel,
                    "readings": each.readings,
                    "first_at": each.first_at,
                    "last_at": each.last_at,
                    "minimum_cel": each.minimum_cel,
                    "maximum_cel": each.maximum_cel,
                }
                for each in ways.files_of(session, row.id)
            ],
            "assessment": None
            if found is None
            else {
                "outcome": found.outcome.value,
                "reason": found.reason,
                "signed_at": found.signed_at,
                "agreed_at": found.agreed_at,
            },
        }


def about(actor: Actor, *, shipment_id: UUID) -> Sequence[tuple[Any, Any]]:
    """Which box, when, and how its record stands."""
    with db.reading() as session:
        return facts_of(session, ways.shipment_by_id(session, shipment_id))


def facts_of(session: Session, row: Shipment) -> list[tuple[Any, Any]]:
    """What is said of a shipment beside a form and on its page."""
    rows = consigning.facts_of(session, row)
    if row.received_at is None:
        return rows
    record = ways.record_of(session, row.id)
    rows.append((_("Temperature record"), STATES[record.state if record else None]))
    found = ways.assessment_of(session, record.id) if record else None
    if found is not None:
        rows.append((_("Assessment"), OUTCOME_NAMES[found.outcome]))
        rows.append((_("Reason"), found.reason))
        rows.append((_("Assessed by"), said_by(session, found.signed_by, found.signed_at)))
        if found.agreed_at is not None:
            rows.append((_("Investigator"), said_by(session, found.agreed_by, found.agreed_at)))
    return rows


def in_words(fault: Mapping[str, str]) -> _:
    """A fault of a record as a sentence."""
    kind = Fault(fault["kind"])
    if kind in (Fault.EXCURSION, Fault.GAP):
        start, end = telling.Moment.of(fault["from"]), telling.Moment.of(fault["to"])
        if kind is Fault.GAP:
            return _("No reading from %(start)s to %(end)s.", start=start, end=end)
        return _(
            "Outside of the limits from %(start)s to %(end)s, farthest at %(cel)s.",
            start=start,
            end=end,
            cel=Exact(f"{numbers.plain(numbers.decimal(fault['cel']))} °C"),
        )
    return {
        Fault.MISSING: _("No logger's file was read for this way."),
        Fault.ORDER: _("Readings of a file stand twice, or go back in time."),
        Fault.CLASS: _("No limits are known for the temperature of this box."),
    }[kind]


def _state_of(row: Shipment) -> RecordState | None:
    with db.reading() as session:
        record = ways.record_of(session, row.id)
        return record.state if record else None


def _to_assess(row: Shipment) -> bool:
    return row.received_at is not None and _state_of(row) in (
        None,
        RecordState.OPEN,
        RecordState.UNUSABLE,
    )


def _to_agree(row: Shipment) -> bool:
    with db.reading() as session:
        record = ways.record_of(session, row.id)
        if record is None or record.state is not RecordState.ASSESSED:
            return False
        found = ways.assessment_of(session, record.id)
        return found is not None and found.agreed_at is None


def _at_shipment(answer: dict[str, Any]) -> str:
    return f"/shipments/{answer['shipment']}"


def _how_it_stands(answer: dict[str, Any]) -> _:
    return _("Temperature record: %(state)s", state=STATES[RecordState(answer["temperature"])])


def declare(doors: Doors) -> None:
    """Declare what is done to a shipment: labelled on its way, judged once it was received."""
    doors.act(
        "/shipments/<uuid:shipment_id>/label",
        label,
        takes=of.label_of,
        name="label-shipment",
        title=_("Print the label of this shipment"),
        intro=_(
            "It goes on the outside of the box, beside the label of the box itself, and counts "
            "for this shipment alone. Names of participants do not belong on it."
        ),
        on="shipment",
        about=about,
        after=_at_shipment,
        said=lambda answer: _(
            "The label %(code)s is being printed.", code=codes.grouped(answer["label"])
        ),
        order=4,
        fits=lambda row: row.received_at is None,
    )
    doors.act(
        "/shipments/<uuid:shipment_id>/temperature",
        read_logger,
        takes=of.LoggerIn,
        name="read-logger",
        title=_("Read a temperature logger"),
        intro=_("The logger that lay in the box on its way; its file as the logger gave it."),
        on="shipment",
        about=about,
        after=_at_shipment,
        said=_how_it_stands,
        order=10,
        fits=lambda row: row.received_at is not None,
    )
    doors.act(
        "/shipments/<uuid:shipment_id>/assessment",
        assess,
        takes=of.AssessIn,
        name="assess-shipment",
        title=_("Assess the temperature record"),
        intro=_("Everything that came this way stays on hold until you have signed."),
        on="shipment",
        about=about,
        after=_at_shipment,
        said=_how_it_stands,
        order=5,
        fits=_to_assess,
    )
    doors.act(
        "/shipments/<uuid:shipment_id>/agreement",
        agree,
        takes=of.SignIn,
        name="agree-shipment",
        title=_("Agree to the assessment"),
        intro=_("Only where you have agreed as well can a dose that came this way be given."),
        on="shipment",
        about=about,
        after=_at_shipment,
        said=_how_it_stands,
        order=6,
        fits=_to_agree,
    )
    doors.read(
        "/shipments/<uuid:shipment_id>",
        shipment,
        name="shipment",
        title=_("A shipment and its temperature record"),
    )
