"""Random acts over HTTP with an outside journal, faults in between, and the reckoning afterwards.

Each driver is a process of its own. It writes into its own file what it is about to ask, has that
on disk, asks until it has a definite answer (always under the same key), and writes the answer.
"""

import http.client
import json
import multiprocessing
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select

from lims import custody, ledger, people
from lims.core import acts, db, vault
from lims.core.permissions import Role
from lims.custody import Item
from lims.ledger.models import LedgerEntry
from tests.custody import bench
from tests.faults.cluster import Installation
from tests.laboratory import OPERATOR, PASSWORD
from tests.services_here import until

REPEATED = 0.05  # acts that are sent once more at the end
PATIENCE_S = 120.0  # in which an act gets a definite answer, whatever happens meanwhile
KINDS = {  # by path's end, the entry that an act writes
    "moves": "custody.moved",
    "observations": "custody.observed",
    "holds": "custody.held",
    "lifting": "custody.hold-lifted",
    "handovers": "custody.offered",
    "acceptance": "custody.accepted",
}


@dataclass
class Plan:
    """What the drivers act on.

    Attributes:
        tokens, badges: by login.
    """

    port: int
    items: list[str]
    places: list[str]
    tokens: dict[str, str]
    badges: dict[str, str]


def prepare(items: int) -> Plan:
    """People with tokens, items of one donor, and places; in the database that is in use."""
    vault.use("k" * 40)
    (woman,) = bench.women(bench.open_study(), 1)
    who = bench.somebody()
    tokens, badges = {}, {}
    for login in ("tara", "timo", "quin"):
        roles = [Role.TECHNICIAN, Role.QC_OFFICER]
        people.add_user(OPERATOR, login=login, name=login, roles=roles, password=PASSWORD)
        tokens[login] = people.create_token(OPERATOR, login, 30)
        with db.reading() as session:
            badges[login] = str(people.badge_of(session, people.account_of(session, login).id))
    places = [
        custody.make_place(who, name=f"Place {each}", kind=kind, temperature_class="-80C",
                           one_item=kind == "slot").code
        for each, kind in enumerate(("box", "box", "box", "slot", "slot", "slot"))
    ]  # fmt: skip
    return Plan(
        0, [bench.thing(donor=woman, volume_ul=1000) for _each in range(items)], places, tokens,
        badges,
    )  # fmt: skip


# The drivers


