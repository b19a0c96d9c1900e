"""The processes of compose.yaml, started by hand on real PostgreSQL and Redis.

Two database roles as compose makes them, the upgrade as the owner, the web under granian, a worker
with its schedule. Over HTTP a woman is registered and her wristband is asked for; the worker prints
it; it is killed, and the next one prints the next.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from ruamel.yaml import YAML
from sqlalchemy import select

from lims import ledger, studies
from lims.core import db
from lims.core.permissions import Role
from lims.labels import RequestState
from lims.labels.models import LabelRequest
from tests import services_here
from tests.approved import put_in_force
from tests.makers import actor
from tests.services_here import until

ROOT = Path(__file__).parent.parent.parent
LIMS = Path(sys.executable).parent / "lims"
PROTOCOLS = ROOT / "lims/studies/protocols"
STUDY = "IRCT20210228050535N2"


@pytest.fixture
def roles(postgres):
    """Run the very script that compose gives to PostgreSQL's first start."""
    if shutil.which("psql") is None:
        services_here.absent("psql")
    text = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())
    script = text["configs"]["roles"]["content"].replace("$$", "$")
    host, port = postgres.rpartition("@")[2].split(":")
    subprocess.run(
        ["/bin/sh", "-c", script],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={
            **os.environ,
            "PGHOST": host,
            "PGPORT": port,
            "POSTGRES_USER": "lims",
            "LIMS_OWNER_PASSWORD": "owner's secret",
            "LIMS_APP_PASSWORD": "app's secret",
        },
    )
    yield f"{host}:{port}/lims"
    db.forget()
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as root:
        root.execute("DROP DATABASE lims WITH (FORCE)")
        root.execute("DROP ROLE lims_owner")
        root.execute("DROP ROLE lims_app")


@pytest.fixture
def installation(roles, tmp_path):
    """What every process of it is told."""
    with services_here.redis_server() as broker:
        yield {
            **os.environ,
            "LIMS_HOME": str(tmp_path / "home"),
            "LIMS_DATABASE_URL": f"postgresql://lims_app@{roles}",
            "LIMS_BROKER_URL": broker,
            "LIMS_SECRET_KEY": secrets.token_hex(32),
            "LIMS_TIME_ZONE": "Asia/Tehran",
        }


def lims(settings, *arguments, said=""):
    """A command that answers one JSON document."""
    ran = subprocess.run(
        [LIMS, *arguments, "--json"],
        env=settings,
        capture_output=True,
        text=True,
        input=said,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, f"lims {arguments}: {ran.stdout}{ran.stderr}"
    return json.loads(ran.stdout)


class Process:
    """A process of `lims` that says when it is ready, in a group of its own."""

    def __init__(self, settings, *arguments):
        self.process = subprocess.Popen(
            [LIMS, *arguments, "--json"],
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.ready = json.loads(self.process.stdout.readline() or "{}").get("ready")

    def __enter__(self):
        return self

    def kill(self):
        """As a power cut would: the parent and its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def __exit__(self, *_failure):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stdout.close()
        self.process.wait(1)


def ask(address, path, token=None, body=None, key=None):
    """One request; its status and its JSON."""
    request = urllib.request.Request(
        f"{address}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({"Idempotency-Key": key} if key else {}),
        },
        method="GET" if body is None else "POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def band_for(address, token, name):
    """Register a woman and ask for her wristband; the band's code."""
    status, her = ask(
        address,
        f"/api/v1/studies/{STUDY}/participants",
        token,
        {"kind": "participant", "name": name, "birth_date": "1990-03-21"},
        uuid4().hex,
    )
    assert status in (200, 201), her
    status, band = ask(
        address, f"/api/v1/participants/{her['number']}/wristband", token, {}, uuid4().hex
    )
    assert status in (200, 201), band
    return band


def printed():
    """The bands that a worker has drawn."""
    with db.reading() as session:
        return set(
            session.scalars(
                select(LabelRequest.code).where(
                    LabelRequest.template == "wristband_250x25",
                    LabelRequest.state == RequestState.DRAWN,
                )
            )
        )


def test_the_processes_of_an_installation_work_together(roles, installation, request):
    request.config.per_database["postgresql"] += 1
    settings = installation

    # Before the upgrade nothing starts, and says why.
    early = subprocess.run(
        [LIMS, "worker"], env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert early.returncode == 2
    assert "lims db upgrade" in early.stderr
    upgraded = lims(
        {**settings, "LIMS_OWNER_DATABASE_URL": f"postgresql://lims_owner@{roles}"}, "db", "upgrade"
    )
    assert upgraded["from"] == ""
    assert upgraded["to"]

    # Everything from here on is the application's role, which could not have done that.
    opened = db.open_database(settings["LIMS_DATABASE_URL"])
    db.use(opened)
    studies.load(
        actor(Role.ADMINISTRATOR),
        document=(PROTOCOLS / "irct20210228050535n2.toml").read_text(),
        site_document=(PROTOCOLS / "site.toml").read_text(),
    )
    put_in_force()
    lims(
        settings, "user", "add", "leila", "--role", "investigator", "--password-stdin",
        said="correct horse battery\n",
    )  # fmt: skip
    token = lims(settings, "token", "create", "--user", "leila", "--days", "1")["token"]

    port = str(services_here.free_port())
    with Process(settings, "serve", "--port", port) as web:
        assert web.ready == f"http://127.0.0.1:{port}"
        assert ask(web.ready, "/healthz") == (200, {"alive": True})
        status, found = ask(web.ready, "/readyz")
        assert status == 503, "no worker has been seen yet"
        assert [name for name, each in found["checks"].items() if not each["ok"]] == ["worker"]
        assert ask(web.ready, "/api/v1/studies")[0] == 401

        with Process(settings, "worker", "--beat", "--concurrency", "1") as first:
            assert first.ready
            assert until(lambda: ask(web.ready, "/readyz")[0] == 200), ask(web.ready, "/readyz")
            band = band_for(web.ready, token, "Maryam Hosseini")
            assert until(lambda: band["band"] in printed())
            first.kill()

        # Queued while nobody works; it waits in the database.
        band = band_for(web.ready, token, "Zahra Karimi")
        time.sleep(0.5)
        assert band["band"] not in printed()
        with Process(settings, "worker", "--beat", "--concurrency", "1"):
            assert until(lambda: band["band"] in printed())

    with db.reading() as session:
        found = ledger.verify(session)
    opened.engine.dispose()
    assert found.ok, found.breaks
    assert len(printed_files(settings)) == 2


def printed_files(settings):
    return list((Path(settings["LIMS_HOME"]) / "labels").glob("W*.png"))
