"""The witness as a real process over real HTTP: it signs what grows, and nothing else."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from lims import ledger
from lims.core import clock, console, db
from lims.ledger import cosigning, keys, tree
from lims.ledger.models import LedgerCosignature, LedgerSeal
from lims.ledger.signatures import PrivateKey, PublicKey, Statement, opened, opened_seal
from tests.ledger.sealed import key_in, write
from tests.ledger.tampering import outside

LIMS = Path(sys.executable).parent / "lims"


@pytest.fixture(autouse=True)
def key(tmp_path):
    yield key_in(tmp_path)
    keys._place.clear()
    cosigning.use(None)


@contextmanager
def witness(folder, *log_keys, port=0):
    """A running witness: its address and public key."""
    options = [word for each in log_keys for word in ("--log-key", each)]
    process = subprocess.Popen(
        [LIMS, "witness", "--json", "--listen", f"127.0.0.1:{port}",
         "--key", folder / "witness.key", "--state", folder / "witness.json", *options],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        said = json.loads(process.stdout.readline())
        yield ledger.WitnessPlace(said["ready"], PublicKey(said["public"]))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def ask(place, **sent):
    """What a witness answers: the status, and what it says."""
    request = urllib.request.Request(
        place.url + "/seals", json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


class Log:
    """A ledger without a database: leaves, a key, seals over them."""

    def __init__(self, origin="here"):
        self.origin, self.key = origin, PrivateKey.made()
        self.keys = [{"public": self.key.public.x, "endorsed": "",
                      "own": self.key.sign(self.key.public.canonical)}]  # fmt: skip
        self.leaves = [bytes([n]) * 32 for n in range(40)]

    def seal(self, number, size):
        root = tree.root(self.leaves, size)
        return self.key.sign(
            Statement(self.origin, number, size, root, bytes(32), clock.now()).payload
        )

    def sent(self, number, old, size):
        proof = tree.consistency_proof(self.leaves, old, size) if old else []
        return {
            "seal": self.seal(number, size),
            "old": old,
            "proof": [each.hex() for each in proof],
            "keys": self.keys,
        }

    def rotate(self):
        old, self.key = self.key, PrivateKey.made()
        canonical = self.key.public.canonical
        self.keys.append({"public": self.key.public.x, "own": self.key.sign(canonical),
                          "endorsed": old.sign(canonical)})  # fmt: skip
        return old


def test_a_witness_signs_what_grows_and_refuses_a_fork_and_a_smaller_tree(tmp_path):
    log = Log()
    with witness(tmp_path, log.key.public.x) as place:
        first = log.sent(1, 0, 5)
        status, said = ask(place, **first)
        assert status == 200
        assert opened(said["cosignature"], place.key) == opened(first["seal"], log.key.public)
        assert ask(place, **first)[0] == 200  # the same again, when an answer was lost
        assert ask(place, **log.sent(2, 5, 9))[0] == 200

        forked = Log()
        forked.key, forked.keys = log.key, log.keys
        forked.leaves = [*log.leaves[:3], b"f" * 32, *log.leaves[4:]]
        refused = {
            "a smaller tree": log.sent(3, 0, 5),
            "an old seal": first,
            "a fork of the same size": forked.sent(3, 0, 9),
            "a fork that grew": forked.sent(3, 9, 12),
            "a proof from elsewhere": log.sent(3, 5, 12),
            "no proof": {**log.sent(3, 9, 12), "proof": []},
            "a number that was given": log.sent(2, 9, 12),
            "an old size that is text": {**log.sent(3, 9, 12), "old": "9"},
        }
        for what, sent in refused.items():
            status, said = ask(place, **sent)
            assert (status, said.get("size", 9)) == (409, 9), (what, said)
        assert ask(place, **log.sent(3, 9, 12))[0] == 200


def test_a_witness_believes_pinned_keys_and_those_they_lead_to(tmp_path):
    log, stranger = Log(), Log()
    with witness(tmp_path, log.key.public.x) as place:
        assert ask(place, **log.sent(1, 0, 5))[0] == 200
        assert ask(place, **stranger.sent(2, 5, 9))[0] == 403
        other_log = Log("elsewhere")
        assert ask(place, **other_log.sent(1, 0, 5))[0] == 403
        old = log.rotate()
        unsigned = [{**each, "endorsed": each["own"]} for each in log.keys]
        assert ask(place, **{**log.sent(2, 5, 9), "keys": unsigned})[0] == 403
        assert ask(place, **{**log.sent(2, 5, 9), "keys": log.keys[1:]})[0] == 403
        assert ask(place, **log.sent(2, 5, 9))[0] == 200
        log.key = old
        assert ask(place, **log.sent(3, 9, 12))[0] == 403  # its time is over


def test_without_a_pinned_key_the_first_seal_is_believed_and_no_other_key_after_it(tmp_path):
    log, stranger = Log(), Log()
    with witness(tmp_path) as place:
        assert ask(place, **log.sent(1, 0, 5))[0] == 200
        assert ask(place, **stranger.sent(2, 5, 9))[0] == 403


def test_a_witness_that_was_killed_remembers_what_it_signed(tmp_path):
    log = Log()
    with witness(tmp_path, log.key.public.x) as place:
        assert ask(place, **log.sent(1, 0, 9))[0] == 200
    with witness(tmp_path, log.key.public.x) as again:
        assert again.key == place.key
        assert ask(again, **log.sent(2, 0, 5))[0] == 409
        assert ask(again, **log.sent(2, 9, 12))[0] == 200
    (tmp_path / "witness.json").write_text("{")
    ran = subprocess.run(
        [LIMS, "witness", "--listen", "127.0.0.1:0", "--key", tmp_path / "witness.key",
         "--state", tmp_path / "witness.json"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "no state of a witness" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_what_is_no_seal_is_a_bad_request_and_never_an_error(tmp_path):
    good = Log().sent(1, 0, 5)
    with witness(tmp_path) as place:
        for bad in (
            {},
            {**good, "proof": ["zz"]},
            {**good, "proof": None},
            {**good, "keys": [{}]},
            {**good, "keys": "x"},
        ):
            assert ask(place, **bad)[0] == 400, bad
        assert ask(place, **{**good, "seal": "a.b.c"})[0] == 403
        request = urllib.request.Request(place.url + "/seals", b"no json")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request, timeout=20)
        assert ask(place, **good)[0] == 200


def cosigned():
    with db.reading() as session:
        return session.execute(
            select(LedgerCosignature.seal_number, LedgerCosignature.jws).order_by(
                LedgerCosignature.seal_number
            )
        ).all()


def test_the_newest_seal_is_cosigned_and_the_signature_kept(database, technician, tmp_path, key):
    with witness(tmp_path) as place:
        ledger.witnessed_by(place)
        assert ledger.ask_witness() is None  # nothing sealed
        write(technician, 3)
        ledger.seal()
        assert ledger.ask_witness() == ledger.Cosigned(1)
        assert ledger.ask_witness() == ledger.Cosigned(1)
        for _round in range(3):  # two seals that the witness never saw
            write(technician)
            ledger.seal()
        assert ledger.ask_witness() == ledger.Cosigned(4)
        ledger.rotate_key(console.actor())
        write(technician)
        ledger.seal()
        assert ledger.ask_witness() == ledger.Cosigned(5)
    with db.reading() as session:
        seals = session.execute(select(LedgerSeal.number, LedgerSeal.jws)).all()
        known = [each.public for each in ledger.key_history(session)]
    payloads = {number: opened_seal(jws, *known).payload for number, jws in seals}
    assert [number for number, _jws in cosigned()] == [1, 4, 5]
    for number, jws in cosigned():
        assert opened(jws, place.key) == payloads[number]


def test_a_witness_that_is_away_or_another_stops_nothing_and_signs_nothing(
    database, technician, tmp_path, caplog
):
    write(technician)
    with witness(tmp_path) as place:
        ledger.witnessed_by(replace(place, key=PrivateKey.made().public))
        ledger.seal()
        assert "unknown key" in ledger.ask_witness().why
    ledger.witnessed_by(place)
    write(technician)
    assert ledger.seal().number == 2
    assert ledger.ask_witness().why != ""
    assert "seal 2 was not co-signed" in caplog.text
    assert cosigned() == []
    # It comes back: the newest is signed, with a proof from where the witness stood.
    with witness(tmp_path) as place:
        ledger.witnessed_by(place)
        assert ledger.ask_witness() == ledger.Cosigned(2)


def test_a_database_that_was_cut_and_sealed_again_gets_no_cosignature(
    database, technician, tmp_path
):
    write(technician, 4)
    with witness(tmp_path) as place:
        ledger.witnessed_by(place)
        ledger.seal()
        assert not ledger.ask_witness().why
        with outside(database) as connection:
            if database.is_sqlite:
                for (name,) in connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                connection.exec_driver_sql("SET session_replication_role = replica")
                for table in ("ledger_cosignature", "ledger_seal", "ledger_leaf"):
                    for (name,) in connection.exec_driver_sql(
                        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
                        f" AND tgrelid = '{table}'::regclass"
                    ).all():
                        connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
            for table in ("ledger_cosignature", "ledger_seal", "ledger_leaf"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
            # All but one entry is sealed as if for the first time.
            connection.exec_driver_sql(
                "INSERT INTO ledger_pending SELECT id FROM ledger_entry WHERE id <> 4"
            )

        again = ledger.seal()

        assert (again.number, again.size) == (1, 4)
        assert "shrunk" in ledger.ask_witness().why
        assert cosigned() == []
