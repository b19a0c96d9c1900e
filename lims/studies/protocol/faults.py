"""What is wrong with a file, and the report of a check."""

from dataclasses import dataclass
from typing import Any

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.studies.protocol.model import Field


@dataclass(frozen=True)
class Fault:
    """One error of a file.

    Attributes:
        where: dotted key, with ` (line N)` where it can be found.
        what: one sentence.
    """

    where: str
    what: str

    def shown(self) -> dict[str, str]:
        """The fault as JSON."""
        return {"where": self.where, "what": self.what}


class ProtocolInvalid(BadInput):
    """A study or site file has errors; all of them are in `faults`."""

    code = "protocol_invalid"

    def __init__(self, faults: tuple[Fault, ...], name: str = "") -> None:
        self.faults = faults
        first = faults[0]
        super().__init__(
            _(
                "The study file %(name)s has %(count)s errors, the first at %(where)s: %(what)s "
                "Run lims study check to see all.",
                name=name,
                count=len(faults),
                where=first.where,
                what=first.what,
            ),
            field=first.where,
        )


@dataclass(frozen=True)
class Report:
    """What `check` found. `errors` is empty for a good file."""

    code: str | None
    arms: tuple[str, ...]
    digest: str | None
    fields: tuple[Field, ...]
    errors: tuple[Fault, ...]
    activation_requires: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "code": self.code,
            "arms": list(self.arms),
            "digest": self.digest,
            "fields": [each.shown() for each in self.fields],
            "errors": [each.shown() for each in self.errors],
            "activation_requires": list(self.activation_requires),
        }
