"""What the owner of a database can do to seals, leaves and tiles, and what shows it (H23)."""

import base64
import json
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import db
from lims.core.errors import BadInput
from lims.ledger import keys, sealing, signatures
from lims.ledger.verifying_seals import LEAVES, SEALS, Held, NoSuchSeal, read_held
from tests.ledger.tampering import owned, rechain

ACTS, STREAMS = 6, 50  # 301 entries with the one of the key: one full tile and a part


@pytest.fixture
def sealed(database, technician, tmp_path):
    """Six acts on fifty streams, a seal after each; and one act that waits for its seal."""
    keys.use(keys.KeyPlace(tmp_path / "seal.pem", own=True))
    for act in range(ACTS + 1):
        with db.transaction():
            for stream in range(STREAMS):
                ledger.record(technician, f"item/{stream:02d}", "test.written", {"n": act})
        if act < ACTS:
            sealing.seal()
    yield database
    keys._place.clear()


class Undo(Exception):
    """What was tampered with stands again."""


@contextmanager
def tampered(database):
    """A connection of the owner; what happened on it is undone at the end."""
    try:
        with owned(database) as connection:
            yield connection
            raise Undo
    except Undo:
        pass


def breaks(connection, **held):
    """What verification says, but for the guards that the owner took away."""
    found = ledger.verify(Session(connection), held=Held(**held))
    return [each for each in found.breaks if not each.what.startswith("guard missing")]


def newest_jws():
    with db.reading() as session:
        return sealing.newest_seal(session).jws


def test_seals_leaves_and_what_waits_are_counted(sealed):
    with db.reading() as session:
        found = ledger.verify(session)
    assert found.ok, found.breaks
    said = found.as_json()
    assert (said["entries"], said["seals"], said["unsealed"]) == (351, ACTS, STREAMS)
    assert said["trusted"] is False


