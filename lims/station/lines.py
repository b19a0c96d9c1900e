"""One line of a list of what waits."""

from dataclasses import dataclass
from datetime import datetime

from lims.core.words import Text
from lims.custody import KIND_NAMES, STATE_NAMES, Item


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


def said_of(item: Item) -> Text:
    """What an item is, its name where it has one, and its state."""
    kind, state = KIND_NAMES[item.kind], STATE_NAMES[item.state]
    if not item.name:
        return Text("%(kind)s, %(state)s", kind=kind, state=state)
    return Text("%(kind)s %(name)s, %(state)s", kind=kind, name=item.name, state=state)
