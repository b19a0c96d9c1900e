"""What anybody may see of seals, and what `/readyz` says when one was missed."""

import hashlib

from lims import ledger
from lims.core import clock, console, db
from lims.ledger import keys
from lims.ledger.signatures import PublicKey, check_endorsement, opened_seal
from tests.ledger.sealed import write

SEAL, KEYS = "/.well-known/exotrace-seal.json", "/.well-known/exotrace-keys.json"


def test_the_newest_seal_and_the_keys_are_open_to_everybody_and_fit(browser, technician):
    assert browser.client.get(SEAL).json == {"seal": None}
    assert browser.client.get(KEYS).json == {"keys": []}
    write(technician, 3)
    first = ledger.seal()
    ledger.rotate_key(console.actor())
    second = ledger.seal()

    said = browser.client.get(SEAL).json["seal"]
    known = browser.client.get(KEYS).json["keys"]

    assert browser.client.get(KEYS).content_type == "application/jwk-set+json"
    public = [PublicKey(each["x"]) for each in known]
    assert [each["kid"] for each in known] == [each.kid for each in public]
    check_endorsement(public[1], known[1]["own"], known[1]["endorsed"], public[0])
    opened = opened_seal(said["jws"], public[1])
    assert (said["number"], said["size"], said["root"]) == (2, second.size, second.root.hex())
    assert (opened.number, opened.size, opened.root) == (2, second.size, second.root)
    assert said["cosignatures"] == []
    with db.reading() as session:
        (before,) = session.execute(
            db.Base.metadata.tables["ledger_seal"]
            .select()
            .where(db.Base.metadata.tables["ledger_seal"].c.number == first.number)
        ).all()
    payload = opened_seal(before.jws, public[0]).payload
    assert opened.prev == hashlib.sha256(payload).digest()
    assert all("d" not in each for each in known)


def test_a_missed_seal_shows_in_readiness(browser, technician):
    standing = clock.SetClock(clock.now())
    with clock.running(standing):
        write(technician, 2)
        assert browser.client.get("/readyz").json["checks"]["seals"] == {"ok": True}
        standing.forward(seconds=179)
        assert browser.client.get("/readyz").json["checks"]["seals"]["ok"]
        standing.forward(seconds=2)

        missed = browser.client.get("/readyz")

        assert missed.status_code == 503
        assert missed.json["checks"]["seals"]["why"].startswith("2 entries wait for their seal")
        ledger.seal()
        assert browser.client.get("/readyz").json["checks"]["seals"] == {"ok": True}


def test_a_missing_key_shows_in_readiness(browser, technician):
    write(technician)
    ledger.seal()
    keys.place().file.unlink()

    found = browser.client.get("/readyz").json["checks"]["seals"]

    assert found == {"ok": False, "why": "the seal key is missing"}
