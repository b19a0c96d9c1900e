"""A label printer on a raw socket, asked by `~HS` where it answers.

A raw socket takes bytes gladly even where the printer never reads them. Where the printer answers,
it is asked before (then nothing of the label has left) and afterwards until it says that nothing
is left to print: only that is `printed`. Where it does not, `sent` needs it to close its side.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lims.core.words import Text as _
from lims.labels import addresses, asking, reasons
from lims.labels.asking import HostStatus
from lims.labels.errors import Interrupted, PrinterSilent, PrinterStopped
from lims.labels.handing import Handed, Line

ANSWER_SECONDS = 8.0
"""How long a printer that does not answer questions may take to close its side."""
STATUS_SECONDS = 1.0
PRINT_SECONDS = 25.0
"""How long one label may take in a printer that says that it is at it."""
_AGAIN_SECONDS = 0.05
_SETTLES_SECONDS = 0.002


@contextmanager
def line(address: str, *, answers: bool | None) -> Iterator[Line]:
    """The line to a printer that can print now.

    Args:
        answers: whether it answers questions; None: see whether it does.

    Raises:
        PrinterSilent: it is not there, or did not answer though it can.
        PrinterStopped: it says what stops it.
    """
    host, port = addresses.split(address, addresses.RAW_PORT)
    connection = addresses.connect(host, port)
    with connection:
        raw = Raw(connection, f"{host}:{port}")
        if answers is not False:
            raw.ask_before(must=answers is True)
        yield raw


class Raw(Line):
    """An open line."""

    def __init__(self, connection: socket.socket, address: str) -> None:
        self._connection = connection
        self._address = address
        self.answered = False

    def ask_before(self, *, must: bool) -> None:
        """Ask whether it can print. Nothing of a label has left yet."""
        try:
            status = self._ask()
        except OSError as broken:
            raise addresses.silent(self._address, broken) from broken
        if status is None:
            if must:
                raise PrinterSilent(
                    _(
                        "The printer at %(address)s gives no answer. Check paper, ribbon and lid; "
                        "it is tried again by itself.",
                        address=self._address,
                    )
                )
            return
        self.answered = True
        if status.fault is not None or not status.idle:
            reason = status.fault or reasons.WORKING
            raise PrinterStopped(
                _(
                    "The printer at %(address)s cannot print: %(why)s It is tried again by itself.",
                    address=self._address,
                    why=reasons.WORDS[reason],
                ),
                reason,
            )

    def send(self, name: str, stream: bytes) -> Handed:
        """Hand one label over, once."""
        try:
            self._connection.settimeout(ANSWER_SECONDS)
            self._connection.sendall(stream)
            if self.answered:
                self._wait_until_printed()
                return Handed(printed=True)
            self._wait_until_closed()
        except OSError as broken:
            raise Interrupted(reasons.BROKEN) from broken
        return Handed()

    def _wait_until_printed(self) -> None:
        end = time.monotonic() + PRINT_SECONDS
        quiet = False
        while time.monotonic() < end:
            status = self._ask()
            if status is None:
                raise Interrupted(reasons.NO_ANSWER)
            if status.fault is not None:
                raise Interrupted(status.fault)
            # Between reading a label and beginning it a printer may look idle for a moment.
            if status.idle and quiet:
                return
            quiet = status.idle
            time.sleep(_AGAIN_SECONDS)
        raise Interrupted(reasons.LATE)

    def _wait_until_closed(self) -> None:
        self._connection.shutdown(socket.SHUT_WR)
        while self._connection.recv(1024):
            pass
        # It may have hung up before the last bytes were there; then they come back as an error.
        time.sleep(_SETTLES_SECONDS)
        error = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "reset")

    def _ask(self) -> HostStatus | None:
        """Its answer; None where none came in time."""
        self._connection.settimeout(STATUS_SECONDS)
        self._connection.sendall(asking.QUESTION)
        answer, end = b"", time.monotonic() + STATUS_SECONDS
        while time.monotonic() < end:
            try:
                piece = self._connection.recv(1024)
            except TimeoutError:
                return None
            if not piece:
                raise ConnectionResetError
            answer += piece
            status = asking.read(answer)
            if status is not None:
                return status
        return None
