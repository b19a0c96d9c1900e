"""The zip of a dossier: written byte for byte the same, read with mistrust.

Members are stored, not compressed: then the whole file follows from its members, and a byte changed
between them shows as well. A container written anew by another program has other times on every
member; that is accepted, since what is verified are the members. Ours with something changed in it
is not.
"""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO

from lims.core.words import Text as _
from lims.interchange.errors import NoDossier

MOST_BYTES = 64_000_000
MOST_MEMBERS = 400
_WHEN = (1980, 1, 1, 0, 0, 0)
_DOS_TIME, _DOS_DATE = 0, 0x21
_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip


def pack(files: Mapping[str, bytes]) -> bytes:
    """One zip of stored members in their order; the same members give the same bytes."""
    out, central = bytearray(), bytearray()
    for name, content in files.items():
        called = name.encode("ascii")
        about = (_DOS_TIME, _DOS_DATE, zlib.crc32(content), len(content), len(content), len(called))
        central += _CENTRAL.pack(
            b"PK\x01\x02", 0x0314, 20, 0, 0, *about, 0, 0, 0, 0, _MODE, len(out)
        )
        central += called
        out += _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, *about, 0)
        out += called + content
    count = len(files)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(central), len(out), 0)
    return bytes(out + central + end)


def unpack(content: bytes) -> tuple[dict[str, bytes], str]:
    """The members of a zip, and what is wrong with its container.

    Raises:
        NoDossier: no zip; too large, too many, strangely named or doubled members.
    """
    if len(content) > MOST_BYTES:
        raise _no(_("the file is larger than a dossier may be"))
    try:
        with zipfile.ZipFile(BytesIO(content)) as zipped:
            infos = zipped.infolist()
            _look(infos)
            read = {info.filename: _read(zipped, info) for info in infos}
    except _UNREADABLE:
        raise _no(_("it is no zip file that can be read")) from None
    files = {name: member for name, member in read.items() if member is not None}
    if len(files) < len(read):
        return files, f"{min(set(read) - set(files))} is damaged"
    repacked = all(info.date_time != _WHEN for info in infos)
    if repacked or pack(files) == content:
        return files, ""
    return files, "something was changed between its members"


def _look(infos: list[zipfile.ZipInfo]) -> None:
    if not 0 < len(infos) <= MOST_MEMBERS:
        raise _no(_("it has no members, or more than a dossier may have"))
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise _no(_("unpacked it is larger than a dossier may be"))
    names = [info.filename for info in infos]
    if len({name.casefold() for name in names}) != len(names):
        raise _no(_("a member stands twice in it"))
    for name in names:
        parts = name.split("/")
        if (
            not name.isascii()
            or not name.isprintable()
            or "\\" in name
            or ":" in name
            or len(name) > 100
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise _no(_("a member's name leads elsewhere"))


def _read(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    """A member, and never more of it than it says it has; None where it cannot be read."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        return None
    try:
        with zipped.open(info) as member:
            content = member.read(info.file_size + 1)
    except _UNREADABLE:
        return None
    return content if len(content) == info.file_size else None


def _no(why: _) -> NoDossier:
    return NoDossier(
        _("This file is no dossier: %(why)s. Ask for it once more where it came from.", why=why),
        field="file",
    )
