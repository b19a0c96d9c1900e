"""The file of a copy: a zip of manifest and payload, whole or not there, encrypted where wanted.

Any unzip opens one that is not encrypted, any age program one that is: nobody depends on us to get
at her own record.
"""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
from pyrage import x25519

from lims.backup import manifest
from lims.backup.errors import NoBackup
from lims.backup.manifest import Manifest
from lims.core.errors import BadInput
from lims.core.words import Text as _

_AGE = b"age-encryption.org/v1"
_MANIFEST = "manifest.json"
_PAYLOADS = {"sqlite": "lims.db", "postgresql": "lims.dump"}
_CHUNK = 1 << 20
_LONGEST_MANIFEST = 1 << 20
# What reading a damaged zip ends in.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError)


def payload_name(database: str) -> str:
    """The name of the payload's member."""
    return _PAYLOADS[database]


def check_target(file: Path) -> None:
    """Refuse to write over anything that is not an older copy.

    Raises:
        BadInput: something else has this name, or its folder is not there.
    """
    if not file.parent.is_dir():
        raise BadInput(
            _("There is no folder %(folder)s; make it first.", folder=file.parent), field="file"
        )
    if not file.exists():
        return
    if file.is_file() and (file.stat().st_size == 0 or _is_ours(file)):
        return
    raise BadInput(
        _("%(file)s is there and is no backup; choose another name.", file=file), field="file"
    )


def _is_ours(file: Path) -> bool:
    with file.open("rb") as opened:
        if opened.read(len(_AGE)) == _AGE:
            return True
    try:
        with zipfile.ZipFile(file) as packed:
            return _MANIFEST in packed.namelist()
    except zipfile.BadZipFile:
        return False


def recipient_of(key: str) -> x25519.Recipient:
    """An age recipient from its text.

    Raises:
        BadInput: it is none.
    """
    try:
        return x25519.Recipient.from_str(key.strip())
    except pyrage.RecipientError:
        raise BadInput(
            _("The recipient is no age key; it begins with age1. Make one by age-keygen."),
            field="recipient",
        ) from None


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def beside(file: Path) -> Iterator[Path]:
    """A folder of our own on the disk of `file`, gone afterwards; nobody else reads in it."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        yield Path(folder)


def write(
    file: Path, said: Manifest, payload: Path, folder: Path, recipient: x25519.Recipient | None
) -> None:
    """Pack and give the file its name once it is whole on the disk.

    Args:
        folder: of `beside`.
    """
    packed = folder / "packed"
    # A dump of the server is compressed already.
    how = zipfile.ZIP_DEFLATED if said.database == "sqlite" else zipfile.ZIP_STORED
    with zipfile.ZipFile(_private(packed), "w", how, allowZip64=True, compresslevel=3) as zipped:
        stored = json.dumps(said.as_json(), ensure_ascii=False, indent=1)
        zipped.writestr(_MANIFEST, stored, zipfile.ZIP_STORED)
        zipped.write(payload, said.payload["name"])
    if recipient is not None:
        plain, packed = packed, folder / "encrypted"
        with plain.open("rb") as source, _private(packed).open("wb") as sink:
            pyrage.encrypt_io(source, sink, [recipient])
    with packed.open("rb") as whole:
        os.fsync(whole.fileno())
    packed.replace(file)
    where = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(where)
    finally:
        os.close(where)


def _private(path: Path) -> Path:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


@contextmanager
def opened(file: Path, identity: Path | None) -> Iterator[tuple[Manifest, Path]]:
    """The manifest and the unpacked payload of a copy, whose digest is right.

    Args:
        identity: a file with the age key that opens an encrypted copy.

    Raises:
        NoBackup: no copy, a damaged one, or one that this key does not open.
    """
    if not file.is_file():
        raise BadInput(_("There is no file %(file)s; check the name.", file=file), field="file")
    with tempfile.TemporaryDirectory(prefix="lims-restore-") as made:
        folder = Path(made)
        with file.open("rb") as start:
            encrypted = start.read(len(_AGE)) == _AGE
        packed = _decrypted(file, identity, folder) if encrypted else file
        try:
            with zipfile.ZipFile(packed) as zipped:
                said = manifest.read(_document(zipped))
                payload = _payload(zipped, said, folder)
        except _UNREADABLE as damaged:
            raise _damaged(file) from damaged
        yield said, payload


def _document(zipped: zipfile.ZipFile) -> Any:
    with zipped.open(_MANIFEST) as member:
        stored = member.read(_LONGEST_MANIFEST)
    try:
        return json.loads(stored)
    except ValueError:
        return None


def _payload(zipped: zipfile.ZipFile, said: Manifest, folder: Path) -> Path:
    target = _private(folder / "payload")
    left = int(said.payload["bytes"])
    with zipped.open(str(said.payload["name"])) as source, target.open("wb") as sink:
        # Counted while reading: a member's own size is only what its maker claims.
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            sink.write(chunk)
    if left or digest(target) != said.payload["sha256"]:
        raise _damaged(Path(zipped.filename or ""))
    return target


def _decrypted(file: Path, identity: Path | None, folder: Path) -> Path:
    if identity is None:
        raise NoBackup(
            _("%(file)s is encrypted; give the age key that opens it by --identity.", file=file),
            field="identity",
        )
    keys = _identities(identity)
    packed = _private(folder / "packed")
    try:
        with file.open("rb") as source, packed.open("wb") as sink:
            pyrage.decrypt_io(source, sink, keys)
    except pyrage.DecryptError:
        raise NoBackup(
            _(
                "The key in %(identity)s does not open %(file)s, or the file is damaged; try "
                "another key or copy.",
                identity=identity,
                file=file,
            ),
            field="identity",
        ) from None
    return packed


def _identities(path: Path) -> list[x25519.Identity]:
    try:
        lines = path.read_text().splitlines()
        found = [
            x25519.Identity.from_str(line.strip())
            for line in lines
            if line.strip() and not line.startswith("#")
        ]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        found = []
    if not found:
        raise BadInput(
            _("%(file)s holds no age key; it begins with AGE-SECRET-KEY-1.", file=path),
            field="identity",
        )
    return found


def _damaged(file: Path) -> NoBackup:
    return NoBackup(
        _("%(file)s is damaged or no backup; take another copy.", file=file), field="file"
    )
