"""Dossiers for tests: a dose given at the bed, sealed by a key of the test, and ways to forge."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import insert

from lims import interchange, ledger
from lims.core import clock, console, db
from lims.interchange import container, page, rules
from lims.ledger import keys
from lims.ledger.models import LedgerCosignature, LedgerSeal
from lims.ledger.signatures import PrivateKey, PublicKey
from tests.bed import Bed

RESOURCES = Path(interchange.__file__).parent / "resources"
_kept: dict[str, "Out"] = {}


@dataclass(frozen=True)
class Out:
    """A dossier outside of the system, and the keys that somebody might know.

    Attributes:
        witness: the key whose co-signature is in `witnessed`.
        seal_key: the key that sealed.
        names: who must not be named in it.
    """

    dose: str
    plain: bytes
    witnessed: bytes
    witness: PublicKey
    seal_key: PublicKey
    names: tuple[str, ...]


@pytest.fixture
def sealing(tmp_path: Path) -> Iterator[Path]:
    """A seal key of this test's own."""
    before = keys.place()
    path = tmp_path / "seal.key"
    keys.use(keys.KeyPlace(path, own=True))
    yield path
    keys.use(before)


def cosign(witness: PrivateKey) -> None:
    """Have the newest seal co-signed, as the witness's process would."""
    with db.transaction() as session:
        newest = ledger.newest_seal(session)
        jws = session.get(LedgerSeal, newest.number).jws
        session.execute(
            insert(LedgerCosignature.__table__),
            {
                "seal_number": newest.number,
                "key_id": witness.public.kid,
                "jws": witness.sign(_payload(jws)),
                "at": clock.now(),
            },
        )


def _payload(jws: str) -> bytes:
    import base64

    part = jws.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def give(bed: Bed) -> str:
    """Give the first woman her dose."""
    bed.given(bed.ready(bed.world.first))
    bed.clock.at += timedelta(hours=2)
    return str(bed.world.first.dose)


@pytest.fixture
def out(bed: Bed, sealing: Path) -> Out:
    """A dossier of a given dose, made once for each kind of database."""
    kind = db.current().engine.dialect.name
    if kind not in _kept:
        dose = give(bed)
        plain = interchange.export(console.actor(), code=dose).content
        witness = PrivateKey.made()
        cosign(witness)
        witnessed = interchange.export(console.actor(), code=dose).content
        _kept[kind] = Out(
            dose,
            plain,
            witnessed,
            witness.public,
            PrivateKey.read(sealing.read_bytes()).public,
            tuple(each.name for each in (bed.world.first, bed.world.second, bed.world.plasma)),
        )
    return _kept[kind]


def second(source: bytes | None = None) -> ModuleType:
    """The second verifier as a module, from the text that lies in a dossier."""
    text = source or (RESOURCES / "verify.py.txt").read_bytes()
    module = ModuleType("second_verifier")
    exec(compile(text, "verify.py", "exec"), module.__dict__)
    return module


def members(content: bytes) -> dict[str, bytes]:
    """The members of a dossier."""
    return container.unpack(content)[0]


def packed(files: dict[str, bytes], *, honest: bool = False) -> bytes:
    """A dossier of these members; `honest` leaves the list of digests as it was."""
    again = dict(files)
    if not honest:
        again[rules.MANIFEST] = rules.manifest(again)
    return container.pack(again)


def entries_of(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The entries of a dossier."""
    return [rules.own(line) for line in files[rules.ENTRIES].split(b"\n")[:-1]]


def redrawn(files: dict[str, bytes]) -> dict[str, bytes]:
    """The members with a page that shows just them, as a careful forger would make it."""
    again = dict(files)
    again[rules.PAGE] = page.draw(again)
    return again


Forgery = Callable[[dict[str, bytes], random.Random], bytes]