class Driver:
    """One client: acts, journal, patience."""

    def __init__(self, plan: Plan, number: int, journal: Path, done: Any) -> None:
        self.plan, self.number, self.done = plan, number, done
        self.chance = Random(f"campaign/{number}")
        self.journal = journal.open("a", encoding="utf-8")
        self.connection: http.client.HTTPConnection | None = None

    def note(self, **line: Any) -> None:
        """A line of the journal, on disk before anything else happens."""
        self.journal.write(json.dumps(line) + "\n")
        self.journal.flush()
        os.fsync(self.journal.fileno())

    def run(self, count: int) -> None:
        """So many acts, and some of them once more."""
        asked = []
        for each in range(count):
            login, path, body = self._some_act()
            key = f"campaign/{self.number}/{each}"
            self.note(key=key, path=path, body=body)
            status, said = self._answer(login, key, path, body)
            self.note(key=key, status=status, said=said)
            asked.append((login, key, path, body))
            with self.done.get_lock():
                self.done.value += 1
        for login, key, path, body in self.chance.sample(asked, max(1, int(count * REPEATED))):
            status, said = self._answer(login, key, path, body)
            self.note(key=key, status=status, said=said, again=True)
        self.journal.close()

    def _some_act(self) -> tuple[str, str, dict[str, Any]]:
        code, login = (
            self.chance.choice(self.plan.items),
            self.chance.choice(list(self.plan.tokens)),
        )
        kind = self.chance.choices(list(KINDS), (40, 20, 10, 10, 10, 10))[0]
        path = f"/items/{code}/{'holds/lifting' if kind == 'lifting' else kind}"
        body: dict[str, Any] = {
            "moves": lambda: {"to": self.chance.choice(self.plan.places)},
            "observations": lambda: {"note": f"frost {self.chance.randint(1, 9)}"},
            "holds": lambda: {"reason": "to be looked at"},
            "lifting": lambda: {"reason": "looked at"},
            "handovers": lambda: {"to": self.plan.badges[self.chance.choice(["tara", "quin"])]},
            "acceptance": dict,
        }[kind]()
        return login, path, body

    def _answer(self, login: str, key: str, path: str, body: Any) -> tuple[int, str]:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                status, said = self._ask(login, key, path, body)
            except (OSError, http.client.HTTPException):
                self._hang_up()
                time.sleep(self.chance.uniform(0.02, 0.2))
                continue
            busy = status == 409 and json.loads(said).get("code") == "still_running"
            if not (busy or status in (500, 502, 503)):
                return status, said
            if status == 500:
                self.note(key=key, unexpected=said)
            time.sleep(self.chance.uniform(0.02, 0.1))
        raise TimeoutError(f"{key} got no answer in {PATIENCE_S} s")

    def _ask(self, login: str, key: str, path: str, body: Any) -> tuple[int, str]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.plan.port, timeout=15)
        self.connection.request(
            "POST",
            "/api/v1" + path,
            json.dumps(body),
            {
                "Authorization": f"Bearer {self.plan.tokens[login]}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def drive(plan: Plan, number: int, count: int, journal: str, done: Any) -> None:
    """In a process of its own."""
    Driver(plan, number, Path(journal), done).run(count)


# The faults


@dataclass
class Faults:
    """What was done to the installation.

    Attributes:
        restarts: how often a process ended by itself and was started again.
        longest_s: the longest that the web was away after a fault.
    """

    web_children: int = 0
    web: int = 0
    workers: int = 0
    databases: int = 0
    restarts: int = 0
    longest_s: float = 0.0

    @property
    def number(self) -> int:
        return self.web_children + self.web + self.workers + self.databases


Fault = Callable[[Installation, Faults, Random], None]


def kill_web_child(site: Installation, faults: Faults, chance: Random) -> None:
    """kill -9 of one web process; granian starts another, and may still be at it."""
    faults.web_children += until(lambda: site.web.kill_child(chance), 10)


def kill_web(site: Installation, faults: Faults, _chance: Random) -> None:
    """kill -9 of all web processes at once, and a start."""
    site.web.kill()
    faults.web += 1
    site.web.again()


def kill_worker(site: Installation, faults: Faults, _chance: Random) -> None:
    """kill -9 of the worker with its children, and a start."""
    site.worker.kill()
    faults.workers += 1
    site.worker.again()


def crash_database(site: Installation, faults: Faults, _chance: Random) -> None:
    """`pg_ctl -m immediate`, and a start."""
    site.cluster.crash()
    faults.databases += 1


def run(
    site: Installation, plan: Plan, folder: Path, *, drivers: int, acts_each: int,
    schedule: list[Fault], seed: int,
) -> tuple[list[Path], Faults]:  # fmt: skip
    """Let the drivers act; each fault of the schedule comes when its share of acts is done."""
    plan.port = site.port
    spawn = multiprocessing.get_context("spawn")
    done = spawn.Value("i", 0)
    journals = [folder / f"journal-{each}.jsonl" for each in range(drivers)]
    running = [
        spawn.Process(target=drive, args=(plan, each, acts_each, str(journals[each]), done))
        for each in range(drivers)
    ]
    for each in running:
        each.start()
    faults, chance, total = Faults(), Random(seed), drivers * acts_each
    for number, fault in enumerate(schedule, 1):
        due = total * number / (len(schedule) + 1)
        while done.value < due and any(each.is_alive() for each in running):
            site.supervise()
            time.sleep(0.02)
        began = time.monotonic()
        fault(site, faults, chance)
        site.wait()
        faults.longest_s = max(faults.longest_s, time.monotonic() - began)
    while any(each.is_alive() for each in running):
        site.supervise()
        time.sleep(0.05)
    for each in running:
        each.join()
        if each.exitcode != 0:
            raise AssertionError(f"a driver ended with {each.exitcode}")
    faults.restarts = site.restarts
    return journals, faults


# The reckoning


@dataclass
class Reckoning:
    """What the journal and the record say of each other.

    Attributes:
        answers: how many acts got which status.
    """

    acts: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    overdrawn: int = 0
    breaks: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        return (
            len(self.lost) + len(self.doubled) + len(self.strange) + len(self.differing)
            + self.overdrawn + len(self.breaks) + len(self.unexpected)
        )  # fmt: skip

    def told(self) -> dict[str, Any]:
        """The first of each, for whoever has to look."""
        return {name: each[:3] for name, each in vars(self).items() if isinstance(each, list)}


def reckon(journals: list[Path]) -> Reckoning:
    """Hold the journals against the record."""
    found = Reckoning()
    heard: dict[str, list[tuple[int, str]]] = defaultdict(list)
    asked: dict[str, str] = {}
    for journal in journals:
        for line in journal.read_text(encoding="utf-8").splitlines():
            noted = json.loads(line)
            if "path" in noted:
                asked[noted["key"]] = noted["path"]
            elif "unexpected" in noted:
                found.unexpected.append(f"{noted['key']}: {noted['unexpected']}")
            else:
                heard[noted["key"]].append((noted["status"], noted["said"]))
    with db.reading() as session:
        written: dict[str, list[str]] = defaultdict(list)
        for command, kind in session.execute(
            select(LedgerEntry.command, LedgerEntry.kind).where(
                LedgerEntry.command.like("campaign/%")
            )
        ):
            written[command].append(kind)
        kept = dict(
            session.execute(
                select(acts.Act.key, acts.Act.answer).where(acts.Act.key.like("campaign/%"))
            ).all()
        )
        found.overdrawn = session.scalar(
            select(func.count()).select_from(Item).where(Item.volume_ul < 0)
        )
        found.breaks = [
            f"{each.stream} {each.number}: {each.what}" for each in ledger.verify(session).breaks
        ]
    found.acts = len(asked)
    for key, path in asked.items():
        status, said = heard[key][0]
        found.answers[status] += 1
        entries = Counter(written.pop(key, []))
        wanted = KINDS[path.rpartition("/")[2]]
        if status == 200:
            if not entries[wanted] or key not in kept:
                found.lost.append(f"{key} {path}")
            if any(number > 1 for number in entries.values()):
                found.doubled.append(f"{key} {path} {dict(entries)}")
            # What was refused may be refused otherwise later; what was done is answered for ever.
            if len({answer for _status, answer in heard[key]}) > 1:
                found.differing.append(f"{key} {heard[key]}")
        elif not 400 <= status < 500 or (entries and all(one >= 400 for one, _ in heard[key])):
            found.strange.append(f"{key} {path} {status} {said} {dict(entries)}")
    found.strange += [f"{key} was never asked" for key in written]
    return found
