"""The gate: the one way a yes is computed.

A gate is a list of named checks. Each check is a pure function of facts and answers `passed`,
`warned`, `stopped` or `pending`, with four lines for the person who asked: what, why, what to do
now, and whom to call. The same engine answers whether a step may start, a lot be released, a dose
be issued, a vial be given. A gate never writes: a service asks it inside its transaction and keeps
the whole answer in the ledger with the act, so an auditor sees why a yes was a yes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from lims.core import clock
from lims.core.errors import Conflict
from lims.core.units import Quantity
from lims.core.words import Text

_ = Text
Facts = TypeVar("Facts")


class Result(StrEnum):
    """What one check found."""

    PASSED = "passed"
    WARNED = "warned"
    STOPPED = "stopped"
    PENDING = "pending"


class Verdict(StrEnum):
    """What all checks of a gate come to."""

    OK = "ok"
    ASK = "ask"
    STOP = "stop"


@dataclass(frozen=True)
class Finding:
    """One check's answer, in four lines.

    Attributes:
        what: the thing looked at, with its code as scanned.
        why: what was found.
        do_now: one action; starts with a verb. Empty where there is nothing to do.
        call: role to call. Empty where nobody need be.
    """

    result: Result
    what: Text
    why: Text
    do_now: Text | None = None
    call: Text | None = None


@dataclass(frozen=True)
class Check(Generic[Facts]):
    """A named row of a gate.

    A check that returns None does not apply to these facts (an arm without a product, a trial
    without a cycle day) and leaves no row.
    """

    id: str
    ask: Callable[[Facts], Finding | None]


@dataclass(frozen=True)
class Row:
    """A finding under the id of its check."""

    id: str
    finding: Finding

    @property
    def result(self) -> Result:
        """What the check found."""
        return self.finding.result

    def shown(self) -> dict[str, str]:
        """The row in the reader's language."""
        finding = self.finding
        return {
            "id": self.id,
            "result": finding.result.value,
            "what": str(finding.what),
            "why": str(finding.why),
            "do_now": str(finding.do_now or ""),
            "call": str(finding.call or ""),
        }


@dataclass(frozen=True)
class Answer:
    """What a gate answered at one instant."""

    gate: str
    at: datetime
    rows: tuple[Row, ...]

    @property
    def verdict(self) -> Verdict:
        """Stop if any row stopped; ask if any warned. A row not asked yet changes nothing."""
        results = {row.result for row in self.rows}
        if Result.STOPPED in results:
            return Verdict.STOP
        return Verdict.ASK if Result.WARNED in results else Verdict.OK

    def ids(self, result: Result) -> list[str]:
        """The checks that came to `result`, in the gate's order."""
        return [row.id for row in self.rows if row.result is result]

    def first(self, result: Result) -> Row | None:
        """The first row that came to `result`: the one to show large."""
        return next((row for row in self.rows if row.result is result), None)

    def as_record(self) -> dict[str, Any]:
        """For the ledger: English, text and lists only."""
        return {
            "gate": self.gate,
            "at": clock.text(self.at),
            "verdict": self.verdict.value,
            "rows": [
                {
                    "id": row.id,
                    "result": row.result.value,
                    "what": row.finding.what.spoken("en"),
                    "why": row.finding.why.spoken("en"),
                }
                for row in self.rows
            ],
        }

    def shown(self) -> dict[str, Any]:
        """For a door, in the reader's language."""
        return {
            "verdict": self.verdict.value,
            "checks": [row.shown() for row in self.rows],
            "pending": self.ids(Result.PENDING),
        }


class GateStopped(Conflict):
    """The gate did not say yes. Nothing of the act was recorded; the refusal itself is.

    Args:
        answer: the gate's whole answer.
        codes: what was offered to it, for the `refused` entry.
    """

    code = "gate_stopped"

    def __init__(self, answer: Answer, codes: Sequence[str] = ()) -> None:
        row = (
            answer.first(Result.STOPPED)
            or answer.first(Result.PENDING)
            or answer.first(Result.WARNED)
        )
        assert row is not None, "a gate that passed stops nothing"  # noqa: S101
        super().__init__(
            _("%(what)s: %(why)s", what=row.finding.what, why=row.finding.why),
            why=row.finding.why,
            do_now=row.finding.do_now,
            call=row.finding.call,
        )
        self.answer = answer
        self.codes = tuple(codes)
        self.row = row


