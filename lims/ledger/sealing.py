"""Sealing: what no seal covers yet becomes leaves, the tree grows, its root is signed.

Leaf numbers are given here alone, by one sealer at a time and after the commit of what they number;
ids are drawn before a commit and come in any order (H41). The root is computed along the edge from
the digests, from the bytes of every new entry, and from the stored tiles; the sealer signs only
where the three agree and the tree grows from the one it sealed last. Nothing here touches a
network.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Table, delete, exists, func, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lims.core import clock, copied, db, queue
from lims.core.errors import Conflict, TemporaryFailure
from lims.core.mode import SystemFact
from lims.core.words import Text as _
from lims.ledger import keys, rules, tiles, tree
from lims.ledger.models import LedgerEntry, LedgerLeaf, LedgerPending, LedgerSeal
from lims.ledger.signatures import (
    NOTHING_BEFORE,
    BadSignature,
    PrivateKey,
    Statement,
    opened_seal,
)

TASK = queue.task("ledger.seal")
EVERY = timedelta(seconds=60)
MISSED_AFTER = timedelta(minutes=3)  # an entry that waits longer has missed its seal
# So many entries for each seal: a writer of SQLite waits for one such batch, memory holds one.
BATCH = 1 << 14
_PAGE = 1000
_TURN = int.from_bytes(hashlib.sha256(b"exotrace sealer").digest()[:8], "big", signed=True)
_LOCK_TIMEOUT = "55P03"

_entry = cast(Table, LedgerEntry.__table__)
_pending = cast(Table, LedgerPending.__table__)
_leaf = cast(Table, LedgerLeaf.__table__)
_seal = cast(Table, LedgerSeal.__table__)


class SealRefused(Conflict):
    """What is stored is not what was sealed last: nothing is signed over it."""

    code = "seal_refused"


@dataclass(frozen=True)
class Seal:
    """A seal as it is stored."""

    number: int
    size: int
    root: bytes
    at: datetime
    prev: bytes
    key_id: str
    jws: str


@dataclass(frozen=True)
class Sealed:
    """What a run of the sealer came to.

    Attributes:
        number, size, root: of the newest seal; 0, 0 and the empty tree's where there is none.
        new: entries that this run sealed.
        left: whether it stopped at its time with more to seal.
    """

    number: int
    size: int
    root: bytes
    new: int
    left: bool = False


def seal(*, within_s: float | None = None) -> Sealed:
    """Seal everything that is committed now; nothing new gives no new seal.

    Args:
        within_s: begin no further batch after so many seconds.

    Raises:
        NoSealKey: this process has not the key that the trail names.
        SealRefused: the stored tree does not grow from the last seal.
        TemporaryFailure: another sealer held on for long.
    """
    until = None if within_s is None else time.monotonic() + within_s
    new, after = 0, 0
    while _begin(after):
        try:
            with db.transaction() as session:
                take_turn(session)
                found = _batch(session, after)
        except OperationalError as busy:
            if getattr(busy.orig, "sqlstate", None) != _LOCK_TIMEOUT:
                raise
            raise TemporaryFailure(
                _("Another sealer is at work for long; try again in a moment.")
            ) from busy
        count, after = found
        new += count
        if after and until is not None and time.monotonic() > until:
            return _answer(new, left=True)
        if not after:
            break
    return _answer(new)


def seal_soon() -> None:
    """Ask the sealer to work as soon as the open act is committed: for what must not wait (I9)."""
    db.after_commit(lambda: queue.send(TASK))


def take_turn(session: Session) -> None:
    """Be the only sealer until the transaction ends; SQLite's writers are one at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL lock_timeout = '20s'"))
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        session.execute(text("SET LOCAL lock_timeout = '3s'"))


