"""The Merkle tree of RFC 6962: roots, proofs, and what believes a proof. Pure.

A leaf is given as its hash (the digest of an entry is one already); a node is
SHA-256(0x01 || left || right). Whoever holds the hashes serves them as a `Reader`, which answers
perfect subtrees only: tiles in a database and a plain list both can.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

# (level, number) -> the root of the 2**level leaves from number * 2**level on.
Reader = Callable[[int, int], bytes]
Source = Sequence[bytes] | Reader

EMPTY = hashlib.sha256(b"").digest()
_WIDTH = 32


def node(left: bytes, right: bytes) -> bytes:
    """The hash above two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def above(hashes: Sequence[bytes]) -> bytes:
    """The root above a whole power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


class Frontier:
    """A tree that grows at its right edge and keeps only the roots of its perfect subtrees."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Take up a tree of `size` leaves by its peaks, largest first (`peaks_of`)."""
        self.size = size
        self._peaks = list(peaks)
        if len(self._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} has {size.bit_count()} peaks")

    def add(self, leaf: bytes) -> None:
        """Set a further leaf."""
        self._peaks.append(leaf)
        merges = self.size
        while merges & 1:
            right = self._peaks.pop()
            self._peaks.append(node(self._peaks.pop(), right))
            merges >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The root of the leaves so far."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node(peak, found)
        return found


def peaks_of(source: Source, size: int) -> list[bytes]:
    """The perfect subtrees that a tree of `size` leaves is made of, largest first."""
    reader = _reader(source)
    found, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append(reader(level, start >> level))
            start += 1 << level
    return found


def root(source: Source, size: int | None = None) -> bytes:
    """The root of the first `size` leaves; of all of a list."""
    size = _size(source, size)
    return _between(_reader(source), 0, size) if size else EMPTY


def inclusion_proof(source: Source, index: int, size: int | None = None) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962 2.1.1).

    Raises:
        ValueError: there is no such leaf.
    """
    size = _size(source, size)
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    reader = _reader(source)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_between(reader, middle, end))
            end = middle
        else:
            path.append(_between(reader, start, middle))
            start = middle
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows that `leaf` is number `index` of the tree of this size and root.

    Source:
        RFC 9162 2.1.3.2, the same tree as RFC 6962.
    """
    if not (_whole(index, size) and 0 <= index < size and _hashes([leaf, root, *proof])):
        return False
    number, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node(each, found)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            found = node(found, each)
        number >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(source: Source, old: int, new: int | None = None) -> list[bytes]:
    """What shows that the first `old` leaves stand unchanged in the first `new` (RFC 6962 2.1.2).

    Raises:
        ValueError: the old tree is empty or larger than the new one.
    """
    new = _size(source, new)
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} does not grow from one of {old}")
    reader = _reader(source)
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_between(reader, middle, end))
            end = middle
        else:
            path.append(_between(reader, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_between(reader, start, end))
    return path[::-1]


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the old tree is the beginning of the new one.

    An empty old tree is refused: everything grows from it, so it shows nothing.

    Source:
        RFC 9162 2.1.4.2.
    """
    if not (_whole(old, new) and 0 < old <= new and _hashes([old_root, new_root, *proof])):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    was = now = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            was, now = node(each, was), node(each, now)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            now = node(now, each)
        number >>= 1
        last >>= 1
    return last == 0 and was == old_root and now == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _between(reader: Reader, start: int, end: int) -> bytes:
    """The root of the leaves [start, end), a range as the tree is split."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return reader(level, start >> level)
    middle = start + _split(size)
    return node(_between(reader, start, middle), _between(reader, middle, end))


def _reader(source: Source) -> Reader:
    if callable(source):
        return source
    leaves = source
    return lambda level, number: above(leaves[number << level : (number + 1) << level])


def _size(source: Source, size: int | None) -> int:
    if callable(source):
        if size is None:
            raise ValueError("a reader does not know its size")
        return size
    if size is not None and size > len(source):
        raise ValueError(f"there are {len(source)} leaves, not {size}")
    return len(source) if size is None else size


def _whole(*numbers: object) -> bool:
    return all(type(each) is int for each in numbers)


def _hashes(values: Sequence[object]) -> bool:
    return all(isinstance(each, bytes) and len(each) == _WIDTH for each in values)
