"""Sealing: the tree over all entries, its signed roots, and a sealer that signs nothing wrong."""

import threading
import time
from random import Random

import pytest
from sqlalchemy import func, insert, select, text

from lims import ledger
from lims.core import clock, db
from lims.ledger import keys, rules, sealing, tiles, tree
from lims.ledger.models import LedgerEntry, LedgerLeaf, LedgerPending, LedgerSeal, LedgerTile
from tests.conftest import SOAK
from tests.ledger.sealed import key_in, leaves, write, wrong_seals
from tests.ledger.tampering import outside


@pytest.fixture(autouse=True)
def key(tmp_path):
    yield key_in(tmp_path)
    keys._place.clear()


def filled(count: int, body_of=lambda number: b"%d" % number) -> None:
    """Entries by the thousand, past the services: each the only one of its stream."""
    with db.transaction() as session:
        for start in range(0, count, 5000):
            rows = []
            for number in range(start, min(count, start + 5000)):
                body = body_of(number)
                rows.append(
                    {
                        "stream": f"filled/{rules.digest(body).hex()[:24]}",
                        "number": 1,
                        "kind": "filled",
                        "at": clock.now(),
                        "command": "filled",
                        "body": body,
                        "prev": rules.FIRST,
                        "digest": rules.digest(body),
                    }
                )
            session.execute(insert(LedgerEntry.__table__), rows)


def counted(model) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_every_entry_becomes_a_leaf_and_the_root_is_signed(database, technician, key):
    write(technician, 5)

    done = ledger.seal()

    assert (done.number, done.size, done.new) == (1, 6, 6)  # five, and the entry of the key
    assert done.root == tree.root(leaves())
    assert key.stat().st_mode & 0o777 == 0o600
    with db.reading() as session:
        newest = ledger.newest_seal(session)
        assert (newest.size, newest.root) == (done.size, done.root)
        assert ledger.unsealed(session) == (0, None)
        assert ledger.verify(session).ok
    assert wrong_seals() == []


def test_nothing_new_gives_no_new_seal(database, technician):
    assert ledger.seal() == ledger.Sealed(0, 0, tree.EMPTY, 0)
    write(technician)
    first = ledger.seal()

    again = ledger.seal()

    assert (again.number, again.size, again.new) == (first.number, first.size, 0)
    assert counted(LedgerSeal) == 1


def test_each_seal_names_the_one_before_and_grows_from_it(database, technician):
    for count in (1, 2, 3, 250, 10, 700):
        write(technician, min(count, 12), stream=f"item/{count}")
        filled_before = counted(LedgerEntry)
        ledger.seal()
        assert counted(LedgerLeaf) == filled_before or counted(LedgerSeal) == 1

    assert counted(LedgerSeal) == 6
    assert wrong_seals() == []


def test_every_entry_has_a_proof_and_no_other_has(database, technician):
    write(technician, 9)
    ledger.seal()
    write(technician, 4)
    done = ledger.seal()
    with db.reading() as session:
        for number, each in enumerate(leaves()):
            proof = ledger.inclusion(session, each, done.size)
            assert tree.verify_inclusion(each, number, done.size, proof, done.root)
        write_later = rules.digest(b"never written")
        with pytest.raises(ledger.NotSealed):
            ledger.inclusion(session, write_later, done.size)
        with pytest.raises(ledger.NotSealed):
            ledger.inclusion(session, leaves()[-1], 10)


def test_a_reading_of_what_waits_says_how_many_and_since_when(database, technician):
    with db.reading() as session:
        assert ledger.unsealed(session) == (0, None)
    write(technician, 3)
    with db.reading() as session:
        count, oldest = ledger.unsealed(session)
        first = ledger.entries_of(session, "item/S7K4M29XC")[0]
    assert (count, oldest) == (3, first.at)


@pytest.mark.parametrize(
    ("height", "sizes"),
    [
        (8, (255, 1, 1)),
        (8, (700, 1300, 40)),
        (2, (3, 1, 12, 47, 200, 1)),  # narrow tiles: five storeys of them
        (8, (65_530, 10, 300)),
    ],
)
def test_tiles_are_written_when_full_and_give_the_roots_of_all_leaves(
    database, monkeypatch, height, sizes
):
    if sizes[0] > 2000 and not SOAK:
        pytest.skip("the large tree is for the soak")
    monkeypatch.setattr(tiles, "HEIGHT", height)
    monkeypatch.setattr(tiles, "WIDE", 1 << height)
    monkeypatch.setattr(sealing, "BATCH", 1 << 12)
    start = 0
    for count in sizes:
        filled(count, lambda number, start=start: b"%d" % (start + number))
        start += 100_000
        ledger.seal()
    there = leaves()
    size = len(there)
    assert size == sum(sizes) + 1
    assert counted(LedgerTile) == sum(size >> height * each for each in range(1, 9))
    chance = Random(size)
    with db.reading() as session:
        reader = tiles.TileReader(session)
        for each in {1, size, *(chance.randint(1, size) for _n in range(20))}:
            assert tree.root(reader, each) == tree.root(there[:each])
            index = chance.randrange(each)
            proof = tree.inclusion_proof(reader, index, each)
            assert tree.verify_inclusion(there[index], index, each, proof, tree.root(there[:each]))
    assert wrong_seals() == []


