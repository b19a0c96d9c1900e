"""What the benches share: a prepared database, the statements of an act, and the bare loop.

The baseline replays the very statements that an act sends, with their parameters, by a bare psycopg
loop with one commit for each act, on a clone of the same database. So it pays for the same rows,
indexes, triggers and bytes, and for nothing else. Both sides run in short slices that follow each
other, so that whatever else the machine does meets both alike; what is compared is the median of
the slices, and beside it the processor time of both ends, which no other process can lengthen much.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import event, text

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from lims import custody, ledger, migrations, people  # noqa: E402
from lims.core import db  # noqa: E402
from lims.core.permissions import Role  # noqa: E402
from lims.custody import ItemKind  # noqa: E402
from lims.ledger import keys  # noqa: E402
from tests.makers import actor  # noqa: E402

SLICE = 25


def root(server, *statements):
    """Statements for the server as a whole."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for each in statements:
            connection.execute(each)


def upgraded(server, name):
    """A new database of the newest form, opened."""
    root(server, f"CREATE DATABASE {name}")
    opened = db.open_database(f"{server}/{name}")
    migrations.upgrade(opened)
    return opened


def places(technician):
    """Two places to move things between."""
    return [
        custody.make_place(
            technician, name=each, kind="freezer", temperature_class="-80C", one_item=False
        ).code
        for each in ("Freezer 1", "Freezer 2")
    ]


def prepare(server, count):
    """A database with items and places; the items' codes and the two places'."""
    name = "template_bench"
    opened = upgraded(server, name)
    db.use(opened)
    technician = actor(Role.TECHNICIAN, name="technician")
    there = places(technician)
    items = []
    for _each in range(count):
        with db.transaction():
            made = custody.make(technician, ItemKind.KIT, study_id=None, step="bench")
            items.append(made.code)
    console = actor(Role.OPERATOR, name="operator")
    password = uuid4().hex
    people.add_user(console, login="bench", name="Bench", roles=["technician"], password=password)
    token = people.create_token(console, "bench", 1)
    close(opened)
    with psycopg.connect(f"{server}/{name}") as connection:
        connection.execute("ANALYZE")
    return {
        "template": name,
        "items": items,
        "places": there,
        "actor": technician,
        "token": token,
        "password": password,
    }


@contextmanager
def clone(server, made, *, wait=True):
    """The address of a fresh copy of the prepared database, for a while.

    Args:
        wait: whether a commit waits for the disk, as a real one does.
    """
    name = f"bench_{uuid4().hex[:10]}"
    root(
        server,
        f"CREATE DATABASE {name} TEMPLATE {made['template']}",
        f"ALTER DATABASE {name} SET synchronous_commit = {'on' if wait else 'off'}",
        "CHECKPOINT",
    )
    try:
        yield f"{server}/{name}"
    finally:
        root(server, f"DROP DATABASE {name} WITH (FORCE)")


def close(opened):
    """Let go of a database."""
    opened.engine.dispose()
    db.forget()


def seal(address):
    """Seal all that waits there, with a key of its own."""
    db.use(db.open_database(address))
    with tempfile.TemporaryDirectory() as folder:
        keys.use(keys.KeyPlace(Path(folder) / "seal.key", own=True))
        done = ledger.seal()
    keys.use(keys.KeyPlace(None, own=False))
    close(db.current())
    return done


def moves(made):
    """Which item goes where, in order."""
    return [(code, made["places"][number % 2]) for number, code in enumerate(made["items"])]


def listen(engine, *, readings=False):
    """Write down what the engine sends, one list of statements for each transaction.

    Args:
        readings: keep transactions that only read as well.
    """
    sent, open_ = [], []

    @event.listens_for(engine, "before_cursor_execute")
    def statement(_connection, _cursor, sent_text, parameters, _context, many):
        open_.append((sent_text, parameters, many))

    @event.listens_for(engine, "commit")
    def ended(_connection):
        if any(each[0].lstrip()[:6].upper() in ("INSERT", "UPDATE") for each in open_):
            sent.append(list(open_))
        open_.clear()

    @event.listens_for(engine, "rollback")
    def read(_connection):
        if readings and open_:
            sent.append(list(open_))
        open_.clear()

    return sent


