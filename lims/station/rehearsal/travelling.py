"""Vials that travel between the two sites on dry ice, each way with the record of its logger."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

from lims import custody
from lims.core import clock, codes
from lims.instruments import synthetic
from lims.station.rehearsal.stage import Stage, hours, minutes

Readings = list[tuple[timedelta, Decimal]]
Told = Callable[[Readings], Readings]
_EVERY = 10  # minutes
_HOURS = 38


def good(readings: Readings) -> Readings:
    """A way within limits from end to end."""
    return readings


def warm(readings: Readings) -> Readings:
    """The ice was gone for an hour and a half: an excursion."""
    first = len(readings) // 2
    return [
        (after, Decimal("-48.5") if first <= at < first + 9 else cel)
        for at, (after, cel) in enumerate(readings)
    ]


def silent(readings: Readings) -> Readings:
    """The logger was silent for two hours: a gap."""
    first = len(readings) // 3
    return readings[:first] + readings[first + 12 :]


def travel(stage: Stage, vials: Callable[[], list[str]], to: str, how: Told) -> Iterator[timedelta]:
    """Packed, sent, on its way, received and its logger read.

    Args:
        vials: what travels, asked when it is packed.
        to: the place at the other site where it arrives.
        how: what the record of the way shows.
    """
    box, packed = stage.places["shipper"], vials()
    for vial in packed:
        stage.do("teo", custody.move, code=vial, to=box)
    stage.sign("teo", custody.dispatch, code=box, to=to, hours=44)
    sent = clock.now()
    yield hours(_HOURS)
    chance = stage.chance
    readings = [
        (minutes(at) - minutes(5), Decimal(chance.randint(-790, -740)) / 10)
        for at in range(0, _HOURS * 60 + 11, _EVERY)
    ]
    serial = codes.draw("E", practice=True)
    file = synthetic.tinytag_file(serial=serial, begins=sent, readings=how(readings))
    stage.sign(
        "tara",
        custody.receive_shipment,
        code=box,
        seen=packed,
        logger=custody.Brought(f"{serial}.csv", file, zone="UTC", unit="Cel"),
    )
    yield minutes(1)
