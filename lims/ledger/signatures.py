"""Signatures under Ed25519 as compact JWS, and what a seal says to the byte. Pure.

A signature is believed only where its header is exactly the algorithm and a key id, its three
parts are written in the one way base64url allows, and the key id is that of the key: no byte of a
stored signature can be another.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from lims.core import clock
from lims.ledger.rules import VERSION

ALGORITHM = "Ed25519"
NOTHING_BEFORE = bytes(32)  # what the first seal names as its predecessor
_FIELDS = {"v", "origin", "number", "size", "root", "prev", "at"}


class BadSignature(ValueError):
    """It is no signature of this key over such bytes; the text says why."""


@dataclass(frozen=True)
class PublicKey:
    """The public half of a key that signs seals or co-signs them.

    Attributes:
        x: its 32 bytes in base64url, as in a JWK.
    """

    x: str

    def __post_init__(self) -> None:
        """Refuse what is no such key."""
        if len(_bytes(self.x)) != 32:
            raise BadSignature("a public key has 32 bytes")

    @property
    def kid(self) -> str:
        """The key's id: the first 16 hex characters of the SHA-256 of its 32 bytes."""
        return hashlib.sha256(_bytes(self.x)).hexdigest()[:16]

    @property
    def jwk(self) -> dict[str, str]:
        """As a JWK, with nothing but what makes the key."""
        return {"crv": "Ed25519", "kty": "OKP", "x": self.x}

    @property
    def canonical(self) -> bytes:
        """The JWK's RFC 8785 bytes: what a rotation signs."""
        return rfc8785.dumps(self.jwk)


class PrivateKey:
    """A key that signs. It never shows itself."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Take up a key."""
        self._pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._key = OKPKey.import_key(self._pem)
        raw = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.public = PublicKey(text_of(raw))

    @classmethod
    def made(cls) -> "PrivateKey":
        """A fresh key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: bytes) -> "PrivateKey":
        """A key from PEM (PKCS8).

        Raises:
            ValueError: it is none, or not of Ed25519.
        """
        try:
            key = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            raise ValueError("no private key in PEM without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("a key of another kind than Ed25519")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """The file of this key."""
        return self._pem

    def sign(self, payload: bytes) -> str:
        """A compact JWS over these bytes."""
        header = {"alg": ALGORITHM, "kid": self.public.kid}
        return jws.serialize_compact(header, payload, self._key, algorithms=[ALGORITHM])


def opened(signed: str, *keys: PublicKey) -> bytes:
    """The payload of a compact JWS that one of these keys signed.

    Raises:
        BadSignature: it is not.
    """
    parts = signed.split(".") if isinstance(signed, str) else []
    if len(parts) != 3:
        raise BadSignature("no compact JWS")
    header = _header(parts[0])
    key = next((each for each in keys if each.kid == header["kid"]), None)
    if key is None:
        raise BadSignature(f"signed by the unknown key {header['kid']}")
    for part in parts[1:]:
        _bytes(part)
    try:
        found = jws.deserialize_compact(
            signed, OKPKey.import_key({**key.jwk}), algorithms=[ALGORITHM]
        )
    except (JoseError, ValueError) as wrong:
        raise BadSignature("the signature does not fit") from wrong
    return bytes(found.payload)


def kid_of(signed: str) -> str:
    """The key id that a compact JWS names; nothing is checked but the form of its header.

    Raises:
        BadSignature: it names none.
    """
    return _header(signed.partition(".")[0])["kid"]


@dataclass(frozen=True)
class Statement:
    """What a seal says.

    Attributes:
        origin: which installation's ledger.
        number: of the seal, from 1.
        size, root: of the tree.
        prev: the digest of the statement before; 32 zero bytes in the first.
    """

    origin: str
    number: int
    size: int
    root: bytes
    prev: bytes
    at: datetime

    @property
    def payload(self) -> bytes:
        """The bytes that are signed (RFC 8785 JSON)."""
        return rfc8785.dumps(
            {
                "v": VERSION,
                "origin": self.origin,
                "number": self.number,
                "size": self.size,
                "root": self.root.hex(),
                "prev": self.prev.hex(),
                "at": clock.text(self.at),
            }
        )

    @property
    def digest(self) -> bytes:
        """What the next seal names as its predecessor."""
        return hashlib.sha256(self.payload).digest()


def statement(payload: bytes) -> Statement:
    """Read what a seal says, strictly.

    Raises:
        BadSignature: these are not the bytes of a seal.
    """
    try:
        found = json.loads(payload)
        if not isinstance(found, dict) or set(found) != _FIELDS or found["v"] != VERSION:
            raise BadSignature("not the fields of a seal")
        read = Statement(
            origin=_text(found["origin"]),
            number=_whole(found["number"]),
            size=_whole(found["size"]),
            root=bytes.fromhex(_text(found["root"])),
            prev=bytes.fromhex(_text(found["prev"])),
            at=datetime.fromisoformat(_text(found["at"])),
        )
    except BadSignature:
        raise
    except (ValueError, TypeError, RecursionError) as wrong:
        raise BadSignature("not the bytes of a seal") from wrong
    if read.at.tzinfo is None or not read.origin or min(read.number, read.size) < 1:
        raise BadSignature("a seal names its origin, number, size and instant")
    if len(read.root) != 32 or len(read.prev) != 32 or read.payload != payload:
        raise BadSignature("a seal is written in one way only")
    return read


def opened_seal(signed: str, *keys: PublicKey) -> Statement:
    """What a seal says, where one of these keys signed it.

    Raises:
        BadSignature: it did not, or it is no seal.
    """
    return statement(opened(signed, *keys))


def check_endorsement(public: PublicKey, own: str, endorsed: str, before: PublicKey | None) -> None:
    """Whether a key was taken into the history as it must.

    Raises:
        BadSignature: it did not sign itself, or the key before it did not.
    """
    if opened(own, public) != public.canonical:
        raise BadSignature("a key signed something else than itself")
    if before is None:
        if endorsed:
            raise BadSignature("the first key has none before it")
    elif opened(endorsed, before) != public.canonical:
        raise BadSignature("the key before signed another key")


def text_of(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, TypeError) as wrong:
        raise BadSignature("not base64url") from wrong
    if text_of(raw) != text:
        raise BadSignature("base64url written in another way than the one")
    return raw


def _header(part: str) -> dict[str, str]:
    try:
        found: Any = json.loads(_bytes(part))
    except (ValueError, RecursionError) as wrong:
        raise BadSignature("no header") from wrong
    if (
        not isinstance(found, dict)
        or set(found) != {"alg", "kid"}
        or found["alg"] != ALGORITHM
        or not isinstance(found["kid"], str)
    ):
        raise BadSignature("a header of another kind")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadSignature("a text is missing")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise BadSignature("a whole number is missing")
    return value