def record_service(server, made):
    """What `custody.move` sends."""
    with clone(server, made, wait=False) as address:
        opened = db.open_database(address)
        db.use(opened)
        sent = listen(opened.engine)
        for code, place in moves(made):
            custody.move(made["actor"], code=code, to=place)
        close(opened)
    assert len(sent) == len(made["items"])
    return sent


def record_request(server, made):
    """What a request of the API sends, in this process: what it reads to know her included."""
    from lims.app import create_app
    from lims.settings import Settings

    with clone(server, made, wait=False) as address:
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
                headers={
                    "Authorization": f"Bearer {made['token']}",
                    "Idempotency-Key": uuid4().hex,
                },
            )
            assert answer.status_code == 200, answer.text
        close(opened)
    assert len(sent) == len(made["items"])
    return sent


def replay(connection, sent):
    """The bare loop over some acts."""
    cursor = connection.cursor()
    for act in sent:
        for statement, parameters, many in act:
            if many:
                cursor.executemany(statement, parameters)
            else:
                cursor.execute(statement, parameters)
        connection.commit()


def ran_s(pid):
    """Seconds that a process has had a processor, to the nanosecond; None where it is not told."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return None


def backend(opened):
    """The server's process that works for an opened database."""
    with opened.engine.connect() as line:
        return line.scalar(text("SELECT pg_backend_pid()"))


def both_ends_s(pid):
    """Seconds that this process and one other have had a processor."""
    return time.process_time() + (ran_s(pid) or 0)


def spent_s(pids):
    """Processor seconds of processes and all that they started, their threads included."""
    ticks, todo = 0, list(pids)
    while todo:
        at = Path(f"/proc/{todo.pop()}")
        fields = (at / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for each in (at / "task").glob("*/children"):
            todo += each.read_text().split()
    return ticks / os.sysconf("SC_CLK_TCK")


def backends(address):
    """The server's processes that work for a database."""
    with psycopg.connect(address) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found]


@dataclass
class Side:
    """One side of a comparison: seconds for each act by slice, and processor seconds in all."""

    call: object
    backends: list = field(default_factory=list)
    slices: list = field(default_factory=list)
    cpu_s: float = 0.0
    acts: int = 0

    def run(self, part, *, count=True):
        """One slice; the slices before `count` only warm up."""
        before, begun = self._cpu(), time.perf_counter()
        self.call(part)
        took = time.perf_counter() - begun
        if count:
            self.slices.append(took / len(part))
            self.cpu_s += self._cpu() - before
            self.acts += len(part)

    def _cpu(self):
        return time.process_time() + sum(ran_s(pid) or 0 for pid in self.backends)


def alternate(ours, bare, pairs, *, warm=2):
    """Run both sides over their slices, one after the other."""
    for number, (mine, base) in enumerate(pairs):
        ours.run(mine, count=number >= warm)
        bare.run(base, count=number >= warm)


def sliced(acts, size=SLICE):
    """Acts in slices of one length; what is left over is left out."""
    return [acts[at : at + size] for at in range(0, len(acts) - size + 1, size)]


def service_against_loop(server, made, sent, *, wait):
    """`custody.move` and the bare loop, slice by slice; both sides."""
    with clone(server, made, wait=wait) as one, clone(server, made, wait=wait) as other:
        opened = db.open_database(one)
        db.use(opened)
        ours_pid = backend(opened)

        def serve(part):
            for code, place in part:
                custody.move(made["actor"], code=code, to=place)

        with psycopg.connect(other) as connection:
            ours = Side(serve, [ours_pid])
            bare = Side(lambda part: replay(connection, part), [connection.info.backend_pid])
            alternate(ours, bare, zip(sliced(moves(made)), sliced(sent), strict=True))
        close(opened)
    return ours, bare


def ratio(ours, bare):
    """How fast ours is beside the bare one: the median over the slices."""
    return statistics.median(base / mine for mine, base in zip(ours, bare, strict=True))


