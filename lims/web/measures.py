"""Fields of what is measured: amounts with their unit, numbers, instants, days."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marshmallow import missing

from lims.core import clock, numbers
from lims.core.units import Quantity, kind, shown
from lims.core.words import Text as _
from lims.web import calendars
from lims.web.inputs import Input, refused, told


class _Bounded(Input):
    """A number between bounds, which stand in the unit of the field."""

    def __init__(
        self,
        *,
        above: Decimal | int | str | None = None,
        at_least: Decimal | int | str | None = None,
        at_most: Decimal | int | str | None = None,
        **kwargs: Any,
    ) -> None:
        def exact(bound: Decimal | int | str | None) -> Decimal | None:
            return None if bound is None else Decimal(bound)

        self.above, self.at_least, self.at_most = exact(above), exact(at_least), exact(at_most)
        super().__init__(**kwargs)

    def _bounded(self, value: Decimal | int, unit: str = "") -> None:
        tail = f" {shown(unit)}".rstrip()
        if self.above is not None and value <= self.above:
            raise refused(
                _("It must be more than %(bound)s.", bound=numbers.plain(self.above) + tail),
                "too_small",
            )
        if self.at_least is not None and value < self.at_least:
            raise refused(
                _("It must be at least %(bound)s.", bound=numbers.plain(self.at_least) + tail),
                "too_small",
            )
        if self.at_most is not None and value > self.at_most:
            raise refused(
                _("It must be at most %(bound)s.", bound=numbers.plain(self.at_most) + tail),
                "too_large",
            )


def _number(value: Any) -> Decimal:
    """A number from JSON or from text; JSON numbers arrive as Decimal, never as float."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise refused(_("A number is needed here, as text or as digits."), "not_a_number")
    with told():
        return numbers.decimal(str(value))


class Amount(_Bounded):
    """A value and its unit; loads as a `Quantity` in `unit`.

    Args:
        unit: UCUM code of the unit that is asked for; others of its kind are converted, exactly.
        smallest: the amount must be whole in this unit.
        units: what the form offers to choose from; only `unit` unless given.
        above, at_least, at_most: bounds in `unit`.
    """

    kind = "amount"

    def __init__(
        self,
        unit: str,
        *,
        smallest: str | None = None,
        units: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        self.unit = unit
        self.smallest = smallest
        self.units = units or (unit,)
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {
            "type": ["object", "string"],
            "properties": {"value": {"type": "string"}, "unit": {"type": "string"}},
            "description": f"Value and UCUM unit ({kind(self.unit)}), such as "
            f'{{"value": "2.5", "unit": "{self.unit}"}}.',
        }

    def parts(self) -> tuple[str, ...]:
        return (".unit",)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        if " " in text:  # somebody wrote the unit herself
            return text
        return {"value": text, "unit": form.get(name + ".unit") or self.unit}

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": numbers.plain(value.value), ".unit": value.unit}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Quantity:
        with told():
            if isinstance(value, str):
                given = Quantity.parse(value)
            elif isinstance(value, Mapping):
                if set(value) != {"value", "unit"} or not isinstance(value["unit"], str):
                    raise refused(_("An amount has a value and a unit, and nothing else."))
                given = Quantity(_number(value["value"]), value["unit"])
            else:
                raise refused(
                    _("A bare number has no unit; write the value and its unit, such as 2.5 mL."),
                    "no_unit",
                )
            amount = given.to(self.unit)
            if self.smallest:
                amount.count(self.smallest)
        self._bounded(amount.value, self.unit)
        return amount

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return {"value": numbers.plain(value.value), "unit": value.unit}


class Number(_Bounded):
    """A decimal without a unit, or with its unit in the name; loads as `Decimal`."""

    kind = "number"
    openapi: ClassVar[dict[str, Any]] = {"type": ["string", "number"]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number = _number(value)
        self._bounded(number)
        return number

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": numbers.plain(Decimal(value))}

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else numbers.plain(Decimal(value))


class Whole(_Bounded):
    """A whole number; 3.9 is refused, not cut."""

    kind = "whole"
    openapi: ClassVar[dict[str, Any]] = {"type": "integer"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number = _number(value)
        with told():
            whole = numbers.whole(str(number))
        self._bounded(whole)
        return whole


class Moment(Input):
    """An instant; loads as an aware datetime in UTC.

    JSON carries its offset. A form sends local time, the zone in which it is meant, and in Persian
    the calendar.
    """

    kind = "moment"
    openapi: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}

    def parts(self) -> tuple[str, ...]:
        return (".zone", ".calendar")

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        with told():
            return calendars.local_instant(
                text, form.get(name + ".zone", ""), form.get(name + ".calendar", "")
            )

    def to_form(self, value: datetime, zone: ZoneInfo) -> dict[str, str]:
        return {"": calendars.for_input(value.astimezone(zone))}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        text = self._text(value)
        with told():
            return clock.parse(text)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else clock.text(value)


class Day(Input):
    """A calendar day, Gregorian, 1900-2100; a form may say that it means the Jalali calendar."""

    kind = "day"
    openapi: ClassVar[dict[str, Any]] = {"type": "string", "format": "date"}

    def parts(self) -> tuple[str, ...]:
        return (".calendar",)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        with told():
            return calendars.day(text, form.get(name + ".calendar", "")).isoformat()

    def to_form(self, value: date, zone: ZoneInfo) -> dict[str, str]:
        return {"": calendars.for_input(value)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        text = self._text(value)
        with told():
            return calendars.day(text)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat()
