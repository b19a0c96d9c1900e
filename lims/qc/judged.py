"""What every judgement carries, and how its figures are shown."""

from dataclasses import dataclass

from lims.core.gate import Result, Row
from lims.core.words import Text as _

OFFICER = _("quality control officer")


@dataclass(frozen=True)
class Judged:
    """A judgement's rows. `usable` is whether none of them stopped."""

    rows: tuple[Row, ...]

    @property
    def usable(self) -> bool:
        """Whether the measurement may become a result."""
        return not self.stops

    @property
    def stops(self) -> list[str]:
        """The ids of the rows that stopped."""
        return [row.id for row in self.rows if row.result is Result.STOPPED]

    @property
    def warns(self) -> list[str]:
        """The ids of the rows that warned."""
        return [row.id for row in self.rows if row.result is Result.WARNED]
