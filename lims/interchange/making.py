"""Making a dossier: what it holds is stated in the ledger, the statement is sealed, all is packed.

The statement is an entry of its own stream that names the last entry of every stream in the
dossier, every file by its digest and the facts. It is sealed with the rest, so that nothing can
be left out of a dossier afterwards: what was left out is named by what is in. Where nothing has
changed since the last statement, that one serves again, and the same state gives the same bytes.
"""

import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, ledger, studies
from lims.core import db, words
from lims.core.errors import Conflict, TemporaryFailure
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind
from lims.interchange import checks, container, facts, gathering, page, paper, rules
from lims.interchange import permissions as may
from lims.interchange.facts import Told
from lims.ledger.rules import plain
from lims.ledger.signatures import opened_seal

_TRIES = 20
_WAIT_S = 0.25


@dataclass(frozen=True)
class Dossier:
    """A dossier as one file.

    Attributes:
        seal: the number of the seal that everything in it is proven against.
        witnessed: whether somebody else has co-signed that seal.
        page: `index.html` by itself.
    """

    dose: str
    content: bytes
    entries: int
    streams: int
    seal: int
    witnessed: bool
    page: bytes


@requires(may.EXPORT)
def export(actor: Actor, *, code: str, language: str = "", also: int = 0) -> Dossier:
    """Everything that bears on a dose, provable without this system.

    Seals what is not sealed yet, so it must not be called inside of an act.

    Args:
        language: of the paper; the one being spoken unless given.
        also: the number of a seal that the reader has, to be proven of the same tree.

    Raises:
        BadInput: no code, or one misread.
        ItemUnknown, WrongItemKind: it is the code of no dose.
        TemporaryFailure: the sealer did not come to it in time.
    """
    if db.in_transaction():
        raise RuntimeError("a dossier is sealed, and a seal is not part of an act")
    for _each in range(_TRIES):
        _seal()
        with db.reading() as session:
            draft = _draft(session, code, language or words.language())
        stated = _state(actor, draft) if draft else None
        if stated:
            _seal()
            with db.reading() as session:
                made = _pack(session, stated, also)
            if made:
                return made
        time.sleep(_WAIT_S)
    raise TemporaryFailure(
        _("The newest entries of this dose wait for their seal; try again in a minute.")
    )


def _seal() -> None:
    """Seal here, or let the worker that has the key do so."""
    try:
        ledger.seal()
    except ledger.NoSealKey:
        with db.transaction():
            ledger.seal_soon()


@dataclass(frozen=True)
class _Draft:
    """What is about to be stated, and the files that it names."""

    dose: str
    heads: dict[str, tuple[int, bytes]]
    data: dict[str, Any]
    files: dict[str, bytes]


def _draft(session: Session, code: str, language: str) -> _Draft | None:
    """Everything but the statement; None where an entry of it waits for its seal.

    Drawn outside of any transaction: the paper takes its time, and nobody waits for it.
    """
    item = custody.find(session, code, kinds=[ItemKind.DOSE], field="code")
    found = gathering.gather(session, item)
    entries = [rules.own(body) for body in found.bodies]
    told = Told(entries, item.code)
    files, evidence = _files(session, item, told)
    seal = gathering.first_over(session, found.bodies)
    if seal is None:
        return None
    files[rules.PAPER] = paper.draw(entries, told.stated(), seal, language)
    data = {
        **told.stated(),
        "files": [{"name": name, "sha256": rules.sha256(files[name])} for name in sorted(files)],
        "evidence": evidence,
        "page": page.frame_digest(),
        "verifier": rules.sha256(_verifier()),
        "software": _software(),
        "paper_seal": seal.number,
        "heads": [
            {"stream": stream, "number": number, "digest": digest.hex()}
            for stream, (number, digest) in sorted(found.heads.items())
        ],
    }
    return _Draft(item.code, found.heads, data, files)


@dataclass(frozen=True)
class _Stated:
    """A draft, and the number of its statement in the dose's stream of statements."""

    draft: _Draft
    number: int


