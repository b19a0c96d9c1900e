"""Whether a result lies within its limit: unrounded, and with `<` and `>` taken at their word."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from lims.core import numbers
from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _

BELOW_LOQ = "below_loq"


class Verdict(StrEnum):
    """What a limit says of a result."""

    WITHIN = "within"
    OUTSIDE = "outside"
    UNDECIDED = "undecided"  # `< 0.5` against a limit of 0.25: never counts as within
    REPORTED = "reported"


class LimitLike(Protocol):
    """A limit as a study file gives it (`studies` has the class)."""

    @property
    def kind(self) -> str:
        """range, at_least, at_most, above, below, one_of, below_loq or report."""

    @property
    def low(self) -> Quantity | None:
        """The lower end."""

    @property
    def high(self) -> Quantity | None:
        """The upper end."""

    @property
    def choices(self) -> Sequence[str]:
        """The accepted words of `one_of`."""


@dataclass(frozen=True)
class Measured:
    """A result with its comparator: `=`, `<`, `<=`, `>` or `>=`."""

    amount: Quantity
    comparator: str = "="

    def __str__(self) -> str:
        sign = "" if self.comparator == "=" else f"{self.comparator} "
        return f"{sign}{self.amount}"


Outcome = Measured | Quantity | str


@dataclass(frozen=True)
class _End:
    value: Decimal
    open: bool


@dataclass(frozen=True)
class _Span:
    low: _End | None
    high: _End | None


def measured(text: str, unit: str, field: str | None = None) -> Measured:
    """Read `0.31` or `<0.5` in a unit.

    Raises:
        NotANumber: what stands there is no number.
        UnknownUnit: no such unit.
    """
    bare = text.strip().replace("≤", "<=").replace("≥", ">=")
    comparator = next((each for each in ("<=", ">=", "<", ">") if bare.startswith(each)), "=")
    number = bare if comparator == "=" else bare[len(comparator) :]
    return Measured(Quantity(numbers.decimal(number, field=field), unit), comparator)


def judge(result: Outcome, limit: LimitLike) -> Verdict:
    """What `limit` says of `result`.

    `below_loq` wants the word of that name or a result with `<`. A result with a comparator is
    within only where every value that it may be is within.

    Raises:
        BadInput: a word where an amount belongs, or an amount where a word belongs.
        UnitDoesNotConvert: the result measures something else.
    """
    kind = str(limit.kind)
    if kind == "report":
        return Verdict.REPORTED
    if kind == "one_of":
        if not isinstance(result, str):
            raise _misfit(result)
        return Verdict.WITHIN if result in limit.choices else Verdict.OUTSIDE
    if isinstance(result, Quantity):
        result = Measured(result)
    if kind == BELOW_LOQ:
        below = result == BELOW_LOQ or (
            isinstance(result, Measured) and result.comparator in ("<", "<=")
        )
        return Verdict.WITHIN if below else Verdict.OUTSIDE
    if isinstance(result, str):
        raise _misfit(result)
    found, allowed = _found(result), _allowed(limit, kind, result.amount.unit)
    if _apart(found, allowed) or _apart(allowed, found):
        return Verdict.OUTSIDE
    return Verdict.WITHIN if _holds(allowed, found) else Verdict.UNDECIDED


def _found(result: Measured) -> _Span:
    value, sign = result.amount.value, result.comparator
    end = _End(value, sign in ("<", ">"))
    return _Span(None if sign in ("<", "<=") else end, None if sign in (">", ">=") else end)


def _allowed(limit: LimitLike, kind: str, unit: str) -> _Span:
    def end(amount: Quantity | None, opened: bool) -> _End | None:
        return None if amount is None else _End(amount.to(unit).value, opened)

    low, high = end(limit.low, kind == "above"), end(limit.high, kind == "below")
    needed = {"range": (low, high), "at_least": (low,), "above": (low,), "at_most": (high,),
              "below": (high,)}.get(kind)  # fmt: skip
    if needed is None or None in needed:
        raise BadInput(
            _("The limit %(kind)s is not complete; correct the specification.", kind=kind)
        )
    return _Span(low, high)


def _apart(one: _Span, other: _Span) -> bool:
    """Whether all of `one` lies below all of `other`."""
    if one.high is None or other.low is None:
        return False
    if one.high.value == other.low.value:
        return one.high.open or other.low.open
    return one.high.value < other.low.value


def _holds(outer: _Span, inner: _Span) -> bool:
    def reaches(out: _End | None, end: _End | None, sign: int) -> bool:
        if out is None:
            return True
        if end is None:
            return False
        if out.value == end.value:
            return not out.open or end.open
        return (end.value - out.value) * sign > 0

    return reaches(outer.low, inner.low, 1) and reaches(outer.high, inner.high, -1)


def _misfit(result: Outcome) -> BadInput:
    if isinstance(result, str):
        return BadInput(
            _("%(result)s is not an amount; enter the value with its unit.", result=result)
        )
    return BadInput(
        _("%(result)s is an amount; choose one of the words of the specification.", result=result)
    )
