"""Why a fill was not closed, and the lot waits for quality."""

from collections.abc import Sequence

from lims.core import because
from lims.core.because import Because, a_code
from lims.core.words import Exact
from lims.core.words import Text as _


def _each(kept: str) -> _:
    return because.joined("; ", map(because.said, kept.split("; ")))


def _count(kept: str) -> str | None:
    return kept if kept.isdecimal() else None


def _volume(kept: str) -> Exact | None:
    number, _space, unit = kept.partition(" ")
    return Exact(kept) if unit == "µL" and number.isdecimal() else None


MISSING = Because(_("vials missing at the count: %(codes)s"), codes=a_code)
FOREIGN = Because(_("vials of no or another lot: %(codes)s"), codes=a_code)
BARE = Because(
    _("%(number)s of %(vials)s vials without a label: %(codes)s"),
    number=_count,
    vials=_count,
    codes=a_code,
)
LOST = Because(_("%(lost)s of %(bulk)s lost: %(words)s"), lost=_volume, bulk=_volume)
VOLUMES = Because(_("volumes do not add up"))
_NOT_CLOSED = Because(_("fill not closed: %(faults)s"), faults=_each)


def not_closed(faults: Sequence[str]) -> str:
    """What the lot's deviation says, of reasons as they are kept."""
    return _NOT_CLOSED.kept(faults="; ".join(faults))
