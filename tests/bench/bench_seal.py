"""Sealing what waits, against the least work that could do it: `make bench`.

The baseline fetches the same bytes and hashes them as leaves and nodes of the tree with `hashlib`;
it signs nothing and stores nothing. Then the delay of one seal after a single act, with that tree
behind it; and the most memory that the sealing process ever held.

`python tests/bench/bench_seal.py --entries 1000000` for the long queue.
"""

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from lims import ledger, tables  # noqa: E402, F401
from lims.core import db  # noqa: E402
from lims.core.permissions import Role  # noqa: E402
from lims.ledger import keys  # noqa: E402
from tests import services_here  # noqa: E402
from tests.bench.bench_verify import peak, prepare  # noqa: E402
from tests.makers import actor  # noqa: E402


def bare(address):
    """Fetch and hash, leaf by leaf and node by node; seconds."""
    begun = time.perf_counter()
    peaks, size = [], 0
    with psycopg.connect(address) as connection:
        cursor = connection.cursor("bare", binary=True)
        cursor.itersize = 2000
        cursor.execute("SELECT body FROM ledger_entry ORDER BY id")
        while page := cursor.fetchmany(2000):
            for (body,) in page:
                here, merges = hashlib.sha256(b"\x00" + body).digest(), size
                while merges & 1:
                    here = hashlib.sha256(b"\x01" + peaks.pop() + here).digest()
                    merges >>= 1
                peaks.append(here)
                size += 1
    return time.perf_counter() - begun


def main():
    """Print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--entries", type=int, default=100_000)
    entries = asked.parse_args().entries
    with services_here.postgres(safe=True) as server, tempfile.TemporaryDirectory() as folder:
        address = prepare(server, entries)
        db.use(db.open_database(address))
        keys.use(keys.KeyPlace(Path(folder) / "seal.key", own=True))
        least = statistics.median(bare(address) for _each in range(3))
        held = peak("self")
        begun = time.perf_counter()
        done = ledger.seal()
        took = time.perf_counter() - begun
        print(
            f"sealed {done.new} entries in {done.number} seals: {done.new / took:.0f}/s, "
            f"{least / took:.2f} of fetching and hashing alone ({done.new / least:.0f}/s); "
            f"{peak('self') - held:.0f} MB more than before"
        )
        technician = actor(Role.TECHNICIAN)
        alone = []
        for _each in range(30):
            with db.transaction():
                ledger.record(technician, "item/S7K4M29XC", "test.done")
            begun = time.perf_counter()
            ledger.seal()
            alone.append(time.perf_counter() - begun)
        print(
            f"one entry on top of {done.size}: {1000 * statistics.median(alone):.0f} ms, "
            f"slowest {1000 * max(alone):.0f} ms"
        )
        db.current().engine.dispose()


if __name__ == "__main__":
    main()
