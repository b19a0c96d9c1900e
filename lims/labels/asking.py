"""What a label printer says of itself when it is asked by `~HS`.

Three lines, each between STX and ETX; flags between commas. A printer whose paper, ribbon or lid
stops it may not answer at all, so silence is never good news.

Source: Zebra, ZPL II Programming Guide, ~HS (Host Status Return).
"""

from dataclasses import dataclass

from lims.labels import reasons

QUESTION = b"~HS\r\n"
_STX, _ETX = b"\x02", b"\x03"
_LINES, _FIRST, _SECOND = 3, 12, 11


@dataclass(frozen=True)
class HostStatus:
    """The answer.

    Attributes:
        formats: labels received and not begun.
        remaining: labels of the one at hand still to come.
        partial: a label has been received in part.
    """

    paper_out: bool
    paused: bool
    formats: int
    partial: bool
    lid_open: bool
    ribbon_out: bool
    remaining: int

    @property
    def idle(self) -> bool:
        """Whether nothing is left to print."""
        return not self.formats and not self.remaining and not self.partial

    @property
    def fault(self) -> str | None:
        """What a person must see to, a key of `reasons`; None where it can print."""
        for wrong, reason in (
            (self.lid_open, reasons.LID),
            (self.paper_out, reasons.NO_LABELS),
            (self.ribbon_out, reasons.NO_RIBBON),
            (self.paused, reasons.PAUSED_THERE),
        ):
            if wrong:
                return reason
        return None


def read(answer: bytes) -> HostStatus | None:
    """The status in what a printer answered; None where it is not whole (yet).

    >>> read(b"")
    >>> read(b"\\x02030,0,0,0245,000,0,0,0,000,0,0,0\\x03\\r\\n"
    ...      b"\\x02001,0,0,0,1,2,6,0,00000000,1,000\\x03\\r\\n\\x021234,0\\x03\\r\\n").idle
    True
    """
    parts = answer.split(_STX)[1:]
    if len(parts) < _LINES or _ETX not in parts[_LINES - 1]:
        return None
    lines = [each.partition(_ETX)[0].decode("ascii", "replace").split(",") for each in parts]
    first, second = lines[-3], lines[-2]
    if len(first) < _FIRST or len(second) < _SECOND:
        return None
    try:
        return HostStatus(
            paper_out=first[1].strip() == "1",
            paused=first[2].strip() == "1",
            formats=int(first[4]),
            partial=first[7].strip() == "1",
            lid_open=second[2].strip() == "1",
            ribbon_out=second[3].strip() == "1",
            remaining=int(second[8]),
        )
    except ValueError:
        return None
