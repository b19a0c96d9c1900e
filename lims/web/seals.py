"""The newest seal and the keys, for anybody: whoever keeps them can check the trail later."""

from typing import Any

from flask import Flask, Response

from lims import ledger
from lims.core import clock, db
from lims.ledger.signatures import ALGORITHM
from lims.web import plain

SEAL, KEYS = "/.well-known/exotrace-seal.json", "/.well-known/exotrace-keys.json"


def newest() -> dict[str, Any]:
    """The newest seal with its co-signatures; `seal` is null before the first."""
    with db.reading() as session:
        seal = ledger.newest_seal(session)
        if seal is None:
            return {"seal": None}
        signed = ledger.cosignatures(session, seal.number)
    return {
        "seal": {
            "number": seal.number,
            "size": seal.size,
            "root": seal.root.hex(),
            "at": clock.text(seal.at),
            "kid": seal.key_id,
            "jws": seal.jws,
            "cosignatures": [{"kid": kid, "jws": jws} for kid, jws in signed],
        }
    }


def keys() -> dict[str, Any]:
    """Every key that seals or sealed, the first one first, as a JWK set.

    `since`, `own` and `endorsed` are ours: by them each key follows from the one before.
    """
    with db.reading() as session:
        known = ledger.key_history(session)
    return {
        "keys": [
            {
                **each.public.jwk,
                "kid": each.public.kid,
                "alg": ALGORITHM,
                "use": "sig",
                "since": each.since,
                "own": each.own,
                "endorsed": each.endorsed,
            }
            for each in known
        ]
    }


def install(app: Flask) -> None:
    """Open both, without a sign-in."""

    @app.get(SEAL)
    def well_known_seal() -> Response:
        return plain.answer(newest())

    @app.get(KEYS)
    def well_known_keys() -> Response:
        return plain.answer(keys(), media="application/jwk-set+json")
