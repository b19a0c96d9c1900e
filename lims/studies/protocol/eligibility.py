"""Who may be enrolled: computed rules and judged items, and for each one why.

Judged items come as `{"E2": true}`; `true` is always in favour of enrolment, for exclusions as
well ("she has no haematological disorder"). What is missing is neither met nor unmet and keeps
her out. There are no waivers.

A quantity is a text with its unit ("1.2 ng/mL") or `{"value": "1.2", "unit": "ng/mL"}`; a bare
number is refused, since 8 pmol/L of AMH is not 8 ng/mL. A count is a bare whole number, a date is
2026-05-08, yes and no are `true` and `false`.

Fields of IRCT20210228050535N2: failed_transfer_cycles, good_quality_embryos_transferred, age
(completed years on the date of consent), all counts; conceived_from_them, hysteroscopy_report,
hysterosalpingography_report, genetic_result_woman, genetic_result_partner, yes or no; height (cm)
and weight (kg), measured_on (date); sex (female or male).

Fields of TANGDU-ME-UCMSC: age, AFC (follicles), transfer_cycles, counts; AMH (ng/mL),
transfer_cycle_thickness (mm), fibroid_size, hydrosalpinx_size, endometriotic_cyst_size (cm, 0 cm
for none), quantities; previous_tcra, consent_in_force, infection_results_present, infection_found,
allergy_to_component, untreated_submucosal_fibroid, adenomyosis, uterine_malformation,
endometrial_polyps, significant_vaginal_discharge, yes or no; tcra_date, prp_date, surgery_date,
other_trial_date (or `never`), dates; sex.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lims.core import numbers
from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text
from lims.studies.protocol import expressions
from lims.studies.protocol.model import Criterion, Field, Protocol
from lims.studies.protocol.words import CriterionKind, FieldKind

_ = Text

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NEVER = date.min
_LARGEST_COUNT = 10_000


class FieldRefused(BadInput):
    """A value does not fit its field."""

    code = "field_refused"


@dataclass(frozen=True)
class Item:
    """One criterion's answer: met, not met, or None while something is missing."""

    id: str
    met: bool | None
    why: Text

    def shown(self) -> dict[str, Any]:
        """The item as JSON."""
        return {"id": self.id, "met": self.met, "why": str(self.why)}


