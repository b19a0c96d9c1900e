"""Asking the witness: the newest seal goes out after its commit, the co-signature comes back.

A witness that is away delays nothing; the next seal asks again with a proof from where it stood.
"""

import json
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims.core import clock, db
from lims.ledger import keys, tiles
from lims.ledger.models import LedgerCosignature, LedgerSeal
from lims.ledger.sealing import Seal, newest_seal
from lims.ledger.signatures import BadSignature, PublicKey, opened, opened_seal
from lims.ledger.witnessing import LARGEST, PATH

log = logging.getLogger(__name__)
TIMEOUT_S = 5

_cosignature = cast(Table, LedgerCosignature.__table__)
_seal = cast(Table, LedgerSeal.__table__)


@dataclass(frozen=True)
class WitnessPlace:
    """The witness of this installation: its address, and the key by which it is believed."""

    url: str
    key: PublicKey


@dataclass(frozen=True)
class Cosigned:
    """What asking came to; `why` says what went wrong and is empty where nothing did."""

    number: int
    why: str = ""


_witness: list[WitnessPlace] = []


def use(witness: WitnessPlace | None) -> None:
    """Ask this witness from now on; None asks nobody."""
    _witness[:] = [witness] if witness else []


def witnesses() -> list[WitnessPlace]:
    """The witnesses of this installation, as far as this process knows them."""
    return list(_witness)


def ask_witness() -> Cosigned | None:
    """Have the newest seal co-signed; None where there is no witness, or no seal.

    Whatever goes wrong is logged and answered, never raised.
    """
    if not _witness:
        return None
    witness = _witness[0]
    with db.reading() as session:
        seal = newest_seal(session)
        seen = _seen(session, witness.key)
    if seal is None:
        return None
    if seen is not None and seen.number == seal.number:
        return Cosigned(seal.number)
    try:
        signed = _ask(witness, seal, seen.size if seen else 0)
        # Signed by the witness, and the bytes of the seal to the last.
        if opened(signed, witness.key) != _payload(seal):
            raise _Refused("the witness signed something else")
    except (_Refused, BadSignature, OSError, ValueError) as failure:
        why = str(failure) or type(failure).__name__
        log.warning("seal %s was not co-signed: %s", seal.number, why)
        return Cosigned(seal.number, why)
    _store(seal, witness.key, signed)
    return Cosigned(seal.number)


def cosignatures(session: Session, number: int) -> list[tuple[str, str]]:
    """Key id and JWS of each co-signature of a seal."""
    rows = session.execute(
        select(_cosignature.c.key_id, _cosignature.c.jws)
        .where(_cosignature.c.seal_number == number)
        .order_by(_cosignature.c.key_id)
    )
    return [(row.key_id, row.jws) for row in rows]


def newest_cosigned(session: Session) -> int:
    """The number of the newest seal that any witness co-signed; 0 where none was."""
    return session.scalar(select(func.max(_cosignature.c.seal_number))) or 0


class _Refused(Exception):
    """The witness said no."""

    def __init__(self, why: str, size: int = 0) -> None:
        super().__init__(why)
        self.size = size


def _seen(session: Session, key: PublicKey) -> Any:
    """The newest seal that this witness signed."""
    return session.execute(
        select(_seal.c.number, _seal.c.size)
        .join(_cosignature, _cosignature.c.seal_number == _seal.c.number)
        .where(_cosignature.c.key_id == key.kid)
        .order_by(_seal.c.number.desc())
        .limit(1)
    ).one_or_none()


def _payload(seal: Seal) -> bytes:
    with db.reading() as session:
        known = keys.history(session)
    return opened_seal(seal.jws, *(each.public for each in known)).payload


def _ask(witness: WitnessPlace, seal: Seal, old: int) -> str:
    try:
        return _post(witness, seal, old)
    except _Refused as refused:
        # It stands elsewhere than we remember: an answer was lost, or this copy is an old one.
        if not 0 < refused.size < seal.size or refused.size == old:
            raise
        return _post(witness, seal, refused.size)


def _post(witness: WitnessPlace, seal: Seal, old: int) -> str:
    with db.reading() as session:
        proof = tiles.consistency(session, old, seal.size) if old else []
        history = [
            {"public": each.public.x, "own": each.own, "endorsed": each.endorsed}
            for each in keys.history(session)
        ]
    sent = {"seal": seal.jws, "old": old, "proof": [each.hex() for each in proof], "keys": history}
    request = urllib.request.Request(  # noqa: S310 - the settings admit http and https alone
        witness.url.rstrip("/") + PATH,
        json.dumps(sent).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as answer:
            return str(json.loads(answer.read(LARGEST))["cosignature"])
    except urllib.error.HTTPError as refused:
        with refused:
            said = json.loads(refused.read(LARGEST))
        raise _Refused(str(said["why"]), int(said.get("size") or 0)) from refused
    except (KeyError, TypeError) as strange:
        raise _Refused("the witness answered something else") from strange


class _NoDetours(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_asked: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoDetours)


def _store(seal: Seal, key: PublicKey, signed: str) -> None:
    try:
        with db.transaction() as session:
            session.execute(
                insert(_cosignature),
                {
                    "seal_number": seal.number,
                    "key_id": key.kid,
                    "jws": signed,
                    "at": clock.now(),
                },
            )
    except IntegrityError:
        log.info("seal %s was co-signed by another worker in the meantime", seal.number)
