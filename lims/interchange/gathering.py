"""Which streams bear on a dose, and what of them is in a seal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import collection, custody, dosing, labels, ledger, qc, studies
from lims.custody import Item, ItemKind
from lims.interchange import rules
from lims.ledger import tree
from lims.ledger.models import LedgerCosignature, LedgerEntry, LedgerLeaf, LedgerSeal
from lims.ledger.tiles import TileReader
from lims.release import certificate_of

_BESIDE = (ItemKind.QC_SAMPLE, ItemKind.RETAINED)
_PLACES = ("place_id", "from_place_id", "to_place_id")
_EARLIER = 24  # seals whose growth into ours a dossier proves: the last ones, then ever wider apart


@dataclass(frozen=True)
class Gathered:
    """The entries of a dose's streams at one instant, without the statement about them."""

    heads: dict[str, tuple[int, bytes]]
    bodies: list[bytes]


def gather(session: Session, dose: Item) -> Gathered:
    """Every entry of every stream that bears on a dose."""
    found = _read(session, _streams(session, dose))
    # Kits, wristbands and places are named by entries; places by their parents in turn.
    while more := _named(session, found) - set(found.heads):
        found = _read(session, {*found.heads, *more})
    return found


def _read(session: Session, streams: Iterable[str]) -> Gathered:
    heads = ledger.heads(session, streams)
    return Gathered(heads, ledger.bodies(session, {each: head[0] for each, head in heads.items()}))


def _streams(session: Session, dose: Item) -> set[str]:
    line = [dose, *custody.ancestors(session, [dose.id])]
    lots = [each.id for each in line if each.kind is ItemKind.LOT]
    beside = [each for each in custody.descendants(session, lots) if each.kind in _BESIDE]
    subjects = {each.donor_id for each in line if each.donor_id}
    for donor in subjects:
        tested = {each.specimen_id for each in collection.markers_of(session, donor).values()}
        beside += [custody.item(session, each) for each in tested]
    given, meant = dosing.given_of(session, dose.id), dosing.assignment_of(session, dose.id)
    subjects |= {each.subject_id for each in (given, meant) if each}
    found = {rules.KEYS}
    found |= {custody.stream(each.code) for each in (*line, *beside)}
    found |= {labels.stream(each.code) for each in line}
    found |= {studies.stream(studies.subject(session, each)) for each in subjects}
    found |= {
        f"study/{studies.study(session, each).code}"
        for each in {each.study_id for each in line if each.study_id}
    }
    return found


def _named(session: Session, found: Gathered) -> set[str]:
    """Streams of places, kits and wristbands that the entries name."""
    places: set[str] = set()
    streams: set[str] = set()
    for body in found.bodies:
        entry = rules.own(body)
        for change in entry["rows"]:
            for column, (old, new) in change["set"].items():
                if column in _PLACES or (change["table"], column) == ("custody_place", "parent_id"):
                    places |= {each for each in (old, new) if each}
            if change["table"] == "studies_wristband" and "code" in change["set"]:
                streams.add(labels.stream(change["set"]["code"][1]))
        streams |= {
            each["stream"] for each in entry["peers"] if each["stream"].startswith("item/K")
        }
    for each in places:
        place = custody.place(session, UUID(each))
        if place is not None:
            streams.add(f"place/{place.code}")
    return streams & set(ledger.heads(session, streams))


@dataclass(frozen=True)
class Proven:
    """A seal over the entries, and what proves it: the members `proofs.json` and `seals.json`."""

    seal: LedgerSeal
    proofs: dict[str, Any]
    seals: dict[str, Any]


def first_over(session: Session, bodies: Iterable[bytes]) -> LedgerSeal | None:
    """The first seal that covers all of these entries; None where one of them waits."""
    digests = [rules.digest(body) for body in bodies]
    leaves = _leaves(session, digests)
    if set(digests) - set(leaves):
        return None
    over = select(LedgerSeal).where(LedgerSeal.size > max(leaves.values()))
    return session.scalar(over.order_by(LedgerSeal.number).limit(1))


