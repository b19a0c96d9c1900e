"""A copy is compared with the seal that somebody kept, and only a person opens it."""

import json

import pytest
from sqlalchemy import text

from lims import backup, labels, ledger, studies
from lims.backup.errors import NotClosed
from lims.core import copied, db
from lims.core.errors import BadInput
from lims.web import health, seals
from tests.backup.test_backup import at, recorded, write
from tests.laboratory import OPERATOR
from tests.ledger.sealed import key_in, wrong_seals


def sealed():
    """Seal everything; answers the seal's JWS."""
    ledger.seal()
    with db.reading() as session:
        return ledger.newest_seal(session).jws


@pytest.fixture
def copy(laboratory, here, elsewhere, tmp_path):
    """A copy of a laboratory with a woman, and the seal that was newest when it was taken."""
    key_in(tmp_path)
    laboratory.woman()
    seal = sealed()
    write(1)  # what no seal covers yet is in it as well
    file = backup.take(OPERATOR, here, tmp_path / "one.backup").file
    return file, backup.read_seal(seal), elsewhere()


def test_a_copy_that_holds_what_was_sealed_opens(laboratory, copy):
    file, seal, other = copy
    found = backup.restore(OPERATOR, other, file, seal=seal)
    assert found.ok, found.breaks

    with at(other):
        assert "nobody has opened" in health._copy(None)
        assert ledger.seal().new == 0
        with pytest.raises(db.CopyClosed), db.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO ledger_seal (number, size, root, at, prev, key_id, jws) "
                    "SELECT 99, size, root, at, root, key_id, jws FROM ledger_seal LIMIT 1"
                )
            )
        answer = backup.open_copy(OPERATOR, seal=seal)
        assert answer["open"]
        assert health._copy(None) == ""
        studies.issue_wristband(laboratory.clea, number=laboratory.number)
        with db.reading() as session:
            assert ledger.verify(session).ok
            opened = ledger.newest(session, kind="backup.opened")
        assert opened[0].data["seal"]["root"] == seal.root.hex()
        assert opened[0].data["older_than_seal"] is False
        ledger.seal()
        assert wrong_seals() == []
        with db.reading() as session:
            assert ledger.newest_seal(session).number == seal.number + 1
        with pytest.raises(NotClosed):
            backup.open_copy(OPERATOR, seal=seal)


def test_H45_an_older_state_is_refused_and_the_database_stays_empty(
    laboratory, here, copy, elsewhere, measured
):
    """The forms in which a seal may come from outside."""
    file, _seal, _other = copy
    write(2)
    newer = sealed()
    shown = backup.read_seal(newer)
    forms = [
        newer,
        json.dumps({"jws": newer}),
        json.dumps(seals.newest()),
        f"{shown.size} {shown.root.hex()}",
        json.dumps({"size": shown.size, "root": shown.root.hex()}),
    ]
    kept = []
    for form in forms:
        other = elsewhere()
        found = backup.restore(OPERATOR, other, file, seal=backup.read_seal(form))
        if found.ok or recorded(other) or "older" not in "".join(found.breaks):
            kept.append(form)
    measured("H45", trials=len(forms), failures=len(kept), older=True)
    assert kept == []


def test_H45_another_history_is_refused(laboratory, here, copy, elsewhere, measured):
    file, seal, _other = copy
    forks = [
        backup.Shown(seal.size, bytes(32)),
        backup.Shown(seal.size - 1, seal.root),
        backup.Shown(1, seal.root),
    ]
    kept = []
    for fork in forks:
        other = elsewhere()
        if backup.restore(OPERATOR, other, file, seal=fork).ok or recorded(other):
            kept.append(fork)
    measured("H45", trials=len(forks), failures=len(kept), older=False)
    assert kept == []


def test_an_older_copy_opens_only_where_somebody_answers_for_the_loss(laboratory, copy):
    file, seal, other = copy
    write(2)
    newer = backup.read_seal(sealed())
    assert backup.restore(OPERATOR, other, file).ok  # nobody showed it the newer one

    with at(other):
        with pytest.raises(BadInput, match="older than the seal"):
            backup.open_copy(OPERATOR, seal=newer)
        with pytest.raises(BadInput, match="newest seal"):
            backup.open_copy(OPERATOR, seal=None)
        with pytest.raises(backup.StaysClosed, match="another root"):
            backup.open_copy(OPERATOR, seal=backup.Shown(seal.size, bytes(32)), reason="whatever")
        with db.reading() as session:
            assert copied.closed(session) is not None
        backup.open_copy(OPERATOR, seal=newer, reason="the disk of the newer one burned")
        with db.reading() as session:
            entry = ledger.newest(session, kind="backup.opened")[0]
    assert entry.data["older_than_seal"] is True
    assert entry.data["seal"]["size"] == newer.size
    assert entry.reason == "the disk of the newer one burned"


def test_copy_numbers_of_labels_above_the_restore_are_burned(laboratory, copy):
    """The band may have been printed again after the backup, as copy 2, 3 …"""
    file, seal, other = copy
    backup.restore(OPERATOR, other, file, seal=seal)
    with at(other):
        from_ = backup.open_copy(OPERATOR, seal=seal)["label_copies_from"]
        band = studies.issue_wristband(laboratory.clea, number=laboratory.number)
        with db.reading() as session:
            number = labels.live_copy(session, band.code)
    assert from_ > 10
    assert number == from_


def test_what_is_no_seal_is_refused():
    for said in ("", "42", "42 abc", "{}", '{"size": "3", "root": "00"}', "a.b.c", "[1]", "null",
                 '{"jws": {"jws": 3}}', '{"size": true, "root": "' + "0" * 64 + '"}'):  # fmt: skip
        with pytest.raises(BadInput):
            backup.read_seal(said)
