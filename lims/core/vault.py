"""Secrets at rest: each participant's identity under a key of its own, wrapped by the site's.

Destroying the wrapped key erases the person and leaves the trail whole (hazard H49). AES-256-GCM;
the site's key is derived from `LIMS_SECRET_KEY` by HKDF-SHA-256 and never stored.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lims.core.errors import Conflict
from lims.core.words import Text as _

_NONCE = 12
_site_key: list[bytes] = []


class CannotOpen(Conflict):
    """The secret was sealed under another key, or was changed."""

    code = "cannot_open_secret"


def use(secret_key: str) -> None:
    """Derive the site's key for this process."""
    derived = HKDF(SHA256(), 32, None, b"exotrace identities v1").derive(secret_key.encode())
    _site_key[:] = [derived]


def new_key() -> bytes:
    """A fresh key, wrapped: what is stored beside what it seals."""
    return _seal(_site(), AESGCM.generate_key(256))


def seal(wrapped_key: bytes, text: str) -> bytes:
    """Encrypt `text` under a wrapped key."""
    return _seal(_open(_site(), wrapped_key), text.encode())


def unseal(wrapped_key: bytes, sealed: bytes) -> str:
    """Decrypt.

    Raises:
        CannotOpen: the site's key is not the one it was sealed under, or the bytes were changed.
    """
    return _open(_open(_site(), wrapped_key), sealed).decode()


def _site() -> bytes:
    if not _site_key:
        raise RuntimeError("the vault has no key yet; call vault.use first")
    return _site_key[0]


def _seal(key: bytes, data: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, None)


def _open(key: bytes, sealed: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag:
        raise CannotOpen(
            _(
                "An encrypted record cannot be opened with this LIMS_SECRET_KEY; "
                "start with the key it was written under."
            )
        ) from None
