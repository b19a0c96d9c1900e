"""How a place's temperature is told: now, and in the parts of its time that were not good."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from lims.core import clock, codes, numbers
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody import telling
from lims.custody.consigning import said_by
from lims.custody.excursions import Fault, Read
from lims.custody.models import Place
from lims.custody.monitoring import queries as known
from lims.custody.monitoring import rules
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.rules import Standing
from lims.custody.place_kinds import temperature_name
from lims.custody.rules import OUTCOME_NAMES, RecordState

STATES: Mapping[RecordState, _] = {
    RecordState.CLEAR: _("filled by a later file"),
    RecordState.OPEN: _("to be assessed"),
    RecordState.ASSESSED: _("assessed as usable"),
    RecordState.UNUSABLE: _("assessed as not usable"),
}
STANDINGS: Mapping[Standing, _] = {
    Standing.GOOD: _("within limits"),
    Standing.OUTSIDE: _("OUT OF LIMITS"),
    Standing.NO_DATA: _("NO DATA"),
    Standing.NO_LOGGER: _("NO LOGGER"),
}


def now_facts(session: Session, place: Place) -> list[tuple[Any, Any]]:
    """How warm a place is now, in one line; nothing where no logger measures it or has."""
    now = known.now_in(session, place)
    if now is None:
        before = known.loggers_of(session, place.id)
        if not before or before[0].ended_at is None:
            return []
        since = telling.Moment(before[0].ended_at)
        return [(_("Now"), _("No logger linked to this place since %(time)s", time=since))]
    return [(_("Now"), now_in_words(now))]


def now_in_words(now: known.Now) -> _:
    """A reading with its age, and what it means; or that there is none."""
    if now.newest is None or now.standing is Standing.NO_DATA:
        return _("NO DATA, %(besides)s", besides=besides(now))
    return _("%(cel)s, %(besides)s", cel=degrees(now.newest), besides=besides(now))


def besides(now: known.Now) -> _:
    """What stands beside the figure, or beside NO DATA."""
    if now.newest is None:
        return _("logger %(serial)s has given none yet", serial=now.logger.serial)
    minutes = int((now.age or timedelta(0)).total_seconds() // 60)
    if now.standing is Standing.NO_DATA:
        return _(
            "for %(minutes)s min; the last was %(cel)s", minutes=minutes, cel=degrees(now.newest)
        )
    standing = STANDINGS[now.standing]
    return _("%(minutes)s min ago, %(standing)s", minutes=minutes, standing=standing)


def degrees(read: Read) -> Exact:
    """A reading as it is shown."""
    return Exact(f"{numbers.plain(read.cel)} °C")


def in_brief(row: Episode) -> _:
    """An episode in a list, where its beginning stands beside it."""
    if row.kind is Fault.ORDER:
        return _("readings stand twice, or go back in time")
    lasted = int(((row.ended_at or clock.now()) - row.began_at).total_seconds() // 60)
    if row.kind is Fault.GAP:
        return _("no reading for %(minutes)s min", minutes=lasted)
    cel = degrees(Read(row.began_at, numbers.decimal(str(row.extreme_cel))))
    return _("out of limits for %(minutes)s min, farthest at %(cel)s", minutes=lasted, cel=cel)


def in_words(row: Episode) -> _:
    """An episode as a sentence."""
    start = telling.Moment(row.began_at)
    if row.kind is Fault.ORDER:
        return _("Readings of a file stand twice, or go back in time.")
    if row.kind is Fault.GAP:
        if row.ended_at is None:
            return _("No reading since %(start)s.", start=start)
        end = telling.Moment(row.ended_at)
        return _("No reading from %(start)s to %(end)s.", start=start, end=end)
    cel = degrees(Read(row.began_at, numbers.decimal(str(row.extreme_cel))))
    if row.extreme_cel is not None and row.extreme_cel > rules.TOO_WARM_CEL:
        return _(
            "Outside of the limits from %(start)s, at %(cel)s. Look whether a minus sign was lost.",
            start=start,
            cel=cel,
        )
    if row.ended_at is None:
        return _(
            "Outside of the limits since %(start)s, farthest at %(cel)s.", start=start, cel=cel
        )
    return _(
        "Outside of the limits from %(start)s to %(end)s, farthest at %(cel)s.",
        start=start,
        end=telling.Moment(row.ended_at),
        cel=cel,
    )


def facts_of(session: Session, row: Episode) -> list[tuple[Any, Any]]:
    """What is said of an episode beside a form and on its page."""
    place = known.place_of(session, row)
    rows: list[tuple[Any, Any]] = [
        (_("Place"), f"{place.name} {codes.grouped(place.code)}"),
        (_("Temperature"), temperature_name(place.temperature_class)),
        (_("What was found"), in_words(row)),
        (_("State"), STATES[row.state]),
    ]
    if row.outcome is not None and row.signed_at is not None:
        rows += [
            (_("Assessment"), OUTCOME_NAMES[row.outcome]),
            (_("Reason"), row.reason),
            (_("Assessed by"), said_by(session, row.signed_by, row.signed_at)),
        ]
    if row.agreed_at is not None:
        rows.append((_("Investigator"), said_by(session, row.agreed_by, row.agreed_at)))
    return rows
