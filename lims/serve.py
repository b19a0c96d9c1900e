"""Running: the web with or without the worker inside, and the worker alone.

`lims` never imports `workers`; the two places that start one find it by name, here.
"""

import errno
import logging
import os
import platform
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any

from lims.core import db, queue
from lims.core.errors import BadInput, Conflict, TemporaryFailure
from lims.core.words import Text as _
from lims.opening import open_installation
from lims.settings import MissingSetting, Settings

log = logging.getLogger(__name__)
Ready = Callable[[str], None]

_THREADS = 8
# Two processes of two threads: as fast as two of four, and kinder to the database's connections.
_PROCESSES, _PROCESS_THREADS = 2, 2
_END_WITHIN_S = 10


def run(settings: Settings, host: str, port: int, ready: Ready) -> None:
    """Serve until SIGTERM, SIGINT or `stop`.

    Args:
        port: 0 takes a free one (embedded only).
        ready: called once, with the address, when requests are answered.

    Raises:
        Conflict: the port is taken.
    """
    if settings.embedded:
        _embedded(settings, host, port, ready)
    else:
        _many(settings, host, port, ready)


def stop() -> None:
    """End the serving of this process, from any thread."""
    os.kill(os.getpid(), signal.SIGTERM)


def _embedded(settings: Settings, host: str, port: int, ready: Ready) -> None:
    from waitress.server import create_server

    from lims.app import create_app

    _end_on_signals()
    database = open_installation(settings)
    worker: Any = None
    # waitress says on every queued request that it is queued; that is what queues are for.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        try:
            server = create_server(
                create_app(settings, database),
                host=host,
                port=port,
                threads=_THREADS,
                ident="lims",
                # The proxy's headers are read by the application, where there is a proxy.
                clear_untrusted_proxy_headers=not settings.behind_proxy,
            )
        except OSError as refused:
            raise _no_port(host, port, refused) from refused
        worker = import_module("workers.embedded").start()
        port = getattr(server, "effective_port", port)
        ready(f"http://{host}:{port}")
        server.run()
        server.close()
    except SystemExit:
        log.info("asked to end")
    finally:
        if worker is not None:
            worker.stop()
        database.engine.dispose()


def _many(settings: Settings, host: str, port: int, ready: Ready) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    # Say now, in one line, what each process would say later in many.
    open_installation(settings).engine.dispose()
    _check_port(host, port)
    server = Server(
        "lims.serve:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=_PROCESSES,
        blocking_threads=_PROCESS_THREADS,
        respawn_failed_workers=True,
        # A process that is asked to end while it is still starting would otherwise be waited for
        # without end.
        workers_kill_timeout=_END_WITHIN_S,
        log_level=LogLevels.warning,
    )
    address = f"http://{host}:{port}"

    def wait() -> None:
        # The processes are forks: nothing else may be at work here while they are made, or a lock
        # that is held in that moment stays held in them for ever.
        while len(server.wrks) < _PROCESSES:
            time.sleep(0.05)
        while not _answers(address):
            time.sleep(0.1)
        ready(address)

    server.on_startup(lambda: threading.Thread(target=wait, name="ready", daemon=True).start())
    server.serve()


def application() -> Any:
    """The application of one web process, where a broker is set."""
    from lims import settings
    from lims.app import create_app

    chosen = settings.read()
    database = open_installation(chosen)
    queue.use(import_module("workers.app").configure(chosen.broker_url))
    return create_app(chosen, database)


def work(settings: Settings, *, beat: bool, concurrency: int, ready: Ready) -> None:
    """Perform what is queued, until SIGTERM or SIGINT.

    Args:
        beat: also keep the schedule. Two that do so ask for everything twice, which is harmless.

    Raises:
        MissingSetting: no broker; then the worker runs inside `lims serve`.
        TemporaryFailure: the broker does not answer.
    """
    if settings.broker_url is None:
        raise MissingSetting(
            _("LIMS_BROKER_URL is not set, so the worker runs inside lims serve. Start that.")
        )
    # Each child opens its own connections; here it is only asked whether there is a database.
    open_installation(settings).engine.dispose()
    db.forget()
    from celery.signals import worker_ready

    application = import_module("workers.app").configure(settings.broker_url)
    _check_broker(application)
    name = f"worker@{platform.node()}"

    def say(**_signal: Any) -> None:
        ready(name)

    worker_ready.connect(say, weak=False)
    worker = application.Worker(
        hostname=name,
        concurrency=concurrency,
        pool_cls="prefork",
        beat=beat,
        scheduler="celery.beat:Scheduler",
        optimization="fair",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()


def _check_broker(application: Any) -> None:
    try:
        with application.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as away:  # every transport has errors of its own
        raise TemporaryFailure(
            _(
                "The broker of LIMS_BROKER_URL does not answer (%(why)s); start it, or correct it.",
                why=type(away).__name__,
            )
        ) from away


def _end_on_signals() -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _check_port(host: str, port: int) -> None:
    import socket

    if port == 0:
        raise BadInput(_("With a broker a port has to be named; give --port."), field="port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            raise _no_port(host, port, refused) from refused


def _no_port(host: str, port: int, refused: OSError) -> Conflict:
    if refused.errno == errno.EADDRINUSE:
        return Conflict(
            _(
                "Port %(port)s of %(host)s is in use; end that program, or choose another port.",
                port=port,
                host=host,
            ),
            field="port",
        )
    return Conflict(
        _(
            "Nothing can listen on %(host)s, port %(port)s: %(why)s. Choose another.",
            host=host,
            port=port,
            why=refused.strerror,
        ),
        field="port",
    )
