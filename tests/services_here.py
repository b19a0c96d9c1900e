"""The services a test needs, started from this machine's own programs and stopped again.

Where a program is missing the test is skipped with the reason; with REQUIRE_SERVICES=1 it fails,
so that a continuous run cannot pass by skipping.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server


def absent(what: str) -> None:
    """Skip, or fail where everything must be there."""
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail(f"{what} is missing, and REQUIRE_SERVICES is set")
    pytest.skip(f"{what} is not on this machine")


def paper(document: bytes, folder: Path, dpi: int) -> list[Path]:
    """The pages of a PDF as a printer would have them: grey pictures, in order."""
    if not shutil.which("pdftoppm"):
        absent("pdftoppm (poppler-utils)")
    file = folder / "paper.pdf"
    file.write_bytes(document)
    subprocess.run(
        ["pdftoppm", "-r", str(dpi), "-gray", "-png", file, folder / "page"],
        check=True, timeout=120,
    )  # fmt: skip
    return sorted(folder.glob("page*.png"))


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _postgres_programs() -> Path | None:
    for config in (shutil.which("pg_config"),):
        if config:
            found = subprocess.run([config, "--bindir"], capture_output=True, text=True)
            if (Path(found.stdout.strip()) / "initdb").exists():
                return Path(found.stdout.strip())
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if versions:
        return versions[0].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


@contextmanager
def postgres(*, safe: bool = False) -> Iterator[str]:
    """A throw-away PostgreSQL cluster; yields its address without a database.

    Args:
        safe: wait for the disk at each commit, as a real one does; a test has no need to.
    """
    programs = _postgres_programs()
    if programs is None:
        absent("PostgreSQL")
    # initdb refuses to run as root, so there the cluster belongs to Debian's user.
    who = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="exotrace-pg-"))
    if who:
        shutil.chown(folder, **who)
    port = free_port()

    def run(*command: object) -> None:
        subprocess.run(
            [str(each) for each in command],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            **who,
        )

    run(programs / "initdb", "-D", folder / "data", "-U", "lims", "-A", "trust",
        "--no-sync", "--locale=C.UTF-8", "-E", "UTF8")  # fmt: skip
    disk = "on" if safe else "off"
    run(programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o",
        f"-p {port} -k {folder} -c fsync={disk} -c listen_addresses=127.0.0.1 "
        "-c max_connections=120 -c full_page_writes=off -c autovacuum=off -c wal_level=minimal "
        f"-c max_wal_senders=0 -c synchronous_commit={disk}", "start")  # fmt: skip
    try:
        yield f"postgresql://lims@127.0.0.1:{port}"
    finally:
        run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """A throw-away Redis; yields its address."""
    program = shutil.which("redis-server")
    if program is None:
        absent("Redis")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="exotrace-redis-"))
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def whole(app: Any) -> Any:
    """An application whose answers are read and closed before the server sends them.

    The server of these tests forgets to close a file whose reader hung up in that moment.
    """

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with closing(app(environ, start_response)) as parts:
            return [b"".join(parts)]

    return answer


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """An application on a port of its own, in a thread of this process; yields its address."""
    server = make_server("127.0.0.1", 0, whole(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for_port(port: int, seconds: float = 20) -> None:
    """Wait until something listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def until(true: Callable[[], Any], seconds: float = 30) -> bool:
    """Wait until something holds; False where it did not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    absent("Chromium")
    raise AssertionError


@contextmanager
def browser() -> Iterator[Any]:
    """A browser that asks nobody outside for anything."""
    program = _chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("Playwright")
    with sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=program,
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield opened
        opened.close()


@contextmanager
def cups(queues: dict[str, str]) -> Iterator[str]:
    """A throw-away CUPS with raw queues; yields `ipp://host:port`.

    Args:
        queues: the device of each queue by its name: `socket://…`, or `file:/…`.
    """
    program = shutil.which("cupsd") or shutil.which("cupsd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        absent("CUPS")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="exotrace-cups-"))
    for each in ("spool", "cache", "state", "log", "ppd"):
        (folder / each).mkdir()
    (folder / "cupsd.conf").write_text(
        f"Listen 127.0.0.1:{port}\nBrowsing Off\nDefaultAuthType None\nErrorPolicy abort-job\n"
        "LogLevel warn\nMaxLogSize 0\n<Location />\n Order allow,deny\n Allow all\n</Location>\n"
        "<Policy default>\n <Limit All>\n  Order allow,deny\n  Allow all\n </Limit>\n</Policy>\n"
    )
    (folder / "cups-files.conf").write_text(
        f"ServerRoot {folder}\nRequestRoot {folder}/spool\nCacheDir {folder}/cache\n"
        f"StateDir {folder}/state\nAccessLog {folder}/log/access\nErrorLog {folder}/log/error\n"
        f"PageLog {folder}/log/page\nTempDir {folder}/spool\nFileDevice Yes\nSandboxing Relaxed\n"
    )
    (folder / "printers.conf").write_text(
        "".join(
            f"<Printer {name}>\nDeviceURI {device}\nState Idle\nAccepting Yes\n"
            "ErrorPolicy abort-job\nOpPolicy default\n</Printer>\n"
            for name, device in queues.items()
        )
    )
    server = subprocess.Popen(
        [program, "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"ipp://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server's files, gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="exotrace-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
