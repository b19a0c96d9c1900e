"""What comes in and goes out at the doors of shipments."""

from typing import Any
from uuid import UUID

from lims import labels
from lims.core import db
from lims.core.words import Text as _
from lims.custody import consigning, ways
from lims.custody.errors import ShipmentUnknown
from lims.custody.rules import OUTCOME_NAMES
from lims.custody.schemas import TEMPERATURES, SignIn
from lims.web import fields
from lims.web.choices import OneOf

__all__ = [
    "TEMPERATURES", "AssessIn", "DispatchIn", "DispatchOut", "LoggerIn", "ShipmentIn",
    "ShipmentOut", "SignIn",
]  # fmt: skip

OUTCOMES = {each.value: name for each, name in OUTCOME_NAMES.items()}


class DispatchIn(fields.Shape):
    """A transport box is sent off."""

    to = fields.Code("A", required=True, label=_("Where to"), help=_("Scan the place."))
    hours = fields.Whole(
        required=True, at_least=1, at_most=48, label=_("Hours until it must be received")
    )
    password = fields.Secret(required=True, label=_("Your own password"))


class DispatchOut(fields.Shape):
    """A box on its way."""

    code = fields.Code()
    shipment = fields.Words()
    label = fields.Code("T")
    due_at = fields.Moment()


MATERIAL_NAMES: dict[str, _ | str] = {
    each: name or _("Not declared on this label") for each, name in consigning.MATERIALS.items()
}


def label_of(shipment_id: UUID) -> fields.Shape:
    """The form of a shipment's label, with what the last one said."""
    with db.reading() as session:
        try:
            said = consigning.first_words(session, ways.shipment_by_id(session, shipment_id))
        except ShipmentUnknown:
            said = dict.fromkeys(("sender", "recipient", "contact"), "")
    texts: dict[str, Any] = {
        "sender": fields.Words(
            longest=200,
            required=True,
            prefill=said["sender"],
            label=_("From"),
            help=_("Name and address, as the carrier reads them. No participant's name."),
        ),
        "recipient": fields.Words(
            longest=200, required=True, prefill=said["recipient"], label=_("To"),
            help=_("Name and address, as the carrier reads them."),
        ),
        "contact": fields.Words(
            longest=200, required=True, prefill=said["contact"], label=_("Whom to call"),
            help=_("A name and a number that answers at any hour."),
        ),
        "material": OneOf(
            MATERIAL_NAMES, MATERIAL_NAMES, required=True, label=_("Declared as"),
            help=_("You declare it, by the rules of the carrier."),
        ),
        "dry_ice_kg": fields.Number(
            above=0, at_most=200, label=_("Dry ice, kg"),
            help=_("How much lies in it now; empty where there is none."),
        ),
        "seal": fields.Words(longest=40, load_default="", label=_("Number of the seal")),
    }  # fmt: skip
    return labels.label_form("ShipmentLabelIn", texts)


class _Logger(fields.Shape):
    """What a person knows of a logger, where its file does not say it."""

    zone = fields.Words(
        longest=60,
        load_default="",
        label=_("Time zone of the logger's clock"),
        help=_("If the file names none: such as Asia/Tehran, Asia/Shanghai, UTC or +03:30."),
    )
    unit = OneOf(
        ("Cel",),
        {"Cel": "°C"},
        load_default="",
        label=_("Unit of its temperatures"),
        help=_("If the file names none: look at the logger."),
    )
    channel = fields.Words(
        longest=80,
        load_default="",
        label=_("Channel"),
        help=_("If the file has several temperatures: the one that lay in the box."),
    )


class LoggerIn(_Logger):
    """A logger's file."""

    file = fields.File(required=True, accept=".csv,.txt", label=_("The logger's file"))

    class Meta(fields.Shape.Meta):
        fields = ("file", "zone", "unit", "channel")


class AssessIn(fields.Shape):
    """What quality decides about a way."""

    outcome = OneOf(OUTCOMES, OUTCOMES, required=True, label=_("Outcome"))
    reason = fields.Words(
        required=True,
        longest=2000,
        lines=True,
        label=_("Reason"),
        help=_("What you looked at and what follows from it. No names."),
    )
    password = fields.Secret(required=True, label=_("Your own password"))


class ShipmentIn(_Logger):
    """What was in a box."""

    seen = fields.Codes(
        "SCLVQK", load_default=list, label=_("Everything in it"), help=_("One scan a line.")
    )
    damaged = fields.Codes(
        "SCLVQK", load_default=list, label=_("Damaged"), help=_("Those of them that are damaged.")
    )
    to = fields.Code(
        "A", label=_("Where it stands now"), help=_("Unless it is where the box was sent to.")
    )
    file = fields.File(
        accept=".csv,.txt",
        label=_("The logger's file"),
        help=_("It may follow; until then everything in the box is on hold."),
    )
    password = fields.Secret(required=True, label=_("Your own password"))

    class Meta(fields.Shape.Meta):
        fields = ("seen", "damaged", "to", "file", "zone", "unit", "channel", "password")


class ShipmentOut(fields.Shape):
    """What came of a receipt."""

    place = fields.Code()
    received = fields.Codes()
    damaged = fields.Codes()
    missing = fields.Codes()
    foreign = fields.Codes()
    shipment = fields.Words()
    temperature = fields.Words()
