"""The one clock. Everything that asks the time asks here, so tests and rehearsals can set it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from lims.core.errors import BadInput
from lims.core.words import Text as _


def _system() -> datetime:
    return datetime.now(UTC)


# A process has one clock: worker threads of the embedded mode must see the rehearsal's as well.
_source: list[Callable[[], datetime]] = [_system]


def now() -> datetime:
    """The present instant, in UTC."""
    return _source[-1]()


class SetClock:
    """A clock that stands still until it is moved.

    >>> clock = SetClock(datetime(2026, 5, 8, 10, tzinfo=UTC))
    >>> clock.forward(hours=4)
    >>> clock().hour
    14
    """

    def __init__(self, at: datetime) -> None:
        self.at = utc(at)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        """Move on by days, hours, minutes or seconds."""
        self.at += timedelta(**by)

    def set(self, at: datetime) -> None:
        """Move to an instant."""
        self.at = utc(at)


@contextmanager
def running(clock: Callable[[], datetime]) -> Iterator[None]:
    """Use another clock for a while."""
    _source.append(clock)
    try:
        yield
    finally:
        _source.remove(clock)


def utc(instant: datetime, field: str | None = None) -> datetime:
    """An aware instant in UTC.

    Raises:
        BadInput: the instant names no offset, so it could mean several.
    """
    if instant.tzinfo is None:
        raise BadInput(
            _(
                "The time %(time)s names no time zone; add its offset, such as +03:30 or Z.",
                time=instant.isoformat(),
            ),
            field=field,
        )
    return instant.astimezone(UTC)


def parse(text: str, field: str | None = None) -> datetime:
    """Read an ISO 8601 instant with its offset, between 1900 and 2100.

    Raises:
        BadInput: not a date and time, without an offset, or a year of another calendar (H17).
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        instant = None
    if instant is None or "T" not in text.strip().replace(" ", "T"):
        raise BadInput(
            _("%(text)s is not a date and time; write it as 2026-05-08T10:00+03:30.", text=text),
            field=field,
        )
    if not 1900 <= instant.year <= 2100:
        raise BadInput(
            _(
                "The year %(year)s lies outside 1900-2100; if it is a Jalali date, "
                "choose that calendar.",
                year=instant.year,
            ),
            field=field,
        )
    return utc(instant, field)


def text(instant: datetime) -> str:
    """The one written form of an instant: UTC, microseconds, `Z`."""
    return utc(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def printed(instant: datetime) -> str:
    """An instant as labels and certificates print it: month in letters, UTC.

    >>> printed(datetime(2027, 3, 31, 14, tzinfo=UTC))
    '2027-MAR-31 14:00Z'
    """
    at = utc(instant)
    return f"{at.year}-{_MONTHS[at.month - 1]}-{at:%d %H:%M}Z"


def local_date(instant: datetime, zone: str) -> date:
    """The calendar day of an instant at a site."""
    return utc(instant).astimezone(ZoneInfo(zone)).date()
