"""How a drawn label reaches a printer.

A raw socket takes bytes gladly even where the printer never reads them, so "sent" needs the printer
to close its side; silence is uncertain, and never counts as printed.
"""

import socket
from pathlib import Path

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels.errors import PrinterSilent
from lims.labels.models import PrinterKind

RAW_PORT = 9100
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 8.0


class Interrupted(Exception):
    """Bytes may have left, and the printer did not say that it took them."""


def check_address(kind: PrinterKind, address: str) -> None:
    """Refuse an address that could not be used.

    Raises:
        BadInput: not `host` or `host:port`, or no folder that can be written to.
    """
    if kind is PrinterKind.SOCKET:
        _host(address)
    elif not Path(address).is_dir():
        raise BadInput(
            _("%(address)s is no folder; make it, or name another.", address=address[:200]),
            field="address",
        )


def _host(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = address, str(RAW_PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or len(host) > 150:
        raise BadInput(
            _("%(address)s is no printer's address; write it as host:9100.", address=address[:200]),
            field="address",
        )
    return host, int(port)


def send(kind: PrinterKind, address: str, name: str, stream: bytes) -> None:
    """Hand one label to a printer, once.

    Args:
        name: of the file, where the printer is a folder.

    Raises:
        PrinterSilent: it could not be reached, and nothing left.
        Interrupted: something may have left; it must not be sent again by itself (H12).
    """
    if kind is PrinterKind.FILE:
        _to_folder(Path(address), name, stream)
    else:
        _to_socket(*_host(address), stream)


def _to_folder(folder: Path, name: str, stream: bytes) -> None:
    try:
        unfinished = folder / f".{name}.part"
        unfinished.write_bytes(stream)
        unfinished.replace(folder / name)
    except OSError as error:
        raise _silent(str(folder), error) from error


def _to_socket(host: str, port: int, stream: bytes) -> None:
    try:
        line = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise _silent(f"{host}:{port}", error) from error
    with line:
        try:
            line.settimeout(ANSWER_SECONDS)
            line.sendall(stream)
            line.shutdown(socket.SHUT_WR)
            while line.recv(1024):
                pass
        except OSError as error:
            raise Interrupted(type(error).__name__) from error


def _silent(address: str, error: OSError) -> PrinterSilent:
    return PrinterSilent(
        _(
            "The printer at %(address)s does not answer (%(why)s). Check paper, ribbon, lid and "
            "cable; it is tried again by itself.",
            address=address,
            why=type(error).__name__,
        )
    )
