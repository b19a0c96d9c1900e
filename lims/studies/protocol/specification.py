"""Release specifications: what each result must be, and what it does when it is not."""

from dataclasses import dataclass

from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies.protocol.words import LimitKind, Severity


@dataclass(frozen=True)
class Limit:
    """What a result must be. Numbers are in `unit` of their test.

    Attributes:
        low, high: ends of a range (both allowed); `at_least` and `above` use `low`, `at_most` and
            `below` use `high`.
        choices: the accepted words of `one_of`.
    """

    kind: LimitKind
    low: Quantity | None = None
    high: Quantity | None = None
    choices: tuple[str, ...] = ()

    def allows(self, result: Quantity | str) -> bool | None:
        """Whether a result lies within; unrounded values are compared. None: only reported.

        A result below its limit of quantitation is the word `below_loq`.

        Raises:
            UnitDoesNotConvert: the result measures something else.
        """
        if self.kind is LimitKind.REPORT:
            return None
        if self.kind is LimitKind.ONE_OF:
            return result in self.choices
        if self.kind is LimitKind.BELOW_LOQ:
            return result == "below_loq"
        if not isinstance(result, Quantity):
            raise BadInput(
                _("%(result)s is not an amount; enter the value with its unit.", result=result)
            )
        if self.low is not None:
            value = result.to(self.low.unit).value
            too_low = (
                value <= self.low.value
                if self.kind is LimitKind.ABOVE
                else (value < self.low.value)
            )
            if too_low:
                return False
        if self.high is not None:
            value = result.to(self.high.unit).value
            too_high = (
                value >= self.high.value
                if self.kind is LimitKind.BELOW
                else (value > self.high.value)
            )
            if too_high:
                return False
        return True

    def shown(self) -> str:
        """The limit as printed: `16-24 µg/µL`, `< 0.5 EU/mL`, `no_growth`, `report`."""
        signs = {
            LimitKind.RANGE: f"{self.low} - {self.high}",
            LimitKind.AT_LEAST: f"≥ {self.low}",
            LimitKind.ABOVE: f"> {self.low}",
            LimitKind.AT_MOST: f"≤ {self.high}",
            LimitKind.BELOW: f"< {self.high}",
            LimitKind.ONE_OF: " / ".join(self.choices),
        }
        return signs.get(self.kind, self.kind.value)


@dataclass(frozen=True)
class Component:
    """One part of a test that has several: a surface marker, a culture medium."""

    id: str
    unit: str | None
    limit: Limit


@dataclass(frozen=True)
class SpecTest:
    """One row of a release specification.

    Attributes:
        replicates: how many results at least; None where the number is written in words only.
        replicates_note: as the specification says it: `3 captures x 2 dilutions`.
        severity: what a result outside `limit` does.
        stop: a further limit that stops where `limit` only warns.
        mandatory: a value must be there before release even where nothing is judged.
        late: the result comes after the dose was given (sterility of PRP).
        source: `HD`, or the number of the source.
    """

    id: str
    title: str
    method: str
    unit: str | None
    limit: Limit
    replicates: int | None
    replicates_note: str
    severity: Severity
    source: str
    stop: Limit | None = None
    mandatory: bool = True
    late: bool = False
    calculated_from: str | None = None
    components: tuple[Component, ...] = ()
    criteria: str = ""

    def judge(self, result: Quantity | str) -> Severity | None:
        """The severity of a result: None when within limits or only reported."""
        if self.stop is not None and self.stop.allows(result) is False:
            return Severity.STOP
        return self.severity if self.limit.allows(result) is False else None