def say(name, ours, bare, aim):
    """One line of figures; a rate is acts per second, `ours` and `bare` are seconds for each."""
    found = ratio(ours, bare)
    print(
        f"{name}: {1 / statistics.median(ours):.0f} acts/s, bare {1 / statistics.median(bare):.0f}"
        f" acts/s, ratio {found:.2f} (aim {aim:.2f}, {len(ours)} slices)",
        flush=True,
    )
    return {"ratio": round(found, 3), "aim": aim}


def say_sides(name, ours, bare, aim):
    """The same of two sides, and their processor time for each act."""
    told = say(name, ours.slices, bare.slices, aim)
    return say_processor(told, ours.cpu_s / ours.acts, bare.cpu_s / bare.acts)


def say_processor(told, ours, bare):
    """The same by processor seconds for each act: what a machine with nothing else to do shows."""
    mine, base = ours * 1e3, bare * 1e3
    print(f"  processor time at both ends: {mine:.2f} ms, bare {base:.2f} ms, {base / mine:.2f}")
    return {**told, "cpu_ratio": round(base / mine, 3)}


def say_growth(taken, what, at_most, *, of):
    """What one act costs in the large database beside the small one.

    Args:
        taken: by size and act, seconds by the clock and of both ends' processor.
        of: what the size counts.
    """
    small, large = sorted({size for size, _what in taken})
    clock, processor = (
        {size: statistics.median(each[which] for each in taken[size, what]) * 1e3 for size in
         (small, large)}
        for which in (0, 1)
    )  # fmt: skip
    found = clock[large] / clock[small]
    print(
        f"{what}: {clock[large]:.2f} ms at {large} {of}, {clock[small]:.2f} ms at {small},"
        f" {found:.2f} times (aim at most {at_most:.2f}, {len(taken[large, what])} each)\n"
        f"  processor time at both ends: {processor[large]:.2f} ms, {processor[small]:.2f} ms,"
        f" {processor[large] / processor[small]:.2f} times",
        flush=True,
    )
    return {
        "times": round(found, 3),
        "cpu_times": round(processor[large] / processor[small], 3),
        "at_most": at_most,
    }


class Hands:
    """Processes that work at once: each acts through the service, or replays statements.

    Args:
        many: how many.
        service: the address they open as Exotrace does; None where they only replay.
        bare: the address on which they replay.
        who: the actor of their moves.
    """

    def __init__(self, many, *, service=None, bare=None, who=None):
        context = multiprocessing.get_context("spawn")
        self.lines, self.running = [], []
        for _each in range(many):
            mine, theirs = context.Pipe()
            process = context.Process(target=_hand, args=(theirs, service, bare, who))
            process.start()
            self.lines.append(mine)
            self.running.append(process)

    def run(self, how, part):
        """Do the acts of a slice, each hand its share; seconds for each act.

        Args:
            how: `service` with code and place of each move, or `bare` with its statements.
        """
        for number, line in enumerate(self.lines):
            line.send((how, part[number :: len(self.lines)]))
        for line in self.lines:
            line.recv()  # it has its share
        begun = time.perf_counter()
        for line in self.lines:
            line.send("go")
        told = [line.recv() for line in self.lines]
        took = time.perf_counter() - begun
        failed = [each for each in told if each]
        if failed:
            raise RuntimeError(failed[0])
        return took / len(part)

    def close(self):
        """Send them home."""
        for line in self.lines:
            line.send(None)
        for each in self.running:
            each.join()


def _hand(line, service, bare, who):
    if service:
        db.use(db.open_database(service))
    with psycopg.connect(bare) as connection:
        while (task := line.recv()) is not None:
            how, part = task
            line.send("ready")
            line.recv()
            try:
                if how == "service":
                    for code, place in part:
                        custody.move(who, code=code, to=place)
                else:
                    replay(connection, part)
                line.send("")
            except Exception as failure:
                line.send(f"{type(failure).__name__}: {failure}")
    if service:
        close(db.current())
