"""The key that signs seals: where it lies, which one the trail names, and how it changes hands.

The private half is a file outside of database and backup, read anew for each run of the sealer and
written nowhere else. Each public half is an entry on one stream: the first by itself, every later
one signed by the key before it. A key may sign the seals from the one that covers its own entry up
to the one before its successor's (H46).
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.core.errors import Conflict
from lims.core.permissions import WORKER, Actor
from lims.core.words import Text as _
from lims.ledger import rules, writing
from lims.ledger.models import LedgerEntry, LedgerLeaf
from lims.ledger.signatures import BadSignature, PrivateKey, PublicKey, check_endorsement

STREAM = "configuration/seal-key"
KIND = "ledger.seal-key"


class NoSealKey(Conflict):
    """The seal key is missing, cannot be read, or is another than the trail names."""

    code = "no_seal_key"


@dataclass(frozen=True)
class KeyPlace:
    """Where this process finds the seal key.

    Attributes:
        file: None where the operator named none; then this process cannot seal.
        own: whether it is made at first need, as in the embedded mode.
    """

    file: Path | None
    own: bool

    @property
    def next_file(self) -> Path | None:
        """The successor, while a rotation is under way."""
        return self.file.with_name(self.file.name + ".next") if self.file else None


@dataclass(frozen=True)
class KnownKey:
    """A key of the history.

    Attributes:
        entry_id: of its entry, for the sealer.
        leaf: of its entry in the tree; None until a seal covers it.
        endorsed: by the key before; empty for the first.
        own: signed by itself.
    """

    public: PublicKey
    since: str
    endorsed: str
    own: str
    entry_id: int
    leaf: int | None


_place: list[KeyPlace] = []


def use(place: KeyPlace) -> None:
    """Find the seal key there from now on."""
    _place[:] = [place]


def place() -> KeyPlace:
    """Where this process finds the seal key."""
    return _place[0] if _place else KeyPlace(None, own=False)


def history(session: Session) -> list[KnownKey]:
    """Every key that ever sealed, the first one first.

    Raises:
        BadSignature: an entry names a key wrongly, or a key that its predecessor did not sign.
    """
    rows = session.execute(
        select(LedgerEntry.id, LedgerEntry.body, LedgerLeaf.number)
        .outerjoin(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.id)
        .where(LedgerEntry.stream == STREAM, LedgerEntry.kind == KIND)
        .order_by(LedgerEntry.number)
    )
    found: list[KnownKey] = []
    for entry_id, body, leaf in rows:
        said = rules.read(body).data
        public = PublicKey(str(said["public"]))
        endorsed = str(said["endorsed"])
        known = KnownKey(public, str(said["since"]), endorsed, str(said["own"]), entry_id, leaf)
        check_endorsement(public, str(said["own"]), endorsed, found[-1].public if found else None)
        if said["kid"] != public.kid:
            raise BadSignature("a key's id is not that of the key")
        found.append(known)
    return found


def right_key(known: Sequence[KnownKey], size: int) -> PublicKey | None:
    """The one key that may sign a seal of this size: the last whose entry the seal covers."""
    covered = [each for each in known if each.leaf is not None and each.leaf < size]
    return covered[-1].public if covered else None


def sealing_key(session: Session) -> PrivateKey:
    """The key of this process, which must be the newest that the trail names.

    With an empty history any key will do, and the first is made where that is this process's part.

    Raises:
        NoSealKey: says which file, which key, and what to do.
    """
    known = history(session)
    wanted = known[-1].public if known else None
    here = place()
    if here.file is None:
        raise NoSealKey(
            _(
                "LIMS_SEAL_KEY_FILE is not set, so nothing can be sealed here; name the file of "
                "the seal key and start again."
            )
        )
    if wanted is None and here.own and not here.file.exists():
        make_file(here.file)
    finish_rotation(here, wanted)
    key = read_file(here.file, wanted)
    if wanted is not None and key.public != wanted:
        raise NoSealKey(
            _(
                "%(file)s holds the seal key %(kid)s, and the trail names %(wanted)s. Put that key "
                "back; a new one is taken in by lims ledger rotate-key.",
                file=here.file,
                kid=key.public.kid,
                wanted=wanted.kid,
            )
        )
    return key


def finish_rotation(here: KeyPlace, wanted: PublicKey | None) -> None:
    """Give the successor its place where the process ended between its entry and that."""
    following = here.next_file
    if not (here.own and here.file and following and wanted and following.exists()):
        return
    if read_file(following, None).public == wanted:
        os.replace(following, here.file)


def missing() -> str:
    """What keeps this process from sealing, in few words; empty where it has the key."""
    here = place()
    if here.file is None:
        return "LIMS_SEAL_KEY_FILE is not set"
    with db.reading() as session:
        known = history(session)
    if not known and here.own and not here.file.exists():
        return ""
    try:
        key = read_file(here.file, None)
    except NoSealKey:
        return "the seal key is missing"
    return "the seal key is another" if known and key.public != known[-1].public else ""


def introduce(key: PrivateKey) -> None:
    """Write the first key into the trail; joins the sealer's transaction."""
    write(WORKER, key, endorsed="", reason="")


def write(actor: Actor, key: PrivateKey, *, endorsed: str, reason: str) -> None:
    """Write a key into the trail; joins the open transaction."""
    writing.record(
        actor,
        STREAM,
        KIND,
        {
            "kid": key.public.kid,
            "public": key.public.x,
            "since": clock.text(clock.now()),
            "endorsed": endorsed,
            "own": key.sign(key.public.canonical),
        },
        reason=reason,
    )


def make_file(path: Path) -> None:
    """Make a key whole and then give it its name: two processes that start at once keep one.

    Raises:
        NoSealKey: the folder cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(PrivateKey.made().pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    except OSError as refused:
        raise NoSealKey(
            _(
                "The seal key %(file)s cannot be made: %(why)s. Give a folder that can be written.",
                file=path,
                why=refused.strerror,
            )
        ) from None


def read_file(path: Path, wanted: PublicKey | None) -> PrivateKey:
    """The key of a file.

    Raises:
        NoSealKey: there is none; names the key that is `wanted`.
    """
    try:
        return PrivateKey.read(path.read_bytes())
    except OSError as refused:
        why = refused.strerror or type(refused).__name__
    except ValueError as wrong:
        why = str(wrong)
    raise NoSealKey(
        _(
            "The seal key %(file)s cannot be read: %(why)s. Put back the key %(wanted)s; nothing "
            "is sealed until then.",
            file=path,
            why=why,
            wanted=wanted.kid if wanted else "-",
        )
    )
