"""A copy holds one instant, whole; what is made from it is the same, and takes nothing yet."""

import json
import os
import subprocess
import zipfile
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pyrage import x25519
from sqlalchemy import inspect, select, text

from lims import backup, custody, labels, ledger, migrations, people, studies
from lims.backup import manifest, packing
from lims.backup.errors import NoBackup, NotEmpty, ToolMissing
from lims.core import db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Role
from lims.labels.models import LabelRequest, RequestState
from tests.laboratory import OPERATOR, PASSWORD
from tests.ledger.tampering import outside
from tests.makers import actor


@contextmanager
def at(settings):
    """Work in another database for a while."""
    before, other = db.current(), db.open_database(settings.database_url)
    db.use(other)
    try:
        yield other
    finally:
        db.use(before)
        other.engine.dispose()


def write(times=3):
    """Some history: one stream of several entries."""
    for number in range(times):
        with db.transaction():
            ledger.record(OPERATOR, "item/S0000000A", "test.written", {"number": number})


def recorded(settings):
    """How much stands in a database, whatever state it is in."""
    opened = db.open_database(settings.database_url)
    try:
        with opened.engine.connect() as connection:
            return manifest.numbers(connection)["entries"]
    finally:
        opened.engine.dispose()


def unpacked(file):
    with zipfile.ZipFile(file) as packed:
        return json.loads(packed.read("manifest.json")), packed.namelist()


def test_a_copy_comes_back_the_same(laboratory, here, elsewhere, tmp_path):
    lot = laboratory.quarantined()
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    other = elsewhere()

    found = backup.restore(OPERATOR, other, taken.file)

    assert found.ok, found.breaks
    assert found.trail == taken.manifest.trail
    with db.reading() as session:
        assert found.entries == ledger.entry_count(session) == taken.manifest.entries
        whole = session.scalar(select(custody.Item.code).where(custody.Item.code == lot))
    with at(other), db.reading() as session:
        assert session.scalar(select(custody.Item.code).where(custody.Item.code == lot)) == whole
        assert ledger.verify(session).ok
        assert ledger.missing_guards(session) == []
        number = studies.subject_by_number(session, laboratory.number)
        assert studies.open_identity(session, number)["name"].startswith("Laleh")


def test_the_file_is_whole_private_and_says_what_is_in_it(here, tmp_path):
    write()
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")

    said, names = unpacked(taken.file)

    assert taken.file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir() if "backup" in each.name) == [
        "one.backup"
    ]
    assert names == ["manifest.json", said["payload"]["name"]]
    assert (said["entries"], said["streams"], said["breaks"]) == (3, 1, [])
    assert said["database"] == here.database_url.split(":")[0]
    assert backup.take(OPERATOR, here, taken.file).manifest.entries == 3  # a newer one in its place


def test_no_secret_of_the_installation_is_in_a_copy(laboratory, here, tmp_path):
    laboratory.woman()
    (tmp_path / "secret.key").write_text("k" * 40)
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    with packing.opened(taken.file, None) as (_said, payload):
        stored = payload.read_bytes()
        if here.database_url.startswith("postgresql"):
            stored = subprocess.run(
                ["pg_restore", "--file=-", payload], capture_output=True, check=True
            ).stdout
    assert b"studies_identity" in stored
    for secret in (b"k" * 40, b"Laleh", PASSWORD.encode()):
        assert secret not in stored


def test_an_encrypted_copy_opens_with_its_key_alone(here, elsewhere, tmp_path):
    write()
    key, other_key = x25519.Identity.generate(), x25519.Identity.generate()
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(f"# made for a test\n{key}\n")
    wrong.write_text(str(other_key))

    taken = backup.take(OPERATOR, here, tmp_path / "one.age", recipient=str(key.to_public()))

    stored = taken.file.read_bytes()
    assert stored.startswith(b"age-encryption.org/v1")
    assert b"ledger_entry" not in stored
    target = elsewhere()
    for identity in (None, wrong):
        with pytest.raises(NoBackup):
            backup.restore(OPERATOR, target, taken.file, identity=identity)
    assert backup.restore(OPERATOR, target, taken.file, identity=right).entries == 3


def test_a_restored_copy_takes_no_entry(laboratory, here, elsewhere, tmp_path):
    number = laboratory.woman()
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    other = elsewhere()
    backup.restore(OPERATOR, other, taken.file)

    with at(other):
        with pytest.raises(db.CopyClosed, match="lims db open"):
            studies.issue_wristband(laboratory.clea, number=number)
        with db.reading() as session:
            assert ledger.entry_count(session) == taken.manifest.entries
            assert studies.live_band(session, studies.subject_by_number(session, number).id) is None
            assert ledger.verify(session).ok


def test_what_was_printing_is_not_printed_again_and_nobody_is_signed_in(
    laboratory, here, elsewhere, tmp_path
):
    number = laboratory.woman()
    labels_at = tmp_path / "printer"
    labels_at.mkdir()
    labels.add_printer(OPERATOR, name="one", kind=labels.PrinterKind.FILE, address=str(labels_at))
    studies.issue_wristband(laboratory.clea, number=number)
    _actor, token = people.sign_in("clea", PASSWORD, station="ward", address="127.0.0.1")
    assert people.actor_by_sign_in(token) is not None
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    other = elsewhere()
    backup.restore(OPERATOR, other, taken.file)

    with at(other), db.reading() as session:
        states = set(
            session.scalars(select(LabelRequest.state).where(LabelRequest.printer.is_not(None)))
        )
        assert states == {RequestState.UNCERTAIN}
        assert people.actor_by_sign_in(token) is None


