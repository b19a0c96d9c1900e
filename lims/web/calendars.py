"""Days and times as people write and read them: Gregorian and Jalali, in three digit sets.

Stored and sent is always Gregorian and UTC. A Jalali date is understood only where the form says
that it is one: 1404-05-06 is a fine Gregorian date of the Middle Ages (hazard H17).
"""

import re
import unicodedata
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from persiantools.jdatetime import JalaliDate

from lims.core import clock
from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.core.words import language, local

_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_JALALI_MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور",
    "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
JALALI = "jalali"


def ascii_digits(text: str) -> str:
    """Digits of every script as ASCII."""
    return "".join(
        each if (digit := unicodedata.decimal(each, None)) is None else str(digit) for each in text
    )


def day(text: str, calendar: str = "") -> date:
    """Read a day written as year-month-day.

    Args:
        text: such as 2026-11-20, or 1405-08-29 with the Jalali calendar.
        calendar: `jalali`, or empty for Gregorian.

    Raises:
        BadInput: no such day, or a year outside 1900-2100.
    """
    folded = ascii_digits(text.strip())
    found = re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", folded, re.ASCII)
    if calendar not in ("", "gregorian", JALALI):
        raise BadInput(_("The calendar is gregorian or jalali."))
    if not calendar and not re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip(), re.ASCII):
        found = None
    try:
        if not found:
            raise ValueError
        year, month, number = (int(each) for each in found.groups())
        if calendar == JALALI:
            # A Gregorian year typed under the Jalali calendar would land far in the future.
            if not 1279 <= year <= 1479:
                raise BadInput(
                    _(
                        "The Jalali year %(year)s lies outside 1279-1479; choose the Gregorian "
                        "calendar or correct it.",
                        year=year,
                    )
                )
            return JalaliDate(year, month, number).to_gregorian()
        given = date(year, month, number)
    except ValueError:
        raise BadInput(
            _("%(text)s is not a day; write it as 2026-11-20.", text=text.strip()[:40])
        ) from None
    if not 1900 <= given.year <= 2100:
        raise BadInput(
            _(
                "The year %(year)s lies outside 1900-2100; if it is a Jalali date, "
                "choose that calendar.",
                year=given.year,
            )
        )
    return given


def local_instant(text: str, zone: str, calendar: str = "") -> str:
    """A local date and time of a form as ISO 8601 with its offset.

    Raises:
        BadInput: not readable, no zone, or a time that the zone skips or has twice.
    """
    folded = ascii_digits(text.strip()).replace("T", " ")
    head, _blank, tail = folded.partition(" ")
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", tail.strip(), re.ASCII)
    if not found:
        raise BadInput(
            _("%(text)s is not a date and time; write it as 2026-05-08 10:00.", text=text[:40])
        )
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            _("The form did not say in which time zone it means this; load it again.")
        ) from None
    on = day(head, calendar or "gregorian")
    try:
        at = time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        raise BadInput(
            _("%(text)s is not a date and time; write it as 2026-05-08 10:00.", text=text[:40])
        ) from None
    first = datetime.combine(on, at, where)
    if first.utcoffset() != first.replace(fold=1).utcoffset():
        raise BadInput(
            _(
                "%(text)s falls into the hour in which %(zone)s changes its clocks, so it could "
                "mean two instants or none; write a time outside that hour.",
                text=text[:40],
                zone=zone,
            )
        )
    return first.isoformat()


def for_input(value: date | datetime) -> str:
    """A day or local time as a form's input holds it, in the calendar of the language."""
    if language() == "fa":
        written = str(JalaliDate(value.date() if isinstance(value, datetime) else value))
        return f"{written} {value:%H:%M}" if isinstance(value, datetime) else written
    return f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value.isoformat()


def spoken_day(value: date) -> str:
    """A day in the local form of the language being spoken."""
    now = language()
    if now == "fa":
        jalali = JalaliDate(value)
        return local(f"{jalali.day} {_JALALI_MONTHS[jalali.month - 1]} {jalali.year}")
    if now == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day:02}-{_MONTHS[value.month - 1]}-{value.year}"


def spoken(value: datetime, zone: ZoneInfo) -> str:
    """An instant in the local form of the language, with the name of its zone."""
    here = clock.utc(value).astimezone(zone)
    at = local(f"{here:%H:%M}")
    name = here.tzname() or zone.key
    if name.startswith(("+", "-")):  # zones without letters of their own, such as Asia/Tehran
        name = "UTC" + name[:3] + (":" + name[3:] if name[3:] else "")
    return f"{spoken_day(here.date())} {at} {name}"
