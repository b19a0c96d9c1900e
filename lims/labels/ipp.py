"""A print server by IPP: CUPS, or a printer that speaks it itself.

Few enough words of the protocol are needed to say them ourselves: a library would follow
redirects, resolve names anew and hide whether a label had left when something went wrong.

A print server that says `completed` has handed the label to its device, which may be out of paper
all the same: so a label counts as sent, never as printed, until it is scanned.

Source: RFC 8010 (encoding), RFC 8011 (operations, job states).
"""

import http.client
import itertools
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import addresses, reasons
from lims.labels.errors import Interrupted, NotTaken, PrinterSilent, PrinterStopped
from lims.labels.handing import Handed, Line

ANSWER_SECONDS = 8.0
_OPERATION_GROUP, _END = 0x01, 0x03
_INTEGER, _ENUM, _NAME, _URI, _CHARSET, _LANGUAGE, _MIME, _BOOLEAN = (
    0x21, 0x23, 0x42, 0x45, 0x47, 0x48, 0x49, 0x22,
)  # fmt: skip
_NUMBERS = frozenset({_INTEGER, _ENUM})
_FIRST_VALUE = 0x10
_MOST_BYTES = 1_000_000
_request_ids = itertools.count(1)


class Operation(IntEnum):
    """What is asked."""

    PRINT_JOB = 0x0002
    GET_JOB = 0x0009
    GET_PRINTER = 0x000B


class JobState(IntEnum):
    """How far a print server is with a job."""

    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


_PRINTER_STOPPED = 5


@dataclass(frozen=True)
class Server:
    """Where a queue is: `ipp://cups.lab:631/printers/zebra`."""

    host: str
    port: int
    path: str
    tls: bool

    @property
    def uri(self) -> str:
        """As requests name it."""
        scheme = "ipps" if self.tls else "ipp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}{self.path}"


def server(address: str) -> Server:
    """The queue of an address.

    Raises:
        BadInput: it is none.
    """
    parts = urlsplit(address)
    plain = address.isascii() and address.isprintable() and " " not in address
    odd = parts.username or parts.query or parts.fragment
    if parts.scheme not in ("ipp", "ipps") or not parts.path.strip("/") or odd or not plain:
        raise BadInput(
            _(
                "%(address)s is no print queue; write it as ipp://host:631/printers/name.",
                address=address[:200],
            ),
            field="address",
        )
    host, port = addresses.split(parts.netloc, addresses.IPP_PORT)
    return Server(host, port, parts.path, parts.scheme == "ipps")


@contextmanager
def line(address: str, media_type: str) -> Iterator[Line]:
    """The queue, where it takes jobs now.

    Raises:
        PrinterSilent: nobody answers there.
        PrinterStopped: the queue says that it is stopped.
    """
    queue = server(address)
    try:
        answer = _ask(queue, Operation.GET_PRINTER, {})
    except (Interrupted, NotTaken) as broken:
        raise PrinterSilent(
            _(
                "The print queue %(address)s does not answer as one (%(why)s). Check its name and "
                "the print server; it is tried again by itself.",
                address=address,
                why=broken,
            )
        ) from broken
    refuses = answer.get("printer-is-accepting-jobs") is False
    why = answer.get("printer-state-message") or answer.get("printer-state-reasons", "-")
    if refuses or answer.get("printer-state") == _PRINTER_STOPPED:
        raise PrinterStopped(
            _(
                "The print queue %(address)s is stopped: %(why)s. It is tried again by itself.",
                address=address,
                why=why,
            ),
            str(why),
        )
    yield Queue(queue, media_type)


class Queue(Line):
    """A queue that takes jobs."""

    def __init__(self, queue: Server, media_type: str) -> None:
        self._queue = queue
        # A print server has filters for pages; a label's own language passes it untouched.
        zpl = media_type == "application/zpl"
        self._media_type = "application/octet-stream" if zpl else media_type

    def send(self, name: str, stream: bytes) -> Handed:
        """Hand one label to the queue."""
        answer = _ask(
            self._queue,
            Operation.PRINT_JOB,
            {"job-name": (_NAME, name), "document-format": (_MIME, self._media_type)},
            stream,
        )
        number = answer.get("job-id")
        if not isinstance(number, int):
            raise Interrupted(reasons.NO_NUMBER)
        return Handed(remote=number, said=answer.get("job-state-message") or None)


