"""Lines the release checks say often."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lims.core.clock import utc
from lims.core.words import Text
from lims.release.facts import ReleaseFacts

_ = Text

QUALITY = _("quality unit")
SPONSOR = _("sponsor")
INVESTIGATOR = _("investigator")
KEEP = _("Keep the lot in quarantine and call the quality unit.")
REASON = _("Read the result and write why the lot may go on.")


def the_lot(facts: ReleaseFacts) -> Text:
    """WHAT, for a row about the lot."""
    return _("lot %(lot)s", lot=facts.lot)


@dataclass(frozen=True)
class Listed:
    """Names in one line, in the language in which the line is said."""

    names: tuple[str | Text, ...]

    def __str__(self) -> str:
        return ", ".join(str(each) for each in self.names)


def said(facts: ReleaseFacts, instant: datetime) -> str:
    """An instant as the site's clock shows it, with its offset."""
    return utc(instant).astimezone(ZoneInfo(facts.time_zone)).strftime("%Y-%m-%d %H:%M %z")
