"""The stored tree: its full tiles, read for roots and proofs and written by the sealer."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from lims.core.errors import NotFound
from lims.core.words import Text as _
from lims.ledger import tree
from lims.ledger.models import LedgerEntry, LedgerLeaf, LedgerTile

HEIGHT = 8
WIDE = 1 << HEIGHT  # hashes side by side in a tile
_HASH = 32
_KEPT = 64  # tiles that a reader keeps: more than a path from leaf to root needs

_entry = cast(Table, LedgerEntry.__table__)
_leaf = cast(Table, LedgerLeaf.__table__)
_tile = cast(Table, LedgerTile.__table__)


class NotSealed(NotFound):
    """The entry is in no seal of that size yet."""

    code = "not_sealed"


class TileReader:
    """Answers the tree's questions from tiles; from leaves where no tile is full."""

    def __init__(self, session: Session) -> None:
        """Read through this session, which must not see the tree change in between."""
        self._session = session
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def __call__(self, level: int, number: int) -> bytes:
        """The root of the 2**level leaves from number * 2**level on.

        Raises:
            ValueError: the leaves are not all there.
        """
        height, within = divmod(level, HEIGHT)
        first = number << within
        tile, at = divmod(first, WIDE)
        count = 1 << within
        hashes = self._tile(height, tile)[at * _HASH : (at + count) * _HASH]
        if len(hashes) != count * _HASH:
            raise ValueError(f"the tree lacks leaves under {level}/{number}")
        return tree.above(split(hashes))

    def _tile(self, height: int, number: int) -> bytes:
        key = (height, number)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = self._stored(height, number)
        if found is None:
            found = self._leaves(number) if height == 0 else self._below(height, number)
        self._kept[key] = found
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def _stored(self, height: int, number: int) -> bytes | None:
        return self._session.scalar(
            select(_tile.c.hashes).where(_tile.c.level == height, _tile.c.number == number)
        )

    def _leaves(self, number: int) -> bytes:
        return b"".join(
            self._session.scalars(
                select(_entry.c.digest)
                .join(_leaf, _leaf.c.entry_id == _entry.c.id)
                .where(_leaf.c.number >= number * WIDE, _leaf.c.number < (number + 1) * WIDE)
                .order_by(_leaf.c.number)
            )
        )

    def _below(self, height: int, number: int) -> bytes:
        return b"".join(
            tree.above(split(hashes))
            for hashes in self._session.scalars(
                select(_tile.c.hashes)
                .where(
                    _tile.c.level == height - 1,
                    _tile.c.number >= number * WIDE,
                    _tile.c.number < (number + 1) * WIDE,
                )
                .order_by(_tile.c.number)
            )
        )


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]


def grow(session: Session, size: int, leaves: Sequence[bytes]) -> None:
    """Write every tile that the leaves after the first `size` fill."""
    start = size - size % WIDE
    hashes = [
        *split(TileReader(session)._leaves(start // WIDE)[: (size - start) * _HASH]),
        *leaves,
    ]
    height, first = 0, start // WIDE
    while len(hashes) >= WIDE:
        full = [hashes[at : at + WIDE] for at in range(0, len(hashes) - WIDE + 1, WIDE)]
        session.execute(
            insert(_tile),
            [
                {"level": height, "number": first + at, "hashes": b"".join(each)}
                for at, each in enumerate(full)
            ],
        )
        roots = [tree.above(each) for each in full]
        above = first - first % WIDE
        before = split(TileReader(session)._below(height + 1, above // WIDE))
        hashes = [*before[: first - above], *roots]
        height, first = height + 1, above // WIDE


def leaf_of(session: Session, digest: bytes) -> int:
    """The number of the leaf that an entry is.

    Raises:
        NotSealed: it waits for its seal, or there is no such entry.
    """
    number = session.scalar(
        select(_leaf.c.number)
        .join(_entry, _leaf.c.entry_id == _entry.c.id)
        .where(_entry.c.digest == digest)
    )
    if number is None:
        raise NotSealed(_("The entry is in no seal yet; seal first, or wait for the next seal."))
    return number


def inclusion(session: Session, entry_digest: bytes, size: int) -> list[bytes]:
    """What shows that an entry is a leaf of the tree of this size (RFC 6962 2.1.1).

    Raises:
        NotSealed: it is not.
    """
    number = leaf_of(session, entry_digest)
    if number >= size:
        raise NotSealed(_("The entry is in a later seal than the one of size %(n)s.", n=size))
    return tree.inclusion_proof(TileReader(session), number, size)


def consistency(session: Session, old: int, new: int) -> list[bytes]:
    """What shows that the tree of size `old` is the beginning of that of size `new`.

    Raises:
        ValueError: there is no such pair.
    """
    return tree.consistency_proof(TileReader(session), old, new)
