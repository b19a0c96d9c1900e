"""A burst of print jobs through Redis and one worker, against Celery with nothing to do.

The baseline sends as many messages of a task that does nothing to the same worker and broker. What
is measured besides: when the first label of one large job leaves, and when its last.

`python tests/bench/bench_printing.py --jobs 500 --rounds 3`
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis as client_of
from sqlalchemy import func, select

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from lims import labels, migrations, tables  # noqa: E402, F401
from lims.core import codes, db, queue  # noqa: E402
from lims.core.permissions import Role  # noqa: E402
from lims.labels import PrinterKind, RequestState  # noqa: E402
from lims.labels.models import LabelRequest  # noqa: E402
from tests import services_here  # noqa: E402
from tests.approved import put_in_force  # noqa: E402
from tests.labels import printer_here  # noqa: E402
from tests.makers import actor  # noqa: E402
from tests.services_here import until  # noqa: E402
from workers import app as celery_app  # noqa: E402

EMPTY = "bench.nothing"
WORKER = f"""
import sys
from celery import shared_task
@shared_task(name="{EMPTY}")
def nothing(number):
    pass
from lims.cli import cli
sys.argv = ["lims", "worker", "--json", "--concurrency", "1"]
cli.main()
"""
HANDED = (RequestState.SENT, RequestState.PRINTED)


def ask(jobs, *, together):
    """So many labels: one act for all, or one each; their job numbers."""
    technician = actor(Role.TECHNICIAN)

    def one():
        return labels.request(
            technician,
            template="place_50x20",
            code=codes.draw("A"),
            fields={"name": "Freezer F1, rack 12"},
        )

    if not together:
        return [one() for _each in range(jobs)]
    with db.transaction():
        return [one() for _each in range(jobs)]


def handed():
    with db.reading() as session:
        return session.scalar(
            select(func.count()).select_from(LabelRequest).where(LabelRequest.state.in_(HANDED))
        )


def empty(broker, count):
    """Seconds for as many messages of a task that does nothing."""
    begun = time.perf_counter()
    for number in range(count):
        queue.send(EMPTY, number)
    until(lambda: not broker.llen("lims") and not broker.hlen("unacked"), 120)
    return time.perf_counter() - begun


def burst(count):
    """Seconds until that many jobs are on paper."""
    queue.use(None)
    rows = ask(count, together=False)
    queue.use(celery_app.app)
    before = handed()
    begun = time.perf_counter()
    for each in rows:
        queue.send("labels.print", each.job)
    until(lambda: handed() == before + count, 300)
    return time.perf_counter() - begun


def large(here, count):
    """Seconds until the first and the last label of one job lie on paper."""
    before = len(here.out)
    queue.use(None)
    rows = ask(count, together=True)
    queue.use(celery_app.app)
    begun = time.monotonic()
    queue.send("labels.print", rows[0].job)
    until(lambda: len(here.out) == before + count, 300)
    return here.when[before] - begun, here.when[-1] - begun


def main():
    """Print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--jobs", type=int, default=500)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    with (
        services_here.postgres(safe=True) as server,
        services_here.redis_server() as address,
        tempfile.TemporaryDirectory() as home,
        printer_here.printer(answers=False) as here,
    ):
        os.environ["LIMS_HOME"] = home
        url = f"{server}/postgres"
        database = db.open_database(url)
        migrations.upgrade(database)
        db.use(database)
        put_in_force()
        labels.add_printer(
            actor(Role.ADMINISTRATOR), name="Z1", kind=PrinterKind.SOCKET,
            address=here.address, answers=False,
        )  # fmt: skip
        celery_app.configure(address)
        queue.use(celery_app.app)
        broker = client_of.from_url(address)
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "LIMS_DATABASE_URL": url, "LIMS_BROKER_URL": address,
                 "LIMS_SECRET_KEY": "s" * 40},
        )  # fmt: skip
        try:
            worker.stdout.readline()
            empty(broker, 20)
            burst(5)
            rounds = [(empty(broker, given.jobs), burst(given.jobs)) for _n in range(given.rounds)]
            first, last = large(here, given.jobs)
        finally:
            worker.terminate()
            worker.wait(30)
    for least, ours in rounds:
        print(f"{given.jobs} empty tasks {least:.2f} s, {given.jobs} jobs on paper {ours:.2f} s")
    ratio = statistics.median(least / ours for least, ours in rounds)
    print(f"ratio {ratio:.2f} of Celery with nothing to do (aim 0.50)")
    print(f"one job of {given.jobs}: first label after {first:.3f} s, last after {last:.2f} s")


if __name__ == "__main__":
    main()
