"""How results, limits and verdicts are shown to people."""

from collections.abc import Mapping
from decimal import Decimal

from lims.core import numbers, units
from lims.core.words import Text as _
from lims.qc.models import Result, Standing

STANDINGS: Mapping[Standing, _] = {
    Standing.MET: _("meets the limit"),
    Standing.OUTSIDE: _("outside the limit"),
    Standing.STOPS: _("far outside the limit"),
    Standing.REPORTED: _("reported"),
}
# Shapes that tell the verdicts apart without colour.
SHAPES: Mapping[Standing, str] = {
    Standing.MET: "✓",
    Standing.OUTSIDE: "✕",
    Standing.STOPS: "✕",
    Standing.REPORTED: "–",
}
FINDING_KINDS: Mapping[str, _] = {
    "out-of-specification": _("out of specification"),
    "deviation": _("deviation"),
}


def value_of(result: Result) -> str:
    """A result with its sign and its unit, unrounded."""
    if not result.unit:
        return result.value
    sign = "" if result.comparator == "=" else f"{result.comparator} "
    return f"{sign}{numbers.plain(Decimal(result.value))} {units.shown(result.unit)}"


def limit_of(shown: str) -> _ | str:
    """A limit as the specification has it; a test without one is only reported."""
    return _("only reported") if shown == "report" else shown