def follow(address: str, remote: int) -> Handed:
    """Ask a print server what became of a label.

    Returns:
        With `remote` while it still works on it.

    Raises:
        PrinterSilent: nobody answers.
        Interrupted: it gave the label up, or knows nothing of it; some of it may have come out.
    """
    try:
        answer = _ask(server(address), Operation.GET_JOB, {"job-id": (_INTEGER, remote)})
    except NotTaken as unknown:
        raise Interrupted(str(unknown)) from unknown
    state = answer.get("job-state")
    said = answer.get("job-printer-state-message") or answer.get("job-state-message") or None
    if state in (JobState.CANCELED, JobState.ABORTED):
        why = said or str(answer.get("job-state-reasons", "-"))
        raise Interrupted(why)
    return Handed(remote=None if state == JobState.COMPLETED else remote, said=said)


def _ask(
    queue: Server, operation: Operation, more: Mapping[str, tuple[int, Any]], document: bytes = b""
) -> dict[str, Any]:
    """One question and its answer.

    Raises:
        PrinterSilent: no line could be opened; nothing left.
        Interrupted: the line broke afterwards, or what came back is no answer.
        NotTaken: the print server refused it whole.
    """
    body = _encoded(queue, operation, more) + document
    connection: http.client.HTTPConnection = http.client.HTTPConnection(queue.host, queue.port)
    raw = addresses.connect(queue.host, queue.port)
    raw.settimeout(ANSWER_SECONDS)
    try:
        if queue.tls:
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=queue.host)
    except OSError as refused:
        raw.close()
        raise addresses.silent(queue.uri, refused) from refused
    connection.sock = raw
    try:
        connection.request("POST", queue.path, body, {"Content-Type": "application/ipp"})
        response = connection.getresponse()
        # A redirect is not followed: it would lead past the list of addresses.
        said = response.read(_MOST_BYTES)
        if response.status != http.client.OK:
            raise NotTaken(f"HTTP {response.status}")
        return decoded(said)
    except (OSError, http.client.HTTPException) as broken:
        raise Interrupted(reasons.BROKEN) from broken
    finally:
        connection.close()


def _encoded(queue: Server, operation: Operation, more: Mapping[str, tuple[int, Any]]) -> bytes:
    given: list[tuple[str, int, Any]] = [
        ("attributes-charset", _CHARSET, "utf-8"),
        ("attributes-natural-language", _LANGUAGE, "en"),
        ("printer-uri", _URI, queue.uri),
    ]
    if "job-id" in more:
        given.append(("job-id", *more["job-id"]))
    given.append(("requesting-user-name", _NAME, "exotrace"))
    given += [(name, *each) for name, each in more.items() if name != "job-id"]
    head = struct.pack(">BBHI", 2, 0, operation, next(_request_ids) % 2**31)
    return head + bytes([_OPERATION_GROUP]) + b"".join(map(_attribute, given)) + bytes([_END])


def _attribute(each: tuple[str, int, Any]) -> bytes:
    name, tag, value = each
    data = struct.pack(">i", value) if tag in _NUMBERS else str(value).encode("utf-8")
    spelled = name.encode("ascii")
    return struct.pack(f">BH{len(spelled)}sH", tag, len(spelled), spelled, len(data)) + data


def decoded(answer: bytes) -> dict[str, Any]:
    """The attributes of an answer: the first value of each; later groups do not replace earlier.

    Raises:
        NotTaken: it says that nothing was done.
        Interrupted: it is no answer.
    """
    found: dict[str, Any] = {}
    try:
        _major, _minor, status, _request = struct.unpack_from(">BBHI", answer)
        at = 8
        while answer[at] != _END:
            tag = answer[at]
            at += 1
            if tag < _FIRST_VALUE:
                continue
            (length,) = struct.unpack_from(">H", answer, at)
            name = answer[at + 2 : at + 2 + length].decode("ascii")
            at += 2 + length
            (length,) = struct.unpack_from(">H", answer, at)
            value = answer[at + 2 : at + 2 + length]
            at += 2 + length
            if name:
                found.setdefault(name, _value(tag, value))
    except (IndexError, struct.error, UnicodeDecodeError) as broken:
        raise Interrupted(reasons.NOT_AN_ANSWER) from broken
    if status >= 0x0100:
        said = found.get("status-message") or found.get("detailed-status-message") or ""
        raise NotTaken(f"{status:#06x} {said}".strip())
    return found


def _value(tag: int, value: bytes) -> Any:
    if tag in _NUMBERS:
        return struct.unpack(">i", value)[0]
    if tag == _BOOLEAN:
        return value != b"\x00"
    return value.decode("utf-8", "replace")
