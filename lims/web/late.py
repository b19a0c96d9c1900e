"""What a device says of a scan, read from the headers of its request (H11).

`X-Device-Time` alone goes with any act that is made now, and stands in its entry beside the
server's time. A scan that the device kept while it had no network carries `X-Device` and
`X-Device-Counter` as well, and is taken only where an act is declared with `late`.
"""

from collections.abc import Callable

from lims.core import clock
from lims.core.device import Scan
from lims.core.errors import BadInput, Conflict
from lims.core.words import Text as _

TIME, DEVICE, COUNTER = "X-Device-Time", "X-Device", "X-Device-Counter"
_HIGHEST = 2**31 - 1


class NotLate(Conflict):
    """An act that is only taken while it happens was sent later."""

    code = "not_late"


def scan_of(header: Callable[[str, str], str]) -> Scan | None:
    """What the device says; None where it says nothing.

    Args:
        header: gives a header by its name, or what is given besides.

    Raises:
        BadInput: a time without a zone, a counter that is no count, one header without the others.
    """
    time, device, counter = (header(each, "").strip() for each in (TIME, DEVICE, COUNTER))
    if not (time or device or counter):
        return None
    if not time or bool(device) != bool(counter):
        raise BadInput(
            _(
                "A kept scan needs X-Device-Time, X-Device and X-Device-Counter together; one that "
                "is made now needs X-Device-Time alone."
            ),
            field=TIME,
        )
    at = clock.parse(time, TIME)
    if not device:
        return Scan(at)
    if len(device) > 60 or not device.isascii() or not device.isprintable():
        raise BadInput(_("X-Device is a name of at most 60 plain characters."), field=DEVICE)
    good = counter.isascii() and counter.isdigit() and len(counter) <= 10
    if not good or not 1 <= int(counter) <= _HIGHEST:
        raise BadInput(
            _("X-Device-Counter counts the kept scans of a device from 1 on; send a whole number."),
            field=COUNTER,
        )
    return Scan(at, device, int(counter))


def require_prompt(scan: Scan, *, keepable: bool) -> None:
    """Refuse a kept or an old scan for an act that does not take them as they are.

    Raises:
        NotLate: what to do instead.
    """
    if scan.replayed or not scan.is_prompt(clock.now()):
        raise NotLate(
            _("A scan that was kept needs X-Device and X-Device-Counter; send them with it.")
            if keepable
            else _(
                "This is only taken while it happens, and the device says another time. Nothing "
                "was recorded; do it again now, with the thing in your hands."
            ),
            field=TIME,
        )