@dataclass(frozen=True)
class Gate(Generic[Facts]):
    """A named list of checks over one kind of facts."""

    name: str
    checks: tuple[Check[Facts], ...]

    def ask(self, facts: Facts, at: datetime | None = None) -> Answer:
        """Run every check; none is skipped because another stopped."""
        rows = []
        for check in self.checks:
            finding = check.ask(facts)
            if finding is not None:
                rows.append(Row(check.id, finding))
        return Answer(self.name, at or clock.now(), tuple(rows))

    def require(
        self,
        facts: Facts,
        *,
        codes: Sequence[str] = (),
        reasons: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> Answer:
        """Ask, and refuse unless everything passed or was warned with a typed reason.

        Args:
            reasons: why to go on in spite of a warning, by check id.

        Raises:
            GateStopped: a row stopped, is pending, or warns without a reason.
        """
        return demand(self.ask(facts, at), codes=codes, reasons=reasons)


def demand(
    answer: Answer, *, codes: Sequence[str] = (), reasons: Mapping[str, str] | str | None = None
) -> Answer:
    """Refuse unless everything passed, or was warned with a reason.

    Args:
        codes: what was offered to the gate, for the `refused` entry.
        reasons: why to go on in spite of warnings: by check id, or one for all (at the bench).

    Raises:
        GateStopped: a row stopped, is pending, or warns without a reason.
    """
    if isinstance(reasons, str):
        reasons = dict.fromkeys(answer.ids(Result.WARNED), reasons)
    unanswered = [
        row_id
        for row_id in answer.ids(Result.WARNED)
        if not (reasons or {}).get(row_id, "").strip()
    ]
    if answer.verdict is Verdict.STOP or answer.ids(Result.PENDING) or unanswered:
        raise GateStopped(answer, codes)
    return answer


def bounds(
    row_id: str,
    what: Text,
    value: Quantity | Decimal | int | None,
    *,
    warn_below: Any = None,
    stop_below: Any = None,
    warn_above: Any = None,
    stop_above: Any = None,
    do_now: Text,
    call: Text,
) -> Row:
    """Hold a value against limits; a value on the limit is within it. None stops: it is missing."""
    if value is None:
        why = _("it was not entered")
        return Row(row_id, stopped(what, why, _("Enter it."), call))

    def number(amount: Any) -> Decimal:
        if isinstance(amount, Quantity):
            if isinstance(value, Quantity):
                return amount.to(value.unit).value
            return amount.value
        return Decimal(amount)

    mine = value.value if isinstance(value, Quantity) else Decimal(value)
    for limit, broken, finding in (
        (stop_below, lambda edge: mine < edge, stopped),
        (stop_above, lambda edge: mine > edge, stopped),
        (warn_below, lambda edge: mine < edge, warned),
        (warn_above, lambda edge: mine > edge, warned),
    ):
        if limit is not None and broken(number(limit)):
            why = _("%(value)s is beyond the limit of %(limit)s", value=value, limit=limit)
            return Row(row_id, finding(what, why, do_now, call))
    return Row(row_id, passed(what, _("%(value)s is within limits", value=value)))


def passed(what: Text, why: Text) -> Finding:
    """The check found what it wants."""
    return Finding(Result.PASSED, what, why)


def warned(what: Text, why: Text, do_now: Text, call: Text) -> Finding:
    """Going on needs a person's decision and her reason."""
    return Finding(Result.WARNED, what, why, do_now, call)


def stopped(what: Text, why: Text, do_now: Text, call: Text) -> Finding:
    """Going on is refused."""
    return Finding(Result.STOPPED, what, why, do_now, call)


def pending(what: Text, why: Text, do_now: Text | None = None) -> Finding:
    """Not asked yet."""
    return Finding(Result.PENDING, what, why, do_now)
