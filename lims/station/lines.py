"""One line of a list of what waits."""

from dataclasses import dataclass
from datetime import datetime

from lims.core.words import Text


@dataclass(frozen=True)
class Line:
    """One thing that waits.

    Attributes:
        url: where it is worked on.
        code: as printed; a participant's number where it is her.
        said: what it is.
        since: how long it has waited, or None.
        late: past the time at which it can be used, or was to be done.
        late_word: what is said of it then, if not that it has expired.
    """

    url: str
    code: str
    said: Text | str
    since: datetime | None = None
    late: bool = False
    late_word: Text | None = None
