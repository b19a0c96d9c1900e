"""A dossier goes out of the system and stands by itself."""

import json
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader
from sqlalchemy import select

from lims import interchange, ledger, studies
from lims.cli import cli
from lims.core import console, db
from lims.core.errors import NotAllowed
from lims.interchange import rules
from lims.interchange.errors import NoDossier, SealBeyond
from lims.ledger.models import LedgerEntry
from lims.ledger.signatures import PrivateKey
from tests.dosing.test_late import entered, record
from tests.interchange.made import (  # noqa: F401
    Out,
    cosign,
    entries_of,
    give,
    members,
    out,
    sealing,
    second,
)


def test_a_dossier_stands_by_itself(out: Out, bed):  # noqa: F811
    db.forget()  # from here on there is no database
    found = interchange.verify(out.plain)
    assert found.word == "VALID BUT UNWITNESSED", found.why
    assert (found.found.ok, found.found.trusted, found.found.witnessed) == (True, False, False)
    assert found.dose == out.dose
    assert len(found.found.rows) >= 16


def test_a_witness_and_a_key_from_outside_make_it_valid(out: Out):  # noqa: F811
    for keys, word in (
        ([out.witness], "VALID"),
        ([out.witness, out.seal_key], "VALID"),
        ([], "VALID BUT UNWITNESSED"),
        ([PrivateKey.made().public], "INVALID"),
    ):
        assert interchange.verify(out.witnessed, keys).word == word
    told = interchange.verify(out.witnessed, [out.witness]).as_json()
    assert (told["ok"], told["trusted"], told["witnessed"]) == (True, True, True)
    unwitnessed = interchange.verify(out.plain, [out.seal_key])
    assert (unwitnessed.found.trusted, unwitnessed.word) == (True, "VALID BUT UNWITNESSED")


def test_the_second_verifier_alone_says_the_same(out: Out, tmp_path: Path):  # noqa: F811
    """Run from the zip by a bare Python, which finds none of our code."""
    program, file, key = (tmp_path / name for name in ("verify.py", "dossier.zip", "key.json"))
    program.write_bytes(members(out.witnessed)[rules.VERIFIER])
    file.write_bytes(out.witnessed)
    key.write_text(json.dumps(out.witness.jwk))

    def run(*more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(program), str(file), *more],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip

    assert run("--key", str(key)).stdout.startswith("VALID as of ")
    assert run().stdout.startswith("VALID BUT UNWITNESSED as of ")
    file.write_bytes(out.witnessed.replace(b"dosing.given", b"dosing.taken"))
    altered = run()
    assert (altered.returncode, altered.stdout[:8]) == (1, "INVALID:")
    file.write_bytes(b"something else")
    assert run().returncode == 2
    assert "lims" not in re.findall(r"^(?:from|import) (\w+)", program.read_text(), re.M)


def test_the_bytes_are_those_of_the_ledger(bed, sealing):  # noqa: F811
    made = interchange.export(console.actor(), code=give(bed))
    files = members(made.content)
    lines = files[rules.ENTRIES].split(b"\n")[:-1]
    with db.reading() as session:
        stored = set(session.scalars(select(LedgerEntry.body)))
    assert set(lines) <= stored
    streams = {each["stream"] for each in entries_of(files)}
    woman = bed.world.first
    for wanted in (
        f"item/{woman.dose}", f"item/{woman.lot}", f"participant/{woman.number}",
        f"label/{woman.dose}", f"study/{bed.stage.study}", rules.KEYS,
    ):  # fmt: skip
        assert wanted in streams
    kinds = {each["kind"] for each in entries_of(files)}
    assert {
        "collection.collected", "collection.marker", "culture.isolated", "culture.harvested",
        "isolation.run", "qc.file-read", "qc.reviewed", "release.released", "studies.consented",
        "studies.allocated", "custody.place-made", "custody.accepted", "dosing.given",
        "dosing.received", "studies.loaded", "ledger.seal-key",
    } <= kinds  # fmt: skip
    # Nothing of the other women, and nobody's account.
    assert f"participant/{bed.world.second.number}" not in streams
    assert not {each for each in streams if each.startswith(("person/", "printer/"))}


def test_the_same_state_and_instant_give_the_same_bytes(bed, sealing):  # noqa: F811
    dose = give(bed)
    first = interchange.export(console.actor(), code=dose)
    with db.reading() as session:
        before = ledger.entry_count(session)
    assert interchange.export(console.actor(), code=dose).content == first.content
    with db.reading() as session:
        assert ledger.entry_count(session) == before
    other = interchange.export(console.actor(), code=dose, language="fa")
    assert other.content != first.content
    assert interchange.verify(other.content).found.ok