def test_a_long_queue_is_sealed_in_batches_and_within_the_time_that_is_given(database, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 100)
    filled(950)

    first = ledger.seal(within_s=0)
    rest = ledger.seal()

    assert first.left
    assert first.new < 300
    assert not rest.left
    assert first.new + rest.new == 951
    assert wrong_seals() == []


# What it refuses to sign


def past_the_guards(database, *statements) -> None:
    """As the owner of the database's file, or its superuser."""
    with outside(database) as connection:
        if database.is_sqlite:
            for (name,) in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
            for name, table in connection.execute(
                text("SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal")
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
        for each in statements:
            connection.execute(each)


FORGED = b"forged"
TAMPERINGS = {
    "the bytes of an entry that waits": (
        text("UPDATE ledger_entry SET body = :b WHERE id = (SELECT max(id) FROM ledger_entry)"),
        "do not give their digests",
    ),
    "an entry that waits is gone": (
        text("DELETE FROM ledger_entry WHERE id = (SELECT max(id) FROM ledger_entry)"),
        "is gone",
    ),
    "the last leaf is gone": (
        text("DELETE FROM ledger_leaf WHERE number = (SELECT max(number) FROM ledger_leaf)"),
        "there are 300|unknown key",
    ),
    "a leaf leads to another entry": (
        text(
            "UPDATE ledger_leaf SET entry_id = (SELECT max(id) FROM ledger_entry) "
            "WHERE number = 258"
        ),
        "does not give the root",
    ),
    "a digest in the tree": (
        text(
            "UPDATE ledger_entry SET digest = :d WHERE id = "
            "(SELECT entry_id FROM ledger_leaf WHERE number = 290)"
        ),
        "does not give the root",
    ),
    "a tile": (
        text("UPDATE ledger_tile SET hashes = :t"),
        "does not give the root",
    ),
    "a tile is gone": (text("DELETE FROM ledger_tile"), "lacks leaves"),
    "the size of the last seal": (
        text("UPDATE ledger_seal SET size = 300"),
        "another thing than its row|unknown key",
    ),
    "the root of the last seal": (
        text("UPDATE ledger_seal SET root = :d"),
        "another thing than its row",
    ),
    "the signature of the last seal": (
        text("UPDATE ledger_seal SET jws = jws || 'A'"),
        "the last seal",
    ),
    "the last seal is gone": (text("DELETE FROM ledger_seal"), "no seal"),
    "the installation's name": (
        text("UPDATE core_system_fact SET value = 'another' WHERE name = 'origin'"),
        "another thing than its row",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_over_what_was_tampered_with_nothing_is_signed(database, what):
    filled(300)
    assert ledger.seal().size == 301
    filled(2, lambda number: b"later %d" % number)
    statement, why = TAMPERINGS[what]
    bound = {"b": FORGED, "d": rules.digest(FORGED), "t": bytes(32) * 256}
    asked = {name: value for name, value in bound.items() if f":{name}" in statement.text}
    past_the_guards(database, statement.bindparams(**asked))
    seals = counted(LedgerSeal)

    with pytest.raises(ledger.SealRefused, match=why):
        ledger.seal()
    assert counted(LedgerSeal) == seals
    assert counted(LedgerPending) == 2


# Several sealers, many writers


def at_once(*calls) -> list[BaseException]:
    """Let several threads go at one barrier; what they raised."""
    barrier = threading.Barrier(len(calls))
    failed: list[BaseException] = []

    def run(call):
        try:
            barrier.wait(30)
            call()
        except BaseException as failure:
            failed.append(failure)

    threads = [threading.Thread(target=run, args=(each,)) for each in calls]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    return failed


def test_two_sealers_at_once_make_one_line_of_seals(database, technician):
    rounds = 60 if SOAK else 8
    for number in range(rounds):
        write(technician, 3, stream=f"item/{number}")
        assert at_once(ledger.seal, ledger.seal, ledger.seal) == []
    assert counted(LedgerLeaf) == 3 * rounds + 1
    assert counted(LedgerSeal) == rounds
    assert wrong_seals() == []


def test_H41_seals_taken_while_sixteen_write_are_all_of_one_tree(
    database, technician, measured, tmp_path
):
    # A seal each half second would make the soak last ten minutes.
    wanted, pause = (1000, 0.02) if SOAK else (10, 0.05)
    stop = threading.Event()
    written = [0] * 16

    def writes(which):
        while not stop.is_set():
            write(technician, 1, stream=f"item/{which}")
            written[which] += 1
            time.sleep(0.02)

    def seals():
        try:
            taken = 0
            while taken < wanted:
                taken += bool(ledger.seal().new)
                time.sleep(pause)
        finally:
            stop.set()

    failed = at_once(seals, *(lambda which=each: writes(which) for each in range(16)))
    ledger.seal()

    assert failed == []
    wrong = wrong_seals()
    measured("H41", trials=counted(LedgerSeal), failures=len(wrong), entries=counted(LedgerLeaf))
    assert wrong == []
    assert counted(LedgerSeal) >= wanted
    assert counted(LedgerLeaf) == counted(LedgerEntry) == sum(written) + 1
