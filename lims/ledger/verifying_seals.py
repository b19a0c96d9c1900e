"""Do the seals hold: every leaf, every tile, every root, every signature?

The leaves are read once, in the order of the tree, which grows beside them; at the size of each
seal its root must be that of the tree. What no seal covers must wait for one.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Table, exists, func, select
from sqlalchemy.orm import Session

from lims.core.errors import BadInput, NotFound
from lims.core.words import Text as _
from lims.ledger import keys, tiles, tree
from lims.ledger.models import (
    LedgerCosignature,
    LedgerEntry,
    LedgerLeaf,
    LedgerPending,
    LedgerSeal,
    LedgerTile,
)
from lims.ledger.signatures import (
    NOTHING_BEFORE,
    BadSignature,
    PublicKey,
    Statement,
    opened_seal,
    statement,
)
from lims.ledger.verifying_entries import MOST, Found

SEALS = "ledger/seal"  # a break of seal n is named by this and n
LEAVES = "ledger/leaf"  # of leaf n
_PAGE = 2000
_HASH = 32

_entry = cast(Table, LedgerEntry.__table__)
_pending = cast(Table, LedgerPending.__table__)
_leaf = cast(Table, LedgerLeaf.__table__)
_tile = cast(Table, LedgerTile.__table__)
_seal = cast(Table, LedgerSeal.__table__)
_cosignature = cast(Table, LedgerCosignature.__table__)


class NoSuchSeal(NotFound):
    """The trail has no seal of this number."""

    code = "no_such_seal"


@dataclass(frozen=True)
class Held:
    """What somebody brings from outside to a verification.

    Attributes:
        key: a public key that she had before; else the trail's own word must do.
        seal: a seal that she kept, as its JWS: the trail must contain it, so nothing was cut off.
        from_seal: go on from this seal of the trail, which was verified before.
    """

    key: PublicKey | None = None
    seal: str | None = None
    from_seal: int | None = None

    @property
    def resumes(self) -> bool:
        """Whether only what is newer than a seal is looked at."""
        return self.seal is not None or self.from_seal is not None


def read_held(from_seal: int | None, seal: Path | None, key: Path | None) -> Held:
    """What somebody brings, from her files: a seal or a key as published, or bare.

    Raises:
        BadInput: a file that cannot be read, or holds none.
    """
    found = _json(key) if key else {}
    x = (found.get("keys") or [found])[0].get("x", "") if isinstance(found, dict) else ""
    try:
        public = PublicKey(x) if key else None
    except (BadSignature, AttributeError, TypeError) as wrong:
        raise _no(key) from wrong
    jws = None
    if seal:
        said = _json(seal)
        inner = said.get("seal", said) if isinstance(said, dict) else {"jws": said}
        jws = inner.get("jws") if isinstance(inner, dict) else None
        try:
            _said(str(jws))
        except BadSignature as wrong:
            raise _no(seal) from wrong
    return Held(public, jws, from_seal)


def _json(file: Path) -> Any:
    try:
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise _no(file) from wrong
    try:
        return json.loads(text)
    except ValueError:
        return text


def _no(file: Path | None) -> BadInput:
    return BadInput(
        _("%(file)s holds no seal or key as this system publishes them; fetch it anew.", file=file)
    )


def start_of(db: Session, held: Held) -> int:
    """How many leaves the seal covers from which verification goes on; 0 for all of it.

    Raises:
        NoSuchSeal: there is no seal of this number.
    """
    if held.seal is not None:
        return _said(held.seal).size
    if held.from_seal is None:
        return 0
    size = db.scalar(select(_seal.c.size).where(_seal.c.number == held.from_seal))
    if size is None:
        raise NoSuchSeal(
            _("There is no seal %(number)s; name an earlier one.", number=held.from_seal)
        )
    return int(size)


def check_seals(connection: Connection, held: Held) -> Found:
    """Check leaves, tiles, seals, keys and co-signatures."""
    found = Found()
    with Session(connection) as db:
        known = _keys(db, held, found)
        look = _Look(db, known, found)
        if held.resumes:
            look.go_on_from(held)
        look.follow()
        _check_waiting(db, found)
        _check_cosignatures(db, found)
        found.seals = db.scalar(select(func.count()).select_from(_seal)) or 0
        found.unsealed = (db.scalar(select(func.count()).select_from(_entry)) or 0) - (
            db.scalar(select(func.count()).select_from(_leaf)) or 0
        )
    return found


def _payload(signed: str) -> bytes:
    """The bytes that a compact JWS carries; whose they are is not asked."""
    parts = signed.split(".")
    try:
        return base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (ValueError, IndexError) as wrong:
        raise BadSignature("no compact JWS") from wrong


def _said(signed: str) -> Statement:
    return statement(_payload(signed))


def _keys(db: Session, held: Held, found: Found) -> list[keys.KnownKey]:
    try:
        known = keys.history(db)
    except (ValueError, KeyError, TypeError) as wrong:
        found.broken(keys.STREAM, 0, f"the history of keys does not hold: {wrong}")
        return []
    if held.key is not None and held.key not in [each.public for each in known]:
        found.broken(keys.STREAM, 0, f"the key {held.key.kid} from outside is none of the trail's")
    return known


class _Look:
    """One walk along the leaves and the seals."""

    def __init__(self, db: Session, known: list[keys.KnownKey], found: Found) -> None:
        self.db, self.known, self.found = db, known, found
        self.edge = tree.Frontier()
        self.last: Statement | None = None
        self.whole = True  # whether the tree beside us is still the one that was sealed
        self.tiles: _Tiles | None = _Tiles(db, found)

    def go_on_from(self, held: Held) -> None:
        """Begin at a seal: the tree of its size, by the stored tiles, must have its root."""
        number = held.from_seal
        if held.seal is not None:
            number = self._stands(held.seal)
        row = self.db.execute(select(_seal).where(_seal.c.number == number)).one_or_none()
        self.tiles = None
        if row is None:
            self.whole = False
            return
        said = self._signed(row)
        if said is None:
            self.whole = False
            return
        try:
            peaks = tree.peaks_of(tiles.TileReader(self.db), said.size)
            self.edge = tree.Frontier(said.size, peaks)
        except ValueError as lacking:
            self.found.broken(SEALS, row.number, str(lacking))
            self.whole = False
        else:
            self._compare_root(said)
        self.last = said

    def _stands(self, shown: str) -> int | None:
        """The number of a seal from outside, where the trail has the same."""
        try:
            said = opened_seal(shown, *[each.public for each in self.known])
        except BadSignature as wrong:
            self.found.broken(SEALS, 0, f"the seal from outside: {wrong}")
            return None
        stored = self.db.scalar(select(_seal.c.jws).where(_seal.c.number == said.number))
        if stored is None:
            what = f"the seal {said.number} from outside is not here: the trail was cut or replaced"
            self.found.broken(SEALS, said.number, what)
            return None
        if stored != shown:
            what = f"the seal {said.number} from outside is another than the one here"
            self.found.broken(SEALS, said.number, what)
            return None
        return said.number

    def follow(self) -> None:
        """Walk to the end."""
        seals = self._seals()
        seal = next(seals, None)
        for number, entry_id, digest in self._leaves():
            while seal is not None and seal.size <= self.edge.size:
                self._compare_root(seal)
                seal = next(seals, None)
            if number != self.edge.size and self.whole:
                self.found.broken(LEAVES, self.edge.size, f"leaf {self.edge.size} is missing")
                self.whole = False
            if digest is None:
                self.found.broken(LEAVES, number, f"its entry {entry_id} is gone")
                self.whole = False
            if self.whole:
                self.edge.add(digest)
                if self.tiles:
                    self.tiles.add(digest)
        covered = self.last.size if self.last else 0
        while seal is not None:
            self._compare_root(seal)
            covered = seal.size
            seal = next(seals, None)
        covered = max(covered, self.last.size if self.last else 0)
        if self.edge.size > covered and self.whole:
            self.found.broken(LEAVES, covered, f"from leaf {covered} on there is no seal")
        if self.tiles and self.whole:
            self.tiles.end()

    def _leaves(self) -> Iterator[Any]:
        yield from self.db.execute(
            select(_leaf.c.number, _leaf.c.entry_id, _entry.c.digest)
            .outerjoin(_entry, _entry.c.id == _leaf.c.entry_id)
            .where(_leaf.c.number >= self.edge.size)
            .order_by(_leaf.c.number)
            .execution_options(yield_per=_PAGE)
        )

    def _seals(self) -> Iterator[Statement]:
        """Each seal as it says of itself, checked against the one before."""
        after = self.last.number if self.last else 0
        rows = self.db.execute(
            select(_seal)
            .where(_seal.c.number > after)
            .order_by(_seal.c.number)
            .execution_options(yield_per=_PAGE)
        )
        for row in rows:
            said = self._signed(row)
            if said is None:
                continue
            self._follows(said)
            self.last = said
            yield said

    def _signed(self, row: Any) -> Statement | None:
        try:
            shown = _said(row.jws)
            right = keys.right_key(self.known, shown.size)
            said = opened_seal(row.jws, *([right] if right else []))
        except BadSignature as wrong:
            self.found.broken(SEALS, row.number, str(wrong))
            return None
        stands = (row.number, row.size, row.root, row.at, row.prev)
        if (said.number, said.size, said.root, said.at, said.prev) != stands:
            self.found.broken(SEALS, row.number, "it says another thing than its row")
        if right is None or row.key_id != right.kid:
            self.found.broken(SEALS, row.number, f"its row names the key {row.key_id}")
        return said

    def _follows(self, said: Statement) -> None:
        before = self.last
        if said.number != (before.number if before else 0) + 1:
            self.found.broken(SEALS, said.number, "the seal before it is missing")
        elif said.prev != (before.digest if before else NOTHING_BEFORE):
            self.found.broken(SEALS, said.number, "it does not follow from the seal before")
        if before and said.size <= before.size:
            self.found.broken(SEALS, said.number, "it is not larger than the seal before")
        if before and said.origin != before.origin:
            self.found.broken(SEALS, said.number, "it comes from another installation")

    def _compare_root(self, said: Statement) -> None:
        if not self.whole:
            return
        if said.size != self.edge.size:
            what = f"it covers {said.size} leaves, there are {self.edge.size}"
            self.found.broken(SEALS, said.number, what)
        elif said.root != self.edge.root():
            self.found.broken(SEALS, said.number, "the leaves do not give its root")


class _Tiles:
    """The full tiles that the leaves give, compared with those that are stored."""

    def __init__(self, db: Session, found: Found) -> None:
        self.db, self.found = db, found
        self.open: list[list[bytes]] = [[]]
        self.count: list[int] = [0]

    def add(self, digest: bytes) -> None:
        """Take a further leaf."""
        level, value = 0, digest
        self.open[0].append(value)
        while len(self.open[level]) == tiles.WIDE:
            hashes, number = self.open[level], self.count[level]
            stored = self.db.scalar(
                select(_tile.c.hashes).where(_tile.c.level == level, _tile.c.number == number)
            )
            if stored != b"".join(hashes):
                what = "is missing" if stored is None else "is not what the leaves give"
                self.found.broken(f"ledger/tile/{level}", number, f"the tile {what}")
            self.count[level] += 1
            self.open[level] = []
            level, value = level + 1, tree.above(hashes)
            if level == len(self.open):
                self.open.append([])
                self.count.append(0)
            self.open[level].append(value)

    def end(self) -> None:
        """There are no others."""
        stored = self.db.scalar(select(func.count()).select_from(_tile)) or 0
        if stored > sum(self.count):
            what = f"{stored} tiles are stored, the leaves give {sum(self.count)}"
            self.found.broken("ledger/tile", 0, what)


def _check_waiting(db: Session, found: Found) -> None:
    """Every entry is a leaf or waits to be one; what waits is there."""
    is_leaf = exists().where(_leaf.c.entry_id == _entry.c.id)
    waits = exists().where(_pending.c.entry_id == _entry.c.id)
    for stream, number in db.execute(
        select(_entry.c.stream, _entry.c.number).where(~is_leaf, ~waits).limit(MOST)
    ):
        found.broken(stream, number, "no seal covers it, and it does not wait for one")
    there = exists().where(_entry.c.id == _pending.c.entry_id)
    for entry_id in db.scalars(select(_pending.c.entry_id).where(~there).limit(MOST)):
        found.broken("ledger/pending", entry_id, "an entry that waited for its seal is gone")


def _check_cosignatures(db: Session, found: Found) -> None:
    """A witness signed the very bytes of the seal; whose key it is, the reader has to know."""
    rows = db.execute(
        select(_cosignature.c.seal_number, _cosignature.c.key_id, _cosignature.c.jws, _seal.c.jws)
        .outerjoin(_seal, _seal.c.number == _cosignature.c.seal_number)
        .execution_options(yield_per=_PAGE)
    )
    for number, key_id, signed, sealed in rows:
        try:
            same = sealed is not None and _payload(signed) == _payload(sealed)
        except BadSignature:
            same = False
        if not same:
            found.broken(SEALS, number, f"the co-signature of {key_id} is not of this seal")
