"""A print agent beside a printer whose server is elsewhere: the same at-most-once, over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lims import labels, ledger
from lims.core import clock, codes, db
from lims.core.errors import BadInput
from lims.core.permissions import PEOPLE, PERMISSIONS, WORKER, Role, allowed
from lims.labels import PrinterKind, RequestState, agent, installing, raw, sending, turns
from lims.labels import permissions as may
from tests import services_here
from tests.conftest import SOAK
from tests.labels import printer_here
from tests.labels.test_printing import ask, state, turn
from tests.makers import actor
from tests.services_here import until

LIMS = Path(sys.executable).parent / "lims"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(raw, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(raw, "STATUS_SECONDS", 0.2)


@pytest.fixture
def server(site):
    """The site on a port of its own, by a clock that goes."""
    with services_here.listening(site.app) as url:
        yield url


def token(name="Z9"):
    labels.add_printer(
        actor(Role.ADMINISTRATOR), name=name, kind=PrinterKind.AGENT, address="laboratory 2"
    )
    return installing.give_token(actor(Role.ADMINISTRATOR), name=name)


def beside(here, url, secret, **more):
    """An agent in this process, beside a printer of ours."""
    return agent.Agent(
        agent.Server(url, secret),
        lambda language: sending.open_line(
            PrinterKind.SOCKET, here.address, answers=here.answers, language=language
        ),
        **more,
    )


def several(technician, count, printer="Z9"):
    with db.transaction():
        return [ask(technician, printer=printer) for _each in range(count)]


def sound():
    with db.reading() as session:
        return ledger.verify(session).ok


def test_an_agent_process_pulls_and_prints_in_order(site, server, technician, tmp_path):
    secret = tmp_path / "token"
    secret.write_text(token())
    asked = several(technician, 3)
    with printer_here.printer() as here:
        done = subprocess.run(
            [str(LIMS), "print-agent", "--server", server, "--token-file", str(secret),
             "--address", here.address, "--once", "--json"],
            capture_output=True, text=True, timeout=60, env=_without_database(tmp_path),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"printed": 3}
        assert here.printed == [codes.symbol(each.code, 1) for each in asked]
    assert {state(each) for each in asked} == {RequestState.PRINTED}
    with db.reading() as session:
        (last,) = ledger.entries_of(session, labels.stream(asked[0].code))[-1:]
    assert (last.kind, last.station) == ("labels.printed", "Z9")
    assert sound()


def _without_database(folder):
    """An environment in which nothing of the installation can be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMS_")}
    return {**kept, "LIMS_HOME": str(folder / "nowhere")}


def test_a_worker_leaves_the_printers_of_agents_alone(site, technician):
    token()
    (asked,) = several(technician, 1)
    labels.print_job(WORKER, asked.job)
    labels.sweep(WORKER)
    assert state(asked) is RequestState.WAITING
    assert turn("Z9") is None


def test_an_agent_claims_nothing_while_its_printer_cannot_print(site, server, technician):
    secret = token()
    (asked,) = several(technician, 1)
    with printer_here.printer(paper=0) as here:
        each = beside(here, server, secret)
        assert not each.once()
        assert state(asked) is RequestState.WAITING
        assert site.get("tara", "/printers").json["printers"][0]["state"] == "stopped"
        here.refill()
        assert each.once()
        assert not each.once()
    assert state(asked) is RequestState.PRINTED


def test_what_an_agent_cannot_confirm_is_uncertain(site, server, technician):
    secret = token()
    asked = several(technician, 2)
    with printer_here.printer(answers=False, drops_after=10) as here:
        each = beside(here, server, secret)
        each.once()
        assert state(asked[0]) is RequestState.UNCERTAIN
        assert state(asked[1]) is RequestState.WAITING
        here.drops_after = None
        each.once()
        each.once()
        assert until(lambda: len(here.out) == 1, 2)
    assert state(asked[1]) is RequestState.SENT


def test_the_second_of_two_agents_gets_nothing_meanwhile(site, server, technician):
    secret = token()
    several(technician, 4)
    with printer_here.printer() as here:
        first, second = beside(here, server, secret), beside(here, server, secret)
        assert first.once()
        assert not second.once()
        assert first.once()
        assert len(here.out) == 2


def test_a_test_label_is_printed_by_the_agent(site, server, technician):
    secret = token()
    site.api("tara", "/printers/Z9/test", {})
    with printer_here.printer() as here:
        assert beside(here, server, secret).once()
        (symbol,) = here.printed
    assert codes.parse(symbol).copy == 0
    assert "printed" in site.get("tara", "/printers").json["printers"][0]["test"]


def call(site, secret, path, body=None):
    client = site.app.test_client(use_cookies=False)
    return client.open(
        "/api/v1" + path,
        method="GET" if body is None else "POST",
        headers={"Authorization": f"Bearer {secret}"},
        json=body,
    )


