"""A move against the least work that could do it: `make bench`. See `loops` for the baseline.

1. `custody.move` through the service, one process, against one loop: with a disk that is waited for
   at each commit, as in production, and without, which leaves nothing but our own work.
2. `POST /api/v1/items/{code}/moves` through `lims serve` (granian, two processes) with four clients
   and an idempotency key each, against two loops at once that replay what such a request sends.

`python tests/bench/bench_move.py --profile` says where the time of the service goes.
"""

import argparse
import cProfile
import json
import os
import pstats
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from lims import custody
from lims.core import db
from tests import services_here
from tests.bench import loops

LIMS = Path(sys.executable).parent / "lims"
AIMS = {"service": 0.50, "http": 0.30}
CLIENTS = 4


def client(port, token, todo, failures):
    """One client on one connection: plain bytes, so that it costs little beside the server."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for code, place in todo:
            body = json.dumps({"to": place}).encode()
            line.sendall(
                f"POST /api/v1/items/{code}/moves HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {token}\r\nIdempotency-Key: {uuid4().hex}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += line.recv(65536)
            head, _blank, rest = answer.partition(b"\r\n\r\n")
            length = next(
                int(each.split(b":")[1])
                for each in head.lower().split(b"\r\n")
                if each.startswith(b"content-length")
            )
            while len(rest) < length:
                rest += line.recv(65536)
            if b" 200 " not in head.split(b"\r\n")[0]:
                failures.append((head + rest)[:400])
                return


@contextmanager
def serving(address, broker):
    """The port of `lims serve` over a database, and its process."""
    port = services_here.free_port()
    web = subprocess.Popen(
        [LIMS, "serve", "--port", str(port), "--json"],
        env={
            **os.environ,
            "LIMS_HOME": tempfile.mkdtemp(),
            "LIMS_DATABASE_URL": address,
            "LIMS_BROKER_URL": broker,
            "LIMS_SECRET_KEY": "s" * 40,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert json.loads(web.stdout.readline())["ready"]
        time.sleep(3)  # the second process may still be coming up
        yield port, web.pid
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(30)
        web.stdout.close()


def by_clients(port, made, todo):
    """Some moves by four clients at once; seconds for each."""
    failures = []
    threads = [
        threading.Thread(target=client, args=(port, made["token"], mine, failures))
        for mine in (todo[number::CLIENTS] for number in range(CLIENTS))
    ]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    took = time.perf_counter() - begun
    if failures:
        raise SystemExit(f"the server refused: {failures[0]!r}")
    return took / len(todo)


def http(server, made, broker, sent, *, wait):
    """`lims serve` with four clients, and two loops, slice by slice.

    Returns:
        Seconds for each act by slice of both sides, and processor seconds for each act of both.
    """
    times, acts, clients_s = ([], []), 0, 0.0
    with (
        loops.clone(server, made, wait=wait) as one,
        loops.clone(server, made, wait=wait) as other,
    ):
        hands = loops.Hands(2, bare=other)
        with serving(one, broker) as (port, web):

            def spent():
                ours = [web, *loops.backends(one)], [each.pid for each in hands.running]
                return loops.spent_s(ours[0]), loops.spent_s(ours[1] + loops.backends(other))

            pairs = zip(loops.sliced(loops.moves(made), 100), loops.sliced(sent, 100), strict=True)
            for number, (mine, base) in enumerate(pairs):
                begun = time.process_time()
                took = by_clients(port, made, mine), hands.run("bare", base)
                if number == 0:  # the first warms both up
                    before = spent()
                    continue
                acts += len(mine)
                clients_s += time.process_time() - begun
                for side, each in zip(times, took, strict=True):
                    side.append(each)
            ours, bare = (now - then for now, then in zip(spent(), before, strict=True))
        hands.close()
    return times, ((ours + clients_s) / acts, bare / acts)


def profile(server, made):
    """Where the time of the service goes."""
    watch = cProfile.Profile()
    with loops.clone(server, made) as address:
        opened = db.open_database(address)
        db.use(opened)
        with watch:
            for code, place in loops.moves(made):
                custody.move(made["actor"], code=code, to=place)
        loops.close(opened)
    pstats.Stats(watch).sort_stats("tottime").print_stats(45)
    pstats.Stats(watch).sort_stats("cumtime").print_stats(60)


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--moves", type=int, default=1000)
    read.add_argument("--profile", action="store_true")
    read.add_argument("--statements", action="store_true")
    asked = read.parse_args()
    with services_here.postgres(safe=True) as server, services_here.redis_server() as broker:
        made = loops.prepare(server, asked.moves)
        if asked.profile:
            profile(server, made)
            return
        sent = loops.record_service(server, made)
        if asked.statements:
            for text, _parameters, _many in sent[-1]:
                print(" ".join(text.split())[:160])
        answer = {}
        requests = loops.record_request(server, made)
        for wait, how in ((True, ""), (False, ", no wait for the disk")):
            name = "service" + how
            sides = loops.service_against_loop(server, made, sent, wait=wait)
            answer[name] = loops.say_sides(name, *sides, AIMS["service"])
            name = "http" + how
            times, processor = http(server, made, broker, requests, wait=wait)
            told = loops.say(name, *times, AIMS["http"])
            answer[name] = loops.say_processor(told, *processor)
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
