"""The `lims` command: exit codes, JSON shapes, never a traceback."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from lims import cli, ledger, migrations
from lims.core import codes, db
from tests import services_here

LIMS = Path(sys.executable).parent / "lims"
PASSWORD = "amber kettle walks north"
DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An installation of its own: an empty data folder."""
    for name in [each for each in os.environ if each.startswith("LIMS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("LIMS_HOME", str(folder))
    db.forget()
    yield folder
    if db._database:
        db.current().engine.dispose()
    db.forget()
    db._opener.clear()


@pytest.fixture
def run(home):
    """Run a command in this process: its exit code, standard output, standard error."""

    def go(*arguments, typed=None):
        done = CliRunner().invoke(cli.cli, [str(each) for each in arguments], input=typed)
        assert "Traceback" not in done.output
        return done.exit_code, done.stdout, done.stderr

    return go


def refused(answer, code, field=None):
    """The one shape of a refusal with --json."""
    exit_code, out, err = answer
    error = json.loads(out)["error"]
    assert exit_code == 2
    assert set(error) == {"code", "what", "field"}
    assert (error["code"], error["field"]) == (code, field)
    assert err == f"lims: {error['what']}\n"
    return error["what"]


def test_code_check_says_yes_no_and_what_is_no_code(run):
    code = codes.draw("S")
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")

    answer = run("code", "check", code, "--json")
    assert answer[0] == 0
    assert json.loads(answer[1]) == {
        "valid": True,
        "kind": "ours",
        "parts": {
            "code": code,
            "letter": "S",
            "thing": "specimen",
            "copy": None,
            "practice": False,
        },
    }
    exit_code, out, _err = run("code", "check", wrong, "--json")
    assert (exit_code, json.loads(out)["valid"]) == (1, False)
    refused(run("code", "check", "hello", "--json"), "code_shape", "code")
    exit_code, out, err = run("code", "check", "hello")
    assert (exit_code, out, err.count("\n")) == (2, "", 1)


def test_code_parse_takes_gs1_apart_and_says_no_to_a_misread_one(run):
    exit_code, out, _err = run("code", "parse", "(01)12345678901231(10)12345", "--json")
    document = json.loads(out)
    assert (exit_code, document["kind"], document["parts"]["lot"]) == (0, "gs1", "12345")
    assert document["parts"]["gtin"] == "12345678901231"
    exit_code, out, _err = run("code", "parse", "(01)12345678901232(10)12345", "--json")
    assert (exit_code, json.loads(out)) == (1, {"valid": False, "kind": "gs1", "parts": None})


@pytest.mark.parametrize("text", ["0104012345678902", "=A99971234567800", "CAT-4711", "۱۲۳"])
def test_code_parse_takes_what_is_not_ours_for_a_suppliers(run, text):
    exit_code, out, _err = run("code", "parse", text, "--json")
    assert exit_code == 0
    assert json.loads(out) == {"valid": True, "kind": "supplier", "parts": {"text": text}}


def test_code_parse_reads_our_symbols_with_their_copy(run):
    symbol = codes.symbol(codes.draw("V"), 33)
    exit_code, out, _err = run("code", "parse", f" {symbol.lower()} ", "--json")
    parts = json.loads(out)["parts"]
    assert (exit_code, parts["letter"], parts["copy"]) == (0, "V", 33)
    refused(run("code", "parse", " ", "--json"), "scan_unreadable", "text")
    exit_code, out, _err = run("code", "parse", symbol[:-2] + "??", "--json")
    assert json.loads(out)["kind"] == "supplier"


def test_usage_errors_have_the_same_shape(run):
    assert "nonsense" in refused(run("nonsense", "--json"), "usage")
    refused(run("code", "check", "--json"), "usage", "code")
    refused(run("token", "create", "--user", "x", "--days", "many", "--json"), "usage", "days")
    refused(run("worker", "--concurrency", "0", "--json"), "usage", "concurrency")
    exit_code, out, err = run("code", "check", "--nonsense")
    assert (exit_code, out) == (2, "")
    assert err.startswith("lims: ")
    assert run()[0] == 2
    assert run("--help")[0] == 0


def test_administration_on_the_console(run):
    exit_code, out, _err = run(
        *("user", "add", "mina", "--role", "technician", "--role", "analyst", "--name", "Mina"),
        *("--password-stdin", "--pin-stdin", "--json"),
        typed=f"{PASSWORD}\n4071\n",
    )
    added = json.loads(out)
    assert exit_code == 0
    assert set(added) == {"login", "person", "name", "roles", "badge"}
    assert (added["name"], added["roles"]) == ("Mina", ["analyst", "technician"])
    assert codes.parse(added["badge"]).letter == "P"

    second = run(
        *("user", "add", "mina.qc", "--role", "qc_officer", "--person", "mina"),
        *("--password-stdin", "--json"),
        typed=PASSWORD,
    )
    assert json.loads(second[1])["person"] == added["person"]

    exit_code, out, _err = run("token", "create", "--user", "mina", "--days", 2, "--json")
    token = json.loads(out)["token"]
    assert exit_code == 0
    assert run("token", "revoke", "--token-stdin", "--json", typed=token + "\n")[0] == 0
    assert json.loads(run("user", "disable", "mina", "--json")[1]) == {
        "login": "mina",
        "disabled": True,
    }
    listed = json.loads(run("user", "list", "--json")[1])["users"]
    assert [each["login"] for each in listed] == ["mina", "mina.qc"]
    assert listed[0]["disabled_at"]

    exit_code, out, _err = run("ledger", "verify", "--json")
    found = json.loads(out)
    assert exit_code == 0
    assert (found["ok"], found["entries"], found["breaks"]) == (True, 5, [])
    with db.reading() as session:
        from lims import ledger

        by = {each.person for each in ledger.newest(session)}
    assert len(by) == 1
    assert by.pop().startswith("operator:")


def test_administration_refuses_in_one_line(run):
    refused(
        run("user", "add", "mina", "--role", "analyst", "--json"), "bad_input", "password_stdin"
    )
    add = ("user", "add", "mina", "--password-stdin", "--json", "--role")
    refused(run(*add, "king", typed=PASSWORD), "bad_input", "roles")
    refused(run(*add, "analyst", typed="short"), "bad_input", "password")
    refused(run(*add, "analyst", typed=""), "bad_input", "password")
    assert run(*add, "analyst", typed=PASSWORD)[0] == 0
    refused(run(*add, "analyst", typed=PASSWORD), "login_taken", "login")
    refused(run("user", "disable", "nobody", "--json"), "no_such_user", "login")
    days = ("token", "create", "--user", "mina", "--json", "--days")
    refused(run(*days, "0"), "bad_input", "days")


def test_a_broken_trail_is_a_no(run, home):
    run("user", "add", "mina", "--role", "analyst", "--password-stdin", typed=PASSWORD)
    with db.current().engine.begin() as connection:
        connection.exec_driver_sql("UPDATE people_person SET name = 'Sara'")
    exit_code, out, _err = run("ledger", "verify", "--json")
    found = json.loads(out)
    assert exit_code == 1
    assert not found["ok"]
    assert {"stream", "number", "what"} == set(found["breaks"][0])


def test_instrument_files_are_read_or_refused(run, tmp_path):
    file = tmp_path / "notes.csv"
    file.write_text("what is this\n1,2,3\n")
    assert "notes.csv" in refused(
        run("instrument", "read", file, "--json"), "instrument_unknown", "notes.csv"
    )
    refused(run("instrument", "read", tmp_path / "absent.csv", "--json"), "bad_input", "file")
    refused(run("instrument", "read", tmp_path, "--json"), "bad_input", "file")
    beads = DATA / "nta" / "beads.csv"
    exit_code, out, _err = run("instrument", "read", beads, "--json")
    assert (exit_code, json.loads(out)["kind"]) == (0, "nta")
    other = run("instrument", "read", beads, "--kind", "plate", "--json")
    refused(other, "instrument_kind", "beads.csv")


def test_a_loggers_file_is_read_with_what_it_does_not_say(run):
    file = DATA / "temperature" / "TinyTag_1.csv"
    said = ("--zone", "Asia/Tehran", "--unit", "Cel")
    exit_code, out, _err = run("instrument", "read", file, "--kind", "temperature", *said, "--json")
    (warmth,) = [each for each in json.loads(out)["samples"] if each["unit"] == "Cel"]
    assert exit_code == 0
    assert (warmth["readings"], warmth["minimum"], warmth["maximum"]) == (10, 20.873, 20.887)
    unknown = run("instrument", "read", file, "--zone", "Mars/Olympus", "--json")
    refused(unknown, "bad_input", "zone")


def test_what_nobody_foresaw_is_one_line_that_names_a_file(run, home, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("private detail")

    monkeypatch.setattr("lims.ledger.verify", fail)
    what = refused(run("ledger", "verify", "--json"), "unexpected")
    (log,) = (home / "log").iterdir()
    assert str(log) in what
    assert "private detail" not in what
    assert "ZeroDivisionError: private detail" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_database_that_somebody_else_holds_is_said_to_be_locked(run, home, monkeypatch):
    verify = ledger.verify

    def held(session, *given, **more):
        session.execute(text("PRAGMA busy_timeout = 10"))  # a person has more patience
        with closing(sqlite3.connect(home / "lims.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            return verify(session, *given, **more)

    monkeypatch.setattr("lims.ledger.verify", held)
    what = refused(run("ledger", "verify", "--json"), "temporary_failure")
    assert "database is locked" in what
    assert "Nothing was recorded" in what
    (log,) = (home / "log").iterdir()
    assert str(log) in what


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("LIMS_DATABASE_URL", "nonsense", "bad_input"),
        ("LIMS_DATABASE_URL", "mysql://x/y", "bad_input"),
        ("LIMS_DATABASE_URL", "sqlite:////proc/none/lims.db", "bad_input"),
        ("LIMS_DATABASE_URL", "postgresql://u:hidden@127.0.0.1:1/x", "temporary_failure"),
        ("LIMS_SECRET_KEY", "short", "missing_setting"),
        ("LIMS_TIME_ZONE", "Mars/Olympus", "missing_setting"),
        ("LIMS_HOME", "/proc/none", "missing_setting"),
    ],
)
def test_wrong_settings_are_named(run, monkeypatch, name, value, code):
    if value.startswith(("nonsense", "mysql", "postgresql")):
        monkeypatch.setenv("LIMS_SECRET_KEY", "s" * 40)
    monkeypatch.setenv(name, value)
    what = refused(run("ledger", "verify", "--json"), code)
    assert "hidden" not in what


def test_a_worker_without_a_broker_is_told_where_it_runs(run):
    assert "LIMS_BROKER_URL" in refused(run("worker", "--json"), "missing_setting")


def test_every_command_answers_help_and_takes_json(run):
    import click

    def leaves(command, path):
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from leaves(command.get_command(context, name), (*path, name))
        else:
            yield path, command

    found = list(leaves(cli.cli, ()))
    assert ("ledger", "verify") in [path for path, _command in found]
    for path, command in found:
        assert run(*path, "--help")[0] == 0, path
        options = [name for each in command.params for name in each.opts]
        assert "--json" in options, path


def _lims(*arguments, **env):
    return subprocess.run(
        [str(LIMS), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env},
    )


def test_the_program_itself_answers_and_refuses(home):
    good = _lims("code", "check", "S7K4M29XC", "--json")
    assert (good.returncode, json.loads(good.stdout)["valid"], good.stderr) == (0, True, "")
    bad = _lims("user", "disable", "nobody", "--json")
    assert bad.returncode == 2
    assert json.loads(bad.stdout)["error"]["code"] == "no_such_user"
    assert bad.stderr.count("\n") == 1


def test_a_database_server_is_upgraded_by_its_operator(run, postgres, monkeypatch):
    import psycopg

    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty_one WITH (FORCE)")
        connection.execute("CREATE DATABASE empty_one")
    monkeypatch.setenv("LIMS_DATABASE_URL", f"{postgres}/empty_one")
    monkeypatch.setenv("LIMS_SECRET_KEY", "s" * 40)

    assert "lims db upgrade" in refused(run("ledger", "verify", "--json"), "not_upgraded")
    exit_code, out, _err = run("db", "upgrade", "--json")
    assert exit_code == 0
    assert json.loads(out) == {"from": "", "to": migrations.head()}
    assert run("ledger", "verify", "--json")[0] == 0


def test_serving_prints_one_line_answers_and_ends_cleanly(home):
    import signal
    import urllib.request

    port = services_here.free_port()
    server = subprocess.Popen(
        [str(LIMS), "serve", "--port", str(port), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        ready = json.loads(server.stdout.readline())
        assert ready == {"ready": f"http://127.0.0.1:{port}"}
        with urllib.request.urlopen(f"{ready['ready']}/healthz", timeout=10) as answer:
            assert answer.status == 200
        taken = _lims("serve", "--port", str(port), "--json")
        assert json.loads(taken.stdout)["error"]["field"] == "port"
        assert taken.returncode == 2
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=30)
    finally:
        server.kill()
        server.communicate()
    assert server.returncode == 0
    assert out == ""
    assert "Traceback" not in err
