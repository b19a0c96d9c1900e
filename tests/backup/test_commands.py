"""`lims backup` and `lims restore`, as an operator calls them."""

import json

import pytest
from click.testing import CliRunner
from pyrage import x25519

from lims import cli
from lims.core import db


@pytest.fixture
def run(here, monkeypatch):
    """Run a command in an installation: exit code, document, standard error."""

    def go(settings, *arguments):
        monkeypatch.setenv("LIMS_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("LIMS_HOME", str(settings.home))
        monkeypatch.setenv("LIMS_SECRET_KEY", settings.secret_key)
        before = list(db._database)
        db.forget()
        done = CliRunner().invoke(cli.cli, [*map(str, arguments), "--json"])
        if db._database:
            db.current().engine.dispose()
        db._database[:] = before
        db._opener.clear()
        assert "Traceback" not in done.output
        return done.exit_code, json.loads(done.stdout), done.stderr

    return go


def test_there_and_back_by_command(here, elsewhere, run, tmp_path):
    file, other = tmp_path / "one.backup", elsewhere()
    assert run(here, "user", "add", "tara", "--role", "technician", "--password-stdin")[0] == 2
    code, said, _err = run(here, "backup", file)
    assert (code, said["ok"], said["entries"], said["seal"]) == (0, True, 0, None)

    code, said, _err = run(other, "restore", file)
    assert (code, said["ok"], said["open"]) == (0, True, False)

    code, verified, _err = run(other, "ledger", "verify")
    assert (code, verified["ok"]) == (0, True)


def test_the_recipient_may_stand_in_the_environment(here, run, tmp_path, monkeypatch):
    key = x25519.Identity.generate()
    monkeypatch.setenv("LIMS_BACKUP_RECIPIENT", str(key.to_public()))
    code, said, _err = run(here, "backup", tmp_path / "one.age")
    assert (code, said["encrypted"]) == (0, True)


def test_the_drill_is_one_command(here, run):
    code, said, _err = run(here, "backup", "--drill")
    assert code == 0
    assert said["ok"]
    assert {"entries", "trail", "backup_seconds", "restore_seconds"} <= set(said)


def test_bad_input_is_one_line(here, elsewhere, run, tmp_path):
    for arguments, code in (
        (("backup",), "bad_input"),
        (("backup", tmp_path / "none" / "x"), "bad_input"),
        (("restore", tmp_path / "none"), "bad_input"),
    ):
        exit_code, said, err = run(elsewhere(), *arguments)
        assert (exit_code, said["error"]["code"]) == (2, code)
        assert err.count("\n") == 1
