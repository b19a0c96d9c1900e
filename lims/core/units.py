"""Amounts with their UCUM unit: exact, and never a bare number.

Source: UCUM. Annotations in braces are part of the kind here: particles never turn into cells.
`[EU]` is UCUM's Ehrlich unit and is refused; endotoxin is `[IU]/mL` (1 EU = 1 IU).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext

from lims.core import numbers
from lims.core.errors import BadInput
from lims.core.words import Text as _

D = Decimal

# unit -> (kind, factor to the kind's first unit)
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "L": ("volume", D(1)),
    "dL": ("volume", D("0.1")),
    "mL": ("volume", D("0.001")),
    "uL": ("volume", D("0.000001")),
    "nL": ("volume", D("0.000000001")),
    "kg": ("mass", D(1000)),
    "g": ("mass", D(1)),
    "mg": ("mass", D("0.001")),
    "ug": ("mass", D("0.000001")),
    "ng": ("mass", D("0.000000001")),
    "pg": ("mass", D("0.000000000001")),
    "g/L": ("mass concentration", D(1)),
    "mg/mL": ("mass concentration", D(1)),
    "ug/uL": ("mass concentration", D(1)),
    "ug/mL": ("mass concentration", D("0.001")),
    "mg/L": ("mass concentration", D("0.001")),
    "ng/mL": ("mass concentration", D("0.000001")),
    "pg/mL": ("mass concentration", D("0.000000001")),
    "{particles}": ("particles", D(1)),
    "{particles}/mL": ("particle concentration", D(1)),
    "{particles}/uL": ("particle concentration", D(1000)),
    "{particles}/L": ("particle concentration", D("0.001")),
    "{particles}/ug": ("purity", D(1)),
    "{particles}/mg": ("purity", D("0.001")),
    "{particles}/{cell}": ("particles per cell", D(1)),
    "{cells}": ("cells", D(1)),
    "{cells}/mL": ("cell concentration", D(1)),
    "{cells}/uL": ("cell concentration", D(1000)),
    "{cells}/L": ("cell concentration", D("0.001")),
    "{cells}/cm2": ("cell density", D(1)),
    "[CFU]/mL": ("colony concentration", D(1)),
    "[IU]/mL": ("endotoxin", D(1)),
    "m[IU]/mL": ("hormone activity", D(1)),
    "10*9/L": ("platelets", D(1)),
    "10*3/uL": ("platelets", D(1)),
    "{follicles}": ("follicles", D(1)),
    "%": ("fraction", D(1)),
    "nm": ("length", D("0.000000001")),
    "um": ("length", D("0.000001")),
    "mm": ("length", D("0.001")),
    "cm": ("length", D("0.01")),
    "m": ("length", D(1)),
    "cm2": ("area", D("0.0001")),
    "s": ("time", D(1)),
    "min": ("time", D(60)),
    "h": ("time", D(3600)),
    "d": ("time", D(86400)),
    "Cel": ("temperature", D(1)),
    "[g]": ("centrifugal force", D(1)),
    "/min": ("rotor speed", D(1)),
    "Hz": ("frequency", D(1)),
    "MHz": ("frequency", D(1000000)),
    "Pa": ("pressure", D(1)),
    "kPa": ("pressure", D(1000)),
    "dyn/cm2": ("pressure", D("0.1")),
    "mL/min": ("flow", D(1)),
    "mW/cm2": ("ultrasound intensity", D(1)),
    "mT": ("magnetic field", D(1)),
    "kg/m2": ("body-mass index", D(1)),
    "mosm/kg": ("osmolality", D(1)),
    "[pH]": ("acidity", D(1)),
    "1": ("number", D(1)),
}

# What people and instruments write, and what it is in UCUM.
_ALIASES: Mapping[str, str] = {
    "ml": "mL", "l": "L", "ul": "uL", "µL": "uL", "μL": "uL", "µl": "uL", "μl": "uL",
    "µg/µL": "ug/uL", "µg/µl": "ug/uL", "μg/μl": "ug/uL", "ug/ul": "ug/uL",
    "µg/mL": "ug/mL", "µg/ml": "ug/mL", "ug/ml": "ug/mL", "mg/ml": "mg/mL", "ng/ml": "ng/mL",
    "µg": "ug", "μg": "ug", "particles/mL": "{particles}/mL", "particles/ml": "{particles}/mL",
    "cells/mL": "{cells}/mL", "cells/ml": "{cells}/mL", "cells": "{cells}",
    "cells/cm2": "{cells}/cm2", "EU/mL": "[IU]/mL", "EU/ml": "[IU]/mL", "°C": "Cel", "C": "Cel",
    "x g": "[g]", "rpm": "/min", "pH": "[pH]", "mIU/mL": "m[IU]/mL",
}  # fmt: skip

_SHOWN: Mapping[str, str] = {
    "uL": "µL", "ug": "µg", "ug/uL": "µg/µL", "ug/mL": "µg/mL", "{particles}/mL": "particles/mL",
    "{particles}/ug": "particles/µg", "{particles}": "particles", "{cells}": "cells",
    "{cells}/mL": "cells/mL", "{cells}/cm2": "cells/cm²", "[IU]/mL": "EU/mL", "Cel": "°C",
    "[g]": "× g", "/min": "rpm", "[pH]": "pH", "m[IU]/mL": "mIU/mL", "10*9/L": "×10⁹/L",
    "um": "µm", "{follicles}": "follicles", "1": "", "kg/m2": "kg/m²", "cm2": "cm²",
    "{particles}/{cell}": "particles/cell", "dyn/cm2": "dyn/cm²", "mW/cm2": "mW/cm²",
}  # fmt: skip


class UnknownUnit(BadInput):
    """No such unit, or none that is safe here."""

    code = "unknown_unit"


class UnitDoesNotConvert(BadInput):
    """Two units of different kinds."""

    code = "unit_does_not_convert"


def ucum(unit: str, field: str | None = None) -> str:
    """The UCUM code of a unit as people write it.

    Raises:
        UnknownUnit: not in the table of laboratory units.
    """
    given = unit.strip()
    code = _ALIASES.get(given, given)
    if code not in _UNITS:
        raise UnknownUnit(
            _(
                "%(unit)s is not a unit known here; write its UCUM code, such as mL or ug/uL.",
                unit=given or "''",
            ),
            field=field,
        )
    return code


def kind(unit: str) -> str:
    """What a unit measures; only units of one kind convert."""
    return _UNITS[ucum(unit)][0]


def same_kind(unit: str) -> tuple[str, ...]:
    """The units that one converts to, itself the first."""
    code = ucum(unit)
    return (code, *(each for each in _UNITS if each != code and kind(each) == kind(code)))


def factor(unit: str) -> Decimal:
    """How many base units of its kind one unit is: 1 kg is 1000 g. Exact."""
    return _UNITS[ucum(unit)][1]


def shown(unit: str) -> str:
    """The unit as printed for people."""
    return _SHOWN.get(unit, unit)


@dataclass(frozen=True)
class Quantity:
    """A value and its unit.

    >>> Quantity(Decimal(20), "ug/uL").to("mg/mL")
    Quantity(value=Decimal('20'), unit='mg/mL')
    """

    value: Decimal
    unit: str

    def __init__(self, value: Decimal | int | str, unit: str) -> None:
        if isinstance(value, str):
            value = numbers.decimal(value)
        if isinstance(value, bool | float):
            raise TypeError("a quantity takes a Decimal, a whole number or text")
        value = Decimal(value)
        if not value.is_finite():
            raise numbers.NotANumber(
                _("%(value)s is not an amount; enter a number and its unit.", value=value)
            )
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "unit", ucum(unit))

    @classmethod
    def parse(cls, text: str, field: str | None = None) -> "Quantity":
        """Read `2.5 mL`.

        Raises:
            BadInput: no number, no unit, or a unit that is not known.
        """
        number, _blank, unit = text.strip().partition(" ")
        if not unit:
            raise BadInput(
                _(
                    "%(text)s has no unit; write the value and its unit, such as 2.5 mL.",
                    text=text.strip() or "''",
                ),
                field=field,
            )
        return cls(numbers.decimal(number, field=field), ucum(unit, field))

    def to(self, unit: str, field: str | None = None) -> "Quantity":
        """The same amount in another unit, exactly.

        Raises:
            UnitDoesNotConvert: the units measure different things.
        """
        target = ucum(unit, field)
        (from_kind, from_factor), (to_kind, to_factor) = _UNITS[self.unit], _UNITS[target]
        if from_kind != to_kind:
            raise UnitDoesNotConvert(
                _(
                    "%(given)s measures %(given_kind)s and does not convert to %(wanted)s "
                    "(%(wanted_kind)s); enter the value in a unit of that kind.",
                    given=self.unit,
                    given_kind=from_kind,
                    wanted=target,
                    wanted_kind=to_kind,
                ),
                field=field,
            )
        if self.unit == target:
            return self
        value = _exactly(self.value, from_factor, to_factor)
        whole = value == value.to_integral_value() and abs(value) < Decimal("1E15")
        return Quantity(value.quantize(D(1)) if whole else value, target)

    def span(self) -> timedelta:
        """A time as whole seconds; a part of a second is dropped.

        Raises:
            UnitDoesNotConvert: it is not a time.
        """
        return timedelta(seconds=int(self.to("s").value))

    def count(self, smallest: str, field: str | None = None) -> int:
        """How many whole smallest units.

        Raises:
            BadInput: the amount is finer than the smallest unit.
        """
        value = self.to(smallest, field).value
        if value != value.to_integral_value():
            raise BadInput(
                _(
                    "%(amount)s is finer than 1 %(unit)s; round it to that.",
                    amount=self,
                    unit=shown(smallest),
                ),
                field=field,
            )
        return int(value)

    def __str__(self) -> str:
        return f"{numbers.plain(self.value)} {shown(self.unit)}".rstrip()


def _exactly(value: Decimal, from_factor: Decimal, to_factor: Decimal) -> Decimal:
    """value x from / to, with every digit where there is an end to them.

    Units lie powers of ten apart, but for times (20 min are 0.333... h): those keep 34 digits, and
    a time that comes back within the last of them is the one that was sent.
    """
    with localcontext() as context:
        context.prec = 80
        exact = value * from_factor / to_factor
        if (from_factor / to_factor).normalize().as_tuple().digits == (1,):
            return exact.normalize()
        context.prec = 26
        short = +exact
        context.prec = 80
        if abs(exact - short) <= abs(exact) * Decimal("1E-31"):
            return short.normalize()
        context.prec = 34
        return (+exact).normalize()


def ml(microlitres: int) -> Quantity:
    """A volume kept as whole microlitres, in millilitres.

    >>> str(ml(2500))
    '2.5 mL'
    """
    return Quantity(Decimal(microlitres), "uL").to("mL")
