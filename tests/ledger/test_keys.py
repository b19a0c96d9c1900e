"""The seal key: made once, changed under two signatures, and no other key's seal is believed."""

import json
from dataclasses import replace
from random import Random

import pytest
from joserfc import jws as any_jws
from joserfc.jwk import OKPKey
from sqlalchemy import select, text

from lims import ledger
from lims.core import clock, console, db
from lims.core.errors import BadInput, Conflict
from lims.ledger import keys, sealing, tree
from lims.ledger.models import LedgerEntry, LedgerSeal
from lims.ledger.signatures import (
    BadSignature,
    PrivateKey,
    PublicKey,
    Statement,
    check_endorsement,
    opened,
    opened_seal,
    statement,
    text_of,
)
from lims.ledger.witnessing import NotWitnessed, Witness
from tests.conftest import SOAK
from tests.ledger.sealed import key_in, leaves, write, wrong_seals
from tests.ledger.tampering import outside


@pytest.fixture(autouse=True)
def key(tmp_path):
    yield key_in(tmp_path)
    keys._place.clear()


def test_a_rotation_is_an_entry_signed_by_both_keys_and_old_seals_stay_good(
    database, technician, key, caplog
):
    write(technician, 2)
    ledger.seal()
    first = PrivateKey.read(key.read_bytes()).public

    second = ledger.rotate_key(console.actor(), reason="the yearly change")
    write(technician, 2)
    done = ledger.seal()

    with db.reading() as session:
        known = ledger.key_history(session)
        (_one, entry) = ledger.entries_of(session, keys.STREAM)
        newest = ledger.newest_seal(session)
    assert [each.public for each in known] == [first, second]
    assert opened(known[1].endorsed, first) == opened(known[1].own, second) == second.canonical
    assert entry.reason == "the yearly change"
    assert PrivateKey.read(key.read_bytes()).public == second == PublicKey(second.x)
    assert newest.key_id == second.kid
    assert not key.with_name("seal.key.next").exists()
    assert done.new == 3
    assert wrong_seals() == []
    pem = key.read_text().split()[1]
    assert pem[:20] not in caplog.text
    with database.engine.connect() as connection:
        for (body,) in connection.execute(select(LedgerEntry.body)):
            assert pem.encode()[:20] not in bytes(body)


def test_the_first_seal_under_a_key_covers_its_entry_however_much_waits(
    database, technician, monkeypatch
):
    monkeypatch.setattr(sealing, "BATCH", 2)
    write(technician, 5)
    ledger.seal()
    sealing_now = ledger.seal

    monkeypatch.setattr(sealing, "seal", lambda: write(technician, 7))  # as if nobody had sealed
    ledger.rotate_key(console.actor())
    monkeypatch.setattr(sealing, "seal", sealing_now)
    ledger.seal()

    assert wrong_seals() == []


def test_a_rotation_that_ended_half_way_is_finished_by_the_next_seal(
    database, technician, key, monkeypatch
):
    write(technician)
    ledger.seal()
    monkeypatch.setattr(keys, "finish_rotation", lambda *_given: None)
    second = ledger.rotate_key(console.actor())
    assert PrivateKey.read(key.read_bytes()).public != second
    monkeypatch.undo()

    write(technician)
    ledger.seal()

    assert PrivateKey.read(key.read_bytes()).public == second
    assert wrong_seals() == []


def test_an_operators_new_key_is_named_and_nothing_is_sealed_until_it_is_in_place(
    database, technician, key, tmp_path
):
    keys.make_file(key)
    keys.use(keys.KeyPlace(key, own=False))
    with pytest.raises(Conflict, match="no key to change"):
        ledger.rotate_key(console.actor(), new_file=key)
    write(technician)
    ledger.seal()
    with pytest.raises(BadInput, match="give the file"):
        ledger.rotate_key(console.actor())
    with pytest.raises(BadInput, match="has been a seal key before"):
        ledger.rotate_key(console.actor(), new_file=key)
    following = tmp_path / "second.key"
    keys.make_file(following)

    public = ledger.rotate_key(console.actor(), new_file=following)

    with pytest.raises(ledger.NoSealKey, match=f"names {public.kid}"):
        ledger.seal()
    assert "another" in ledger.key_missing()
    keys.use(keys.KeyPlace(following, own=False))
    assert ledger.key_missing() == ""
    ledger.seal()
    assert wrong_seals() == []


