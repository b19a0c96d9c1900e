"""Limits as a site's or a study's file gives them: by dotted name, with their unit.

Rules are handed the whole mapping and ask it by name, so that no limit stands in code.
"""

from collections.abc import Mapping
from decimal import Decimal

from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _

Limits = Mapping[str, object]


class LimitMissing(BadInput):
    """The site's file does not give a limit that a rule needs, or not in the right form."""

    code = "limit_missing"


def amount(limits: Limits, name: str, unit: str) -> Decimal:
    """The limit in `unit`.

    Raises:
        LimitMissing: no such limit, or a bare number.
        UnitDoesNotConvert: it measures something else.
    """
    value = limits.get(name)
    if not isinstance(value, Quantity):
        raise _missing(name, value)
    return value.to(unit, field=name).value


def number(limits: Limits, name: str) -> Decimal:
    """A limit that is a bare number: a count, a ratio.

    Raises:
        LimitMissing: no such limit, or an amount with a unit.
    """
    value = limits.get(name)
    if isinstance(value, Quantity) and value.unit == "1":
        return value.value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _missing(name, value)
    return Decimal(value)


def words(limits: Limits, name: str) -> tuple[str, ...]:
    """A limit that is a list of words.

    Raises:
        LimitMissing: no such limit, or not a list.
    """
    value = limits.get(name)
    if not isinstance(value, tuple | list):
        raise _missing(name, value)
    return tuple(str(each) for each in value)


def word(limits: Limits, name: str) -> str:
    """A limit that is one word, such as `stop`.

    Raises:
        LimitMissing: no such limit, or not a word.
    """
    value = limits.get(name)
    if not isinstance(value, str):
        raise _missing(name, value)
    return value


def _missing(name: str, value: object) -> LimitMissing:
    return LimitMissing(
        _(
            "The limit %(name)s is %(value)s in the site's file; give it there as the "
            "documentation says.",
            name=name,
            value=_("not given") if value is None else value,
        ),
        field=name,
    )
