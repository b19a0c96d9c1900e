"""The families of refusals. They know no HTTP; each door gives them its own shape.

Every refusal carries one sentence that says what, why and what to do, and may carry the four
lines of a stop (what, why, do now, whom to call) apart.
"""

from lims.core.words import Text


class DomainError(Exception):
    """Something was refused, in words for the person who asked.

    Args:
        what: the whole sentence.
        why, do_now, call: the further lines of a stop, where there is more to say.
        field: the input at fault, where there is one.
    """

    code = "refused"

    def __init__(
        self,
        what: Text | str,
        *,
        why: Text | None = None,
        do_now: Text | None = None,
        call: Text | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do_now = do_now
        self.call = call
        self.field = field

    def __str__(self) -> str:
        return str(self.what)


class BadInput(DomainError):
    """What was sent cannot be read: nothing was looked up and nothing was written."""

    code = "bad_input"


class NotFound(DomainError):
    """No such thing is known here."""

    code = "not_found"


class NotAllowed(DomainError):
    """This person may not do this."""

    code = "not_allowed"


class Conflict(DomainError):
    """The thing is not in the state that the act needs."""

    code = "conflict"


class RuleBroken(DomainError):
    """A rule of the domain forbids it."""

    code = "rule_broken"


class TemporaryFailure(DomainError):
    """It may work later: a printer, a broker or a database did not answer."""

    code = "temporary_failure"