def test_H49_nobody_is_named_in_a_dossier(out: Out, measured):  # noqa: F811
    hits, looked = [], 0
    for name, content in members(out.witnessed).items():
        text = content.decode("utf-8", "ignore")
        if name.endswith(".pdf"):
            text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
        folded = text.casefold()
        for woman in out.names:
            looked += 1
            words = [woman, *[each for each in woman.split() if len(each) > 3 and each.isalpha()]]
            hits += [(name, each) for each in words if each.casefold() in folded]
    measured("H49", trials=looked, failures=len(hits))
    assert hits == []


def test_a_file_of_an_instrument_that_names_her_stays_inside(bed, sealing, monkeypatch):  # noqa: F811
    dose = give(bed)
    open_identity = studies.open_identity

    def same_as_operator(session, subject):
        return {**open_identity(session, subject), "name": "Diluent Remarks"}

    monkeypatch.setattr(studies, "open_identity", same_as_operator)
    files = members(interchange.export(console.actor(), code=dose).content)
    kept = {each["kind"]: each for each in json.loads(files[rules.DOSSIER])["evidence"]}
    assert kept["nta"]["included"] is False
    assert rules.EVIDENCE + kept["nta"]["sha256"] not in files
    assert kept["plate"]["included"] is True


def test_a_dose_that_was_not_given_yet_has_a_dossier_too(bed, sealing):  # noqa: F811
    made = interchange.export(console.actor(), code=str(bed.world.second.dose))
    found = interchange.verify(made.content)
    assert found.word == "VALID BUT UNWITNESSED", found.why
    dossier = json.loads(members(made.content)[rules.DOSSIER])
    assert (dossier["given_at"], dossier["state"]) == ("", "thawed")
    assert dossier["recipient"] == bed.world.second.number
    assert second().verify(made.content)[0] == "VALID BUT UNWITNESSED"


def test_a_dose_entered_from_paper_has_its_dossier(bed, sealing):  # noqa: F811
    """What was not in order on the sheet is a deviation, and the dossier says so and holds."""
    sheet = entered(bed, band=bed.world.second.band)
    bed.clock.at += timedelta(hours=2)
    record(bed, sheet)
    made = interchange.export(console.actor(), code=str(bed.world.first.dose)).content
    found = interchange.verify(made)
    assert found.word == "VALID BUT UNWITNESSED", found.why
    assert second().verify(made, [])[0] == found.word
    (given,) = [
        each for each in entries_of(members(made)) if each["kind"] == "dosing.given-on-paper"
    ]
    assert given["data"]["finding"]
    assert sheet["reason"] in json.dumps(given)


def test_H46_dossiers_survive_a_change_of_the_seal_key(bed, sealing, measured):  # noqa: F811
    dose = give(bed)
    first_key = None
    made = []
    for _turn in range(4):
        made.append(interchange.export(console.actor(), code=dose).content)
        first_key = first_key or PrivateKey.read(sealing.read_bytes()).public
        bed.clock.at += timedelta(days=1)
        ledger.rotate_key(console.actor())
    made.append(interchange.export(console.actor(), code=dose).content)
    wrong = [
        at
        for at, each in enumerate(made)
        # Whoever knows the first key follows the endorsements to the last.
        if not (interchange.verify(each, [first_key]).found.trusted and second().verify(each)[1])
    ]
    last = interchange.verify(made[0], [PrivateKey.read(sealing.read_bytes()).public])
    measured("H46", trials=len(made), failures=len(wrong))
    assert wrong == []
    assert last.word == "INVALID", "a later key vouches for nothing before it"


def test_a_seal_from_outside_is_compared(bed, sealing, tmp_path: Path):  # noqa: F811
    dose = give(bed)
    made = interchange.export(console.actor(), code=dose).content
    seals = json.loads(members(made)[rules.SEALS])
    assert interchange.verify(made, shown=seals["seal"]).found.ok
    assert interchange.verify(made, shown=seals["earlier"][0]["seal"]).found.ok
    bed.clock.at += timedelta(days=1)
    with db.transaction():
        ledger.record(console.actor(), "place/A0", "test.later", {})
    ledger.seal()
    later = json.loads(members(interchange.export(console.actor(), code=dose).content)[rules.SEALS])
    with pytest.raises(SealBeyond):
        interchange.verify(made, shown=later["seal"])
    forged = interchange.verify(made, shown=PrivateKey.made().sign(b"{}"))
    assert forged.word == "INVALID"


