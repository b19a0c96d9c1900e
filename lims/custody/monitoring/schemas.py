"""What comes in and goes out at the doors of a place's temperature."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lims.core import clock, numbers
from lims.core.words import Text as _
from lims.custody.excursions import Read
from lims.custody.schemas import AddressInstant, SignIn
from lims.custody.shipment_schemas import AssessIn, LoggerIn
from lims.web import fields
from lims.web.fields import Input, refused
from lims.web.inputs import told

__all__ = ["AssessIn", "DeliveryIn", "EndIn", "FileIn", "LinkIn", "SignIn", "TemperaturesIn"]


class LinkIn(fields.Shape):
    """Which logger measures a place."""

    serial = fields.Words(
        required=True,
        longest=80,
        label=_("Serial number of the logger"),
        help=_("As it stands on the logger and in its files."),
    )
    minutes = fields.Whole(
        required=True,
        at_least=1,
        at_most=60,
        label=_("Minutes between two readings"),
        help=_("Older than two readings counts as no data."),
    )
    since = fields.Moment(
        label=_("Measures this place since"), help=_("Now, unless you say otherwise.")
    )


class EndIn(fields.Shape):
    """Why a logger is taken away."""

    reason = fields.Words(required=True, lines=True, longest=2000, label=_("Why it is taken away"))


class FileIn(LoggerIn):
    """A logger's file of a place."""

    channel = fields.Words(
        longest=80,
        load_default="",
        label=_("Channel"),
        help=_("If the file has several temperatures: the one that measures this place."),
    )


class _Reading(Input):
    """One reading: when, and how warm."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Read:
        if not isinstance(value, Mapping) or set(value) != {"at", "cel"}:
            raise refused(
                _("A reading has a time and a temperature: %(example)s.",
                  example='{"at": "2026-11-27T10:00:00Z", "cel": "-80.4"}')
            )  # fmt: skip
        with told():
            return Read(clock.parse(self._text(value["at"])), self._cel(value["cel"]))

    def _cel(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise refused(_("A number is needed here, as text or as digits."), "not_a_number")
        return numbers.decimal(str(value))


class Readings(fields._Several):
    """A list of readings."""

    def __init__(self, **kwargs: Any) -> None:
        self.each = _Reading()
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {
            "type": "array",
            "minItems": self.fewest,
            "maxItems": self.most,
            "items": {
                "type": "object",
                "required": ["at", "cel"],
                "properties": {
                    "at": {"type": "string", "format": "date-time"},
                    "cel": {"type": "string", "description": "Degrees Celsius."},
                },
            },
        }


class DeliveryIn(fields.Shape):
    """Readings that a program delivers."""

    readings = Readings(
        required=True,
        fewest=1,
        most=2000,
        label=_("Readings"),
        help=_("Each with its time and offset, in °C. What was delivered before counts once."),
    )
    serial = fields.Words(longest=80, load_default="", label=_("Serial number of the logger"))


class TemperaturesIn(fields.Shape):
    """Which part of the record."""

    since = AddressInstant(label=_("From"))
    until = AddressInstant(label=_("Until"))