def _state(actor: Actor, draft: _Draft) -> _Stated | None:
    """State what the dossier holds, unless just that has been stated; None if it has moved on."""
    stream = rules.stream(draft.dose)
    with db.transaction() as session:
        if ledger.heads(session, draft.heads) != draft.heads:
            return None
        last = ledger.heads(session, [stream]).get(stream, (0, b""))[0]
        for body in reversed(ledger.bodies(session, {stream: last})):
            before = rules.own(body)
            if before["data"] == plain(draft.data):
                return _Stated(draft, before["number"])
        ledger.record(actor, stream, rules.STATED, draft.data)
        return _Stated(draft, last + 1)


def _files(
    session: Session, item: Item, told: Told
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The files that the entries pin, and the list of instruments' files."""
    pinned = told.papers()
    files = {rules.STUDY: pinned.study.encode(), rules.SITE: pinned.site.encode()}
    if pinned.specification_digest:
        files[rules.SPECIFICATION] = rules.dumps(pinned.specification)
    lots = [each for each in custody.ancestors(session, [item.id]) if each.kind is ItemKind.LOT]
    lot = next((each.id for each in lots if str(each.id) == told.lot_id), None)
    if pinned.certificate:
        files[rules.CERTIFICATE] = gathering.certificate(session, lot)
    subjects = [row["number"] for row in (told.recipient(), told.donor()) if row]
    try:
        people = [
            studies.open_identity(session, studies.subject_by_number(session, each))
            for each in sorted(set(subjects))
        ]
    except Conflict:  # erased: nobody can say any more whom a file must not name
        return files, [
            {"sha256": sha, "kind": kind, "included": False} for sha, kind in pinned.evidence
        ]
    enclosed, listed = gathering.evidence(session, pinned.evidence, people)
    return files | enclosed, listed


def _pack(session: Session, stated: _Stated, also: int) -> Dossier | None:
    """The dossier, once every entry in it is in a seal; None before that."""
    draft = stated.draft
    upto = {stream: number for stream, (number, _digest) in draft.heads.items()}
    upto[rules.stream(draft.dose)] = stated.number
    bodies = ledger.bodies(session, upto)
    proven = gathering.prove(session, bodies, {also, draft.data["paper_seal"]})
    if proven is None:
        return None
    entries = [rules.own(body) for body in bodies]
    right = ledger.right_key(ledger.key_history(session), proven.seal.size)
    if right is None or not _knows(entries, right.kid):
        return None  # a key that came after the statement made the seal: state it once more
    said = facts.statement(entries, draft.dose)
    files = {
        rules.DOSSIER: rules.dumps(checks.summary(said, opened_seal(proven.seal.jws, right))),
        rules.ENTRIES: b"".join(body + b"\n" for body in bodies),
        rules.PROOFS: rules.dumps(proven.proofs),
        rules.SEALS: rules.dumps(proven.seals),
        rules.VERIFIER: _verifier(),
    }
    shown = page.draw(files)
    paper_ = {rules.PAPER: draft.files[rules.PAPER]}
    ordered = {rules.PAGE: shown, **paper_, **files, **draft.files}
    ordered[rules.MANIFEST] = rules.manifest(ordered)
    return Dossier(
        draft.dose,
        container.pack(ordered),
        len(entries),
        len(upto),
        proven.seal.number,
        bool(proven.seals["cosignatures"]),
        shown,
    )


def _knows(entries: list[facts.Entry], kid: str) -> bool:
    """Whether a key is the last of the key history that the entries hold."""
    known = [each for each in entries if each["stream"] == rules.KEYS]
    return bool(known) and known[-1]["data"].get("kid") == kid


def _verifier() -> bytes:
    return (Path(__file__).parent / "resources" / "verify.py.txt").read_bytes()


def _software() -> str:
    try:
        return version("exotrace")
    except PackageNotFoundError:  # run from the sources alone
        return "0"
