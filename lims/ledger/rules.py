"""What an entry is, to the byte.

The body is RFC 8785 canonical JSON of text, whole numbers below 2**53, booleans, null and lists or
mappings of them; never a float, so that two databases and two verifiers agree to the bit (H42).
The digest is SHA-256(0x00 || body): the link of the chain and the leaf of an RFC 6962 tree at once.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import rfc8785

from lims.core import clock
from lims.core.permissions import Actor

VERSION = 1
FIRST = bytes(32)  # what the first entry of a stream names as its predecessor


@dataclass(frozen=True)
class Entry:
    """An entry as read back from its own bytes."""

    stream: str
    number: int
    prev: str
    kind: str
    command: str
    at: datetime
    person: str
    account: str
    station: str
    signed_in_by: str
    data: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    reason: str
    peers: Sequence[Mapping[str, Any]]
    parents: Sequence[Mapping[str, Any]]
    device_at: str
    marks: Sequence[str] = ()
    host: str = ""


@dataclass
class Draft:
    """An entry that waits for the end of its act."""

    actor: Actor
    stream: str
    kind: str
    data: Mapping[str, Any]
    reason: str = ""
    parents: Sequence[str] = ()
    device_at: datetime | None = None
    rows: list[tuple[str, str]] = field(default_factory=list)


def digest(body: bytes) -> bytes:
    """The chain link and RFC 6962 leaf hash of an entry's bytes."""
    return hashlib.sha256(b"\x00" + body).digest()


def body(
    draft: Draft,
    *,
    number: int,
    prev: bytes,
    command: str,
    at: datetime,
    rows: Sequence[Mapping[str, Any]],
    peers: Sequence[Mapping[str, Any]],
    parents: Sequence[Mapping[str, Any]],
    marks: Sequence[str] = (),
    host: str = "",
) -> bytes:
    """The exact bytes of an entry.

    Args:
        marks: what is odd about its time; then `host` names the machine whose clock said it. Both
            are left out of an entry that is not marked.
    """
    return canonical(
        {
            **({"marks": list(marks), "host": host} if marks else {}),
            "v": VERSION,
            "stream": draft.stream,
            "number": number,
            "prev": prev.hex(),
            "kind": draft.kind,
            "command": command,
            "at": clock.text(at),
            "actor": {
                "person": draft.actor.label,
                "account": str(draft.actor.account or ""),
                "station": draft.actor.station,
                "by": draft.actor.signed_in_by,
            },
            "data": plain(draft.data),
            "rows": list(rows),
            "reason": plain(draft.reason),
            "peers": list(peers),
            "parents": list(parents),
            "device_at": clock.text(draft.device_at) if draft.device_at else "",
        }
    )


_FAST = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(content: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes of text, whole numbers, booleans, null, lists and mappings of them.

    What comes out as pure ASCII has ASCII keys, and then RFC 8785 (which sorts by UTF-16 units) and
    orjson agree to the byte, at a twentieth of the time; a test holds them together. Everything
    else is left to the reference.
    """
    try:
        fast = orjson.dumps(content, option=_FAST)
    except TypeError:
        return rfc8785.dumps(content)
    return fast if fast.isascii() else rfc8785.dumps(content)


def read(stored: bytes) -> Entry:
    """An entry from its bytes.

    Raises:
        ValueError: they are no entry of a known version.
    """
    content = json.loads(stored)
    if content.get("v") != VERSION:
        raise ValueError("an entry of an unknown version")
    actor = content["actor"]
    return Entry(
        stream=content["stream"],
        number=content["number"],
        prev=content["prev"],
        kind=content["kind"],
        command=content["command"],
        at=datetime.fromisoformat(content["at"]),
        person=actor["person"],
        account=actor["account"],
        station=actor["station"],
        signed_in_by=actor["by"],
        data=content["data"],
        rows=content["rows"],
        reason=content["reason"],
        peers=content["peers"],
        parents=content["parents"],
        device_at=content["device_at"],
        marks=content.get("marks", ()),
        host=content.get("host", ""),
    )


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """A value as an entry may hold it: text, whole numbers, booleans, null, lists, mappings."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, datetime):
        return clock.text(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        each = [plain(item) for item in value]
        return sorted(each) if isinstance(value, set | frozenset) else each
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal | UUID | date):
        return str(value)
    if isinstance(value, float):
        raise TypeError(f"a float ({value!r}) has no place in the ledger; use Decimal")
    return str(value)


_EACH_NAMES_ALL = 100


def peers(places: Sequence[Mapping[str, Any]], place: Mapping[str, Any]) -> Sequence[Any]:
    """The other entries of an act that an entry names.

    All of them; but in an act of many (a recall of thousands) the first names all and each names
    the first, since thousands that name thousands would be larger than everything else.
    """
    if len(places) > _EACH_NAMES_ALL and place is not places[0]:
        return [places[0]]
    return [each for each in places if each is not place]
