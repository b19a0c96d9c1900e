"""Standard curves by least squares, solved exactly in fractions.

Source: the test vectors of the BCA method (linear and quadratic over the same eight standards).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction

from lims.core.errors import RuleBroken
from lims.core.words import Text as _

Point = tuple[Decimal, Decimal]


class Fit(StrEnum):
    """The form of a curve; fixed for each version of a method."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class NoCurve(RuleBroken):
    """The standards do not make a curve."""

    code = "no_curve"


@dataclass(frozen=True)
class Curve:
    """Signal = a0 + a1 x + a2 x².

    Attributes:
        coefficients: a0, a1 and, for a quadratic, a2.
        r2: the share of the signal's variation that the curve explains.
    """

    fit: Fit
    coefficients: tuple[Decimal, ...]
    r2: Decimal
    points: tuple[Point, ...]

    def signal(self, concentration: Decimal) -> Decimal:
        """The signal at a concentration."""
        return _decimal(
            _at([Fraction(each) for each in self.coefficients], Fraction(concentration))
        )

    def concentration(self, signal: Decimal) -> Decimal | None:
        """The concentration of a signal, on the curve's rising branch; None above its top."""
        a0, a1, *rest = self.coefficients
        a2 = rest[0] if rest else Decimal(0)
        with localcontext() as context:
            context.prec = 40
            under = a1 * a1 - 4 * a2 * (a0 - signal)
            if under < 0:
                return None
            below = a1 + under.sqrt()
            # This form of the root stays exact as a2 goes to zero.
            return None if below <= 0 else 2 * (signal - a0) / below

    def recovery_percent(self, point: Point) -> Decimal | None:
        """What the curve says of a standard, in percent of what the standard is."""
        level, signal = point
        found = self.concentration(signal)
        return None if found is None or level == 0 else found / level * 100


def curve(points: Sequence[Point], fit: Fit) -> Curve:
    """Fit (concentration, signal) points.

    Raises:
        NoCurve: too few levels, all signals alike, or a curve that does not rise throughout.
    """
    terms = 2 if fit is Fit.LINEAR else 3
    if len({level for level, _signal in points}) <= terms:
        raise NoCurve(
            _(
                "A %(fit)s curve needs more than %(count)s standards; measure the standards again.",
                fit=fit.value,
                count=terms,
            )
        )
    exact = [(Fraction(level), Fraction(signal)) for level, signal in points]
    coefficients = _solve(
        [
            [sum((x ** (row + column) for x, _y in exact), Fraction(0)) for column in range(terms)]
            for row in range(terms)
        ],
        [sum((y * x**row for x, y in exact), Fraction(0)) for row in range(terms)],
    )
    mean = sum((y for _x, y in exact), Fraction(0)) / len(exact)
    total = sum(((y - mean) ** 2 for _x, y in exact), Fraction(0))
    top = max(x for x, _y in exact)
    rising = coefficients[1] > 0 and (terms == 2 or coefficients[1] + 2 * coefficients[2] * top > 0)
    if total == 0 or not rising:
        raise NoCurve(
            _(
                "The standards' signal does not rise with their concentration; check the plate's "
                "layout and measure again."
            )
        )
    left = sum(((y - _at(coefficients, x)) ** 2 for x, y in exact), Fraction(0))
    return Curve(
        fit,
        tuple(_decimal(each) for each in coefficients),
        _decimal(1 - left / total),
        tuple(points),
    )


def mean(values: Sequence[Decimal]) -> Decimal:
    """The arithmetic mean of one value or more."""
    return sum(values, Decimal(0)) / len(values)


def deviation(values: Sequence[Decimal]) -> Decimal | None:
    """The sample standard deviation (n - 1); None of fewer than two values."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return (sum(((each - middle) ** 2 for each in values), Decimal(0)) / (len(values) - 1)).sqrt()


def variation_percent(values: Sequence[Decimal]) -> Decimal | None:
    """The coefficient of variation in percent; None where it is not defined."""
    spread, middle = deviation(values), mean(values) if values else Decimal(0)
    return None if spread is None or middle <= 0 else spread / middle * 100


def _at(coefficients: Sequence[Fraction], x: Fraction) -> Fraction:
    return sum((each * x**power for power, each in enumerate(coefficients)), Fraction(0))


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(len(rows)):
        pivot = next(each for each in range(at, len(rows)) if rows[each][at])
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [each / rows[at][at] for each in rows[at]]
        for other, row in enumerate(rows):
            if other != at and row[at]:
                rows[other] = [
                    each - row[at] * own for each, own in zip(row, rows[at], strict=True)
                ]
    return [row[-1] for row in rows]


def _decimal(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 40
        return Decimal(value.numerator) / Decimal(value.denominator)
