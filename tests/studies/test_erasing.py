"""A woman is erased when she asks and nothing forbids it; then her name is nowhere (H49)."""

import subprocess
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from lims import backup, custody, labels, ledger, studies
from lims.backup import packing
from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import WORKER, Role
from lims.studies.errors import Erased, StepOutOfOrder
from lims.studies.models import Identity
from tests.approved import put_in_force
from tests.backup.conftest import elsewhere, here
from tests.conftest import SOAK
from tests.laboratory import OPERATOR, PASSWORD, START

__all__ = ["elsewhere", "here"]


@pytest.fixture
def ines(laboratory):
    """The investigator, who erases."""
    return laboratory.join("ines", Role.INVESTIGATOR)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Where labels are drawn."""
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "labels"


def withdrawn(laboratory, number):
    """She leaves the study."""
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        read = studies.protocol_of(studies.study(session, subject.study_id))
    studies.withdraw_consent(
        laboratory.clea, number=number, reason="not given",
        material=read.consent.withdrawal_choices[0],
    )  # fmt: skip


def disposed(number):
    """Everything of hers is used up."""
    with db.transaction() as session:
        her = studies.subject_by_number(session, number)
        for item in custody.items_of(session, donor_id=her.id):
            if item.state not in custody.FINAL:
                custody.set_state(OPERATOR, item, custody.State.DESTROYED, "test.destroyed")


def erase(ines, number, reason="she asked for it"):
    return studies.erase(ines, number=number, reason=reason, password=PASSWORD)


def test_H49_an_erased_woman_is_nowhere(
    laboratory, ines, here, elsewhere, drawn, tmp_path, caplog, measured
):
    put_in_force()
    people = 100 if SOAK else 4
    searched: list[bytes] = []
    numbers = []
    for each in range(people):
        name, born = f"Zarrinkolah{each} Mehrabanpur{each}", date(1971, 3, 1) + timedelta(each)
        number = studies.register(
            laboratory.clea, study=laboratory.study, name=name, birth_date=born
        ).number
        band = studies.issue_wristband(laboratory.clea, number=number)
        with db.reading() as session:
            request = labels.newest_request(session, band.code)
            kept = session.get(Identity, studies.subject_by_number(session, number).id)
            assert kept is not None
            searched += [kept.wrapped_key, kept.name, kept.birth_date, born.isoformat().encode()]
        labels.print_job(WORKER, request.job)
        searched += [word.encode() for word in name.split()]
        numbers.append(number)
    assert len(list(drawn.iterdir())) == 2 * people

    for number in numbers:
        erase(ines, number)

    hits = [each.name for each in drawn.iterdir()]
    with db.reading() as session:
        verified = ledger.verify(session)
    hits += in_tables(searched)
    hits += [str(each) for each in searched if each in caplog.text.encode()]
    taken = backup.take(OPERATOR, here, tmp_path / "one.backup")
    with packing.opened(taken.file, None) as (_said, payload):
        stored = payload.read_bytes()
        if here.database_url.startswith("postgresql"):
            dumped = subprocess.run(
                ["pg_restore", "--file=-", payload], capture_output=True, check=True
            )
            stored += dumped.stdout
            hits += [str(each) for each in searched if each.hex().encode() in dumped.stdout]
    hits += [str(each) for each in searched if each in stored]
    if here.database_url.startswith("sqlite"):
        file = (tmp_path / "lims.db").read_bytes()
        hits += [str(each) for each in searched if each in file]
    other = elsewhere()
    restored = backup.restore(OPERATOR, other, taken.file)
    opened = db.open_database(other.database_url)
    before = db.current()
    db.use(opened)
    hits += in_tables(searched)
    db.use(before)
    opened.engine.dispose()
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.suffix in (".log", ".json", ".zpl", ".txt"):
            hits += [f"{file}" for each in searched if each in file.read_bytes()]

    measured("H49", trials=people, failures=len(hits), entries=verified.entries)
    assert hits == []
    assert verified.ok, verified.breaks
    assert restored.ok, restored.breaks
    with pytest.raises(Erased):
        erase(ines, numbers[0])


def in_tables(searched):
    found = []
    with db.current().engine.connect() as connection:
        for table in db.Base.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for value in row:
                    stored = bytes(value) if isinstance(value, bytes) else str(value).encode()
                    found += [table.name for each in searched if each in stored]
    return found


def test_H49_the_law_keeps_what_must_stay_traceable(laboratory, ines, measured):
    laboratory.specimen()
    number = laboratory.number
    refusals = 0
    with pytest.raises(StepOutOfOrder, match="withdrawal"):
        erase(ines, number)
    withdrawn(laboratory, number)
    with pytest.raises(studies.RetentionRuns, match="still here"):
        erase(ines, number)
    disposed(number)
    for years in (0, 1, 29):
        with clock.running(clock.SetClock(START + timedelta(days=2 + 365 * years))):
            with pytest.raises(studies.RetentionRuns, match="traceable for 30 years"):
                erase(ines, number)
            refusals += 1
    with clock.running(clock.SetClock(datetime(2056, 6, 1, tzinfo=UTC))):
        erase(ines, number)
        with db.reading() as session:
            assert ledger.verify(session).ok
            subject = studies.subject_by_number(session, number)
            assert custody.items_of(session, donor_id=subject.id), "her material stays traceable"
            entry = ledger.entries_of(session, studies.stream(subject))[-1]
            assert (entry.kind, entry.reason) == ("studies.erased", "she asked for it")
            assert UUID(entry.person) == ines.person
    measured("H49", trials=refusals, failures=0, kept=True)


def test_who_erases_and_what_she_writes(laboratory, ines):
    number = laboratory.woman(name="Laleh Ahmadi")
    with pytest.raises(NotAllowed):
        studies.erase(laboratory.tara, number=number, reason="x", password=PASSWORD)
    with pytest.raises(StepOutOfOrder):
        erase(ines, number)
    withdrawn(laboratory, number)
    for reason in ("", "   ", "Laleh asked", "for AHMADI, as she wrote", "born 1994-05-08"):
        with pytest.raises(BadInput):
            erase(ines, number, reason)
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        assert studies.open_identity(session, subject)["name"] == "Laleh Ahmadi"
    erase(ines, number)


def test_by_page_and_by_program(site):
    site.lab.join("ines", Role.INVESTIGATOR)
    number = site.lab.woman()
    body = {"reason": "she asked for it", "password": PASSWORD}
    path = f"/participants/{number}/erasure"
    assert site.api("ines", path, body).status_code == 409
    withdrawn(site.lab, number)
    assert site.api("tara", path, body).status_code == 403
    assert "Erase who she is" in site.page("ines", f"/participants/{number}").text
    assert site.send("ines", path, **body).status_code in (302, 303)
    assert site.api("ines", path, body).json["code"] == "identity_erased"
    assert site.page("ines", f"/participants/{number}").status_code == 200
