"""A PostgreSQL cluster that is crashed and started again, and the processes of an installation."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from lims import migrations
from lims.core import db
from tests import services_here

LIMS = Path(sys.executable).parent / "lims"
ROOT = Path(__file__).parent.parent.parent


class Cluster:
    """A cluster whose commits are on disk before they are acknowledged, as a real one's."""

    def __init__(self, within: Path | None = None) -> None:
        programs = services_here._postgres_programs()
        if programs is None:
            services_here.absent("PostgreSQL")
        assert programs is not None
        self.programs = programs
        self.who: dict[str, Any] = (
            {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        )
        self.folder = Path(tempfile.mkdtemp(prefix="exotrace-crash-", dir=within))
        if self.who:
            shutil.chown(self.folder, **self.who)
        self.port = services_here.free_port()
        self.crashes = 0
        # Short segments of the log: one of 16 MB, made before, would hide a full disk for long.
        self._run("initdb", "-D", self.folder / "data", "-U", "lims", "-A", "trust", "--no-sync",
                  "--locale=C.UTF-8", "-E", "UTF8", "--wal-segsize=1")  # fmt: skip
        self.start()

    @property
    def address(self) -> str:
        return f"postgresql://lims@127.0.0.1:{self.port}"

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [str(self.programs / program), *(str(each) for each in arguments)],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.who,
        )

    def start(self) -> None:
        """Start it, and wait until it has recovered."""
        # Without fsync: the machine does not fail here, only the programs do.
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-t", "60", "-l",
                  self.folder / "log", "-o",
                  f"-p {self.port} -k {self.folder} -c fsync=off -c synchronous_commit=on "
                  "-c listen_addresses=127.0.0.1 -c max_connections=120 "
                  "-c deadlock_timeout=200ms -c wal_recycle=off", "start")  # fmt: skip

    def crash(self) -> None:
        """Stop it as a crash does, without a word to anybody, and start it again."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        self.crashes += 1
        self.start()

    def ensure(self) -> None:
        """Start it again where it stopped by itself."""
        try:
            with psycopg.connect(f"{self.address}/postgres", connect_timeout=3):
                return
        except psycopg.OperationalError:
            with suppress(subprocess.CalledProcessError):
                self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        self.crashes += 1
        self.start()

    def close(self) -> None:
        """Stop it, where it runs, and forget it."""
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Process:
    """A process of `lims` in a group of its own, which is killed and started again."""

    def __init__(self, settings: dict[str, str], *arguments: str, program: tuple[str, ...]) -> None:
        self.settings, self.arguments, self.program = settings, arguments, program
        self.kills = 0
        self._begin()

    def _begin(self) -> None:
        self.process = subprocess.Popen(
            [*self.program, *self.arguments, "--json"],
            env=self.settings,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Wait until it says that it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert json.loads(line or "{}").get("ready"), (self.arguments, line)

    def children(self) -> list[int]:
        """The processes that it started, as they are now."""
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except OSError:
            return []
        return [int(each) for each in text.split()]

    def kill_child(self, chance: Any) -> bool:
        """Kill one of its processes; the parent starts another."""
        there = self.children()
        if not there:
            return False
        os.kill(chance.choice(there), signal.SIGKILL)
        self.kills += 1
        return True

    def kill(self) -> None:
        """Kill all of them at once, as a power cut does."""
        with suppress(ProcessLookupError):  # it ended by itself, and its children with it
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.kills += 1

    def again(self) -> None:
        """Start it again."""
        self._begin()
        self.wait()

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Installation:
    """Web under granian, a worker, a broker and a cluster, as many processes as in production."""

    def __init__(self, cluster: Cluster, broker: str, home: Path, program: tuple[str, ...]) -> None:
        self.cluster, self.restarts = cluster, 0
        self.port = services_here.free_port()
        settings = {
            **os.environ,
            "LIMS_HOME": str(home),
            "LIMS_DATABASE_URL": f"{cluster.address}/lims",
            "LIMS_BROKER_URL": broker,
            "LIMS_SECRET_KEY": secrets.token_hex(32),
        }
        self.web = Process(settings, "serve", "--port", str(self.port), program=program)
        self.worker = Process(settings, "worker", "--concurrency", "1", "--beat", program=program)
        try:
            self.web.wait()
            self.worker.wait()
        except BaseException:
            self.close()
            raise

    def supervise(self) -> None:
        """Start again what has ended, as the restart policy of compose.yaml does.

        A web whose processes die twice within seconds takes it for a loop and ends itself.
        """
        for each in (self.web, self.worker):
            if each.process.poll() is not None:
                self.restarts += 1
                each.kill()
                each.again()

    def wait(self, seconds: float = 60) -> None:
        """Wait until the web answers again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.supervise()
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/healthz", timeout=2
                ) as answer:
                    if answer.status == 200:
                        return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise TimeoutError("the web does not answer")

    def close(self) -> None:
        """End all of them."""
        self.web.close()
        self.worker.close()


@contextmanager
def crashing() -> Iterator[Cluster]:
    """A cluster with an empty database `lims` of the newest form, in use by this process."""
    import psycopg

    cluster = Cluster()
    try:
        with psycopg.connect(f"{cluster.address}/postgres", autocommit=True) as root:
            root.execute("CREATE DATABASE lims")
        database = db.open_database(f"{cluster.address}/lims")
        migrations.upgrade(database)
        db.use(database)
        yield cluster
        db.forget()
        database.engine.dispose()
    finally:
        db.forget()
        cluster.close()
