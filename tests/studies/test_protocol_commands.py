"""`lims study check` and `lims eligibility`, as a person calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lims.core.errors import BadInput, NotFound
from lims.studies import commands
from lims.studies.protocol.reading import FOLDER
from tests.studies.test_eligibility import GOOD

IRCT = FOLDER / "irct20210228050535n2.toml"


def run(*arguments: str) -> Result:
    group = commands.study if arguments[0] == "check" else commands.eligibility
    return CliRunner().invoke(group, arguments[arguments[0] == "eligibility" :])


def fields(path: Path, **changes: Any) -> str:
    path.write_text(json.dumps({**GOOD["TANGDU-ME-UCMSC"], **changes}), encoding="utf-8")
    return str(path)


def test_a_good_file_is_checked_with_one_document() -> None:
    answer = run("check", str(IRCT), "--json")
    shown = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert shown["code"] == "IRCT20210228050535N2"
    assert shown["arms"] == ["IRCT-EXO", "IRCT-CTL"]
    assert shown["errors"] == []
    assert len(shown["digest"]) == 64


def test_a_bad_file_keeps_its_document_and_exits_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(IRCT.read_text(encoding="utf-8").replace("block_size = 4", 'block_size = "4"'))
    answer = run("check", str(bad), "--json")
    assert answer.exit_code == 2
    assert json.loads(answer.stdout)["errors"][0]["where"].startswith("allocation.block_size")
    assert "allocation.block_size" in answer.stderr


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b""])
def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    answer = run("check", str(path), "--json")
    assert answer.exit_code == 2 if content == b"" else isinstance(answer.exception, BadInput)


def test_eligibility_answers_yes_no_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "fields.json"
    good = run("eligibility", "--study", "TANGDU-ME-UCMSC", fields(path), "--json")
    assert (good.exit_code, json.loads(good.stdout)["eligible"]) == (0, True)
    low = run("eligibility", "--study", "TANGDU-ME-UCMSC", fields(path, AMH="1.1 ng/mL"), "--json")
    items = {each["id"]: each for each in json.loads(low.stdout)["items"]}
    assert (low.exit_code, items["I2"]["met"]) == (1, False)
    assert "AMH > 1.1 ng/mL" in items["I2"]["why"]
    none = run("eligibility", "--study", "TANGDU-ME-UCMSC", fields(path, E2=None), "--json")
    items = {each["id"]: each for each in json.loads(none.stdout)["items"]}
    assert (none.exit_code, items["E2"]["met"]) == (1, None)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "3", '{"age": NaN}', '{"age": 1, "age": 2}', "[" * 100_000,
             '{"age": 1e400}', '{"age": {"value": 1}}'],
)  # fmt: skip
def test_a_broken_field_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fields.json"
    path.write_text(text, encoding="utf-8")
    answer = run("eligibility", "--study", "TANGDU-ME-UCMSC", str(path), "--json")
    assert isinstance(answer.exception, BadInput), answer.exception
    assert answer.stdout == ""


def test_an_unknown_study_names_those_there_are(database: object, tmp_path: Path) -> None:
    answer = run("eligibility", "--study", "NOPE-1", fields(tmp_path / "f.json"))
    assert isinstance(answer.exception, NotFound)
    assert "TANGDU-ME-UCMSC" in str(answer.exception)


def test_the_site_file_of_the_installation_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "site.toml"
    text = (FOLDER / "site.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('version = "1"', 'version = "7"'), encoding="utf-8")
    monkeypatch.setenv("LIMS_SITE_FILE", str(path))
    assert commands.shipped_study("TANGDU-ME-UCMSC").site_version == "7"