CASES = {
    "leaf gone": ("DELETE FROM ledger_leaf WHERE number = 120", LEAVES, 120),
    "leaves swapped": (
        "UPDATE ledger_leaf SET number = 100000 WHERE number = 10;"
        "UPDATE ledger_leaf SET number = 10 WHERE number = 11;"
        "UPDATE ledger_leaf SET number = 11 WHERE number = 100000",
        SEALS,
        1,
    ),
    "entry of a leaf gone": (
        "DELETE FROM ledger_entry WHERE id ="
        " (SELECT entry_id FROM ledger_leaf WHERE number = 77)",
        LEAVES,
        77,
    ),
    "seal gone": ("DELETE FROM ledger_seal WHERE number = 3", SEALS, 4),
    "newest seal gone": (f"DELETE FROM ledger_seal WHERE number = {ACTS}", LEAVES, 251),
    "root of a seal's row": (
        "UPDATE ledger_seal SET root = (SELECT root FROM ledger_seal WHERE number = 1)"
        " WHERE number = 2",
        SEALS,
        2,
    ),
    "size of a seal's row": ("UPDATE ledger_seal SET size = size - 1 WHERE number = 2", SEALS, 2),
    "key of a seal's row": ("UPDATE ledger_seal SET key_id = 'x' WHERE number = 2", SEALS, 2),
    "a seal in another's place": (
        "UPDATE ledger_seal SET jws = (SELECT jws FROM ledger_seal WHERE number = 1)"
        " WHERE number = 2",
        SEALS,
        2,
    ),
    "tile gone": ("DELETE FROM ledger_tile WHERE number = 0 AND level = 0", "ledger/tile/0", 0),
    "tile added": (
        "INSERT INTO ledger_tile SELECT 0, 7, hashes FROM ledger_tile WHERE number = 0",
        "ledger/tile",
        0,
    ),
    "taken from what waits": (
        "DELETE FROM ledger_pending WHERE entry_id = (SELECT id FROM ledger_entry"
        f" WHERE stream = 'item/07' AND number = {ACTS + 1})",
        "item/07",
        ACTS + 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_H23_a_seal_or_leaf_that_was_altered_is_named(sealed, measured, what):
    statements, stream, number = CASES[what]
    with tampered(sealed) as connection:
        for each in statements.split(";"):
            assert connection.exec_driver_sql(each).rowcount == 1
        named = {(each.stream, each.number) for each in breaks(connection)}
    measured("H23", trials=1, failures=int((stream, number) not in named), what=what)
    assert (stream, number) in named
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_H23_an_entry_that_waited_and_was_cut_off_is_missed(sealed, measured):
    """Stream and head agree again; only what waits for a seal remembers it."""
    with tampered(sealed) as connection:
        last = "stream = 'item/07' AND number"
        before = connection.execute(
            text(f"SELECT digest FROM ledger_entry WHERE {last} = {ACTS}")
        ).scalar_one()
        cut = connection.execute(
            text(f"SELECT id FROM ledger_entry WHERE {last} = {ACTS + 1}")
        ).scalar_one()
        connection.exec_driver_sql(f"DELETE FROM ledger_entry WHERE id = {cut}")
        connection.execute(
            text(f"UPDATE ledger_head SET number = {ACTS}, digest = :d WHERE stream = 'item/07'"),
            {"d": bytes(before)},
        )
        named = {(each.stream, each.number) for each in breaks(connection)}
    measured("H23", trials=1, failures=int(("ledger/pending", cut) not in named), what="tail cut")
    assert ("ledger/pending", cut) in named


def test_H23_a_sealed_stream_chained_anew_no_longer_gives_the_root(sealed, measured):
    with tampered(sealed) as connection:
        # The newest entry alone: no other entry in the stream says anything against it.
        rechain(connection, "item/07", ACTS, {"reason": "forged"})
        named = {(each.stream, each.number) for each in breaks(connection)}
    measured("H23", trials=1, failures=int((SEALS, ACTS) not in named), what="chained anew")
    assert (SEALS, ACTS) in named


def cut_to(connection, seal):
    """Take away, without a trace inside, everything that is newer than a seal."""
    size = connection.exec_driver_sql(
        f"SELECT size FROM ledger_seal WHERE number = {seal}"
    ).scalar_one()
    newer = f"SELECT entry_id FROM ledger_leaf WHERE number < {size}"
    for statement in (
        "DELETE FROM ledger_pending",
        f"DELETE FROM ledger_entry WHERE id NOT IN ({newer})",
        f"DELETE FROM ledger_leaf WHERE number >= {size}",
        f"DELETE FROM ledger_seal WHERE number > {seal}",
        "DELETE FROM ledger_tile",
        "DELETE FROM ledger_head",
        "INSERT INTO ledger_head SELECT stream, number, digest FROM ledger_entry e WHERE number ="
        " (SELECT max(number) FROM ledger_entry o WHERE o.stream = e.stream)",
    ):
        connection.exec_driver_sql(statement)


def test_H23_a_tail_cut_with_its_seals_shows_to_whoever_kept_a_seal(sealed, measured):
    """From inside nothing is wrong: an older database is an honest one."""
    kept = newest_jws()
    with tampered(sealed) as connection:
        cut_to(connection, 4)
        inside = breaks(connection)
        outside = breaks(connection, seal=kept)
    named = {(each.stream, each.number) for each in outside}
    measured("H23", trials=1, failures=int((SEALS, ACTS) not in named), what="cut with its seals")
    assert inside == []
    assert (SEALS, ACTS) in named


def test_H23_a_trail_signed_anew_by_another_key_shows_to_whoever_knows_the_key(
    sealed, technician, measured, tmp_path
):
    """Everything written again from the first entry, under a key of the forger's."""
    with db.reading() as session:
        right = keys.history(session)[0].public
    with owned(sealed) as connection:
        for table in ("cosignature", "seal", "tile", "leaf", "pending", "entry", "head"):
            connection.exec_driver_sql(f"DELETE FROM ledger_{table}")
    keys.use(keys.KeyPlace(tmp_path / "forger.pem", own=True))
    with db.transaction():
        ledger.record(technician, "item/00", "test.written", {"n": 99})
    sealing.seal()

    with db.reading() as session:
        inside = ledger.verify(session)
        outside = ledger.verify(session, held=Held(key=right))
    measured("H23", trials=1, failures=int(outside.ok), what="signed anew by another key")
    assert inside.ok
    assert (outside.ok, outside.trusted) == (False, False)
    assert {each.stream for each in outside.breaks} == {keys.STREAM}


def test_a_key_from_outside_makes_the_answer_a_trusted_one(sealed):
    with db.reading() as session:
        right = keys.history(session)[0].public
        found = ledger.verify(session, held=Held(key=right))
    assert (found.ok, found.trusted) == (True, True)


@pytest.mark.parametrize("how", ["number", "seal"])
def test_from_a_seal_on_only_what_is_newer_is_recomputed(sealed, how):
    """What was altered before it is the business of the verification before."""
    with db.reading() as session:
        session.execute(text("SELECT 1"))
        third = session.execute(text("SELECT jws FROM ledger_seal WHERE number = 3")).scalar_one()
    held = {"from_seal": 3} if how == "number" else {"seal": third}
    with db.reading() as session:
        found = ledger.verify(session, held=Held(**held))
    assert found.ok, found.breaks
    assert (found.entries, found.seals) == (351, ACTS)
    for number, seen in ((2, False), (5, True)):
        with tampered(sealed) as connection:
            connection.exec_driver_sql(
                f"UPDATE ledger_entry SET kind = 'forged' WHERE stream = 'item/07'"
                f" AND number = {number}"
            )
            assert bool(breaks(connection, **held)) is seen
            assert breaks(connection)
    for statement in (
        "UPDATE ledger_tile SET hashes = (SELECT digest FROM ledger_entry LIMIT 1)",
        "DELETE FROM ledger_leaf WHERE number = 270",
        "DELETE FROM ledger_seal WHERE number = 3",
    ):
        with tampered(sealed) as connection:
            connection.exec_driver_sql(statement)
            try:
                assert breaks(connection, **held) or "tile" in statement
            except NoSuchSeal:
                assert how == "number"


def test_a_seal_of_another_trail_or_no_seal_is_refused(sealed):
    stranger = signatures.PrivateKey.made()
    payload = newest_jws().split(".")[1]
    forged = stranger.sign(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    with db.reading() as session:
        found = ledger.verify(session, held=Held(seal=forged))
        assert ["unknown key" in each.what for each in found.breaks] == [True]
        for nonsense in ("", "a.b", "a.b.c", json.dumps({"seal": 1})):
            with pytest.raises(signatures.BadSignature):
                ledger.verify(session, held=Held(seal=nonsense))
        with pytest.raises(NoSuchSeal):
            ledger.verify(session, held=Held(from_seal=99))


def test_several_processes_find_what_one_finds_in_seals(sealed):
    with sealed.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with db.reading() as session:
        found = ledger.verify(session, jobs=2)
    assert found.ok, found.breaks
    assert (found.seals, found.unsealed) == (ACTS, STREAMS)


def test_H23_a_cosignature_of_another_seal_is_named(sealed, measured):
    witness = signatures.PrivateKey.made()
    with db.reading() as session:
        jws = session.execute(text("SELECT jws FROM ledger_seal WHERE number = 2")).scalar_one()
    payload = base64.urlsafe_b64decode(jws.split(".")[1] + "==")
    named = {}
    for seal in (2, 3):
        with tampered(sealed) as connection:
            connection.execute(
                text("INSERT INTO ledger_cosignature VALUES (:n, :kid, :jws, :at)"),
                {
                    "n": seal,
                    "kid": witness.public.kid,
                    "jws": witness.sign(payload),
                    "at": "2026-01-01 00:00:00.000000",
                },
            )
            named[seal] = [(each.stream, each.number) for each in breaks(connection)]
    measured("H23", trials=1, failures=int(named[3] != [(SEALS, 3)]), what="co-signature")
    assert named == {2: [], 3: [(SEALS, 3)]}


def test_seals_and_keys_are_read_as_they_are_published(sealed, tmp_path):
    with db.reading() as session:
        jws = sealing.newest_seal(session).jws
        right = keys.history(session)[0].public
    published = {
        "one": (json.dumps({"seal": {"jws": jws, "kid": "x"}}), {"keys": [right.jwk]}),
        "bare": (jws, right.jwk),
    }
    for name, (seal, key) in published.items():
        seal_file, key_file = tmp_path / f"{name}.seal", tmp_path / f"{name}.key"
        seal_file.write_text(seal)
        key_file.write_text(json.dumps(key))
        assert read_held(None, seal_file, key_file) == Held(right, jws, None)
    for nonsense in ("", "{}", "[1]", "a.b.c", '{"keys": [{"x": "AA"}]}', '{"seal": null}'):
        bad = tmp_path / "bad"
        bad.write_text(nonsense)
        for how in ((None, bad, None), (None, None, bad)):
            with pytest.raises(BadInput):
                read_held(*how)
