"""A move against the least work that could do it: `make bench`.

The baseline replays the very statements that a move sends, with their parameters, by a bare psycopg
loop with one commit for each move, on a clone of the same database. So it pays for the same rows,
indexes, triggers and bytes, and for nothing else. Rounds are interleaved, the medians compared.

1. `custody.move` through the service, one process, against one loop.
2. `POST /api/v1/items/{code}/moves` through `lims serve` (granian, two processes) with four clients
   and an idempotency key each, against two loops at once that replay what such a request sends.

`python tests/bench/bench_move.py --profile` says where the time of the service goes.
"""

import argparse
import cProfile
import json
import multiprocessing
import os
import pstats
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import event

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from lims import custody, migrations, people  # noqa: E402
from lims.core import db  # noqa: E402
from lims.core.permissions import Role  # noqa: E402
from lims.custody import ItemKind  # noqa: E402
from tests import services_here  # noqa: E402
from tests.makers import actor  # noqa: E402

LIMS = Path(sys.executable).parent / "lims"
AIMS = {"service": 0.50, "http": 0.30}
CLIENTS = 4


def prepare(server, count):
    """A database with items and places; the items' codes and the two places'."""
    name = "template_bench"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as root:
        root.execute(f"CREATE DATABASE {name}")
    opened = db.open_database(f"{server}/{name}")
    migrations.upgrade(opened)
    db.use(opened)
    technician = actor(Role.TECHNICIAN, name="technician")
    places = [
        custody.make_place(
            technician, name=each, kind="freezer", temperature_class="-80", one_item=False
        ).code
        for each in ("Freezer 1", "Freezer 2")
    ]
    items = []
    for _each in range(count):
        with db.transaction():
            made = custody.make(technician, ItemKind.KIT, study_id=None, step="bench")
            items.append(made.code)
    console = actor(Role.OPERATOR, name="operator")
    account = people.add_user(
        console, login="bench", name="Bench", roles=["technician"], password=uuid4().hex
    )
    token = people.create_token(console, "bench", 1)
    with psycopg.connect(f"{server}/{name}") as connection:
        connection.execute("ANALYZE")
    opened.engine.dispose()
    db.forget()
    return {
        "template": name,
        "items": items,
        "places": places,
        "actor": technician,
        "token": token,
        "person": account.person_id,
    }


def clone(server, made):
    """A fresh copy of the prepared database."""
    name = f"bench_{uuid4().hex[:10]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as root:
        root.execute(f"CREATE DATABASE {name} TEMPLATE {made['template']}")
        root.execute("CHECKPOINT")
    return f"{server}/{name}"