def test_a_token_opens_one_printer_and_nothing_else(site, technician):
    mine, other = token(), token("Z8")
    (asked,) = several(technician, 1)
    assert call(site, mine, "/print-agent/work").json["waiting"]
    assert not call(site, other, "/print-agent/work").json["waiting"]
    claimed = call(site, mine, "/print-agent/claims", {"agent": "one"}).json["id"]
    assert claimed == str(asked.id)
    content = f"/print-agent/copies/{claimed}/content"
    assert call(site, mine, content).data.startswith(b"^XA")
    assert call(site, other, content).status_code == 404
    outcome = f"/print-agent/copies/{claimed}/outcome"
    assert call(site, other, outcome, {"outcome": "printed"}).status_code == 404
    assert call(site, mine, outcome, {"outcome": "eaten"}).status_code == 422
    assert call(site, mine, outcome, {"outcome": "printed"}).json["state"] == "printed"
    assert call(site, mine, outcome, {"outcome": "not-sent"}).status_code == 409
    assert call(site, mine, content).status_code == 409
    for path in ("/printers", "/print-jobs", "/lots", f"/items/{asked.code}"):
        assert call(site, mine, path).status_code in (403, 404), path
    assert call(site, mine, "/printers/Z9/pause", {"reason": "x"}).status_code == 403
    mays = {each.name for each in PERMISSIONS.values() if allowed(agent_of(mine), each)}
    assert mays == {may.AGENT.name}
    assert Role.AGENT not in PEOPLE
    newer = installing.give_token(actor(Role.ADMINISTRATOR), name="Z9")
    assert call(site, mine, "/print-agent/work").status_code == 401
    assert call(site, newer, "/print-agent/work").status_code == 200
    labels.retire_printer(actor(Role.ADMINISTRATOR), name="Z9")
    assert call(site, newer, "/print-agent/work").status_code == 401


def agent_of(secret):
    return installing.actor_of_token(secret)


def test_no_person_speaks_as_an_agent(site):
    token()
    assert site.get("tara", "/print-agent/work").status_code == 403
    assert site.api("tara", "/print-agent/claims", {"agent": "a"}).status_code == 403


def test_a_claim_whose_answer_was_lost_is_the_same_claim(site, technician):
    secret = token()
    asked = several(technician, 2)
    client = site.app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "the-same"}
    said = [
        client.post("/api/v1/print-agent/claims", headers=headers, json={"agent": "a"}).json["id"]
        for _each in range(3)
    ]
    assert said == [str(asked[0].id)] * 3
    assert state(asked[1]) is RequestState.WAITING


@pytest.mark.parametrize("url", ["http://lims.example.org", "ftp://a", "lims", "https://", ""])
def test_a_token_is_not_sent_where_all_can_read_it(url):
    with pytest.raises(BadInput):
        agent.Server(url, "lpa_x")


DYING = """
import os, sys
from lims.labels import agent, raw, sending
from lims.labels.models import PrinterKind
url, secret, address, at = sys.argv[1:]
def die(*a, **k):
    os.kill(os.getpid(), 9)
real = raw.Raw.send
if at == "before":
    raw.Raw.send = die
elif at == "after":
    def send(*a):
        real(*a)
        die()
    raw.Raw.send = send
elif at == "telling":
    agent.Agent._report = die
agent.Agent(
    agent.Server(url, secret),
    lambda language: sending.open_line(
        PrinterKind.SOCKET, address, answers=True, language=language
    ),
).once()
"""


def test_H12_a_killed_agent_never_prints_twice(site, server, technician, measured, monkeypatch):
    monkeypatch.setattr(turns, "HELD", timedelta(seconds=0))
    secret = token()
    asked = several(technician, 60 if SOAK else 3)
    with printer_here.printer() as here:
        for number, _each in enumerate(asked):
            at = ("before", "after", "telling")[number % 3]
            died = subprocess.run(
                [sys.executable, "-c", DYING, server, secret, here.address, at], check=False
            )
            assert died.returncode == -signal.SIGKILL
            site.lab.clock.at += timedelta(seconds=1)
        assert not beside(here, server, secret).once()
        time.sleep(0.1)
        with clock.running(clock.SetClock(datetime(2099, 1, 1, tzinfo=UTC))):
            labels.sweep(WORKER)
        assert not beside(here, server, secret).once()
        printed = here.printed
    twice = len(printed) - len(set(printed))
    hidden = sum(state(each) is not RequestState.UNCERTAIN for each in asked)
    measured("H12", trials=len(asked), failures=twice + hidden, duplicates=twice)
    assert twice == 0
    assert hidden == 0
    assert sound()
