"""The history of the seal key, and public keys that somebody brings from outside."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from lims.ledger.signatures import BadSignature, PublicKey, opened, text_of

KIND = "ledger.seal-key"


@dataclass(frozen=True)
class History:
    """The seal keys in their order, each endorsed by the one before; and what broke the line."""

    keys: tuple[PublicKey, ...]
    broken: str = ""

    def after(self, trusted: PublicKey) -> tuple[PublicKey, ...]:
        """The trusted key and all that follow from it; empty where it is not among them."""
        at = self.keys.index(trusted) if trusted in self.keys else len(self.keys)
        return self.keys[at:]


def history(  # noqa: PLR0911 - one for each way to fail
    entries: Sequence[Mapping[str, Any]],
) -> History:
    """The seal keys from the entries of their stream."""
    keys: list[PublicKey] = []
    try:
        for entry in entries:
            if entry["kind"] != KIND:
                continue
            data = entry["data"]
            fresh = PublicKey(data["public"])
            if data["kid"] != fresh.kid:
                return History(tuple(keys), "a key does not have the id it is called by")
            if fresh in keys:
                return History(tuple(keys), "a key returns")
            if opened(data["own"], fresh) != fresh.canonical:
                return History(tuple(keys), "a key does not sign itself")
            if keys and opened(data["endorsed"], keys[-1]) != fresh.canonical:
                return History(tuple(keys), "a key is not endorsed by the one before it")
            if not keys and data["endorsed"] != "":
                return History((), "the first key names an endorser that is not there")
            keys.append(fresh)
    except (KeyError, TypeError, ValueError) as fault:
        return History(tuple(keys), f"a key of the history does not hold: {fault}")
    return History(tuple(keys), "" if keys else "there is no seal key in it")


def keys_in(text: str) -> list[PublicKey]:
    """Every Ed25519 public key that a file holds: JWK, JWK set, PEM, or bare base64url or hex."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        found = [*_pem(text), *_bare(text)]
    else:
        found = list(_bare(document) if isinstance(document, str) else _jwks(document))
    return list(dict.fromkeys(found))


def _jwks(value: Any) -> Iterator[PublicKey]:
    if isinstance(value, Mapping):
        if value.get("kty") == "OKP" and value.get("crv") == "Ed25519":
            yield from _bare(str(value.get("x", "")))
            return
        for each in value.values():
            yield from _jwks(each)
    elif isinstance(value, list):
        for each in value:
            yield from _jwks(each)


def _pem(text: str) -> Iterator[PublicKey]:
    for block in re.findall(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", text, re.S):
        try:
            loaded = load_pem_public_key(block.encode())
        except ValueError:
            continue
        if isinstance(loaded, Ed25519PublicKey):
            yield PublicKey(text_of(loaded.public_bytes_raw()))


def _bare(text: str) -> Iterator[PublicKey]:
    for word in text.split():
        if re.fullmatch(r"[0-9a-fA-F]{64}", word):
            yield PublicKey(text_of(bytes.fromhex(word)))
        elif re.fullmatch(r"[A-Za-z0-9_-]{43}", word):
            try:
                yield PublicKey(word)
            except BadSignature:
                continue


def seal_in(text: str) -> str:
    """The signed seal that a file holds: a compact JWS, or JSON with one in it; empty without."""
    found = re.findall(r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{86}", text)
    return found[0] if found else ""


def number_of(jws: str) -> int:
    """The number that a seal gives itself; its signature is looked at elsewhere."""
    part = jws.split(".")[1]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["number"]
    except (ValueError, KeyError, TypeError):
        return 0
    return found if type(found) is int else 0
