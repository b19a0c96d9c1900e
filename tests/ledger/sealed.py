"""Sealing in tests: a key of its own, entries to seal, every seal followed from the first."""

from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from lims import ledger
from lims.core import db
from lims.ledger import keys, rules, tree
from lims.ledger.models import LedgerEntry, LedgerLeaf, LedgerSeal
from lims.ledger.signatures import NOTHING_BEFORE, BadSignature, opened_seal


def key_in(folder: Path) -> Path:
    """Let this process make its seal key in a folder, as the embedded mode does."""
    path = folder / "seal.key"
    keys.use(keys.KeyPlace(path, own=True))
    return path


def write(actor, count: int = 1, stream: str = "item/S7K4M29XC") -> None:
    """Write so many entries, each in an act of its own."""
    for number in range(count):
        with db.transaction():
            ledger.record(actor, stream, "test.done", {"n": number})


def leaves() -> list[bytes]:
    """The digests of the entries by their leaf, recomputed from the stored bytes."""
    with db.reading() as session:
        return [
            rules.digest(body)
            for body in session.scalars(
                select(LedgerEntry.body)
                .join(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.id)
                .order_by(LedgerLeaf.number)
            )
        ]


def wrong_seals() -> list[str]:
    """What does not hold, with every root computed again from the bytes of all entries."""
    found: list[str] = []
    there = leaves()
    with db.reading() as session:
        seals = session.execute(select(LedgerSeal.__table__).order_by("number")).all()
        known = keys.history(session)
    edge, before, roots = tree.Frontier(), NOTHING_BEFORE, {}
    for number, seal in enumerate(seals, 1):
        try:
            said = opened_seal(seal.jws, keys.right_key(known, seal.size))
        except (BadSignature, AttributeError) as wrong:
            found.append(f"seal {number}: {wrong}")
            continue
        for each in there[edge.size : said.size]:
            edge.add(each)
        roots[said.size] = said.root
        stands = (seal.number, seal.size, seal.root, seal.prev, seal.at)
        if stands != (number, said.size, said.root, before, said.at):
            found.append(f"seal {number} is another than its row or its place")
        if (edge.size, edge.root()) != (said.size, said.root):
            found.append(f"seal {number}: the entries give another root")
        before = said.digest
    sizes = sorted(roots)
    with db.reading() as session:
        for old, new in pairwise(sizes):
            proof = ledger.consistency(session, old, new)
            if not tree.verify_consistency(old, roots[old], new, roots[new], proof):
                found.append(f"the tree of {new} does not grow from that of {old}")
    return found