@pytest.mark.parametrize("state", ["not named", "not there", "another's", "no key"])
def test_without_its_key_nothing_is_sealed_and_it_is_said_by_name(database, technician, key, state):
    write(technician)
    ledger.seal()
    write(technician)
    if state == "not named":
        keys.use(keys.KeyPlace(None, own=False))
    elif state == "not there":
        key.unlink()  # the trail names a key, so no other is made in its place
    elif state == "another's":
        key.write_bytes(PrivateKey.made().pem)
    else:
        key.write_bytes(b"-----BEGIN NOTHING-----")

    with pytest.raises(
        ledger.NoSealKey, match="LIMS_SEAL_KEY_FILE" if state == "not named" else str(key)
    ):
        ledger.seal()

    assert ledger.key_missing() != ""
    assert key.exists() == (state != "not there")
    with db.reading() as session:
        assert ledger.unsealed(session)[0] == 1
        assert ledger.verify(session).ok


# Forgery


def forged(good: Statement, last: Statement, now: PrivateKey, old: PrivateKey, chance: Random):
    """Endless seals that nobody may believe: another key, another text, another place."""
    stranger = PrivateKey.made()
    signed = now.sign(good.payload)
    head, body, tail = signed.split(".")

    def header(**fields):
        return text_of(json.dumps(fields).encode())

    while True:
        other = replace(
            good,
            **chance.choice(
                [
                    {"size": good.size + chance.randint(1, 9)},
                    {"root": chance.randbytes(32)},
                    {"number": good.number + 1},
                    {"prev": chance.randbytes(32)},
                    {"origin": "another"},
                ]
            ),
        )
        yield stranger.sign(good.payload)
        yield old.sign(good.payload)  # whose time was over before this seal
        yield f"{head}.{text_of(other.payload)}.{tail}"
        yield f"{header(alg='none', kid=now.public.kid)}.{body}."
        yield f"{header(alg='EdDSA', kid=now.public.kid)}.{body}.{tail}"
        yield f"{header(alg='Ed25519', kid=stranger.public.kid)}.{body}.{tail}"
        yield f"{header(alg='Ed25519', kid=now.public.kid, jwk=stranger.public.jwk)}.{body}.{tail}"
        theirs = stranger.sign(good.payload).split(".")
        yield f"{head}.{body}.{theirs[2]}"
        at = chance.randrange(len(signed))
        letter = chance.choice("ABCXYZabcxyz0189-_=. ")
        if signed[at] != letter:
            yield signed[:at] + letter + signed[at + 1 :]
        yield now.sign(good.payload.replace(b'"v":1', b'"v": 1'))
        yield now.sign(good.payload.replace(b'"v":1', b'"v":2'))
        yield now.sign(good.payload[:-1] + b',"w":1}')
        yield now.sign(good.payload.replace(b'"size":', b'"size":"').replace(b',"v', b'","v'))
        yield now.sign(json.dumps({"v": 1, "origin": "x"}).encode())
        yield tail


def test_H46_forged_seals_are_refused_by_verifier_sealer_and_witness(
    database, technician, key, measured, tmp_path
):
    chance = Random(46)
    write(technician, 3)
    ledger.seal()
    old = PrivateKey.read(key.read_bytes())
    with db.reading() as session:
        before = ledger.newest_seal(session)
        last = opened_seal(before.jws, old.public)
    ledger.rotate_key(console.actor())
    write(technician, 3)
    ledger.seal()
    now = PrivateKey.read(key.read_bytes())
    with db.reading() as session:
        known = ledger.key_history(session)
        newest = ledger.newest_seal(session)
        proof = ledger.consistency(session, last.size, newest.size)
    good = opened_seal(newest.jws, now.public)
    history = [
        {"public": each.public.x, "own": each.own, "endorsed": each.endorsed} for each in known
    ]
    witness = Witness(PrivateKey.made(), tmp_path / "state.json", [old.public])
    witness.judge({"seal": before.jws, "old": 0, "proof": [], "keys": history})
    wanted = 20_000 if SOAK else 1000
    tried, accepted = 0, []
    for each in forged(good, last, now, old, chance):
        if tried == wanted:
            break
        tried += 1
        right = keys.right_key(known, good.size)
        try:
            said = opened_seal(each, right)
        except BadSignature:
            pass
        else:
            accepted.append(("verifier", each, said))
        try:
            sent = {"seal": each, "old": last.size, "keys": history}
            witness.judge({**sent, "proof": [one.hex() for one in proof]})
        except NotWitnessed:
            pass
        else:
            # The witness judges growth and keys; a seal by the key before it could not know is
            # refused by whoever has the entries.
            if each != old.sign(good.payload):
                accepted.append(("witness", each, None))
            witness = Witness(PrivateKey.made(), tmp_path / f"state{tried}.json", [old.public])
            witness.judge({"seal": before.jws, "old": 0, "proof": [], "keys": history})
    # The true ones pass: the old seal by the old key, the new one by the new.
    assert keys.right_key(known, last.size) == old.public
    assert opened_seal(before.jws, keys.right_key(known, last.size)) == last
    assert opened_seal(newest.jws, keys.right_key(known, good.size)) == good
    measured("H46", trials=tried, failures=len(accepted), seed=46)
    assert accepted == []