@pytest.mark.parametrize("where", ["middle", "cut", "text", "manifest"])
def test_a_damaged_copy_is_refused_and_the_database_stays_empty(here, elsewhere, tmp_path, where):
    write()
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    stored = bytearray(file.read_bytes())
    if where == "cut":
        del stored[len(stored) // 2 :]
    elif where == "text":
        stored = bytearray(b"not a backup at all")
    elif where == "manifest":
        stored = bytearray(stored.replace(b'"entries": 3', b'"entries": 2'))
    else:
        # One bit may be of no weight: in a run of zeros a repeat of one is a repeat of another.
        middle = len(stored) // 2
        stored[middle : middle + 64] = bytes(each ^ 0xFF for each in stored[middle : middle + 64])
    file.write_bytes(stored)
    other = elsewhere()

    with pytest.raises((NoBackup, BadInput)):
        backup.restore(OPERATOR, other, file)

    assert recorded(other) == 0


def test_a_payload_that_was_put_in_afterwards_is_refused(here, elsewhere, tmp_path):
    """A whole zip, and not what its list of contents was made of."""
    write()
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    said, names = unpacked(file)
    with zipfile.ZipFile(file) as packed:
        payload = packed.read(names[1])
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(names[0], json.dumps(said))
        packed.writestr(names[1], payload[:-1] + bytes([payload[-1] ^ 1]))
    other = elsewhere()

    with pytest.raises(NoBackup, match="damaged"):
        backup.restore(OPERATOR, other, file)

    assert recorded(other) == 0


def test_a_copy_that_says_something_else_than_it_holds_is_refused(here, elsewhere, tmp_path):
    """Whoever packs it anew can make the digests fit, and not the entries."""
    write()
    with db.current().engine.begin() as connection:
        connection.execute(text("UPDATE ledger_head SET number = 7"))
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    other = elsewhere()

    found = backup.restore(OPERATOR, other, file)

    assert not found.ok
    assert any("head" in each for each in found.breaks)
    assert recorded(other) == 0
    opened = db.open_database(other.database_url)
    with opened.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    opened.engine.dispose()


def test_nothing_is_written_over(here, tmp_path, elsewhere):
    write()
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    with pytest.raises(NotEmpty):
        backup.restore(OPERATOR, here, file)
    assert recorded(here) == 3
    precious = tmp_path / "precious"
    precious.write_text("a thesis")
    with pytest.raises(BadInput, match="no backup"):
        backup.take(OPERATOR, here, precious)
    assert precious.read_text() == "a thesis"


def test_an_upgraded_but_empty_database_is_empty(here, elsewhere, tmp_path):
    write()
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    other = elsewhere()
    opened = db.open_database(other.database_url)
    migrations.upgrade(opened)
    opened.engine.dispose()
    assert backup.restore(OPERATOR, other, file).ok
    assert recorded(other) == 3


def test_a_missing_guard_is_said(here, tmp_path):
    write()
    on = "" if here.database_url.startswith("sqlite") else " ON ledger_entry"
    with outside(db.current()) as connection:
        connection.execute(text(f"DROP TRIGGER ledger_entry_no_update{on}"))
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    assert taken.manifest.breaks == ("guard missing: ledger_entry_no_update",)
    assert taken.as_json()["ok"] is False


def test_only_the_operator_may(here, tmp_path):
    for role in set(Role) - {Role.OPERATOR}:
        with pytest.raises(NotAllowed):
            backup.take(actor(role), here, tmp_path / "one.backup")
        with pytest.raises(NotAllowed):
            backup.restore(actor(role), here, tmp_path / "one.backup")


def test_what_cannot_be_done_is_said_in_one_sentence(here, elsewhere, tmp_path, monkeypatch):
    write()
    with pytest.raises(BadInput, match="no folder"):
        backup.take(OPERATOR, here, tmp_path / "nowhere" / "one.backup")
    with pytest.raises(BadInput, match="age1"):
        backup.take(OPERATOR, here, tmp_path / "one", recipient="ssh-rsa AAAA")
    with pytest.raises(BadInput, match="no file"):
        backup.restore(OPERATOR, elsewhere(), tmp_path / "nothing")
    if here.database_url.startswith("sqlite"):
        missing = replace(here, database_url=f"sqlite:///{tmp_path / 'other.db'}")
        with pytest.raises(BadInput, match="no database"):
            backup.take(OPERATOR, missing, tmp_path / "one")
        return
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="pg_dump is not on this machine"):
        backup.take(OPERATOR, here, tmp_path / "one")
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    os.chmod(old, 0o700)
    with pytest.raises(ToolMissing, match="the version 9 and the server"):
        backup.take(OPERATOR, here, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_the_drill_finds_the_way_back(here):
    write()
    drilled = backup.drill(OPERATOR, here)
    assert drilled.ok, drilled.as_json()
    assert drilled.restored.entries == 3
    assert drilled.restore_s > 0
