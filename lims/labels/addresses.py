"""Which addresses a printer may have, and the line to it.

A printer's address makes this computer open a line, so it must never lead to the database, to the
cloud's own services or to any other machine (H59). The operator lists printers in `LIMS_PRINTERS`;
without a list only a printer's own ports are open, and what no printer can be stays closed. A name
is resolved once, every answer is judged, and the line goes to the judged address itself.
"""

import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels.errors import PrinterSilent

RAW_PORT, IPP_PORT = 9100, 631
PORTS = frozenset({*range(9100, 9110), IPP_PORT})
CONNECT_SECONDS = 3.0
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Listed:
    """One entry of the list: a network or a name, and a port where it names one."""

    network: IPv4Network | IPv6Network | None
    name: str | None
    port: int | None


def listed(text: str | None = None) -> Sequence[Listed] | None:
    """The operator's list; None where there is none.

    Args:
        text: entries between commas: `10.20.0.0/24`, `10.20.0.7:9100`, `zebra-1.lab:9100`.

    Raises:
        BadInput: an entry that is none.
    """
    given = os.environ.get("LIMS_PRINTERS") if text is None else text
    if given is None or not given.strip():
        return None
    return [_entry(each.strip()) for each in given.split(",") if each.strip()]


def _entry(text: str) -> Listed:
    try:
        return Listed(ip_network(text), None, None)
    except ValueError:
        pass
    try:
        host, port = split(text, 0)
    except BadInput:
        raise BadInput(
            _(
                "LIMS_PRINTERS holds %(entry)s, which is no address; write 10.20.0.0/24, "
                "10.20.0.7:9100 or zebra-1.lab:9100.",
                entry=text[:100],
            )
        ) from None
    address = _literal(host)
    return Listed(
        None if address is None else ip_network(address),
        host if address is None else None,
        port or None,
    )


def split(text: str, port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `[::1]:port`.

    Args:
        port: where the text names none.

    Raises:
        BadInput: it is no address of a machine; numbers in any but the usual form are none.
    """
    host, colon, given = text.strip().rpartition(":")
    if not colon or (":" in host and not host.endswith("]")) or text.endswith("]"):
        host, given = text.strip(), ""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    good = (not given and not colon) or (
        given.isascii() and given.isdigit() and 0 < int(given) < 65536
    )
    if ":" in bare and not given:
        good = True
    literal = _literal(bare)
    folded = bare.lower()
    # A name whose last part is a number is an address in a form of its own: 127.1, 0x7f000001.
    last = folded.rpartition(".")[2]
    named = (
        len(folded) <= 150
        and _NAME.fullmatch(folded) is not None
        and not last.isdigit()
        and not last.startswith("0x")
    )
    if not good or (literal is None and not named):
        raise BadInput(
            _("%(address)s is no printer's address; write it as host:9100.", address=text[:200]),
            field="address",
        )
    return (folded if literal is None else str(literal)), int(given or port)


def _literal(host: str) -> _Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def check(host: str, port: int) -> None:
    """Refuse a host and port that no printer of this site has; names are not looked up here.

    Raises:
        BadInput: it is not on the list, or could not be a printer.
    """
    literal = _literal(host)
    allowed = listed()
    if allowed is not None and literal is None:
        fine = any(_fits(each, host, None, port) for each in allowed) or any(
            each.network is not None and each.port in (None, port) for each in allowed
        )
    else:
        fine = literal is None or _may(host, literal, port, allowed)
    if not fine or (allowed is None and literal is None and port not in PORTS):
        raise _not_listed(f"{host}:{port}")


def _may(host: str, address: _Address, port: int, allowed: Sequence[Listed] | None) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if allowed is not None:
        return any(_fits(each, host, address, port) for each in allowed)
    if address.is_loopback:
        return True  # only who sits at this computer can name it; see the module's first lines
    return port in PORTS and not (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address == IPv4Address("255.255.255.255")
    )


def _fits(each: Listed, host: str, address: _Address | None, port: int) -> bool:
    if each.port is not None and each.port != port:
        return False
    if each.port is None and port not in PORTS:
        return False
    if each.name is not None:
        # A listed name may lead anywhere but to this computer and its nearest services.
        near = address is not None and (address.is_loopback or address.is_link_local)
        return each.name == host and not near
    return address is not None and each.network is not None and address in each.network


def connect(host: str, port: int) -> socket.socket:
    """Open the line to a printer: each address of the name is judged, and one of them is called.

    Raises:
        BadInput: one of its addresses is not on the list.
        PrinterSilent: nobody answers there; nothing left this computer.
    """
    allowed = listed()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as unknown:
        raise silent(f"{host}:{port}", unknown) from unknown
    addresses = list(dict.fromkeys(ip_address(str(each[4][0]).partition("%")[0]) for each in found))
    if not all(_may(host, each, port, allowed) for each in addresses):
        raise _not_listed(f"{host}:{port}")
    failed: OSError = OSError()
    for each in addresses:
        try:
            return socket.create_connection((str(each), port), timeout=CONNECT_SECONDS)
        except OSError as error:
            failed = error
    raise silent(f"{host}:{port}", failed) from failed


def silent(address: str, error: OSError) -> PrinterSilent:
    """Nobody answers at an address, and nothing was sent."""
    return PrinterSilent(
        _(
            "The printer at %(address)s does not answer (%(why)s). Check paper, ribbon, lid and "
            "cable; it is tried again by itself.",
            address=address,
            why=type(error).__name__,
        )
    )


def _not_listed(address: str) -> BadInput:
    return BadInput(
        _(
            "%(address)s is not among the addresses that printers of this site may have. Name a "
            "printer that is, or let the operator add it to LIMS_PRINTERS.",
            address=address[:200],
        ),
        field="address",
    )