def test_only_who_may_takes_a_dossier_out(bed, sealing):  # noqa: F811
    with pytest.raises(NotAllowed):
        interchange.export(bed.actor("tara"), code=str(bed.world.first.dose))


def test_the_paper_is_there_in_three_languages(bed, sealing):  # noqa: F811
    dose = give(bed)
    for language, wanted in (("en", "Dossier of a dose"), ("fa", "دوز"), ("zh", "剂")):
        files = members(interchange.export(console.actor(), code=dose, language=language).content)
        drawn = PdfReader(BytesIO(files[rules.PAPER]))
        text = "".join(page.extract_text() for page in drawn.pages)
        assert wanted in text
        assert bed.world.first.number in text
        assert len(drawn.pages) <= 4


@pytest.mark.parametrize(
    "spoil",
    [
        b"",
        b"PK\x03\x04 no zip",
        lambda: _zip({"../outside": b"x"}),
        lambda: _zip({"/etc/passwd": b"x"}),
        lambda: _zip({f"m{each}": b"" for each in range(401)}),
        lambda: _zip({"bomb": bytes(70_000_000)}),
        lambda: _zip({"holiday.jpg": b"x"}),
    ],
    ids=["empty", "no zip", "above", "absolute", "many", "bomb", "another zip"],
)
def test_what_is_no_dossier_is_refused(spoil):
    content = spoil() if callable(spoil) else spoil
    with pytest.raises(NoDossier):
        interchange.verify(content)
    program = second()
    with pytest.raises(program.NoDossier):
        program.verify(content)


def _zip(files: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return made.getvalue()


def test_the_command_verifies_without_a_database(out: Out, tmp_path: Path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("LIMS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    db.forget()
    file, key = tmp_path / "dossier.zip", tmp_path / "key.json"
    file.write_bytes(out.witnessed)
    key.write_text(json.dumps({"keys": [out.witness.jwk]}))
    code, told = _run("dossier", "verify", str(file), "--key", str(key), "--json")
    assert (code, told["verdict"], told["ok"]) == (0, "VALID", True)
    assert set(told) >= {"ok", "verdict", "trusted", "witnessed", "as_of", "checks"}
    assert all(set(each) >= {"what", "passed"} for each in told["checks"])
    file.write_bytes(out.witnessed.replace(b"dosing.given", b"dosing.taken"))
    code, told = _run("dossier", "verify", str(file), "--json")
    assert (code, told["verdict"], told["ok"], told["as_of"]) == (1, "INVALID", False, None)
    for nothing in (key, tmp_path / "missing.zip"):
        code, told = _run("dossier", "verify", str(nothing), "--json")
        assert (code, told["error"]["code"], told["error"]["field"]) == (2, "no_dossier", "file")
    code, told = _run("dossier", "verify", str(file), "--key", str(file), "--json")
    assert (code, told["error"]["code"]) == (2, "no_key")


def test_the_command_exports(bed, sealing, tmp_path: Path):  # noqa: F811
    dose, file = give(bed), tmp_path / "dose.zip"
    code, told = _run("dossier", "export", dose, "-o", str(file), "--page", "--json")
    assert (code, told["dose"], told["witnessed"]) == (0, dose, False)
    assert interchange.verify(file.read_bytes()).found.ok
    assert (tmp_path / "dose.html").read_bytes() == members(file.read_bytes())[rules.PAGE]
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []
    had = tmp_path / "had.jws"  # the seal that a reader took home before
    with db.reading() as session:
        had.write_text(ledger.newest_seal(session).jws)
    bed.clock.at += timedelta(days=1)
    with db.transaction():
        ledger.record(console.actor(), "place/A0", "test.later", {})
    ledger.seal()
    code, told = _run("dossier", "export", dose, "-o", str(file), "--seal", str(had), "--json")
    assert (code, told["dose"]) == (0, dose)
    shown = had.read_text()
    assert interchange.verify(file.read_bytes(), shown=shown).found.ok
    earlier = json.loads(members(file.read_bytes())[rules.SEALS])["earlier"]
    assert shown in {each["seal"] for each in earlier}
    had.write_text("no seal")
    code, told = _run("dossier", "export", dose, "-o", str(file), "--seal", str(had), "--json")
    assert code == 2
    lost = str(tmp_path / "no" / "x.zip")
    code, told = _run("dossier", "export", dose, "-o", lost, "--json")
    assert (code, told["error"]["field"]) == (2, "output")
    code, told = _run("dossier", "export", str(bed.world.first.lot), "-o", str(file), "--json")
    assert code == 2


def _run(*given: str) -> tuple[int, dict]:
    ran = CliRunner().invoke(cli, list(given))
    return ran.exit_code, json.loads(ran.stdout)