@dataclass(frozen=True)
class Eligibility:
    """Whether she may be enrolled: only when every item is met."""

    eligible: bool
    items: tuple[Item, ...]

    def shown(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {"eligible": self.eligible, "items": [each.shown() for each in self.items]}


def judge(protocol: Protocol, fields: Mapping[str, Any], judged: Mapping[str, bool]) -> Eligibility:
    """Judge one participant.

    Args:
        fields: values by field name; None and absent are missing.
        judged: what the clinician signed, by criterion; true is in favour of enrolment.

    Raises:
        FieldRefused: a name that is no field or judged item of the study, or a value that does
            not fit its field.
        BadInput: a number or a unit that cannot be read, or a unit of another kind.
    """
    values = _values(protocol, fields)
    signed = _signed(protocol, judged)
    items = tuple(_item(each, values, signed) for each in protocol.criteria)
    return Eligibility(bool(items) and all(each.met for each in items), items)


def parted(
    protocol: Protocol, document: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields and judged items of one flat document, by what the study calls them.

    A program that wrote the document has read each field's unit from `lims study check`, so its
    bare number is meant in that unit; a person's entry always carries its own.
    """
    criteria = {each.id for each in protocol.criteria}
    fields = {
        key: _in_its_unit(protocol, key, each)
        for key, each in document.items()
        if key not in criteria
    }
    judged = {key: each for key, each in document.items() if key in criteria}
    return fields, judged


def _in_its_unit(protocol: Protocol, name: str, value: Any) -> Any:
    field = protocol.fields.get(name)
    bare = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if bare and field is not None and field.kind is FieldKind.QUANTITY:
        return f"{value} {field.unit}"
    return value


def completed_years(born: date, on: date) -> int:
    """Age in completed years; born on 29 February one ages on 1 March.

    Raises:
        FieldRefused: born after that day.
    """
    if born > on:
        raise FieldRefused(_("The birth date lies after the day of consent; correct one of them."))
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _signed(protocol: Protocol, judged: Mapping[str, bool]) -> dict[str, bool]:
    known = {each.id for each in protocol.criteria if each.kind is not CriterionKind.COMPUTED}
    signed = {}
    for name, answer in judged.items():
        if name not in known:
            raise FieldRefused(
                _(
                    "%(name)s is not judged by a clinician in the study %(study)s; leave it out.",
                    name=name,
                    study=protocol.code,
                ),
                field=name,
            )
        if answer is None:
            continue
        if not isinstance(answer, bool):
            raise FieldRefused(
                _("%(name)s must be true (in favour of enrolment) or false.", name=name),
                field=name,
            )
        signed[name] = answer
    return signed


def _item(
    criterion: Criterion, values: Mapping[str, expressions.Value], signed: Mapping[str, bool]
) -> Item:
    computed, why = _computed(criterion, values)
    if criterion.text is None:
        return Item(criterion.id, computed, why)
    judged = signed.get(criterion.id)
    if computed is False or (judged is not False and computed is None):
        return Item(criterion.id, computed, why)
    if judged is None:
        return Item(criterion.id, None, _("Not judged yet: %(text)s", text=criterion.text))
    sentence = (
        _("Judged met: %(text)s", text=criterion.text)
        if judged
        else _("Judged not met: %(text)s", text=criterion.text)
    )
    return Item(criterion.id, judged, sentence)


def _computed(
    criterion: Criterion, values: Mapping[str, expressions.Value]
) -> tuple[bool | None, Text]:
    if criterion.rule is None:
        return True, _("Nothing to compute.")
    needed = (*criterion.rule.names, *criterion.requires)
    missing = [name for name in dict.fromkeys(needed) if name not in values]
    if missing:
        return None, _("Missing: %(names)s.", names=", ".join(missing))
    met = criterion.rule.answer(values)
    if met:
        return True, _("Met: %(rule)s.", rule=criterion.rule.text)
    return met, _(
        "Not met: %(title)s asks for %(rule)s.", title=criterion.title, rule=criterion.rule.text
    )


def _values(protocol: Protocol, fields: Mapping[str, Any]) -> dict[str, expressions.Value]:
    values = {}
    for name, given in fields.items():
        field = protocol.fields.get(name)
        if field is None:
            raise FieldRefused(
                _(
                    "%(name)s is no field of the study %(study)s; lims study check lists them.",
                    name=name,
                    study=protocol.code,
                ),
                field=name,
            )
        if given is not None:
            values[name] = _READERS[field.kind](field, given)
    return values


def _refused(field: Field, wanted: Text) -> FieldRefused:
    return FieldRefused(
        _("%(name)s must be %(wanted)s.", name=field.name, wanted=wanted), field=field.name
    )


def _quantity(field: Field, given: Any) -> expressions.Value:
    unit = str(field.unit)
    if isinstance(given, Mapping) and set(given) == {"value", "unit"}:
        given = f"{given['value']} {given['unit']}"
    if isinstance(given, Quantity):
        quantity = given
    elif isinstance(given, str):
        quantity = Quantity.parse(given, field.name)
    else:
        raise _refused(field, _("an amount with its unit as text, such as 2.5 %(unit)s", unit=unit))
    quantity.to(unit, field.name)
    if quantity.value < 0:
        raise _refused(field, _("zero or more"))
    return expressions.amount(quantity)


def _count(field: Field, given: Any) -> expressions.Value:
    wanted = _("a whole number from 0 to %(most)s", most=_LARGEST_COUNT)
    if isinstance(given, str):
        number, blank, unit = given.strip().partition(" ")
        if blank and field.unit is None:
            raise _refused(field, _("a whole number without a unit"))
        if blank:
            Quantity(1, unit).to(str(field.unit), field.name)
        given = numbers.decimal(number, field=field.name)
    if isinstance(given, bool) or not isinstance(given, int | Decimal | float):
        raise _refused(field, wanted)
    if not math.isfinite(given) or not 0 <= given <= _LARGEST_COUNT or given != int(given):
        raise _refused(field, wanted)
    return expressions.Amount(Fraction(int(given)))


def _date(field: Field, given: Any) -> expressions.Value:
    if field.never and given == "never":
        return _NEVER
    if isinstance(given, str) and _DAY.fullmatch(given.strip()):
        try:
            given = date.fromisoformat(given.strip())
        except ValueError:
            given = None
    if type(given) is not date or not 1900 <= given.year <= 2100:
        raise _refused(field, _("a date from 1900 to 2100, written as 2026-05-08"))
    return given


def _yes_or_no(field: Field, given: Any) -> expressions.Value:
    if not isinstance(given, bool):
        raise _refused(field, _("true or false"))
    return given


def _choice(field: Field, given: Any) -> expressions.Value:
    if not isinstance(given, str) or given not in field.choices:
        raise _refused(field, _("one of %(choices)s", choices=", ".join(field.choices)))
    return given


def _words(field: Field, given: Any) -> expressions.Value:
    if not isinstance(given, str):
        raise _refused(field, _("a text"))
    return given


_READERS = {
    FieldKind.QUANTITY: _quantity,
    FieldKind.INTEGER: _count,
    FieldKind.DATE: _date,
    FieldKind.BOOLEAN: _yes_or_no,
    FieldKind.CHOICE: _choice,
    FieldKind.TEXT: _words,
}
