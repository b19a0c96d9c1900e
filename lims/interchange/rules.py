"""The parts of a dossier and their exact written forms.

Whatever is read here comes from a stranger. Every text is held to its one canonical form (JSON as
RFC 8785 writes it, hex written back to the same letters), so that no byte can be
changed without a trace, not even where the meaning would stay.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

from lims.ledger.rules import canonical

FORMAT = "exotrace-dossier"
VERSION = 1
STATED = "interchange.dossier-made"  # the entry that states what a dossier holds
KEYS = "configuration/seal-key"

MANIFEST, DOSSIER, ENTRIES = "manifest.json", "dossier.json", "entries.jsonl"
PROOFS, SEALS = "proofs.json", "seals.json"
STUDY, SITE, SPECIFICATION = "study.toml", "site.toml", "specification.json"
CERTIFICATE, PAPER, PAGE, VERIFIER = "certificate.pdf", "dossier.pdf", "index.html", "verify.py"
EVIDENCE = "evidence/"
ALWAYS = (MANIFEST, DOSSIER, ENTRIES, PROOFS, SEALS, PAGE, VERIFIER)


def stream(dose: str) -> str:
    """The stream of statements about a dose's dossiers."""
    return f"dossier/{dose}"


def digest(body: bytes) -> bytes:
    """The digest of an entry and its leaf in the tree."""
    return hashlib.sha256(b"\x00" + body).digest()


def sha256(content: bytes) -> str:
    """The digest of a file, as manifests and entries write it."""
    return hashlib.sha256(content).hexdigest()


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _never(text: str) -> Any:
    raise ValueError(f"{text} is no whole number")


def loads(content: bytes) -> Any:
    """JSON of text, whole numbers, truth and null, in its canonical form only.

    Raises:
        ValueError: not that, or not written canonically.
    """
    try:
        found = json.loads(
            content.decode("utf-8", "strict"),
            object_pairs_hook=_once,
            parse_float=_never,
            parse_constant=_never,
        )
        if dumps(found) != content:
            raise ValueError("not in its canonical form")
    except (RecursionError, rfc8785.CanonicalizationError) as fault:
        raise ValueError(str(fault)) from None
    return found


def own(body: bytes) -> Any:
    """The content of bytes that this system wrote itself, without asking after their form."""
    return json.loads(body)


def dumps(value: Any) -> bytes:
    """The canonical bytes of a value."""
    return canonical(value)


def unhexed(text: Any) -> bytes:
    """Read 32 bytes of lower-case hex.

    Raises:
        ValueError: not that.
    """
    if not isinstance(text, str):
        raise ValueError("no hex text")
    found = bytes.fromhex(text)
    if len(found) != 32 or found.hex() != text:
        raise ValueError("no 32 bytes of lower-case hex")
    return found


def whole(value: Any) -> int:
    """A whole number and nothing that only counts as one.

    Raises:
        ValueError: not that.
    """
    if type(value) is not int or value < 0:
        raise ValueError("no whole number")
    return value


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The list of all members with their sizes and digests."""
    return dumps(
        {
            "format": FORMAT,
            "v": VERSION,
            "files": [
                {"name": name, "sha256": sha256(files[name]), "size": len(files[name])}
                for name in sorted(files)
                if name != MANIFEST
            ],
        }
    )