def drop(server, address):
    """Forget a copy."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as root:
        root.execute(f"DROP DATABASE {address.rpartition('/')[2]} WITH (FORCE)")


def moves(made):
    """Which item goes where, in order."""
    return [(code, made["places"][number % 2]) for number, code in enumerate(made["items"])]


def listen(engine):
    """Write down what the engine sends, one list of statements for each transaction."""
    sent, open_ = [], []

    @event.listens_for(engine, "before_cursor_execute")
    def statement(_connection, _cursor, text, parameters, _context, many):
        open_.append((text, parameters, many))

    @event.listens_for(engine, "commit")
    def ended(_connection):
        if any(each[0].lstrip()[:6].upper() in ("INSERT", "UPDATE") for each in open_):
            sent.append(list(open_))
        open_.clear()

    return sent


def record_service(server, made):
    """What `custody.move` sends."""
    address = clone(server, made)
    opened = db.open_database(address)
    db.use(opened)
    sent = listen(opened.engine)
    for code, place in moves(made):
        custody.move(made["actor"], code=code, to=place)
    opened.engine.dispose()
    db.forget()
    drop(server, address)
    assert len(sent) == len(made["items"])
    return sent


def record_request(server, made):
    """What a request of the API sends, in this process: what it reads to know her included."""
    from zoneinfo import ZoneInfo

    from lims.app import create_app
    from lims.settings import Settings

    address = clone(server, made)
    opened = db.open_database(address)
    settings = Settings(
        home=Path(tempfile.mkdtemp()),
        database_url=address,
        owner_database_url=None,
        broker_url=None,
        secret_key="s" * 40,
        site_file=None,
        time_zone=ZoneInfo("UTC"),
    )
    client = create_app(settings, opened).test_client()
    sent = listen(opened.engine)
    for code, place in moves(made):
        answer = client.post(
            f"/api/v1/items/{code}/moves",
            json={"to": place},
            headers={"Authorization": f"Bearer {made['token']}", "Idempotency-Key": uuid4().hex},
        )
        assert answer.status_code == 200, answer.text
    opened.engine.dispose()
    db.forget()
    drop(server, address)
    assert len(sent) == len(made["items"])
    return sent


def replay(address, sent, barrier=None, spent=None):
    """The bare loop; seconds."""
    with psycopg.connect(address, autocommit=False) as connection:
        cursor = connection.cursor()
        if barrier is not None:
            barrier.wait()
        begun = time.perf_counter()
        for act in sent:
            for text, parameters, many in act:
                if many:
                    cursor.executemany(text, parameters)
                else:
                    cursor.execute(text, parameters)
            connection.commit()
        took = time.perf_counter() - begun
    if spent is not None:
        spent.put(took)
    return took


def replay_twice(address, sent):
    """Two loops at once, each half of the acts; seconds until both are done."""
    context = multiprocessing.get_context("spawn")
    barrier, spent = context.Barrier(2), context.Queue()
    halves = [
        context.Process(target=replay, args=(address, sent[part::2], barrier, spent))
        for part in (0, 1)
    ]
    for each in halves:
        each.start()
    took = max(spent.get() for _each in halves)
    for each in halves:
        each.join()
    return took


def service(address, made, profile=None):
    """The service's loop; seconds."""
    opened = db.open_database(address)
    db.use(opened)
    with opened.reader() as warm:
        warm.connection()
    todo = moves(made)
    if profile:
        profile.enable()
    begun = time.perf_counter()
    for code, place in todo:
        custody.move(made["actor"], code=code, to=place)
    took = time.perf_counter() - begun
    if profile:
        profile.disable()
    opened.engine.dispose()
    db.forget()
    return took


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


def http(address, made, broker):
    """All moves by four clients against `lims serve`; seconds."""
    port = services_here.free_port()
    home = tempfile.mkdtemp()
    web = subprocess.Popen(
        [LIMS, "serve", "--port", str(port), "--json"],
        env={
            **os.environ,
            "LIMS_HOME": home,
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
        todo, failures = moves(made), []
        warm, todo = todo[:40], todo[40:]
        for part in (warm, todo):
            threads = [
                threading.Thread(target=client, args=(port, made["token"], mine, failures))
                for mine in (part[number::CLIENTS] for number in range(CLIENTS))
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
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(30)
        web.stdout.close()


def say(name, ours, bare):
    """One line of figures; a rate is moves per second."""
    ratio = statistics.median(base / mine for mine, base in zip(ours, bare, strict=True))
    print(
        f"{name}: {1 / statistics.median(ours):.0f} moves/s, bare {1 / statistics.median(bare):.0f}"
        f" moves/s, ratio {ratio:.2f} (aim {AIMS[name]:.2f}, {len(ours)} rounds)",
        flush=True,
    )
    return {"ratio": round(ratio, 3), "aim": AIMS[name]}


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--moves", type=int, default=300)
    read.add_argument("--rounds", type=int, default=5)
    read.add_argument("--profile", action="store_true")
    read.add_argument("--statements", action="store_true")
    asked = read.parse_args()
    with services_here.postgres(safe=True) as server, services_here.redis_server() as broker:
        made = prepare(server, asked.moves)
        count = asked.moves
        by_service = record_service(server, made)
        if asked.statements:
            for text, _parameters, _many in by_service[-1]:
                print(" ".join(text.split())[:160])
        if asked.profile:
            profile = cProfile.Profile()
            address = clone(server, made)
            service(address, made, profile)
            drop(server, address)
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
            pstats.Stats(profile).sort_stats("cumtime").print_stats(60)
            return
        ours, bare = [], []
        for _round in range(asked.rounds):
            for times, call in ((ours, service), (bare, replay)):
                address = clone(server, made)
                given = made if call is service else by_service
                times.append(call(address, given) / count)
                drop(server, address)
        answer = {"service": say("service", ours, bare)}
        by_request = record_request(server, made)
        ours, bare = [], []
        for _round in range(max(3, asked.rounds - 2)):
            address = clone(server, made)
            ours.append(http(address, made, broker))
            drop(server, address)
            address = clone(server, made)
            bare.append(replay_twice(address, by_request) / count)
            drop(server, address)
        answer["http"] = say("http", ours, bare)
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