def prove(session: Session, bodies: Iterable[bytes], also: set[int]) -> Proven | None:
    """Prove each entry against one seal: the newest that is co-signed, or the newest of all.

    Args:
        also: numbers of further seals that are to be proven of the same tree.

    Returns:
        None where the sealer has not come to the last entry yet.
    """
    digests = [rules.digest(body) for body in bodies]
    leaves = _leaves(session, digests)
    if set(digests) - set(leaves):
        return None
    needed = max(leaves.values()) + 1
    covering = _seals(session, needed)
    if not covering:
        return None
    newest = covering[-1]
    signed = [(each, _cosigned(session, each)) for each in covering]
    seal, cosignatures = next(
        ((each, found) for each, found in reversed(signed) if found[0]), (newest, ([], []))
    )
    reader = TileReader(session)
    proofs = [
        {"leaf": leaves[each], "path": _hex(tree.inclusion_proof(reader, leaves[each], seal.size))}
        for each in digests
    ]
    same = newest.number == seal.number
    return Proven(
        seal,
        {"v": rules.VERSION, "size": seal.size, "proofs": proofs},
        {
            "v": rules.VERSION,
            "seal": seal.jws,
            "cosignatures": cosignatures[0],
            "witnesses": cosignatures[1],
            "newest": "" if same else newest.jws,
            "consistency": []
            if same
            else _hex(tree.consistency_proof(reader, seal.size, newest.size)),
            "earlier": [
                {
                    "seal": each.jws,
                    "consistency": _hex(tree.consistency_proof(reader, each.size, seal.size)),
                }
                for each in _earlier(session, seal.number, also)
            ],
        },
    )


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _leaves(session: Session, digests: list[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for at in range(0, len(digests), 500):
        rows = session.execute(
            select(LedgerEntry.digest, LedgerLeaf.number)
            .join(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.id)
            .where(LedgerEntry.digest.in_(digests[at : at + 500]))
        )
        found |= {row.digest: row.number for row in rows}
    return found


def _seals(session: Session, size: int) -> list[LedgerSeal]:
    """Seals over at least so many entries: the first such one, and the last few."""
    covering = select(LedgerSeal).where(LedgerSeal.size >= size)
    last = session.scalars(covering.order_by(LedgerSeal.number.desc()).limit(20)).all()
    return list(reversed(last))


def _cosigned(session: Session, seal: LedgerSeal) -> tuple[list[str], list[dict[str, str]]]:
    """Co-signatures of a seal, and the keys of the witnesses."""
    found = session.scalars(
        select(LedgerCosignature)
        .where(LedgerCosignature.seal_number == seal.number)
        .order_by(LedgerCosignature.key_id)
    ).all()
    known = [each.key for each in ledger.witnesses()]
    signed = {each.key_id for each in found}
    return [each.jws for each in found], [each.jwk for each in known if each.kid in signed]


def _earlier(session: Session, number: int, also: set[int]) -> Iterator[LedgerSeal]:
    """Seals before ours: the last ones, then ever wider apart, and one that was asked for."""
    back = [1, 2, 3, 4, *(1 << power for power in range(3, _EARLIER))]
    wanted = {number - each for each in back if each < number} | also
    found = select(LedgerSeal).where(LedgerSeal.number.in_(wanted), LedgerSeal.number < number)
    yield from session.scalars(found.order_by(LedgerSeal.number))


def evidence(
    session: Session, wanted: Iterable[tuple[str, str]], people: Iterable[Mapping[str, str]]
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The bytes of instruments' files that name nobody, and the list of all of them.

    Args:
        wanted: SHA-256 and kind.
        people: name and birth date of whoever must not be named.
    """
    files: dict[str, bytes] = {}
    listed = []
    known = list(people)
    for sha, kind in wanted:
        row = qc.file_by_digest(session, sha)
        open_ = row is not None and not _names(row.content, known)
        if row is not None and open_:
            files[rules.EVIDENCE + sha] = row.content
        listed.append({"sha256": sha, "kind": kind, "included": open_})
    return files, listed


def _names(content: bytes, people: Iterable[Mapping[str, str]]) -> bool:
    """Whether a file names one of these people, in any of the encodings instruments write."""
    texts = [content.decode(each, "ignore").casefold() for each in ("utf-8", "utf-16", "latin-1")]
    for person in people:
        words = [each for each in person["name"].casefold().split() if len(each) > 2]
        for each in (*words, person["name"].casefold(), person["birth_date"]):
            if any(each in text for text in texts):
                return True
    return False


def certificate(session: Session, lot: UUID | None) -> bytes:
    """The certificate of analysis of a lot, as it was signed; empty without one."""
    found = certificate_of(session, lot) if lot else None
    return found.pdf if found else b""
