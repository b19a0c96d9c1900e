"""Loggers in the cold places of the demonstration, forty days of readings, and what went wrong.

A freezer's door was left ajar once, the refrigerator's logger was without a battery for three
hours, and the spare freezer's logger has just fallen silent. The others go on measuring while the
demonstration runs (`deliver_due`), as loggers do.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from lims import custody
from lims.core import clock, db
from lims.core.permissions import Actor
from lims.custody import Outcome
from lims.instruments import synthetic
from lims.station.rehearsal.stage import Stage, days, hours, minutes

EVERY = minutes(10)
SILENT = "TT-F3"
_FREEZERS = ("cold", "spare")
_LONG = days(40)
_AJAR = (days(9.4), minutes(40), Decimal("-66.2"))  # how long ago, for how long, how warm
_FLAT = (days(21.3), hours(3))
_FELL_SILENT = minutes(22)
_MOST = 2000  # readings in one delivery
# By class: around which figure a place keeps, and how far it strays, in tenths of a degree.
_KEEPS = {"-80C": (-805, 9), "2-8C": (46, 7), "37C": (370, 2)}


def measure(stage: Stage, until: datetime) -> None:
    """Link a logger to every cold place and read its forty days."""
    begins = (until - _LONG).replace(microsecond=0, second=0)
    for serial, code, temperature_class in _measured(stage):
        stage.do(
            "adel", custody.monitoring.link, code=code, serial=serial, minutes=10, since=begins
        )
        readings = [
            (after, cel)
            for after, cel in _forty_days(serial, temperature_class, begins, until)
            if _was_heard(serial, until - begins - after)
        ]
        file = synthetic.tinytag_file(serial=serial, begins=begins, readings=readings)
        stage.do(
            "tara", custody.monitoring.read_file, code=code, file=(f"{serial}.csv", file),
            zone="UTC", unit="Cel",
        )  # fmt: skip


def judge(stage: Stage) -> None:
    """Quality has assessed the battery; the door waits for her."""
    with db.reading() as session:
        found = [
            each.id
            for place, each in custody.monitoring.to_assess(session)
            if place.kind == "fridge" and each.ended_at is not None
        ]
    for each in found:
        stage.sign(
            "quin",
            custody.monitoring.assess,
            episode_id=each,
            outcome=Outcome.LOGGER_FAULT,
            reason="its battery was flat; the display of the refrigerator showed 4 °C all the time",
        )


def deliver_due(actor: Actor) -> int:
    """What the loggers of the demonstration have measured since the last time; how many places."""
    with db.reading() as session:
        due = [
            (each.place, each.logger.serial, each.newest)
            for each in custody.monitoring.everywhere(session).values()
            if each.newest is not None and each.logger.serial != SILENT
        ]
    delivered = 0
    for place, serial, newest in due:
        number = int((clock.now() - newest.at) / EVERY)
        instants = [newest.at + EVERY * (each + 1) for each in range(number)]
        for start in range(0, number, _MOST):
            some = instants[start : start + _MOST]
            readings = [
                custody.excursions.Read(at, _cel(serial, place.temperature_class, at))
                for at in some
            ]
            custody.monitoring.deliver(actor, code=place.code, readings=readings, serial=serial)
        delivered += bool(number)
    return delivered


def _measured(stage: Stage) -> list[tuple[str, str, str]]:
    """Serial number of each logger, code and class of its place."""
    found = []
    for name in ("cold", "incubator", "fridge", "spare"):
        code = stage.places.get(name)
        if code is not None:
            with db.reading() as session:
                place = custody.place_by_code(session, code)
            # Freezers are called differently at each site; an incubator has its town beside it.
            called, _comma, town = place.name.partition(", ")
            number = called.rpartition(" ")[2]
            letters = "".join(each for each in town.upper() if each.isalpha())
            serial = f"TT-{number}" if name in _FREEZERS else f"TT-{number}-{letters}"
            found.append((serial, code, place.temperature_class))
    return found


def _forty_days(
    serial: str, temperature_class: str, begins: datetime, until: datetime
) -> list[tuple[timedelta, Decimal]]:
    ajar_ago, ajar_for, ajar_cel = _AJAR
    readings = []
    for each in range(int((until - begins) / EVERY) + 1):
        after = EVERY * each
        ago = until - begins - after
        cel = _cel(serial, temperature_class, begins + after)
        if serial == "TT-F1" and ajar_ago - ajar_for < ago <= ajar_ago:
            cel = ajar_cel
        readings.append((after, cel))
    return readings


def _was_heard(serial: str, ago: timedelta) -> bool:
    if serial == SILENT:
        return ago >= _FELL_SILENT
    flat_ago, flat_for = _FLAT
    return not (serial.startswith("TT-K") and flat_ago - flat_for < ago < flat_ago)


def _cel(serial: str, temperature_class: str, at: datetime) -> Decimal:
    """What a logger of the demonstration measures at an instant; the same whenever it is asked."""
    middle, strays = _KEEPS[temperature_class]
    chance = Random(f"{serial} {at.timestamp()}")  # noqa: S311 - repeatable, not secret
    return Decimal(middle + round(chance.triangular(-strays, strays))) / 10