def test_H46_a_forged_or_replayed_last_seal_stops_the_sealer(database, technician, key, measured):
    write(technician, 2)
    ledger.seal()
    old = PrivateKey.read(key.read_bytes())
    write(technician, 1)
    ledger.seal()
    with db.reading() as session:
        one, two = session.execute(
            select(LedgerSeal.__table__.c.jws).order_by(LedgerSeal.number)
        ).scalars()
    good = opened_seal(two, old.public)
    bad = {
        "replayed": one,
        "by a stranger": PrivateKey.made().sign(good.payload),
        "with another root": old.sign(replace(good, root=bytes(32)).payload),
        "for another ledger": old.sign(replace(good, origin="another").payload),
        "with another predecessor": old.sign(replace(good, prev=bytes(32)).payload),
        "no seal": "",
    }
    write(technician, 1)
    went_on = []
    for what, jws in bad.items():
        with outside(database) as connection:
            past = "DROP TRIGGER IF EXISTS ledger_seal_no_update" + (
                "" if database.is_sqlite else " ON ledger_seal"
            )
            connection.exec_driver_sql(past)
            connection.execute(text("UPDATE ledger_seal SET jws = :j WHERE number = 2"), {"j": jws})
        try:
            ledger.seal()
        except ledger.SealRefused:
            continue
        went_on.append(what)
    measured("H46", trials=len(bad), failures=len(went_on))
    assert went_on == []


def test_a_key_that_its_predecessor_did_not_sign_is_no_key(database):
    one, two, three = PrivateKey.made(), PrivateKey.made(), PrivateKey.made()
    own, endorsed = two.sign(two.public.canonical), one.sign(two.public.canonical)
    check_endorsement(two.public, own, endorsed, one.public)
    for public, said_own, said_endorsed, before in (
        (two.public, own, "", one.public),
        (two.public, own, own, one.public),
        (two.public, own, three.sign(two.public.canonical), one.public),
        (two.public, own, one.sign(three.public.canonical), one.public),
        (two.public, three.sign(two.public.canonical), endorsed, one.public),
        (three.public, own, endorsed, one.public),
        (two.public, own, endorsed, None),
    ):
        with pytest.raises(BadSignature):
            check_endorsement(public, said_own, said_endorsed, before)


def test_a_signature_by_the_right_key_under_another_header_is_refused():
    signer = PrivateKey.made()
    key, kid = OKPKey.import_key(signer.pem), signer.public.kid
    assert opened(signer.sign(b"said"), signer.public) == b"said"
    for header in (
        {"alg": "Ed25519", "kid": kid, "jwk": signer.public.jwk},
        {"alg": "Ed25519", "kid": kid, "typ": "JWT"},
        {"alg": "Ed25519"},
    ):
        other = any_jws.serialize_compact(header, b"said", key, algorithms=["Ed25519"])
        with pytest.raises(BadSignature):
            opened(other, signer.public)


def test_a_statement_is_read_in_its_one_form_only():
    good = Statement("here", 1, 1, bytes(32), bytes(32), clock.now())
    assert statement(good.payload) == good
    for bad in (b"", b"[]", b"{}", b"null", good.payload + b" ", b"\xff", good.payload[:-1]):
        with pytest.raises(BadSignature):
            statement(bad)
    with pytest.raises(BadSignature):
        statement(replace(good, size=0).payload)
    with pytest.raises(BadSignature):
        PublicKey("AAAA")


def test_the_tree_and_its_leaves_are_as_a_stranger_computes_them(database, technician):
    """Nothing but the entries' bytes and the hash function is asked."""
    write(technician, 6)
    done = ledger.seal()
    assert tree.root(leaves()) == done.root
