"""A seal that somebody kept outside, and whether a copy stands up to it.

What counts is the tree: a copy whose first `size` sealed entries give the seal's root holds what
was sealed then, whoever signed. A copy with fewer is older than the seal; one with another root is
another history.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.ledger import tree

_LONGEST = 1 << 20
_PAGE = 5000
_JWS = re.compile(r"^[\w-]+\.[\w-]+\.[\w-]+$", re.ASCII)
_PRINTED = re.compile(r"^(\d{1,15})\s+([0-9a-f]{64})$", re.IGNORECASE)
_ROOT = re.compile(r"^[0-9a-f]{64}$", re.IGNORECASE)


@dataclass(frozen=True)
class Shown:
    """A seal from outside.

    Attributes:
        number, origin: 0 and empty where only size and root were printed.
    """

    size: int
    root: bytes
    number: int = 0
    origin: str = ""

    def as_json(self) -> dict[str, Any]:
        """As entries and answers name it."""
        return {"number": self.number, "size": self.size, "root": self.root.hex()}


@dataclass(frozen=True)
class Judged:
    """What came of the comparison. Not `older` and no `why`: the copy holds what was sealed."""

    older: bool
    why: str


def read_file(file: Path) -> Shown:
    """The seal in a file: the one that a server publishes, a bare JWS, or a printed size and root.

    Raises:
        BadInput: none of these.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            return read(opened.read(_LONGEST))
    except (OSError, UnicodeDecodeError) as refused:
        raise BadInput(
            _("The seal %(file)s cannot be read; check the name.", file=file), field="seal"
        ) from refused


def read(said: str) -> Shown:
    """The seal in a text.

    Raises:
        BadInput: it is none.
    """
    found = _from_text(said.strip())
    if found is None:
        raise BadInput(
            _(
                "This is no seal; give the file that a server publishes as "
                "/.well-known/exotrace-seal.json, the seal's JWS, or its size and root with a "
                "space between."
            ),
            field="seal",
        )
    return found


def _from_text(said: str) -> Shown | None:
    printed = _PRINTED.match(said)
    if printed:
        return Shown(int(printed[1]), bytes.fromhex(printed[2]))
    if _JWS.match(said):
        return _from_payload(said.split(".")[1])
    try:
        return _from_document(json.loads(said))
    except ValueError:
        return None


def _from_payload(part: str) -> Shown | None:
    try:
        return _from_document(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except (ValueError, binascii.Error):
        return None


def _from_document(document: Any) -> Shown | None:
    if isinstance(document, str):
        return _from_text(document.strip()) if _JWS.match(document.strip()) else None
    if not isinstance(document, dict):
        return None
    for name in ("jws", "seal"):  # what is signed counts, not what stands beside it
        if name in document:
            return _from_document(document[name])
    size, root = document.get("size"), document.get("root")
    if type(size) is not int or size < 1 or not _ROOT.match(str(root)):
        return None
    number = document.get("number")
    return Shown(
        size,
        bytes.fromhex(str(root)),
        number if type(number) is int else 0,
        str(document.get("origin") or ""),
    )


def judge(connection: Connection, seal: Shown, *, origin: str) -> Judged:
    """Compare what is loaded with a seal.

    Args:
        origin: the installation's id, as the copy says it.
    """
    if seal.origin and origin and seal.origin != origin:
        return Judged(older=False, why="the seal is of another installation")
    grown = tree.Frontier()
    for digest in connection.scalars(
        text(
            "SELECT e.digest FROM ledger_leaf AS l JOIN ledger_entry AS e ON e.id = l.entry_id "
            "WHERE l.number < :size ORDER BY l.number"
        ).execution_options(yield_per=_PAGE),
        {"size": seal.size},
    ):
        grown.add(bytes(digest))
    if grown.size < seal.size:
        return Judged(
            older=True,
            why=f"the copy is older than the seal: it has {grown.size} sealed entries, "
            f"the seal {seal.size}",
        )
    if grown.root() != seal.root:
        return Judged(
            older=False,
            why=f"the first {seal.size} sealed entries of the copy have another root than the seal",
        )
    return Judged(older=False, why="")