def newest_seal(session: Session) -> Seal | None:
    """The newest seal."""
    row = session.execute(select(_seal).order_by(_seal.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else Seal(**row._mapping)


def unsealed(session: Session) -> tuple[int, datetime | None]:
    """How many entries no seal covers, and when the oldest of them was written."""
    count, first = session.execute(select(func.count(), func.min(_pending.c.entry_id))).one()
    # Ids are drawn in the order of time, give or take an act.
    return int(count), session.scalar(select(_entry.c.at).where(_entry.c.id == first))


def origin(session: Session) -> str:
    """The id by which seals name this installation; made with the first."""
    known = session.get(SystemFact, "origin")
    if known is None:
        known = SystemFact(name="origin", value=str(uuid4()))
        session.add(known)
        session.flush()
    return known.value


def _begin(after: int) -> bool:
    """Whether there is anything to seal; then the trail names the key that seals it."""
    with db.reading() as session:
        waits = select(_pending.c.entry_id).where(_pending.c.entry_id > after).limit(1)
        if session.scalar(waits) is None or copied.closed(session):
            return False
        if _known_keys(session):
            return True
    with db.transaction() as session:
        take_turn(session)
        if not _known_keys(session):
            keys.introduce(keys.sealing_key(session))
    return True


@dataclass(frozen=True)
class _Standing:
    """The tree as it was sealed last, and the edge at which it grows."""

    last: Seal | None
    prev: bytes
    edge: tree.Frontier

    @property
    def size(self) -> int:
        return self.last.size if self.last else 0


def _batch(session: Session, after: int) -> tuple[int, int]:
    """Seal one batch of the entries with ids above `after`.

    Returns:
        How many it sealed, and the last id it looked at; 0 where it saw them all.
    """
    ids = session.scalars(
        select(_pending.c.entry_id)
        .where(_pending.c.entry_id > after)
        .order_by(_pending.c.entry_id)
        .limit(BATCH)
    ).all()
    if not ids:
        return 0, 0
    key = keys.sealing_key(session)
    known = _known_keys(session)
    # A new key's entry does not wait for its turn: the first seal under the key covers it.
    fresh_keys = [each.entry_id for each in known if each.leaf is None]
    waiting = _pending.c.entry_id.between(ids[0], ids[-1]) | _pending.c.entry_id.in_(fresh_keys)
    standing = _standing(session, known)
    digests = _number(session, waiting, standing.size)
    if digests:
        tiles.grow(session, standing.size, digests)
        for each in digests:
            standing.edge.add(each)
        root = _agreed(session, standing)
        if keys.right_key(_known_keys(session), standing.edge.size) != key.public:
            raise _refused("the seal would not cover the entry of its own key")
        _sign(session, key, standing, root)
    # Whatever stands in a leaf waits no more.
    sealed = exists().where(_leaf.c.entry_id == _pending.c.entry_id)
    session.execute(delete(_pending).where(waiting, sealed))
    return len(digests), ids[-1] if len(ids) == BATCH else 0


def _known_keys(session: Session) -> list[keys.KnownKey]:
    try:
        return keys.history(session)
    except BadSignature as wrong:
        raise _refused(f"the history of keys: {wrong}") from wrong


def _standing(session: Session, known: list[keys.KnownKey]) -> _Standing:
    last = newest_seal(session)
    top = session.scalar(select(func.max(_leaf.c.number)))
    size = 0 if top is None else top + 1
    if last is None:
        if size:
            raise _refused("there are leaves and no seal")
        return _Standing(None, NOTHING_BEFORE, tree.Frontier())
    right = keys.right_key(known, last.size)
    try:
        said = opened_seal(last.jws, *([right] if right else []))
    except BadSignature as wrong:
        raise _refused(f"the last seal: {wrong}") from wrong
    stands = (origin(session), last.number, last.size, last.root, last.prev)
    if (said.origin, said.number, said.size, said.root, said.prev) != stands:
        raise _refused("the last seal says another thing than its row")
    if size != last.size:
        raise _refused(f"the last seal has {last.size} leaves, and there are {size}")
    try:
        edge = tree.Frontier(size, tree.peaks_of(tiles.TileReader(session), size))
    except ValueError as lacking:
        raise _refused(str(lacking)) from lacking
    if edge.root() != last.root:
        raise _refused("the stored tree does not give the root of the last seal")
    return _Standing(last, said.digest, edge)


def _number(session: Session, waiting: Any, size: int) -> list[bytes]:
    """Give leaves to the entries of a batch that have none.

    Returns:
        Their digests, in the order of their leaves.
    """
    gone = session.scalar(
        select(_pending.c.entry_id)
        .where(waiting, ~exists().where(_entry.c.id == _pending.c.entry_id))
        .limit(1)
    )
    if gone is not None:
        raise _refused(f"entry {gone} waits for its seal and is gone")
    place = func.row_number().over(order_by=_pending.c.entry_id)
    free = ~exists().where(_leaf.c.entry_id == _pending.c.entry_id)
    session.execute(
        insert(_leaf).from_select(
            ["number", "entry_id"],
            select(place + (size - 1), _pending.c.entry_id).where(waiting, free),
        )
    )
    return list(
        session.scalars(
            select(_entry.c.digest)
            .join(_leaf, _leaf.c.entry_id == _entry.c.id)
            .where(_leaf.c.number >= size)
            .order_by(_leaf.c.number)
        )
    )


def _agreed(session: Session, standing: _Standing) -> bytes:
    """The root, once the bytes of the new entries and the stored tiles give the same one."""
    edge, size = standing.edge, standing.size
    root = edge.root()
    stored = tiles.TileReader(session)
    again = tree.Frontier(size, tree.peaks_of(stored, size))
    for number, body in session.execute(
        select(_leaf.c.number, _entry.c.body)
        .join(_entry, _entry.c.id == _leaf.c.entry_id)
        .where(_leaf.c.number >= size)
        .order_by(_leaf.c.number)
        .execution_options(yield_per=_PAGE)
    ):
        if number != again.size:
            raise _refused(f"leaf {again.size} is missing")
        again.add(rules.digest(body))
    if again.size != edge.size or again.root() != root:
        raise _refused("the bytes of the new entries do not give their digests")
    if tree.root(stored, edge.size) != root:
        raise _refused("the stored tiles give another root")
    if standing.last is not None:
        proof = tree.consistency_proof(stored, size, edge.size)
        if not tree.verify_consistency(size, standing.last.root, edge.size, root, proof):
            raise _refused("the tree does not grow from the last seal")
    return root


def _sign(session: Session, key: PrivateKey, standing: _Standing, root: bytes) -> None:
    said = Statement(
        origin=origin(session),
        number=1 if standing.last is None else standing.last.number + 1,
        size=standing.edge.size,
        root=root,
        prev=standing.prev,
        at=clock.now(),
    )
    session.execute(
        insert(_seal),
        {
            "number": said.number,
            "size": said.size,
            "root": said.root,
            "at": said.at,
            "prev": said.prev,
            "key_id": key.public.kid,
            "jws": key.sign(said.payload),
        },
    )


def _answer(new: int, *, left: bool = False) -> Sealed:
    with db.reading() as session:
        last = newest_seal(session)
    if last is None:
        return Sealed(0, 0, tree.EMPTY, new, left)
    return Sealed(last.number, last.size, last.root, new, left)


def _refused(why: str) -> SealRefused:
    return SealRefused(
        _(
            "Nothing was sealed: %(why)s. Run lims ledger verify and call whoever answers for the "
            "trail before anything else is done.",
            why=why,
        )
    )
